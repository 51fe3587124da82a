#!/usr/bin/env python3
"""Files damaged between two runs: named in what the server says, never a wrong answer and never a
crash.

usage: damage_test.py BINARY [--rounds N] [--seed N]

Directories with compacted and uncompacted collections, several segments and several files of the
log are made once, one stopped in order and one killed. For each round something is done to a copy
(bytes changed, a range zeroed, the end cut off, also exactly at the end of a frame, a file deleted,
two files of a kind exchanged), and the copy is opened and read in full.

What a kill leaves may end anywhere, so there a log that ends early is not told from one that was
written no further, nor is a journal of the catalog; after an orderly stop everything is noticed.
"""
import pathlib
import random
import shutil
import sys
import time

from common import main
from server import DidNotStart, Failed, Server

COLLECTIONS = 3
RECORDS = 2500
SETTLE_SECONDS = 120
# Two segments to a collection, and more files of the log than one.
SETTINGS = {"compaction_idle_ms": 50, "log_file_bytes": 65536}
JOURNALS = ("catalog.sqlite3-wal",)


def write(client, path, first, last):
    numbers = range(first, last)
    client.post(f"{path}/add", {
        "ids": [f"r{n}" for n in numbers], "embeddings": [[float(n), 1.0] for n in numbers],
        "documents": [f"text {n}" for n in numbers], "uris": [f"uri {n}" for n in numbers],
        "metadatas": [{"n": n, "tag": f"t{n % 7}", "list": [n, n + 1]} for n in numbers]}, 201)


READS = [("get", {"include": ["embeddings", "documents", "metadatas", "uris"]}),
         ("get", {"where": {"n": {"$gte": 2400}}, "include": []}),
         ("get", {"where": {"tag": {"$in": ["t1", "t2"]}}, "include": []}),
         ("get", {"where": {"list": {"$contains": 7}}, "include": []}),
         ("get", {"where_document": {"$contains": "xt 12"}, "include": []}),
         ("query", {"query_embeddings": [[50.2, 1.0]], "n_results": 7})]


def read_all(client, path):
    return [client.send("POST", f"{path}/{verb}", body) for verb, body in READS]


def settle(client, paths):
    deadline = time.monotonic() + SETTLE_SECONDS
    while any(client.send("GET", f"{p}/indexing_status")[1]["num_unindexed_ops"] for p in paths):
        if time.monotonic() > deadline:
            raise Failed("nothing was compacted while the server was idle")
        time.sleep(0.05)


def make(binary, directory, orderly):
    """The paths of the collections, and what reads of them answer."""
    with Server(binary, directory, settings=SETTINGS) as server:
        client = server.client()
        paths = [client.create(f"kept-{c}") for c in range(COLLECTIONS)]
        for first, last in ((0, RECORDS), (RECORDS, RECORDS + 20)):
            for path in paths:
                write(client, path, first, last)
            settle(client, paths)
        server.stop()
    with Server(binary, directory, settings={**SETTINGS, "compaction_idle_ms": 3_600_000}) as server:
        client = server.client()
        # Something of each kind stays in the log, over several files, the last of it in a
        # collection of its own, so that what follows a damaged place proves that it is none where
        # writing just stopped.
        for step in range(8):
            for path in paths:
                write(client, path, RECORDS + 20 * (step + 1), RECORDS + 20 * (step + 2))
                client.post(f"{path}/delete", {"ids": [f"r{step}", f"r{RECORDS + step}"]})
        paths.append(client.create("last"))
        write(client, paths[-1], 0, 1)
        answers = [read_all(client, path) for path in paths]
        server.stop() if orderly else server.kill()
    return paths, answers


def check(client, paths, answers, files):
    """'whole' or 'refused'; fails on an answer that is neither right nor an error that tells."""
    refused = False
    for path, wanted in zip(paths, answers):
        collection = path.rsplit("/", 1)[1]
        for want, (status, got) in zip(wanted, read_all(client, path)):
            if (status, got) == want:
                continue
            if status == 200:
                raise Failed(f"a wrong answer: {str(got)[:300]}, not {str(want)[:300]}")
            message = got["message"] if isinstance(got, dict) else ""
            if status != 500 or not message:
                raise Failed(f"answers {status} {got}")
            if collection not in message and not any(f.name in message for f in files):
                raise Failed(f"the error names neither the file nor the collection: {message}")
            refused = True
    return "refused" if refused else "whole"


def try_damaged(binary, directory, files, paths, answers):
    """What became of it: 'whole', 'refused' or 'not started'."""
    try:
        with Server(binary, directory, settings=SETTINGS) as server:
            result = check(server.client(), paths, answers, files)
            server.stop()
            return result
    except DidNotStart as error:
        if error.code is None or error.code < 0:
            raise Failed(f"the server ended with {error.code}:\n{error.log[-2000:]}") from error
        if not any(f.name in error.log or f.parent.name in error.log for f in files):
            raise Failed(f"the error names none of the files:\n{error.log[-2000:]}") from error
        return "not started"


LOG_FRAME = b"FRME"  # begins every frame of a log; docs/formats.md


class Damage:
    """One thing done to a file, or to two of a kind. `files` are what was touched."""

    def __init__(self, directory, files, orderly, rng):
        self.directory, self.rng = directory, rng
        self.files = [rng.choice(files)]
        path = directory / self.files[0]
        kinds = ["flip", "flip", "flip many", "zero"]
        if orderly or path.suffix != ".log":
            kinds += ["cut", "cut", "delete"]
        others = [f for f in files if f.suffix == path.suffix and f != self.files[0]
                  and f.parts[0] == self.files[0].parts[0]]
        if others:
            kinds.append("exchange")
        kind = rng.choice(kinds)
        content = bytearray(path.read_bytes())
        self.what = f"{self.files[0]}: {kind}"
        # What a killed server wrote last has nothing behind it that proves that it was whole.
        self.end = len(content)
        if not orderly and self.files[0] == max(f for f in files if f.suffix == ".log"):
            self.end = content.rfind(LOG_FRAME)
        if kind == "delete":
            path.unlink()
        elif kind == "exchange":
            self.files.append(rng.choice(others))
            self.what += f" with {self.files[1]}"
            other = directory / self.files[1]
            other_content = other.read_bytes()
            other.write_bytes(content)
            path.write_bytes(other_content)
        else:
            path.write_bytes(self.change(kind, content))

    def change(self, kind, content):
        rng = self.rng
        at = rng.randrange(len(content))
        if kind == "cut":
            at = rng.choice(self.places_to_cut(content))
            self.what += f" at {at} of {len(content)}"
            return content[:at]
        at = min(at, self.end - 1)
        length = min({"flip": 1, "flip many": 64, "zero": 4096}[kind], self.end - at)
        self.what += f", {length} bytes at {at}"
        for i in range(at, at + length):
            content[i] = 0 if kind == "zero" else content[i] ^ rng.randrange(1, 256)
        return content

    def places_to_cut(self, content):
        """Anywhere, at a page, or in front of a frame of a log."""
        places = [self.rng.randrange(len(content)), len(content) // 4096 * 4096 or 1]
        if self.files[0].suffix == ".log":
            frames, at = [], content.find(LOG_FRAME)
            while at >= 0:
                frames.append(at)
                at = content.find(LOG_FRAME, at + 1)
            places += frames and [self.rng.choice(frames), frames[-1]]
        return places


def run_round(binary, original, copy, orderly, paths, answers, rng):
    shutil.copytree(original, copy, ignore=shutil.ignore_patterns("SOCKET"))
    files = sorted(p.relative_to(original) for p in original.rglob("*")
                   if p.is_file() and p.stat().st_size and p.name not in ("LOCK", "SOCKET", *JOURNALS))
    damage = Damage(copy, files, orderly, rng)
    try:
        result = try_damaged(binary, copy, damage.files, paths, answers)
    except Failed as error:
        raise Failed(f"{'stopped' if orderly else 'killed'}; {damage.what}: {error}") from error
    shutil.rmtree(copy)
    return result


def run(options, temporary):
    rng = random.Random(options.seed)
    originals = []
    for orderly in (True, False):
        directory = temporary / f"original-{orderly}"
        originals.append((directory, orderly, *make(options.binary, directory, orderly)))
        segments = len(list(directory.glob("blobs/*/*.segment")))
        logs = len(list(directory.glob("log/*.log")))
        if segments < COLLECTIONS + 1 or logs < 2:
            raise Failed(f"the directory has only {segments} segments and {logs} files of the log")
    counts = {}
    for number in range(options.rounds):
        directory, orderly, paths, answers = originals[number % 2]
        result = run_round(options.binary, directory, temporary / "copy", orderly, paths, answers, rng)
        counts[result] = counts.get(result, 0) + 1
    if options.rounds > 20 and not (counts.get("refused") and counts.get("not started")):
        raise Failed(f"no damage was noticed: {counts}")
    print(f"{options.rounds} damages: {counts}")


def add_options(parser):
    parser.add_argument("--rounds", type=int, default=80)


if __name__ == "__main__":
    sys.exit(main(__doc__, add_options, run))
