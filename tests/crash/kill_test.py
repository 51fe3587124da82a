#!/usr/bin/env python3
"""SIGKILL at random times, again and again, over one data directory that several clients write to.

usage: kill_test.py BINARY [--kills N] [--clients N] [--seed N]

After each kill the server starts again, and everything that was acknowledged must be there; a
request without an answer must be there whole or not at all. Some kills hit the server while it
starts, and some stops are orderly.
"""
import sys
import time

from common import BUSY, check_space_comes_back, main
from server import DidNotStart, Failed, Server
from workload import History


def start_and_kill(binary, directory, rng):
    """Kills a server that is starting."""
    server = Server(binary, directory, settings=BUSY, wait=False)
    time.sleep(rng.uniform(0, 0.04))
    server.kill()


def run(options, temporary):
    directory = temporary / "db"
    history = History(clients=options.clients, seed=options.seed)
    rng = history.random
    server = Server(options.binary, directory, settings=BUSY)
    began = time.monotonic()
    starting_kills = stops = 0
    restart_ms = []
    for kill in range(options.kills):
        bulk = rng.random() < 0.3
        history.begin(server.port, batch_max=200 if bulk else 20)
        time.sleep(rng.uniform(0.05, 0.5))
        if rng.random() < 0.05:
            stops += 1
            server.stop()
        else:
            server.kill()
        try:
            history.end()
            if rng.random() < 0.1:
                starting_kills += 1
                start_and_kill(options.binary, directory, rng)
            started = time.monotonic()
            server = Server(options.binary, directory, settings=BUSY)
            restart_ms.append((time.monotonic() - started) * 1000)
            history.check(server)
        except (Failed, DidNotStart) as error:
            raise Failed(f"after kill {kill}: {error}") from error
        if kill % 100 == 99:
            print(f"{kill + 1} kills, {history.acknowledged} acknowledged, "
                  f"{history.unanswered} unanswered, {time.monotonic() - began:.0f} s", flush=True)
    history.forget_all(server.client())
    check_space_comes_back(directory)
    server.stop()
    if history.acknowledged < options.kills * 5 or history.unanswered < options.kills / 2:
        raise Failed(f"{history.acknowledged} acknowledged and {history.unanswered} unanswered "
                     "requests: this tested nothing")
    restart_ms.sort()
    print(f"{options.kills} rounds ({stops} of them orderly stops) and {starting_kills} kills of "
          f"starting servers: {history.acknowledged} acknowledged requests, 0 lost; "
          f"{history.unanswered} unanswered ones, 0 torn; restart {restart_ms[len(restart_ms) // 2]:.0f} "
          f"ms (median), {restart_ms[-1]:.0f} ms at most; {time.monotonic() - began:.0f} s")


def add_options(parser):
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--clients", type=int, default=4)


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
