#!/usr/bin/env python3
"""Runs one example and passes on its exit code.

usage: run_example.py EXAMPLE [--server CHROMA]

metadata_filters gets an empty directory as its argument, http_client the URL of a server that is
started for it from the given program.
"""
import argparse
import contextlib
import pathlib
import re
import subprocess
import sys
import tempfile
import time

START_SECONDS_MAX = 60


@contextlib.contextmanager
def server(program, directory):
    """The URL of a server on a free port."""
    log_path = pathlib.Path(directory) / "log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [program, "run", "--path", str(pathlib.Path(directory) / "data"),
             "--host", "127.0.0.1", "--port", "0"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            started = re.search(r"server started.*(http://127\.0\.0\.1:\d+)", log_path.read_text())
            if started:
                break
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server did not start:\n" + log_path.read_text())
            time.sleep(0.05)
        yield started.group(1)
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS_MAX)


def run(example, server_program):
    with tempfile.TemporaryDirectory(prefix="chroma-example-") as directory:
        name = pathlib.Path(example).name
        if name == "http_client":
            with server(server_program, directory) as url:
                return subprocess.run([example, url], check=False).returncode
        arguments = [directory + "/books"] if name == "metadata_filters" else []
        return subprocess.run([example, *arguments], check=False).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("example")
    parser.add_argument("--server")
    options = parser.parse_args()
    sys.exit(run(options.example, options.server))
