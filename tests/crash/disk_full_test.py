#!/usr/bin/env python3
"""A full disk: writes are refused with 507, reads go on, and writes too when there is room again.

usage: disk_full_test.py BINARY

The data directory is a small tmpfs, which needs the right to mount; without it (an unprivileged
user, some containers) the test becomes root in a user namespace of its own.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import DidNotStart, Failed, Server  # noqa: E402

SMALL, LARGE = "24m", "256m"
INNER = "CHROMA_TEST_IN_NAMESPACE"


def mount(directory, size, *more):
    options = ",".join([f"size={size}", *more])
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)],
                          capture_output=True, text=True, check=False)


def batch(first, count=200):
    ids = [f"r{n}" for n in range(first, first + count)]
    return {"ids": ids, "embeddings": [[float(n % 1000)] * 128 for n in range(first, first + count)],
            "documents": [f"document {n}" for n in range(first, first + count)]}


def check_all(client, path, records):
    got = client.post(f"{path}/get", {"include": ["documents"]})
    if got["ids"] != [f"r{n}" for n in range(records)] or \
            got["documents"] != [f"document {n}" for n in range(records)]:
        raise Failed(f"{len(got['ids'])} records instead of the {records} acknowledged ones")
    near = client.post(f"{path}/query", {"query_embeddings": [[3.0] * 128], "n_results": 1})
    if near["ids"] != [["r3"]]:
        raise Failed(f"query finds {near['ids']}")


def fill(client, path):
    """Writes until that is refused; how many records were acknowledged."""
    for written in range(0, 1_000_000, 200):
        status, answer = client.send("POST", f"{path}/add", batch(written))
        if status == 507:
            if answer["error"] != "ChromaError" or "space" not in answer["message"]:
                raise Failed(f"the refusal does not say that space is missing: {answer}")
            return written
        if status != 201:
            raise Failed(f"a full disk answers {status}: {answer}")
    raise Failed("the disk does not get full")


def run(binary, directory):
    data = directory / "disk" / "db"
    with Server(binary, data, log_path=directory / "log") as server:
        client = server.client()
        path = client.create("things")
        records = fill(client, path)
        if records == 0:
            raise Failed("the disk is full from the beginning")
        for _ in range(5):
            check_all(client, path, records)
            status, answer = client.send("POST", f"{path}/add", batch(records))
            if status == 201:  # compaction made room
                records += 200
            elif status != 507:
                raise Failed(f"a second write to a full disk: {status} {answer}")
        print(f"full after {records} records; reads go on", flush=True)
        if subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(directory / "disk")],
                          check=False).returncode != 0:
            raise Failed("remount failed")
        client.post(f"{path}/add", batch(records), 201)
        records += 200
        check_all(client, path, records)
        server.stop()
    with Server(binary, data, log_path=directory / "log") as server:
        client = server.client()
        check_all(client, client.create("things"), records)
        client.post(f"{path}/add", batch(records), 201)
        check_all(client, path, records + 200)
        server.stop()
    print(f"{records + 200} records after more room and a restart")


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="chroma-full-") as temporary:
        disk = pathlib.Path(temporary) / "disk"
        disk.mkdir()
        mounted = mount(disk, SMALL)
        if mounted.returncode != 0:
            if INNER in os.environ:
                print(f"FAILED: no file system can be mounted here: {mounted.stderr}")
                return 1
            again = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, *sys.argv]
            return subprocess.run(again, env={**os.environ, INNER: "1"}, check=False).returncode
        try:
            run(binary, pathlib.Path(temporary))
        except (Failed, DidNotStart) as error:
            print(f"FAILED: {error}")
            return 1
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
