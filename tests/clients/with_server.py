#!/usr/bin/env python3
"""Starts the server over an empty directory and runs a command that finds it at $CHROMA_PORT.

usage: with_server.py BINARY COMMAND [ARGUMENT...]
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Server  # noqa: E402


def main():
    with tempfile.TemporaryDirectory(prefix="chroma-client-") as temporary:
        with Server(sys.argv[1], pathlib.Path(temporary) / "db") as server:
            environment = {**os.environ, "CHROMA_PORT": str(server.port)}
            code = subprocess.run(sys.argv[2:], env=environment, check=False).returncode
            server.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
