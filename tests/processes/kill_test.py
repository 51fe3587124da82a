#!/usr/bin/env python3
"""Several processes on one directory, whose owner is killed again and again.

usage: kill_test.py CHROMA WORKER [--kills N] [--processes N] [--seed N]

Half of the processes are programs that open the directory with the C++ API and write; the other
half are servers (chroma run), each with a client that writes to it. The owner, which the file LOCK
names, is killed (SIGKILL) and started again. No client but that of a killed server may see an
error, everything acknowledged must be there at the end, and the time from each kill to the answers
that clients were waiting for is measured.
"""
import argparse
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Client, Failed, Server  # noqa: E402

STARTED = re.compile(r"server started.*http://127\.0\.0\.1:(\d+)")
WINDOW_NS = 30_000_000  # a client begins its next request within this


class Member:
    """One process on the directory, started again under a new name after each kill."""

    def __init__(self, number, binary, worker, directory, journals):
        self.number, self.binary, self.worker = number, binary, worker
        self.directory, self.journals = directory, journals
        self.generation, self.client, self.killed = 0, None, set()

    def start(self):
        self.generation += 1
        self.name = f"{self.kind}{self.number}g{self.generation}"
        self.journal = self.journals / self.name
        self.launch()

    def run_worker(self, mode, place):
        return subprocess.Popen([self.worker, mode, place, self.name, self.journal])

    def check_alive(self):
        for process in filter(None, (self.process, self.client)):
            if process.poll() is not None:
                raise Failed(f"{self.name} ended with {process.returncode}: {self.tail()}")

    def tail(self):
        return self.journal.read_text()[-400:] if self.journal.exists() else ""


class Program(Member):
    kind = "program"

    def launch(self):
        self.process = self.run_worker("dir", self.directory)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.killed.add(self.name)

    def stop(self):
        self.process.terminate()
        if self.process.wait(120) != 0:
            raise Failed(f"{self.name} failed: {self.tail()}")


class ServerMember(Member):
    kind = "server"

    def launch(self):
        self.log = self.journals / (self.name + ".log")
        self.process = subprocess.Popen(
            [self.binary, "run", "--host", "127.0.0.1", "--port", "0", "--path", self.directory],
            stderr=self.log.open("w"), stdout=subprocess.DEVNULL)
        for _ in range(6000):
            started = STARTED.search(self.log.read_text())
            if started:
                break
            if self.process.poll() is not None:
                raise Failed(f"{self.name} did not start: {self.log.read_text()}")
            time.sleep(0.01)
        self.client = self.run_worker("http", f"http://127.0.0.1:{started.group(1)}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.client.wait(120)  # it has lost its server
        self.killed.add(self.name)

    def stop(self):
        self.client.terminate()
        code = self.client.wait(120)
        self.process.terminate()
        if (code, self.process.wait(120)) != (0, 0):
            raise Failed(f"{self.name} failed: {self.tail()} {self.log.read_text()[-400:]}")


def owner_of(members, directory):
    """The member that the lock names, once it is one that lives."""
    for _ in range(3000):
        try:
            pid = int((directory / "LOCK").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            pid = 0
        for member in members:
            if member.process.pid == pid and member.process.poll() is None:
                return member
        time.sleep(0.01)
    raise Failed("nobody owns the directory")


def read_journal(path):
    """[(operation, id, version, begin, end, answer)]; the last may have no end."""
    requests = []
    for line in path.read_text().splitlines():
        kind, at, rest = line.split(" ", 2)
        if kind == "B":
            requests.append([*rest.split(" "), int(at), None, None])
        else:
            requests[-1][4:] = [int(at), rest]
    return requests


def waits(journals, kills):
    """For each kill, how long after it the clients that waited got their answer, ascending (ns)."""
    result = []
    for at, name in kills:
        ends = []
        for journal, requests in journals.items():
            if journal == name:
                continue
            spanning = [r for r in requests
                        if r[4] is not None and r[5] == "ok" and r[4] > at and r[3] < at + WINDOW_NS]
            if not spanning or requests[0][3] > at:
                continue
            longest = max(spanning[:200], key=lambda r: r[4] - r[3])
            ends.append(longest[4] - at)
        result.append(sorted(ends))
    return result


def expected(journals, killed):
    """(id -> set of versions that it may have, None: absent), (collection -> may exist: set)."""
    records, collections, errors = {}, {}, []
    for name, requests in journals.items():
        for operation, what, version, _begin, end, answer in requests:
            if end is not None and answer != "ok" and name not in killed:
                errors.append(f"{name}: {operation} {what}: {answer}")
            state = {"add": 1, "upsert": int(version), "delete": None, "make": True, "drop": False}
            if operation not in state:
                continue
            target = collections if operation in ("make", "drop") else records
            after = {state[operation]}
            before = target.get(what, {False if operation in ("make", "drop") else None})
            target[what] = after if answer == "ok" else before | after
    return records, collections, errors


def verify(binary, directory, records, collections):
    server = Server(binary, directory)
    client = server.client()
    kept = client.create("kept")
    got = client.post(f"{kept}/get", {"include": ["metadatas", "documents"]})
    found = {}
    for i, name in enumerate(got["ids"]):
        version = got["metadatas"][i]["v"]
        if got["documents"][i] != f"version {version}":
            raise Failed(f"{name} is a mixture of versions")
        found[name] = version
    lost = [name for name, allowed in records.items() if found.get(name) not in allowed]
    extra = [name for name in found if name not in records]
    _, listed = client.send("GET", Client.DATABASE + "/collections")
    names = {c["name"] for c in listed}
    lost += [name for name, allowed in collections.items() if (name in names) not in allowed]
    server.stop()
    if lost or extra:
        raise Failed(f"{len(lost)} are not as acknowledged, e.g. {lost[:5]}; {len(extra)} too many {extra[:5]}")


def run(options, directory, journals):
    rng = random.Random(options.seed)
    members = [(Program if n % 2 == 0 else ServerMember)(n, options.chroma, options.worker, directory, journals)
               for n in range(options.processes)]
    kills = []
    try:
        for member in members:
            member.start()
        for _ in range(options.kills):
            time.sleep(rng.uniform(0.2, 0.6))
            owner = owner_of(members, directory)
            for member in members:
                member.check_alive()
            kills.append((time.monotonic_ns(), owner.name))
            owner.kill()
            time.sleep(rng.uniform(0.1, 0.3))
            owner.start()
        time.sleep(0.5)
        for member in members:
            member.check_alive()
        rng.shuffle(members)
        for member in members:
            member.stop()
    finally:
        for member in members:
            for process in filter(None, (getattr(member, "process", None), member.client)):
                if process.poll() is None:
                    process.kill()
    killed = set().union(*(member.killed for member in members))
    logs = {path.name: read_journal(path) for path in journals.iterdir() if path.suffix != ".log"}
    records, collections, errors = expected(logs, killed)
    if errors:
        raise Failed(f"{len(errors)} errors, e.g. {errors[:3]}")
    verify(options.chroma, directory, records, collections)
    report(logs, kills, records, collections)


def report(logs, kills, records, collections):
    first = sorted(ends[0] / 1e6 for ends in waits(logs, kills) if ends)
    last = sorted(ends[-1] / 1e6 for ends in waits(logs, kills) if ends)
    acknowledged = sum(r[5] == "ok" for requests in logs.values() for r in requests)

    def figures(values):
        return (f"median {values[len(values) // 2]:.1f} ms, p99 {values[min(len(values) - 1, len(values) * 99 // 100)]:.1f} ms, "
                f"most {values[-1]:.1f} ms")
    print(f"{len(kills)} owners killed, {acknowledged} requests acknowledged, {len(records)} records and "
          f"{len(collections)} collections as they should be, 0 lost, 0 errors\n"
          f"from the kill to the first waiting client's answer: {figures(first)}\n"
          f"from the kill to the last waiting client's answer:  {figures(last)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("chroma")
    parser.add_argument("worker")
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"kill_test.py {options.chroma} {options.worker} --kills {options.kills} "
          f"--processes {options.processes} --seed {options.seed}", flush=True)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    with tempfile.TemporaryDirectory(prefix="chroma-processes-") as temporary:
        root = pathlib.Path(temporary)
        (root / "journals").mkdir()
        try:
            run(options, root / "db", root / "journals")
        except Failed as error:
            print(f"FAILED: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
