#!/usr/bin/env python3
"""Loads documents with embeddings through the Python client, kills the server in the middle, and
shows that nothing acknowledged is lost: then finds records by meaning, filter and text.

usage: load_and_kill.py NAME [--chroma build/release/bin/chroma] [--path DIR] [--port 8000]

NAME.jsonl has one {"id", "document", "metadata"} a line, NAME.npy the embeddings (float16 or
float32, one row each). Needs the packages chromadb and numpy.
"""
import argparse
import json
import os
import signal
import subprocess
import tempfile
import time

import chromadb
import numpy

BATCH = 1000


def start(args):
    server = subprocess.Popen([args.chroma, "run", "--path", args.path, "--port", str(args.port),
                               "--log-level", "warning"])
    for _ in range(500):
        try:
            return server, chromadb.HttpClient(port=args.port)
        except ValueError:  # not listening yet
            time.sleep(0.01)
    raise SystemExit("the server did not start")


def load(collection, records, vectors, begin, stop_after=None):
    """Adds records from `begin` on; returns how many are acknowledged in all."""
    started = time.time()
    for first in range(begin, len(records), BATCH):
        if stop_after is not None and time.time() - started > stop_after:
            return first
        part = records[first:first + BATCH]
        collection.add(ids=[r["id"] for r in part], documents=[r["document"] for r in part],
                       metadatas=[r["metadata"] for r in part],
                       embeddings=vectors[first:first + BATCH])
    return len(records)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--chroma", default="build/release/bin/chroma")
    parser.add_argument("--path", default=os.path.join(tempfile.mkdtemp(), "db"))
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--kill-after", type=float, default=3.0, help="seconds of loading")
    args = parser.parse_args()
    records = [json.loads(line) for line in open(args.name + ".jsonl", encoding="utf-8")]
    vectors = numpy.load(args.name + ".npy").astype(numpy.float32)

    server, client = start(args)
    collection = client.create_collection("documents", embedding_function=None,
                                          configuration={"hnsw": {"space": "cosine"}})
    began = time.time()
    acknowledged = load(collection, records, vectors, 0, args.kill_after)
    server.send_signal(signal.SIGKILL)
    server.wait()
    print(f"killed -9 after {acknowledged:,} acknowledged records")

    server, client = start(args)
    collection = client.get_collection("documents", embedding_function=None)
    print(f"after the restart there are {collection.count():,}")
    assert collection.count() == acknowledged, "acknowledged records are missing"
    assert load(collection, records, vectors, acknowledged) == len(records)
    print(f"loaded {collection.count():,} of {len(records):,} in {time.time() - began:.1f} s")

    asked = records.index(next(r for r in records if "river" in r["document"]))
    print("like:", records[asked]["document"])
    common = {"query_embeddings": [vectors[asked]], "n_results": 3}
    for title, answer in [
            ("by meaning", collection.query(**common)),
            ("and filter", collection.query(where={"words": {"$gte": 3}}, **common)),
            ("and text", collection.query(where_document={"$contains": "Africa"}, **common))]:
        print(f"{title}:")
        for document, distance in zip(answer["documents"][0], answer["distances"][0]):
            print(f"  {distance:.3f}  {document[:88]}")
    matching = collection.get(where_document={"$regex": r"\briver\b.*\bAfrica\b"}, limit=3)
    print("by regex:")
    for document in matching["documents"]:
        print("  " + document[:96])
    server.terminate()
    server.wait()


if __name__ == "__main__":
    main()
