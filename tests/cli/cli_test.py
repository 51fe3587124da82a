#!/usr/bin/env python3
"""`chroma run` as a user meets it: start, stop, ports, signals, and what it says when it cannot.

usage: cli_test.py PATH_OF_CHROMA [unittest arguments]
"""
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from support import START_SECONDS

CHROMA = None


class Server:
    """A `chroma run` that is stopped with the test; its stderr is a file. `prefix` is a command that
    becomes it."""

    def __init__(self, test, *arguments, env=None, cwd=None, prefix=()):
        self.log_path = pathlib.Path(test.directory) / f"log{len(test.servers)}"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*prefix, CHROMA, "run", *arguments], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log, cwd=cwd or test.directory, env={**os.environ, **(env or {})})
        test.servers.append(self)

    def log(self):
        return self.log_path.read_text()

    def url(self):
        """Waits until it serves."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"server started.* address=(\S+)", self.log())
            if found:
                return found.group(1)
            time.sleep(0.02)
        raise AssertionError(f"not started: {self.process.poll()} {self.log()}")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def ask(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"},
                                     method=method)
    with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
        return json.load(response)


class CliTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = temporary.name
        self.servers = []
        self.addCleanup(lambda: [server.close() for server in self.servers])

    def start(self, *arguments, **options):
        return Server(self, *arguments, **options)

    def run_once(self, *arguments, env=None):
        return subprocess.run([CHROMA, *arguments], capture_output=True, text=True,
                              cwd=self.directory, timeout=START_SECONDS,
                              env={**os.environ, **(env or {})})

    def fails(self, exit_code, *arguments, env=None):
        """What it says about a start that must fail."""
        done = self.run_once("run", *arguments, env=env)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done.stderr

    def write(self, name, text):
        path = pathlib.Path(self.directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)


class CommandLine(CliTest):
    def test_version(self):
        for flag in ("--version", "-V"):
            done = self.run_once(flag)
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, r"^chroma \d+\.\d+\.\d+\n$")

    def test_help(self):
        for arguments in (["--help"], ["-h"]):
            done = self.run_once(*arguments)
            self.assertEqual(done.returncode, 0)
            self.assertIn("run", done.stdout)
        done = self.run_once("run", "--help")
        self.assertEqual(done.returncode, 0)
        for flag in ("CONFIG_PATH", "--path", "--host", "--port", "--allow-reset"):
            self.assertIn(flag, done.stdout)

    def test_mistakes(self):
        self.assertEqual(self.run_once().returncode, 2)
        self.assertEqual(self.run_once("dance").returncode, 2)
        self.assertIn("--colour", self.fails(2, "--colour"))
        self.assertIn("--port", self.fails(2, "--port"))
        self.assertIn("--port: port must be a whole number", self.fails(2, "--port", "many"))
        self.assertIn("--port", self.fails(2, "--port", "65536"))
        self.assertIn("--path", self.fails(2, "--path", ""))
        self.assertIn("--log-level", self.fails(2, "--log-level", "loud"))


class StartAndStop(CliTest):
    def test_serves_and_stops(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            server = self.start("--path", "data", "--port", "0")
            url = server.url()
            self.assertTrue(url.startswith("http://localhost:"), url)
            self.assertIn("nanosecond heartbeat", ask(url + "/api/v2/heartbeat"))
            self.assertEqual(server.stop(number), 0, server.log())
            self.assertIn("server stopped", server.log())
            # Not a terminal: no banner.
            self.assertEqual(server.process.stdout.read(), b"")

    def test_keeps_data(self):
        database = "/api/v2/tenants/default_tenant/databases/default_database"
        server = self.start("--path", "data", "--port", "0")
        url = server.url()
        collection = ask(url + database + "/collections", {"name": "kept"})
        records = f"{database}/collections/{collection['id']}"
        ask(url + records + "/add", {"ids": ["a"], "embeddings": [[1, 2]], "documents": ["x"]})
        self.assertEqual(server.stop(), 0)
        server = self.start("--path", "data", "--port", "0")
        url = server.url()
        self.assertEqual(ask(url + records + "/count"), 1)
        self.assertEqual(ask(url + records + "/get", {})["documents"], ["x"])
        server.process.kill()
        server.process.wait()
        server = self.start("--path", "data", "--port", "0")
        self.assertEqual(ask(server.url() + records + "/count"), 1)

    def test_docs(self):
        url = self.start("--path", "data", "--port", "0").url()
        self.assertEqual(ask(url + "/openapi.json")["openapi"], "3.1.0")
        with urllib.request.urlopen(url + "/docs") as response:
            self.assertIn(b"<!doctype html>", response.read())

    def test_reset_is_off_unless_asked_for(self):
        url = self.start("--path", "a", "--port", "0").url()
        with self.assertRaises(urllib.error.HTTPError) as refused:
            ask(url + "/api/v2/reset", method="POST")
        self.assertEqual(refused.exception.code, 403)
        refused.exception.close()
        url = self.start("--path", "b", "--port", "0", "--allow-reset").url()
        self.assertIs(ask(url + "/api/v2/reset", method="POST"), True)

    def test_test_mode(self):
        done = self.run_once("run", "--path", "data", "--port", "0", "--test")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("server stopped", done.stderr)

    def test_a_signal_before_it_serves_ends_it(self):
        """It waits for a process that has the directory and does not answer."""
        server = self.start("--path", "waited", "--port", "0")
        server.url()
        server.stop()
        holder = subprocess.Popen(
            [sys.executable, "-c", "import fcntl, sys; lock = open(sys.argv[1], 'r+'); "
             "fcntl.lockf(lock, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()",
             os.path.join(self.directory, "waited", "LOCK")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.communicate)
        self.assertTrue(holder.stdout.readline())
        server = self.start("--path", "waited", "--port", "0")
        time.sleep(0.5)
        self.assertIsNone(server.process.poll(), server.log())
        began = time.monotonic()
        self.assertEqual(server.stop(signal.SIGINT), -signal.SIGINT)
        self.assertLess(time.monotonic() - began, 5)

    def test_without_standard_descriptors(self):
        """No file of the database takes their numbers, to be printed into."""
        server = self.start("--path", "data", "--port", "0",
                            prefix=("sh", "-c", 'exec "$@" <&- >&-', "sh"))
        server.url()
        for number in (0, 1):
            self.assertEqual(os.readlink(f"/proc/{server.process.pid}/fd/{number}"), "/dev/null")
        self.assertEqual(server.stop(), 0)

    def test_second_signal_does_not_wait(self):
        server = self.start("--path", "data", "--port", "0")
        port = int(server.url().rsplit(":", 1)[1])
        with socket.create_connection(("localhost", port)) as busy:
            # A request that has begun and does not end keeps the first signal waiting.
            busy.sendall(b"POST /api/v2/tenants HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n"
                         b"content-type: application/json\r\n\r\n{")
            time.sleep(0.2)
            server.process.send_signal(signal.SIGINT)
            deadline = time.monotonic() + START_SECONDS
            while "server stopping" not in server.log() and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.3)
            self.assertIsNone(server.process.poll(), "did not wait for the request")
            self.assertEqual(server.stop(signal.SIGINT), -signal.SIGINT)

    def test_banner_on_a_terminal(self):
        master, slave = pty.openpty()
        process = subprocess.Popen([CHROMA, "run", "--path", "data", "--port", "0"],
                                   stdout=slave, stderr=subprocess.DEVNULL, cwd=self.directory,
                                   env={**os.environ, "NO_COLOR": "1"})
        os.close(slave)
        text = ""
        try:
            deadline = time.monotonic() + START_SECONDS
            while "Stop" not in text and time.monotonic() < deadline:
                if select.select([master], [], [], 0.1)[0]:
                    text += os.read(master, 4096).decode()
        finally:
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(START_SECONDS), 0)
            os.close(master)
        self.assertRegex(text, r"chroma \d+\.\d+\.\d+")
        self.assertRegex(text, r"http://localhost:\d+\r\n")
        self.assertRegex(text, r"http://localhost:\d+/docs")
        self.assertIn(os.path.realpath(self.directory) + "/data", text)
        self.assertNotIn("\x1b", text)

    def test_log_path_and_format(self):
        server = self.start("--path", "data", "--port", "0", "--log-path", "chroma.log",
                            "--log-format", "json")
        path = pathlib.Path(self.directory) / "chroma.log"
        deadline = time.monotonic() + START_SECONDS
        while not (path.exists() and "server started" in path.read_text()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertEqual(server.stop(), 0)
        events = [json.loads(line)["event"] for line in path.read_text().splitlines()]
        self.assertIn("server started", events)
        self.assertIn("server stopped", events)
        self.assertEqual(server.log(), "")


class Configuration(CliTest):
    def test_file_environment_and_flags(self):
        config = self.write("config.yaml", "port: 1\nlisten_address: 127.0.0.1\n"
                            "persist_path: from_file\nopen_telemetry:\n  endpoint: x\n")
        server = self.start(config, "--path", "from_flag", env={"CHROMA_PORT": "0"})
        self.assertTrue(server.url().startswith("http://127.0.0.1:"))
        self.assertIn("key=open_telemetry", server.log())
        self.assertTrue((pathlib.Path(self.directory) / "from_flag").is_dir())
        self.assertFalse((pathlib.Path(self.directory) / "from_file").exists())

    def test_environment_counts_only_with_a_file(self):
        server = self.start("--path", "data", "--port", "0", env={"CHROMA_PERSIST_PATH": "other"})
        server.url()
        self.assertFalse((pathlib.Path(self.directory) / "other").exists())

    def test_cors(self):
        config = self.write("config.yaml", "port: 0\ncors_allow_origins: ['*']\n")
        url = self.start(config, "--host", "localhost").url()
        with urllib.request.urlopen(url + "/api/v2/heartbeat") as response:
            self.assertEqual(response.headers["access-control-allow-origin"], "*")

    def test_errors(self):
        self.assertIn("none.yaml", self.fails(2, "none.yaml"))
        path = self.write("bad.yaml", "port: 8000\nprot: 1\n")
        self.assertIn("bad.yaml:2: unknown key \"prot\"", self.fails(2, path))
        path = self.write("type.yaml", "port: [1]\n")
        self.assertIn("type.yaml:1: port must be", self.fails(2, path))
        path = self.write("good.yaml", "port: 0\n")
        self.assertIn("CHROMA_ALLOW_RESET", self.fails(2, path, env={"CHROMA_ALLOW_RESET": "si"}))


class CannotStart(CliTest):
    def test_port_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            error = self.fails(1, "--path", "data", "--host", "127.0.0.1", "--port", str(port))
        self.assertIn(f"127.0.0.1:{port}", error)
        self.assertIn("in use", error)
        self.assertFalse(os.path.exists(os.path.join(self.directory, "data")))

    def test_says_why_once(self):
        self.write("data", "")
        arguments = ["run", "--path", "data", "--port", "0"]
        done = self.run_once(*arguments)
        self.assertEqual((done.stderr.count("data"), done.stderr.count("\n")), (1, 1), done.stderr)
        done = self.run_once(*arguments, "--log-format", "json")
        self.assertEqual(json.loads(done.stderr)["event"], "server cannot start")
        done = self.run_once(*arguments, "--log-path", "chroma.log")
        self.assertIn("data", done.stdout)
        self.assertEqual(done.stderr, "")
        log = (pathlib.Path(self.directory) / "chroma.log").read_text()
        self.assertEqual(log.count("cannot start"), 1)

    def test_bad_host(self):
        self.assertIn("nowhere.invalid",
                      self.fails(1, "--path", "data", "--host", "nowhere.invalid"))

    def test_two_servers_share_a_directory(self):
        first = self.start("--path", "data", "--port", "0")
        first.url()
        second = self.start("--path", "data", "--port", "0")
        path = "/api/v2/tenants/default_tenant/databases/default_database/collections"

        made = ask(second.url() + path, {"name": "things"})
        self.assertIn("open in another process", second.log())
        self.assertEqual(ask(first.url() + path)[0]["id"], made["id"])
        self.assertEqual(first.stop(), 0)
        self.assertEqual(ask(second.url() + path)[0]["id"], made["id"])
        self.assertIn("directory taken over", second.log())

    def test_read_only(self):
        self.assertIn("holds no database", self.fails(1, "--path", "data", "--port", "0", "--read-only"))
        self.assertFalse(os.path.exists(os.path.join(self.directory, "data")))
        writer = self.start("--path", "data", "--port", "0")
        writer.url()
        self.assertEqual(writer.stop(), 0)
        before = sorted(os.listdir(os.path.join(self.directory, "data")))
        reader = self.start("--path", "data", "--port", "0", "--read-only")
        self.assertEqual(ask(reader.url() + "/api/v2/tenants/default_tenant")["name"],
                         "default_tenant")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            ask(reader.url() + "/api/v2/tenants", {"name": "tenant"})
        self.assertEqual(refused.exception.code, 403)
        self.assertEqual(sorted(os.listdir(os.path.join(self.directory, "data"))), before)

    def test_directory_is_a_file(self):
        self.write("data", "")
        self.assertIn("data", self.fails(1, "--path", "data", "--port", "0"))
        self.assertIn("data/x", self.fails(1, "--path", "data/x", "--port", "0"))

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_directory_not_writable(self):
        os.mkdir(os.path.join(self.directory, "closed"), 0o500)
        error = self.fails(1, "--path", "closed/data", "--port", "0")
        self.assertIn("may not write to the data directory closed/data", error)

    def test_directory_of_a_newer_version(self):
        self.write("data/FORMAT", "chroma-cpp 999\n")
        self.assertIn("newer version", self.fails(1, "--path", "data", "--port", "0"))

    def test_directory_with_a_damaged_format(self):
        self.write("data/FORMAT", "\0\0\0")
        self.assertIn("FORMAT", self.fails(1, "--path", "data", "--port", "0"))

    def test_directory_of_upstream(self):
        self.write("data/chroma.sqlite3", "SQLite format 3\0")
        self.assertIn("chroma.sqlite3", self.fails(1, "--path", "data", "--port", "0"))
        # It is left as it was.
        self.assertEqual(os.listdir(os.path.join(self.directory, "data")), ["chroma.sqlite3"])


if __name__ == "__main__":
    CHROMA = os.path.abspath(sys.argv.pop(1))
    unittest.main()
