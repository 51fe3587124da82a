#!/usr/bin/env python3
"""Damaged files: named in what the server says, never a wrong answer and never a crash.

usage: damage_test.py BINARY [--flips N] [--seed N]

A directory with compacted and uncompacted collections is made once. Then, for each of its files,
bytes of a copy are changed and the copy is opened and read in full.
"""
import argparse
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Client, DidNotStart, Failed, Server  # noqa: E402

COLLECTIONS = 3
RECORDS = 400
SETTLE_SECONDS = 30


def write(client, path, first, last):
    numbers = range(first, last)
    client.post(f"{path}/add", {
        "ids": [f"r{n}" for n in numbers], "embeddings": [[float(n), 1.0] for n in numbers],
        "documents": [f"text {n}" for n in numbers], "uris": [f"uri {n}" for n in numbers],
        "metadatas": [{"n": n, "tag": f"t{n % 7}", "list": [n, n + 1]} for n in numbers]}, 201)


READS = [("get", {"include": ["embeddings", "documents", "metadatas", "uris"]}),
         ("get", {"where": {"n": {"$gte": 100}}, "include": []}),
         ("get", {"where": {"tag": {"$in": ["t1", "t2"]}}, "include": []}),
         ("get", {"where": {"list": {"$contains": 7}}, "include": []}),
         ("get", {"where_document": {"$contains": "xt 12"}, "include": []}),
         ("query", {"query_embeddings": [[50.2, 1.0]], "n_results": 7})]


def read_all(client, path):
    return [client.send("POST", f"{path}/{verb}", body) for verb, body in READS]


def make(binary, directory):
    """The paths of the collections, and what reads of them answer."""
    with Server(binary, directory) as server:
        client = server.client()
        paths = [client.create(f"kept-{c}") for c in range(COLLECTIONS)]
        for path in paths:
            write(client, path, 0, RECORDS)
        deadline = time.monotonic() + SETTLE_SECONDS
        while any(client.send("GET", f"{p}/indexing_status")[1]["num_unindexed_ops"] for p in paths):
            if time.monotonic() > deadline:
                raise Failed("nothing was compacted while the server was idle")
            time.sleep(0.1)
        # Something of each kind stays in the log, the last of it in a collection of its own, so
        # that what follows a damaged place proves that it is none where writing just stopped.
        for path in paths:
            write(client, path, RECORDS, RECORDS + 50)
            client.post(f"{path}/delete", {"ids": ["r5", "r6", f"r{RECORDS + 3}"]})
        last = client.create("last")
        write(client, last, 0, 1)
        answers = [read_all(client, path) for path in paths]
        server.kill()
    return paths, answers


def check(client, paths, answers, file):
    """'whole' or 'refused'; fails on an answer that is neither right nor an error that tells."""
    refused = False
    for path, wanted in zip(paths, answers):
        for want, (status, got) in zip(wanted, read_all(client, path)):
            if (status, got) == want:
                continue
            if status == 200:
                raise Failed(f"{file}: a wrong answer: {str(got)[:300]}")
            message = got["message"] if isinstance(got, dict) else ""
            if status != 500 or not message:
                raise Failed(f"{file}: answers {status} {got}")
            collection = path.rsplit("/", 1)[1]
            if file.name not in message and collection not in message:
                raise Failed(f"{file}: the error names neither the file nor the collection: {message}")
            refused = True
    return "refused" if refused else "whole"


def try_damaged(binary, directory, file, paths, answers):
    """What became of it: 'whole', 'refused' or 'not started'."""
    is_catalog = file.name.startswith("catalog")
    try:
        with Server(binary, directory) as server:
            client = server.client()
            try:
                result = check(client, paths, answers, file)
            except Failed:
                if not is_catalog:  # SQLite's pages have no checksums: it may say something else
                    raise
                result = "refused"
            server.stop()
            return result
    except DidNotStart as error:
        if error.code is None or error.code < 0:
            raise Failed(f"{file}: the server ended with {error.code}:\n{error.log[-2000:]}") from error
        if file.name not in error.log and file.parent.name not in error.log:
            raise Failed(f"{file}: the error does not name it:\n{error.log[-2000:]}") from error
        return "not started"


def damage(path, rng):
    """Changes a few bytes somewhere, or cuts the end off. Not that of a log: one that ends early
    is what a crash in the middle of a write leaves, and nothing tells the two apart."""
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    if rng.random() < 0.2 and path.suffix != ".log":
        del content[at:]
        what = f"cut at {at}"
    else:
        length = min(rng.choice([1, 1, 8, 64]), len(content) - at)
        for i in range(at, at + length):
            content[i] ^= rng.randrange(1, 256)
        what = f"{length} bytes changed at {at}"
    path.write_bytes(content)
    return what


def run(binary, temporary, flips, seed):
    rng = random.Random(seed)
    original = temporary / "original"
    paths, answers = make(binary, original)
    files = sorted(p.relative_to(original) for p in original.rglob("*")
                   if p.is_file() and p.stat().st_size and p.name != "LOCK")
    kinds = {p.parts[0] for p in files}
    if not {"blobs", "log"} <= kinds:
        raise Failed(f"the directory holds only {sorted(kinds)}")
    counts = {}
    for file in files:
        for _ in range(flips):
            copy = temporary / "copy"
            shutil.copytree(original, copy, ignore=shutil.ignore_patterns("SOCKET"))
            what = damage(copy / file, rng)
            try:
                result = try_damaged(binary, copy, file, paths, answers)
            except Failed as error:
                raise Failed(f"{what}: {error}") from error
            counts[result] = counts.get(result, 0) + 1
            shutil.rmtree(copy)
    if not counts.get("refused") and not counts.get("not started"):
        raise Failed(f"no damage was noticed: {counts}")
    print(f"{len(files)} files, {flips} damages each: {counts}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--flips", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"damage_test.py {options.binary} --flips {options.flips} --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chroma-damage-") as temporary:
        try:
            run(options.binary, pathlib.Path(temporary), options.flips, options.seed)
        except Failed as error:
            print(f"FAILED: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
