#!/usr/bin/env python3
"""`chroma doctor` as a user and a script meet it, over real files.

usage: doctor_test.py BINARY [--damages N] [--seed N]
"""
import argparse
import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Failed, Server  # noqa: E402

HEALTHY, MENDED, DAMAGED, CANNOT_CHECK, USAGE = 0, 1, 2, 3, 64


def expect(what, wanted, got):
    if wanted != got:
        raise Failed(f"{what}: {got!r} instead of {wanted!r}")


def doctor(binary, *arguments):
    """Exit code, what it printed, and what it complained of."""
    done = subprocess.run([binary, "doctor", *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, check=False)
    if done.returncode < 0:
        raise Failed(f"doctor {arguments} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.returncode, done.stdout, done.stderr


def digest(directory):
    """Of every byte of every file but the lock, which names its last holder."""
    return {str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(directory.rglob("*")) if p.is_file() and p.name != "LOCK"}


def make(binary, directory):
    with Server(binary, directory) as server:
        client = server.client()
        path = client.create("things")
        for first in range(0, 300, 100):
            numbers = range(first, first + 100)
            client.post(f"{path}/add", {
                "ids": [f"r{n}" for n in numbers], "embeddings": [[float(n), 1.0] for n in numbers],
                "documents": [f"text {n}" for n in numbers],
                "metadatas": [{"n": n} for n in numbers]}, 201)
        code, _, complaint = doctor(binary, directory)
        expect("a directory in use", CANNOT_CHECK, code)
        if str(server.process.pid) not in complaint:
            raise Failed(f"the holder's pid is not named: {complaint}")
        server.stop()
    return path


def check_exit_codes(binary, directory, temporary):
    expect("no path", USAGE, doctor(binary)[0])
    expect("an unknown flag", USAGE, doctor(binary, directory, "--no-such")[0])
    expect("no directory", CANNOT_CHECK, doctor(binary, temporary / "none")[0])
    (temporary / "empty").mkdir()
    expect("an empty directory", CANNOT_CHECK, doctor(binary, temporary / "empty")[0])
    expect("nothing is made", [], list((temporary / "empty").iterdir()))
    expect("help", 0, doctor(binary, "--help")[0])
    before = digest(directory)
    code, text, _ = doctor(binary, directory, "--dry-run")
    expect("a healthy directory", (HEALTHY, True), (code, "healthy" in text))
    report = json.loads(doctor(binary, directory, "--json")[1])
    expect("the verdict", ("healthy", 1), (report["verdict"], report["collections"]))
    expect("the files", before, digest(directory))
    format_file = directory / "FORMAT"
    format_file.write_text("chroma-cpp\n")
    damaged = digest(directory)
    expect("a dry run", MENDED, doctor(binary, directory, "--dry-run")[0])
    expect("the files after a dry run", damaged, digest(directory))
    expect("a damaged FORMAT", MENDED, doctor(binary, directory)[0])
    expect("FORMAT as it was", before["FORMAT"], digest(directory)["FORMAT"])
    expect("what is kept", "chroma-cpp\n", (directory / "damaged/1/FORMAT").read_text())
    expect("afterwards", HEALTHY, doctor(binary, directory)[0])
    shutil.rmtree(directory / "damaged")


def check_damage(binary, original, path, temporary, damages, rng):
    files = [p.relative_to(original) for p in sorted(original.rglob("*"))
             if p.is_file() and p.stat().st_size and p.name != "LOCK"]
    counts = {}
    for number in range(damages):
        copy = temporary / "copy"
        shutil.copytree(original, copy)
        file = copy / rng.choice(files)
        content = bytearray(file.read_bytes())
        at = rng.randrange(len(content))
        for i in range(at, min(at + rng.choice([1, 1, 30, 3000]), len(content))):
            content[i] ^= rng.randrange(1, 256)
        file.write_bytes(content)
        what = f"damage {number}: {file.relative_to(copy)} at {at}"
        before = digest(copy)
        dry, text, complaint = doctor(binary, copy, "--dry-run", "--salvage")
        expect(f"{what}: the files after a dry run", before, digest(copy))
        if dry == CANNOT_CHECK and "newer version" not in complaint:
            raise Failed(f"{what}: {complaint}")
        code, _, _ = doctor(binary, copy, "--salvage")
        # What is behind a damaged catalog is seen once that is mended.
        expect(f"{what}: healthy, the dry run said\n{text}", code == HEALTHY, dry == HEALTHY)
        counts[code] = counts.get(code, 0) + 1
        if code in (HEALTHY, MENDED):
            expect(f"{what}: again", HEALTHY, doctor(binary, copy)[0])
            with Server(binary, copy) as server:
                status, answer = server.client().send("POST", f"{path}/get", {})
                lost = status == 404 and code == MENDED  # with its row of the catalog
                if status != 200 and not lost:
                    raise Failed(f"{what}: reading answers {status}: {str(answer)[:300]}")
                server.stop()
        shutil.rmtree(copy)
    print(f"{damages} damages: {counts}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--damages", type=int, default=12)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"doctor_test.py {options.binary} --damages {options.damages} --seed {options.seed}",
          flush=True)
    with tempfile.TemporaryDirectory(prefix="chroma-doctor-") as name:
        temporary = pathlib.Path(name)
        directory = temporary / "data"
        try:
            path = make(options.binary, directory)
            check_exit_codes(options.binary, directory, temporary)
            check_damage(options.binary, directory, path, temporary, options.damages,
                         random.Random(options.seed))
        except Failed as error:
            print(f"FAILED: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
