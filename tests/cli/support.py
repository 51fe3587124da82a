"""What the tests of the command line share: a directory, a home, servers that end with the test."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server import START_SECONDS

CHROMA = None
DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"


def ask(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"},
                                     method=method)
    with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
        return json.load(response)


class CommandTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        self.home = self.directory / "home"
        self.home.mkdir()
        self.servers = []
        self.addCleanup(lambda: [self.stop(server) for server in self.servers])

    def environment(self, env=None):
        base = {k: v for k, v in os.environ.items() if not k.startswith("CHROMA_")}
        return {**base, "HOME": str(self.home), **(env or {})}

    def run_chroma(self, *arguments, code=0, env=None, stdin=None):
        done = subprocess.run([CHROMA, *arguments], capture_output=True, text=True, input=stdin,
                              cwd=self.directory, timeout=START_SECONDS, env=self.environment(env))
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def out(self, *arguments, **options):
        return self.run_chroma(*arguments, **options).stdout

    def fails(self, code, *arguments, **options):
        """What it says on stderr; nothing may be on stdout."""
        done = self.run_chroma(*arguments, code=code, **options)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def json(self, *arguments, **options):
        return json.loads(self.out(*arguments, "--json", **options))

    def serve(self, path="served"):
        """Starts a server and returns its url."""
        log_path = self.directory / f"log{len(self.servers)}"
        with open(log_path, "wb") as log:
            server = subprocess.Popen([CHROMA, "run", "--path", path, "--port", "0"], stderr=log,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      cwd=self.directory, env=self.environment())
        self.servers.append(server)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            found = re.search(r"server started.* address=(\S+)", log_path.read_text())
            if found:
                return found.group(1)
            time.sleep(0.02)
        raise AssertionError(f"not started: {log_path.read_text()}")

    def stop(self, server):
        if server.poll() is None:
            server.terminate()
        server.wait(START_SECONDS)

    def fill(self, url, name, records, dimension=4, database=DATABASE, **create):
        """A collection with records r0, r1, …"""
        made = ask(url + database + "/collections", {"name": name, **create})
        path = f"{url}{database}/collections/{made['id']}"
        for begin in range(0, records, 1000):
            numbers = range(begin, min(records, begin + 1000))
            ask(path + "/add", {
                "ids": [f"r{i}" for i in numbers],
                "embeddings": [[(i * 7 + j) % 101 / 100 for j in range(dimension)] for i in numbers],
                "documents": [f"document {i} about {'rivers' if i % 3 else 'seas'}"
                              for i in numbers],
                "metadatas": [{"n": i, "half": i / 2, "odd": bool(i % 2), "tags": [f"t{i % 5}"]}
                              if i % 4 else None for i in numbers],
                "uris": [f"file:{i}" if i % 2 else None for i in numbers]})
        return path

    def contents(self, path):
        """Everything of a collection, through the REST API."""
        got = ask(path + "/get", {"include": ["documents", "metadatas", "embeddings", "uris"]})
        return list(zip(got["ids"], got["embeddings"], got["documents"], got["metadatas"],
                        got["uris"]))


def main():
    global CHROMA
    CHROMA = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__")
