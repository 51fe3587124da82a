#!/usr/bin/env python3
"""Memory stays bounded under many writers and readers with large batches: what does not fit is
refused with 429 and a retry-after, and comes through later.

usage: memory_test.py BINARY [--writers N] [--readers N] [--collections N] [--seconds S]
                             [--batch-mb M] [--read-mb M] [--limit-mb M] [--seed N]
"""
import json
import sys
import threading
import time

from measure import MEGABYTE, Connection, memory

from common import main
from server import Failed, Server

DIMENSION = 256
RETRY_SECONDS_MAX = 60


def batch(first, megabytes):
    """An upsert of about that many megabytes of JSON."""
    vector = [round(0.001 * i, 5) for i in range(DIMENSION)]
    row = json.dumps(vector)
    count = max(1, megabytes * MEGABYTE // (len(row) + 40))
    ids = json.dumps([f"r{first + n}" for n in range(count)])
    rows = ",".join([row] * count)
    return f'{{"ids":{ids},"embeddings":[{rows}]}}'.encode(), count


def fill(port, path, body):
    status = Connection(port).call(Connection.request("POST", f"{path}/upsert", body))[0]
    if status != 200:
        raise Failed(f"filling the collections: {status}")


class Load:
    def __init__(self, port, seconds):
        self.port, self.deadline = port, time.monotonic() + seconds
        self.lock = threading.Lock()
        self.statuses = {}
        self.slowest = 0
        self.errors = []

    def run(self, request, wanted):
        """One client: repeats a request, and waits as it is told when it is refused."""
        try:
            connection = Connection(self.port)
            while time.monotonic() < self.deadline:
                began = time.monotonic()
                status, headers, body = connection.call(request)
                took = time.monotonic() - began
                with self.lock:
                    self.statuses[status] = self.statuses.get(status, 0) + 1
                    self.slowest = max(self.slowest, took)
                if status == 429:
                    if "retry-after" not in headers:
                        raise Failed("429 without retry-after")
                    if headers.get("connection") == "close":
                        connection = Connection(self.port)
                    time.sleep(0.2)
                elif status != wanted:
                    raise Failed(f"answers {status}: {body}")
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")


def run(options, temporary):
    with Server(options.binary, temporary / "db") as server:
        client = server.client()
        paths = [client.create(f"load-{n}") for n in range(options.collections)]
        bodies = [batch(n * 1_000_000, options.batch_mb) for n in range(options.collections)]
        counts = []
        for n, path in enumerate(paths):
            counts.append(bodies[n][1])
            fill(server.port, path, bodies[n][0])
            for extra in range(options.read_mb // options.batch_mb):
                body, count = batch((n + extra + 1) * 10_000_000, options.batch_mb)
                fill(server.port, path, body)
                counts[n] += count
        load = Load(server.port, options.seconds)
        threads = []
        for n in range(options.writers):
            c = n % options.collections
            request = Connection.request("POST", f"{paths[c]}/upsert", bodies[c][0])
            threads.append(threading.Thread(target=load.run, args=(request, 200), daemon=True))
        for n in range(options.readers):
            body = {"include": ["embeddings", "documents", "metadatas"]}
            request = Connection.request("POST", f"{paths[n % options.collections]}/get", body)
            threads.append(threading.Thread(target=load.run, args=(request, 200), daemon=True))
        before = memory(server.process.pid)[0]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(options.seconds + RETRY_SECONDS_MAX * 2)
            if thread.is_alive():
                raise Failed("a client gets no answer")
        if server.process.poll() is not None:
            raise Failed(f"the server died with {server.process.returncode}")
        now, most = memory(server.process.pid)
        print(f"{options.writers} writers of {len(bodies[0][0]) // MEGABYTE} MB and {options.readers} "
              f"readers, {options.seconds} s: answers {dict(sorted(load.statuses.items()))}, the slowest "
              f"after {load.slowest:.1f} s; memory {before // MEGABYTE} MB before, "
              f"{most // MEGABYTE} MB at most, {now // MEGABYTE} MB after", flush=True)
        if load.errors:
            raise Failed(f"{len(load.errors)} clients failed: {load.errors[:3]}")
        if most > options.limit_mb * MEGABYTE:
            raise Failed(f"{most // MEGABYTE} MB were used, more than {options.limit_mb}")
        for path, count in zip(paths, counts):
            if client.send("GET", f"{path}/count") != (200, count):
                raise Failed("records are missing afterwards")
        server.stop()


def add_options(parser):
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--readers", type=int, default=64)
    parser.add_argument("--collections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--batch-mb", type=int, default=8)
    parser.add_argument("--read-mb", type=int, default=60, help="JSON that one reader gets")
    parser.add_argument("--limit-mb", type=int, default=3000)


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
