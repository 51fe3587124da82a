#!/usr/bin/env python3
"""Thousands of open connections: cheap while they are idle, and served while others are.

usage: connections_test.py BINARY [--connections N] [--limit-mb M] [--seed N]
"""
import sys
import time

from measure import MEGABYTE, Connection, memory, open_files, raise_open_files, seconds_until_idle

from common import main
from server import Failed, Server

SPARE_FILES = 200
SAMPLE = 500


def run(options, temporary):
    count = min(options.connections, raise_open_files() - SPARE_FILES)
    with Server(options.binary, temporary / "db") as server:
        pid = server.process.pid
        before = memory(pid)[0]
        began = time.monotonic()
        request = Connection.request("GET", "/api/v2/heartbeat")
        connections = []
        for number in range(count):
            connection = Connection(server.port)
            if number % 2:  # half of them have been used
                status = connection.call(request)[0]
                if status != 200:
                    raise Failed(f"connection {number}: {status}")
            connections.append(connection)
        opened_seconds = time.monotonic() - began
        if open_files(pid) < count:
            raise Failed(f"the server has only {open_files(pid)} files open")
        idle_after = seconds_until_idle(pid)
        if idle_after is None:
            raise Failed("a server whose connections are all idle does not rest")
        used = memory(pid)[0] - before
        # Those that are idle longest work as the newest do.
        path = server.client().create("things")
        add = Connection.request("POST", f"{path}/upsert", {"ids": ["a"], "embeddings": [[1, 2]]})
        latencies = []
        for connection in connections[:SAMPLE] + connections[-SAMPLE:]:
            began = time.monotonic()
            status = connection.call(request)[0]
            latencies.append(time.monotonic() - began)
            if status != 200 or connection.call(add)[0] != 200:
                raise Failed("an idle connection is not served")
        latencies.sort()
        print(f"{count} connections in {opened_seconds:.1f} s: {used / count / 1024:.1f} KB each, "
              f"idle after {idle_after:.1f} s; heartbeat on one of them "
              f"{latencies[len(latencies) // 2] * 1e6:.0f} µs (median), "
              f"{latencies[-1] * 1e3:.1f} ms at most", flush=True)
        if used > options.limit_mb * MEGABYTE:
            raise Failed(f"they take {used // MEGABYTE} MB, more than {options.limit_mb}")
        for connection in connections:
            connection.close()
        server.stop()


def add_options(parser):
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--limit-mb", type=int, default=100)


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
