#!/usr/bin/env python3
"""Power cuts: everything that was not synced is lost, again and again, under load.

usage: power_test.py BINARY [--cuts N] [--points-from DIR] [--seed N]

The data directory lies on an ext4 image of its own (see disks.py). At a cut the server is killed,
the image is copied as the device has it, and a server on the copy must have every acknowledged
request. The copy is what the next cut begins with. Half of the kills are at random times, the
others at named points of the sources (with --points-from). Then the same is done with a bug
planted, a log that does not sync: that must be noticed, or the test itself is blind.

Needs the right to mount (root); without it the test says so and is skipped.
"""
import signal
import sys
import time

from common import BUSY, main
from disks import PowerDisk, can_loop_mount
from point_test import points_of
from server import DidNotStart, Failed, Server
from workload import History

SKIPPED = 77
BLIND_CUTS = 10  # a log that does not sync is noticed within so many cuts

# How soon the kernel writes back by itself, and in which order, differs.
VARIANTS = [("data=ordered,commit=60", ()), ("data=writeback,nobarrier,commit=60", ()),
            ("data=journal,commit=60", ()), ("data=ordered,nodelalloc,commit=60", ("-b", "1024"))]


class Power:
    def __init__(self, options, directory, variant, planted=None):
        mount, mkfs = VARIANTS[variant]
        self.binary = options.binary
        self.environment = {"CHROMA_PLANT_BUG": planted} if planted else {}
        self.disk = PowerDisk(directory, f"v{variant}{'-planted' if planted else ''}", mkfs, mount)
        self.history = History(clients=4, collections=3, ids=200, seed=options.seed + variant)
        self.points = points_of(options.points_from) if options.points_from else []
        self.log_path = directory / "log"

    def start(self, order=None):
        more = {"CHROMA_KILL_AT": order} if order else {}
        return Server(self.binary, self.disk.point / "db", settings=BUSY, log_path=self.log_path,
                      environment={**self.environment, **more}, wait=False)

    def load(self):
        """A server under load until it is dead."""
        rng = self.history.random
        order = f"{rng.choice(self.points)}:{rng.randint(1, 5)}" \
            if self.points and rng.random() < 0.5 else None
        server = self.start(order)
        try:
            server.port = server.wait_for_port()
        except DidNotStart as error:
            if not order or error.code != -signal.SIGKILL:
                raise
            return
        self.history.begin(server.port, batch_max=150 if rng.random() < 0.3 else 20)
        deadline = time.monotonic() + rng.uniform(0.05, 0.4)
        while server.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        server.kill()
        self.history.end()

    def cut(self):
        self.load()
        self.disk.cut()
        server = self.start()
        server.port = server.wait_for_port()
        try:
            self.history.check(server)
        finally:
            server.kill()


def run_variant(options, directory, variant, cuts):
    power = Power(options, directory, variant)
    try:
        for number in range(cuts):
            try:
                power.cut()
            except (Failed, DidNotStart) as error:
                raise Failed(f"{VARIANTS[variant][0]}, cut {number}: {error}") from error
        power.disk.check()
    finally:
        power.disk.close()
    return power.history


def cuts_until_noticed(options, directory):
    """With a planted bug; the cuts that it took."""
    power = Power(options, directory, 0, planted="log.skip_sync")
    try:
        for number in range(BLIND_CUTS):
            try:
                power.cut()
            except (Failed, DidNotStart) as error:
                return number + 1, str(error)
    finally:
        power.disk.close()
    raise Failed(f"a log that does not sync was not noticed in {BLIND_CUTS} cuts")


def run(options, directory):
    if not can_loop_mount(directory):
        print("SKIPPED: this user may not mount a loop device, so no power can be cut")
        sys.exit(SKIPPED)
    began = time.monotonic()
    cuts = acknowledged = unanswered = 0
    for variant in range(len(VARIANTS)):
        share = options.cuts // len(VARIANTS) + (variant < options.cuts % len(VARIANTS))
        history = run_variant(options, directory, variant, share)
        cuts += share
        acknowledged += history.acknowledged
        unanswered += history.unanswered
        print(f"{VARIANTS[variant][0]}: {share} cuts, {history.acknowledged} acknowledged requests "
              f"kept, {time.monotonic() - began:.0f} s", flush=True)
    if acknowledged < cuts * 5:
        raise Failed(f"only {acknowledged} acknowledged requests: this tested nothing")
    number, error = cuts_until_noticed(options, directory)
    print(f"{cuts} cuts: {acknowledged} acknowledged requests, 0 lost; {unanswered} unanswered "
          f"ones, 0 torn; a log that does not sync is noticed at cut {number}: {error[:160]}")


def add_options(parser):
    parser.add_argument("--cuts", type=int, default=24)
    parser.add_argument("--points-from")


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
