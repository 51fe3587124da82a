#!/usr/bin/env python3
"""A request whose client has gone stops working: one that closes its connection, and one that
gave up waiting. So does one that takes longer than the server allows.

usage: cancel_test.py BINARY [--records N] [--seed N]
"""
import socket
import sys
import time

from measure import Connection, seconds_until_idle

from common import main
from server import Failed, Server

DIMENSION = 256
RESULTS = 390  # of 25,600 vectors: nearly as many as an answer may have
BATCH = 2000
WORDS = "some words that a pattern has to look through again and again " * 40
GONE_AFTER_SECONDS = 0.6  # one that half-closes within 0.25 s still waits for its answer
STOPS_WITHIN_SECONDS = 1.0


def fill(client, path, records):
    for first in range(0, records, BATCH):
        numbers = range(first, first + BATCH)
        client.post(f"{path}/add", {
            "ids": [f"r{n}" for n in numbers], "documents": [f"{n} {WORDS}" for n in numbers],
            "embeddings": [[float((n * 7919 + d * 104729) % 1000) for d in range(DIMENSION)]
                           for n in numbers]}, 201)


def requests(path, scale):
    vectors = [[(q * 31 + d) % 1000 for d in range(DIMENSION)] for q in range(200 * scale)]
    # Without a word in them that an index could look up.
    pattern = {"$and": [{"$not_regex": f"[a-z ]{{{n + 20}}}[0-9]$"} for n in range(8 * scale)]}
    pattern = {"$and": [{"$not_contains": "no such words"}, *pattern["$and"]]}
    return {
        "query": ("query", {"query_embeddings": vectors, "n_results": RESULTS, "include": []}),
        "get by pattern": ("get", {"where_document": pattern, "include": []}),
    }


def full_seconds(port, pid, request):
    began = time.monotonic()
    status, _, body = Connection(port).call(request, keep=True)
    if status != 200:
        raise Failed(f"answers {status}: {body[:300]}")
    took = time.monotonic() - began
    seconds_until_idle(pid)
    return took


def leave(port, request, how):
    """Sends a request and goes away while it runs."""
    connection = Connection(port)
    connection.send(request)
    time.sleep(GONE_AFTER_SECONDS)
    if how == "gives up":
        connection.socket.shutdown(socket.SHUT_WR)
        return connection
    connection.close()
    return None


def work_for(port, pid, path, name):
    """A request that takes long enough, and how long."""
    for scale in (1, 2, 4, 8, 16, 32, 64, 128):
        verb, body = requests(path, scale)[name]
        request = Connection.request("POST", f"{path}/{verb}", body)
        seconds = full_seconds(port, pid, request)
        if seconds > GONE_AFTER_SECONDS + STOPS_WITHIN_SECONDS + 0.4:
            return request, seconds
    raise Failed(f"{name}: takes only {seconds:.1f} s")


def check_rests(pid, name, seconds, how):
    rests = seconds_until_idle(pid)
    if rests is None or rests > STOPS_WITHIN_SECONDS:
        raise Failed(f"{name}: of {seconds:.1f} s of work, {rests} s are done after the client {how}")
    print(f"{name}: takes {seconds:.1f} s; the client {how} after {GONE_AFTER_SECONDS} s, and the "
          f"server rests {rests:.2f} s later", flush=True)


def run(options, temporary):
    directory = temporary / "db"
    with Server(options.binary, directory) as server:
        client, pid = server.client(), server.process.pid
        # Queries take long enough on any machine.
        path = client.create("things", configuration={"hnsw": {"ef_search": 1500}})
        fill(client, path, options.records)
        seconds_until_idle(pid)
        for name in requests(path, 1):
            request, seconds = work_for(server.port, pid, path, name)
            for how in ("closes", "gives up"):
                kept = leave(server.port, request, how)
                check_rests(pid, name, seconds, how)
                if kept:
                    kept.close()
        server.stop()
    timeout = {"request_timeout_ms": int(GONE_AFTER_SECONDS * 1000)}
    with Server(options.binary, directory, settings=timeout) as server:
        status, _, body = Connection(server.port).call(request, keep=True)
        if status != 504:
            raise Failed(f"a request that takes too long answers {status}: {body[:200]}")
        check_rests(server.process.pid, name, seconds, "is told 504")
        if server.client().send("GET", f"{path}/count") != (200, options.records):
            raise Failed("records are missing")
        server.stop()


def add_options(parser):
    parser.add_argument("--records", type=int, default=20_000)


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
