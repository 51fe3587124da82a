#!/usr/bin/env python3
"""SIGKILL in the middle of writing, again and again, over one data directory.

usage: kill_test.py BINARY [--kills N] [--threads N] [--seed N]

Threads write to shared collections, each to ids of its own, and note what was acknowledged. After
each kill the server starts again, and every acknowledged write must be there; the one request that
a thread had no answer to must be there whole or not at all.
"""
import argparse
import http.client
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Client, Failed, Server  # noqa: E402

COLLECTIONS = 2
IDS_PER_THREAD = 4000


def record(number, version):
    """All fields follow from (id, version), so that a mixture of two versions is seen."""
    return {"embedding": [float(number), float(version % 65536)],
            "document": f"record {number} version {version}", "metadata": {"v": version, "n": number}}


def apply(state, operation, numbers, version):
    """The state (number -> version) after one request."""
    after = dict(state)
    for number in numbers:
        if operation == "delete":
            after.pop(number, None)
        elif operation == "upsert" or (operation == "add" and number not in after) or \
                (operation == "update" and number in after):
            after[number] = version
    return after


class Writer(threading.Thread):
    """Writes to all collections until the server dies. Owns the ids "t<index>-<number>"."""

    def __init__(self, index, seed, port, paths, states, bulk):
        super().__init__(daemon=True)
        self.index, self.random, self.paths, self.bulk = index, random.Random(seed), paths, bulk
        self.client = Client(port)
        self.states = states      # acknowledged, by collection
        self.pending = None       # (collection, state it would make)
        self.acknowledged = 0
        self.error = None

    def body(self, operation, numbers, version):
        body = {"ids": [f"t{self.index}-{n}" for n in numbers]}
        if operation != "delete":
            records = [record(n, version) for n in numbers]
            body |= {"embeddings": [r["embedding"] for r in records],
                     "documents": [r["document"] for r in records],
                     "metadatas": [r["metadata"] for r in records]}
        return body

    def run(self):
        try:
            while True:
                self.write_once()
        except (OSError, http.client.HTTPException):
            pass  # killed
        except Exception as error:  # reported by the main thread
            self.error = error

    def write_once(self):
        collection = self.random.randrange(len(self.paths))
        operation = self.random.choice(["add", "upsert", "upsert", "update", "delete"])
        count = self.random.randint(1, IDS_PER_THREAD if self.bulk else 20)
        if operation == "delete":
            count = (count + 1) // 2
        numbers = self.random.sample(range(IDS_PER_THREAD), count)
        version = self.random.getrandbits(40)
        after = apply(self.states[collection], operation, numbers, version)
        self.pending = (collection, after)
        self.client.post(f"{self.paths[collection]}/{operation}", self.body(operation, numbers, version),
                         201 if operation == "add" else 200)
        self.states[collection] = after
        self.pending = None
        self.acknowledged += 1


class CatalogWriter(threading.Thread):
    """Makes and deletes collections until the server dies."""

    def __init__(self, seed, port, names):
        super().__init__(daemon=True)
        self.random, self.client = random.Random(seed), Client(port)
        self.names = names      # acknowledged
        self.pending = None     # the name whose existence is unknown
        self.error = None

    def run(self):
        try:
            while True:
                self.pending = f"made-{self.random.randrange(8)}"
                path = Client.DATABASE + "/collections"
                if self.pending in self.names:
                    status, answer = self.client.send("DELETE", f"{path}/{self.pending}")
                else:
                    status, answer = self.client.send("POST", path, {"name": self.pending})
                if status != 200:
                    raise Failed(f"catalog: {status} {answer}")
                self.names ^= {self.pending}
                self.pending = None
        except (OSError, http.client.HTTPException):
            pass
        except Exception as error:
            self.error = error


def read_states(client, path, threads):
    """What the collection holds, by thread; fails on a record that is not of one version."""
    got = client.post(f"{path}/get", {"include": ["embeddings", "documents", "metadatas"]})
    states = [{} for _ in range(threads)]
    for i, name in enumerate(got["ids"]):
        thread, number = (int(part) for part in name[1:].split("-"))
        version = got["metadatas"][i]["v"]
        found = {"embedding": got["embeddings"][i], "document": got["documents"][i],
                 "metadata": got["metadatas"][i]}
        if found != record(number, version):
            raise Failed(f"record {name} is a mixture: {found}")
        states[thread][number] = version
    status, count = client.send("GET", f"{path}/count")
    if (status, count) != (200, len(got["ids"])):
        raise Failed(f"count says {status} {count}, get has {len(got['ids'])} records")
    return states


def explain(want, got):
    missing = [n for n in want if n not in got]
    extra = [n for n in got if n not in want]
    other = [n for n in want if n in got and got[n] != want[n]]
    return f"{len(missing)} missing {missing[:5]}, {len(extra)} too many {extra[:5]}, " \
           f"{len(other)} of another version {other[:5]}"


def check(client, paths, writers):
    """Compares with what was acknowledged; adopts what was not and is there."""
    for c, path in enumerate(paths):
        found = read_states(client, path, len(writers))
        for writer in writers:
            want, got = writer.states[c], found[writer.index]
            if got == want:
                continue
            if writer.pending and writer.pending[0] == c and got == writer.pending[1]:
                writer.states[c] = got
                continue
            unknown = explain(writer.pending[1], got) if writer.pending else "none"
            raise Failed(f"thread {writer.index}, collection {c}: {explain(want, got)}; "
                         f"against the unanswered request: {unknown}")


def check_catalog(client, catalog):
    status, listed = client.send("GET", Client.DATABASE + "/collections")
    names = {c["name"] for c in listed if c["name"].startswith("made-")}
    if status != 200 or names - {catalog.pending} != catalog.names - {catalog.pending}:
        raise Failed(f"collections {sorted(names)}, want {sorted(catalog.names)}, "
                     f"unanswered {catalog.pending}")
    catalog.names = names


def run(binary, directory, kills, threads, seed):
    rng = random.Random(seed)
    states = [[{} for _ in range(COLLECTIONS)] for _ in range(threads)]
    names, acknowledged, unanswered = set(), 0, 0
    server = Server(binary, directory)
    for kill in range(kills):
        client = server.client()
        paths = [client.create(f"kept-{c}") for c in range(COLLECTIONS)]
        bulk = kill % 2 == 1  # enough records that the compactor has work while the server dies
        writers = [Writer(t, rng.getrandbits(32), server.port, paths, states[t], bulk)
                   for t in range(threads)]
        catalog = CatalogWriter(rng.getrandbits(32), server.port, names)
        for thread in [*writers, catalog]:
            thread.start()
        time.sleep(rng.uniform(0.02, 0.9 if bulk else 0.4))
        server.kill()
        for thread in [*writers, catalog]:
            thread.join(60)
            if thread.error or thread.is_alive():
                raise Failed(f"kill {kill}: a writer failed: {thread.error or 'it hangs'}")
        server = Server(binary, directory)
        try:
            check(server.client(), paths, writers)
            check_catalog(server.client(), catalog)
        except Failed as error:
            raise Failed(f"after kill {kill} ({'bulk' if bulk else 'small'} writes): {error}") from error
        names = catalog.names
        acknowledged += sum(w.acknowledged for w in writers)
        unanswered += sum(w.pending is not None for w in writers)
    server.stop()
    if acknowledged < kills * 5:
        raise Failed(f"only {acknowledged} writes were acknowledged: this tested nothing")
    print(f"{kills} kills, {acknowledged} acknowledged writes kept, {unanswered} unanswered ones whole or absent")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"kill_test.py {options.binary} --kills {options.kills} --threads {options.threads} "
          f"--seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chroma-kill-") as temporary:
        try:
            run(options.binary, pathlib.Path(temporary) / "db", options.kills, options.threads, options.seed)
        except Failed as error:
            print(f"FAILED: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
