#!/usr/bin/env python3
"""Thousands of collections: a start that does not look at each, and memory that does not grow
with all that were ever read.

usage: collections_test.py BINARY [--collections N] [--records N] [--start-seconds S]
                                  [--limit-mb M] [--seed N]
"""
import sys
import threading
import time

from measure import MEGABYTE, Connection, memory, open_files

from common import main
from server import Client, Failed, Server

THREADS = 16
DIMENSION = 64
STARTS = 3  # the best counts: the machine may be busy with something else


def in_threads(port, count, step):
    """step(client, n) for every n below count."""
    errors = []

    def work(index):
        try:
            client = Client(port)
            for n in range(index, count, THREADS):
                step(client, n)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise Failed(f"{len(errors)} clients failed: {errors[:3]}")


def fill(options, directory):
    """The paths of the collections."""
    paths = [None] * options.collections
    vectors = [[float(n + d) for d in range(DIMENSION)] for n in range(options.records)]
    body = {"ids": [f"r{n}" for n in range(options.records)], "embeddings": vectors,
            "documents": [f"document {n}" for n in range(options.records)]}

    def make(client, n):
        paths[n] = client.create(f"collection-{n}")
        client.post(f"{paths[n]}/add", body, 201)

    with Server(options.binary, directory) as server:
        began = time.monotonic()
        in_threads(server.port, options.collections, make)
        print(f"{options.collections} collections of {options.records} records made in "
              f"{time.monotonic() - began:.1f} s; memory {memory(server.process.pid)[0] // MEGABYTE} "
              "MB", flush=True)
        # Half of them are compacted when it stops, the others are in the log.
        deadline = time.monotonic() + options.compact_seconds
        client = server.client()
        while time.monotonic() < deadline:
            left = client.send("GET", f"{paths[options.collections // 2]}/indexing_status")[1]
            if not left["num_unindexed_ops"]:
                break
            time.sleep(0.1)
        compacted = len(list(directory.glob("blobs/*/*.manifest")))
        print(f"{compacted} of them compacted", flush=True)
        server.kill()
    return paths


def run(options, temporary):
    directory = temporary / "db"
    paths = fill(options, directory)
    starts = []
    for _ in range(STARTS):
        began = time.monotonic()
        server = Server(options.binary, directory)
        started = time.monotonic() - began
        starts.append(started)
        if len(starts) < STARTS:
            server.kill()
    with server:
        pid = server.process.pid
        client = server.client()
        path = paths[0]
        if client.send("GET", f"{path}/count") != (200, options.records):
            raise Failed("the first answer is wrong")
        answered = min(starts) + time.monotonic() - began - started
        at_start = memory(pid)[0]
        print(f"started in {', '.join(f'{s * 1000:.0f}' for s in starts)} ms, first answer after {answered * 1000:.0f} ms, "
              f"{at_start // MEGABYTE} MB", flush=True)
        query = {"query_embeddings": [[1.0] * DIMENSION], "n_results": 1, "include": []}

        def read(one, n):
            if one.post(f"{paths[n]}/query", query)["ids"] != [["r0"]]:
                raise Failed(f"collection {n} answers wrongly")

        began = time.monotonic()
        in_threads(server.port, options.collections, read)
        now, most = memory(pid)
        print(f"every one read in {time.monotonic() - began:.1f} s; memory {most // MEGABYTE} MB at "
              f"most, {open_files(pid)} files open", flush=True)
        if answered > options.start_seconds:
            raise Failed(f"the start took {answered:.2f} s, more than {options.start_seconds}")
        if most > options.limit_mb * MEGABYTE:
            raise Failed(f"{most // MEGABYTE} MB were used, more than {options.limit_mb}")
        server.stop()


def add_options(parser):
    parser.add_argument("--collections", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=10)
    parser.add_argument("--compact-seconds", type=float, default=20)
    parser.add_argument("--start-seconds", type=float, default=1)
    parser.add_argument("--limit-mb", type=int, default=600)


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
