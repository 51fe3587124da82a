#!/usr/bin/env python3
"""SIGKILL at named points: every CHROMA_TEST_POINT of the sources, one after the other.

usage: point_test.py BINARY --sources DIR [--rounds N] [--only NAME] [--seed N]

BINARY is built with the points. For each name a server is started that kills itself when it passes
the point for the n-th time (n is 1 in the first round, then random), clients write to it until it
is dead, and a server without the order must find everything. A point that the workload does not
reach fails the test.
"""
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from common import BUSY, check_space_comes_back, main
from server import DidNotStart, Failed, Server
from workload import History

POINT = re.compile(r'CHROMA_TEST_POINT\("([a-z_.]+)"\)')
REACH_SECONDS = 120
AFTER_SECONDS = 120
BULK_BATCH = 350  # payloads over 256 KB, which the log writes in two parts

# Points that a server passes only while it makes a directory …
FRESH = {"service.format_created", "service.format_synced", "service.format_named",
         "log.first_state_written", "log.first_state_named", "catalog.journal_removed",
         "catalog.prepared", "catalog.file_synced"}
# … while it stops in order …
STOPPING = {"log.closed"}
# … when it starts after a crash at another point.
AFTER = {"log.tail_cut": "log.part_written", "store.unfinished_removed": "store.blob_written",
         "sweeper.orphan_deleted": "compactor.manifest_written"}
# Passed once by each start, or by the largest writes only.
ONCE = {"log.directory_made", "service.directory_made", "service.directory_locked",
        "service.log_recovered", "compactor.directory_swept", "log.part_written"}
# Passed so often that a late pass is as good as an early one; the others are passed a few times.
PASSES_MAX = {"log": 40, "engine": 40, "gateway": 200, "catalog": 30}
RARE = {"log.file_created", "log.file_header_synced", "log.file_name_synced", "log.file_begun",
        "log.files_forgotten", "log.file_removed",
        "log.state_written", "log.state_synced", "engine.collection_dropped",
        "engine.log_forgotten", "catalog.file_truncated", "catalog.file_synced",
        "catalog.page_written"}


def points_of(sources):
    names = set()
    for path in pathlib.Path(sources).rglob("*.cc"):
        if not path.name.endswith("_test.cc"):
            names.update(POINT.findall(path.read_text()))
    return sorted(names)


class Points:
    def __init__(self, options, temporary):
        self.options, self.temporary = options, temporary
        self.history, self.directory = None, None
        self.fresh()

    def fresh(self):
        """A directory that does not exist yet, and no history."""
        number = int(self.directory.name[2:]) + 1 if self.directory else 0
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)
        self.directory = self.temporary / f"db{number}"
        seed = self.options.seed + number
        self.history = History(clients=4, collections=3, ids=BULK_BATCH, seed=seed)

    def start(self, order=None):
        environment = {"CHROMA_KILL_AT": order} if order else None
        return Server(self.options.binary, self.directory, settings=BUSY, environment=environment,
                      log_path=self.temporary / "log", wait=False)

    def die_at(self, name, passes):
        """Runs a server under load until it has killed itself."""
        server = self.start(f"{name}:{passes}")
        try:
            server.port = server.wait_for_port()
        except DidNotStart as error:
            if error.code != -signal.SIGKILL:
                raise
            return
        if name in AFTER:
            # The directory is swept while the server serves already.
            try:
                code = server.process.wait(AFTER_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                code = None
            if code != -signal.SIGKILL:
                raise Failed(f"was not passed by the start after a crash at {AFTER[name]}")
            return
        self.history.begin(server.port, BULK_BATCH if passes % 2 else 30)
        if name in STOPPING:
            time.sleep(0.2)
            server.process.terminate()
        deadline = time.monotonic() + REACH_SECONDS
        while server.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.003)
        reached = server.process.poll() == -signal.SIGKILL
        if server.process.poll() is None:
            server.kill()
        self.history.end()
        if not reached:
            raise Failed(f"was not passed {passes} times in {REACH_SECONDS} s of load; server: "
                         f"{server.process.returncode}; its log ends: {server.log()[-500:]}")

    def check(self):
        server = self.start()
        server.port = server.wait_for_port()
        try:
            self.history.check(server)
        finally:
            server.kill()

    def passes(self, name, number):
        if number == 0 or name in FRESH | STOPPING | ONCE or name in AFTER:
            return 1
        limit = 4 if name in RARE else PASSES_MAX.get(name.split(".")[0], 6)
        return self.history.random.randint(1, limit)

    def run_one(self, name, number):
        if name in FRESH:
            self.fresh()
        passes = self.passes(name, number)
        try:
            if name in AFTER:
                self.die_at(AFTER[name], 1)
            self.die_at(name, passes)
            self.check()
            self.check()  # what the first start mended stays so
        except (Failed, DidNotStart) as error:
            raise Failed(f"{name}:{passes}: {error}") from error

    def finish(self):
        server = self.start()
        server.port = server.wait_for_port()
        self.history.forget_all(server.client())
        check_space_comes_back(self.directory)
        server.stop()


def run(options, temporary):
    names = points_of(options.sources)
    if len(names) < 20:
        raise Failed(f"only {len(names)} points in {options.sources}")
    if options.only:
        names = [n for n in names if n == options.only]
    points = Points(options, temporary)
    began = time.monotonic()
    acknowledged = unanswered = 0
    for number in range(options.rounds):
        points.history.random.shuffle(names)
        for name in names:
            before = points.history
            points.run_one(name, number)
            if points.history is not before:
                acknowledged += before.acknowledged
                unanswered += before.unanswered
    points.finish()
    acknowledged += points.history.acknowledged
    unanswered += points.history.unanswered
    print(f"{len(names)} points, {options.rounds} kills at each: {acknowledged} acknowledged requests, 0 "
          f"lost; {unanswered} unanswered ones, 0 torn; {time.monotonic() - began:.0f} s")


def add_options(parser):
    parser.add_argument("--sources", required=True)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only")


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
