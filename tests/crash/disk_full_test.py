#!/usr/bin/env python3
"""A full disk: writes are refused with 507 and not applied, reads go on, and writes too as soon as
there is room again; whatever the server was doing when the disk became full.

usage: disk_full_test.py BINARY [--rounds N] [--seed N]

The data directory is a small tmpfs, and then a small ext4 image where that can be mounted. Another
file on it grows until little or nothing is free while clients write, compactions run and
collections come and go; some servers are killed and started again on the full disk. An
unprivileged user's test becomes root in a user namespace of its own.
"""
import os
import subprocess
import sys
import time

from common import BUSY, main
from disks import PowerDisk, Tmpfs, can_loop_mount
from server import DidNotStart, Failed, Server
from workload import History

INNER = "CHROMA_TEST_IN_NAMESPACE"
MEGABYTES = 64
# The log keeps 4 MB free for the rest of the directory.
FREE_BYTES = [0, 0, 4096, 40_000, 300_000, 2_000_000, 4_100_000, 4_400_000, 6_000_000]
RECOVER_SECONDS = 5


class Ballast:
    """A file that leaves as little free as it is told."""

    def __init__(self, directory):
        self.path = directory / "ballast"

    def leave(self, free_bytes):
        with open(self.path, "ab") as file:
            while True:
                stat = os.statvfs(self.path.parent)
                size = stat.f_bavail * stat.f_frsize - free_bytes
                if size <= 0:
                    return
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), min(size, 1 << 20))
                except OSError:
                    if size < stat.f_frsize * 16:
                        return  # what is left is for the file system itself

    def remove(self):
        self.path.unlink(missing_ok=True)


def probe(client, path, name):
    """Writes one record under a name of the test's own: 201 or 507, and says why it refuses."""
    status, answer = client.send("POST", f"{path}/add",
                                 {"ids": [name], "embeddings": [[1.0, 2.0, 3.0]]})
    if status == 507 and (answer["error"] != "ChromaError" or "space" not in answer["message"]):
        raise Failed(f"the refusal does not say that space is missing: {answer}")
    if status not in (201, 507):
        raise Failed(f"a full disk answers {status}: {answer}")
    return status


class Round:
    def __init__(self, options, disk, history):
        self.disk, self.history = disk, history
        self.binary = options.binary
        self.ballast = Ballast(disk.point)
        self.log_path = disk.point.parent / "log"
        self.probed = None  # the path of a collection that only the test itself writes to

    def start(self):
        return Server(self.binary, self.disk.point / "db", settings=BUSY, log_path=self.log_path)

    def run(self, server, number):
        """The server that runs afterwards."""
        rng, history = self.history.random, self.history
        free_bytes = rng.choice(FREE_BYTES)
        history.refusals = (507, 429)
        history.begin(server.port, batch_max=rng.choice([20, 150]))
        time.sleep(rng.uniform(0.05, 0.2))
        self.ballast.leave(free_bytes)
        time.sleep(rng.uniform(0.1, 0.4))
        killed = rng.random() < 0.5
        if killed:
            server.kill()
        history.end(stop=True)
        if killed:
            self.ballast.leave(free_bytes)  # what died with the server may have left room
            server = self.start()
        history.check(server)
        client = server.client()
        began = time.monotonic()
        refused = probe(client, self.probed, f"full-{number}") == 507
        if time.monotonic() - began > 2:
            raise Failed("a refusal took more than two seconds")
        self.ballast.remove()
        self.wait_for_writes(client)
        history.check(server)
        return server, refused

    def wait_for_writes(self, client):
        """By themselves, soon."""
        deadline = time.monotonic() + RECOVER_SECONDS
        while probe(client, self.probed, "again") == 507:
            if time.monotonic() > deadline:
                raise Failed(f"writes are still refused {RECOVER_SECONDS} s after there is room")
            time.sleep(0.02)


def run_on(options, disk, what, rounds):
    history = History(clients=4, collections=3, ids=200, seed=options.seed)
    one = Round(options, disk, history)
    server = one.start()
    one.probed = server.client().create("probe")
    refused = 0
    for number in range(rounds):
        try:
            server, did_refuse = one.run(server, number)
        except (Failed, DidNotStart) as error:
            raise Failed(f"{what}, round {number}: {error}") from error
        refused += did_refuse
    server.stop()
    if rounds >= 10 and (not refused or not history.refused):
        raise Failed(f"{what}: nothing was refused; the disk was never full")
    print(f"{what}: full {rounds} times, {history.acknowledged} acknowledged requests kept, "
          f"{history.refused} refused ones not applied, {history.unanswered} unanswered ones whole "
          "or absent", flush=True)


def run(options, directory):
    if os.geteuid() != 0 and INNER not in os.environ:
        again = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, *sys.argv]
        sys.exit(subprocess.run(again, env={**os.environ, INNER: "1"}, check=False).returncode)
    disk = Tmpfs(directory / "tmpfs", f"{MEGABYTES}m")
    try:
        run_on(options, disk, "tmpfs", options.rounds)
    finally:
        disk.close()
    if not can_loop_mount(directory):
        print("no ext4 image: this user may not mount loop devices")
        return
    disk = PowerDisk(directory, "full", mkfs=("-m", "0"), options="", megabytes=MEGABYTES)
    try:
        run_on(options, disk, "ext4", options.rounds)
    finally:
        disk.close()


def add_options(parser):
    parser.add_argument("--rounds", type=int, default=16)


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
