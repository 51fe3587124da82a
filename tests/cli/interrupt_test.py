#!/usr/bin/env python3
"""Ctrl-C, and other signals, in the middle of `chroma copy`, `export`, `import` and `db clone`, and
readers of what is exported that go away.

usage: interrupt_test.py PATH_OF_CHROMA [unittest arguments]
"""
import fcntl
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import pty
import re
import select
import signal
import sqlite3
import subprocess
import tarfile
import termios
import threading
import time
import urllib.parse

import support
from support import CommandTest, ask

OLD_DIRECTORY = pathlib.Path(__file__).resolve().parent.parent / "import" / "chroma-1.5.9.tar.xz"


class Gate(http.server.ThreadingHTTPServer):
    """Passes requests on to a server. The `hold_at`-th of those whose path ends in `path` is held
    until Gate.open(), and each later one for `pause` seconds: there is a middle to be interrupted
    in, however fast or slow the machine is."""

    daemon_threads = True

    def __init__(self, url, path, hold_at, pause):
        super().__init__(("127.0.0.1", 0), GateHandler)
        self.target = urllib.parse.urlsplit(url).netloc
        self.path, self.hold_at, self.pause = path, hold_at, pause
        self.reached, self.opened = threading.Event(), threading.Event()
        self.seen = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def wait(self):
        assert self.reached.wait(support.START_SECONDS), "the request did not come"

    def open(self):
        self.opened.set()

    def pass_through(self, path):
        if not path.endswith(self.path):
            return
        with self.lock:
            self.seen += 1
            seen = self.seen
        if seen == self.hold_at:
            self.reached.set()
            self.opened.wait()
        elif seen > self.hold_at:
            time.sleep(self.pause)


class GateHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.pass_through(self.path)
        connection = http.client.HTTPConnection(self.server.target, timeout=support.START_SECONDS)
        connection.request(self.command, self.path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        try:
            self.send_response(answer.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # it is gone
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


class InterruptTest(CommandTest):
    def gate(self, url, path, hold_at, pause):
        gate = Gate(url, path, hold_at, pause)
        self.addCleanup(gate.server_close)
        self.addCleanup(gate.shutdown)
        self.addCleanup(gate.open)
        return gate

    def start(self, *arguments, **options):
        options = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, **options}
        process = subprocess.Popen([support.CHROMA, *arguments], cwd=self.directory,
                                   env=self.environment(), stderr=subprocess.PIPE, text=True,
                                   **options)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def ended(self, process, number=signal.SIGINT):
        """What it said when it ended by the signal."""
        code = process.wait(support.START_SECONDS)
        said = process.stderr.read()
        self.assertEqual(code, -number, said)
        self.assertIn(": interrupted", said)
        self.assertEqual(said.count(": interrupted"), 1, said)
        return said

    def interrupted(self, gate, *arguments, number=signal.SIGINT, **options):
        """Starts the command, interrupts it at the gate's request, and returns what it said."""
        process = self.start(*arguments, **options)
        gate.wait()
        process.send_signal(number)
        gate.open()
        return self.ended(process, number)

    def ctrl_c_at(self, shown, *command):
        """Runs the program on a terminal, and presses Ctrl-C when it shows that. Returns how it
        ended, and all it has shown."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)

        def take_terminal():
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                   cwd=self.directory, start_new_session=True,
                                   preexec_fn=take_terminal,
                                   env=self.environment({"TERM": "xterm"}))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        os.close(slave)
        text = ""
        pressed = False
        while True:
            readable, _, _ = select.select([master], [], [], support.START_SECONDS)
            self.assertTrue(readable, text)
            try:
                text += os.read(master, 4096).decode("utf-8", "replace")
            except OSError:  # Linux says EIO at the end
                break
            if not pressed and re.search(shown, text):
                os.write(master, b"\x03")
                pressed = True
        self.assertTrue(pressed, text)
        return process.wait(support.START_SECONDS), text

    def records(self, place, name):
        return self.out("export", place, name, "-", "--format", "jsonl").splitlines()

    def names(self, place):
        return sorted(c["name"] for c in self.json("inspect", place)["collections"])


class Copy(InterruptTest):
    def test_from_a_server(self):
        url = self.serve()
        self.fill(url, "another", 10)
        self.fill(url, "docs", 1500)
        expected = self.records(url, "docs")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Requests of 10 records, of which the gate holds the 30th and slows the others down.
            gate = self.gate(url, "/get", 30, 0.1)
            target = f"./copied{number}"
            said = self.interrupted(gate, "copy", gate.url, target, "--batch", "10", number=number)
            self.assertIn("after 1 collections; the same command goes on", said)
            names = self.names(target)
            self.assertEqual(len(names), 2)
            self.assertEqual(names[0], "another")
            self.assertTrue(names[1].startswith("docs.copying-"), names)
            report = self.json("copy", url, target)["collections"][1]
            self.assertTrue(report["resumed"])
            self.assertTrue(0 < report["written"] < 1500, report)
            self.assertEqual(self.names(target), ["another", "docs"])
            self.assertEqual(self.records(target, "docs"), expected)
        self.assertEqual(self.records(url, "docs"), expected)

    def test_into_a_server(self):
        url = self.serve()
        self.fill(url, "docs", 1500)
        other = self.serve("other")
        gate = self.gate(other, "/add", 30, 0.1)
        self.interrupted(gate, "copy", url, gate.url, "--batch", "10")
        report = self.json("copy", url, other)["collections"][0]
        self.assertTrue(0 < report["written"] < 1500, report)
        self.assertEqual(self.records(other, "docs"), self.records(url, "docs"))

    def test_from_directory_to_directory_on_a_terminal(self):
        url = self.serve()
        self.fill(url, "docs", 20_000)
        expected = self.records(url, "docs")
        self.stop(self.servers.pop())
        code, shown = self.ctrl_c_at("docs  [█░]+ [0-9,]+/40,000", support.CHROMA, "copy",
                                     "./served", "./copied", "--batch", "1")
        self.assertEqual(code, -signal.SIGINT, shown)
        self.assertIn("chroma copy: interrupted after 0 collections", shown)
        self.assertTrue(self.names("./copied")[0].startswith("docs.copying-"))
        report = self.json("copy", "./served", "./copied")["collections"][0]
        self.assertTrue(report["resumed"] and 0 < report["written"] < 20_000, report)
        for place in ("./served", "./copied"):
            self.assertEqual(self.records(place, "docs"), expected)

    def test_an_update(self):
        url = self.serve()
        self.fill(url, "docs", 1000)
        other = self.serve("other")
        theirs = self.fill(other, "docs", 1200)
        ask(theirs + "/update", {"ids": [f"r{i}" for i in range(1000)],
                                 "metadatas": [{"mine": i} for i in range(1000)]})
        gate = self.gate(url, "/get", 30, 0.1)
        said = self.interrupted(gate, "copy", gate.url, other, "--update", "--batch", "10")
        self.assertIn("may be updated in part", said)
        report = self.json("copy", url, other, "--update")["collections"][0]
        self.assertTrue(0 < report["written"] < 1000, report)
        self.assertEqual(sorted(self.records(other, "docs")), sorted(self.records(url, "docs")))

    def test_a_server_that_does_not_answer(self):
        url = self.serve()
        self.fill(url, "docs", 1500)
        for signals in ([signal.SIGINT], [signal.SIGINT, signal.SIGTERM]):
            gate = self.gate(url, "/get", 30, 0)
            process = self.start("copy", gate.url, "./copied", "--batch", "10")
            gate.wait()
            for number in signals:
                process.send_signal(number)
            # The gate stays closed: the command ends by itself, at a second signal by that one.
            self.assertIn("the same command goes on", self.ended(process, signals[-1]))
        self.assertTrue(self.json("copy", url, "./copied")["collections"][0]["resumed"])
        self.assertEqual(self.records("./copied", "docs"), self.records(url, "docs"))

    def test_a_signal_that_is_ignored(self):
        """As a shell does for what runs in the background of a script."""
        url = self.serve()
        self.fill(url, "docs", 300)
        gate = self.gate(url, "/get", 30, 0)
        process = self.start(
            "copy", gate.url, "./copied", "--batch", "10",
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        gate.wait()
        process.send_signal(signal.SIGINT)
        gate.open()
        self.assertEqual(process.wait(support.START_SECONDS), 0)
        self.assertEqual(self.names("./copied"), ["docs"])

    def test_a_clone_of_a_database(self):
        url = self.serve()
        self.fill(url, "docs", 30_000)
        gate = self.gate(url, "/get", 5, 0.2)
        said = self.interrupted(gate, "db", "clone", "default_database", "twin", "--at", gate.url)
        self.assertIn("chroma db clone: interrupted", said)
        self.run_chroma("db", "clone", "default_database", "twin", "--at", url)
        self.assertEqual(self.names(url + "#twin"), ["docs"])
        self.assertEqual(self.records(url + "#twin", "docs"), self.records(url, "docs"))


class Export(InterruptTest):
    def test_leaves_no_file_that_looks_whole(self):
        url = self.serve()
        self.fill(url, "docs", 60_000, dimension=2)
        expected = self.records(url, "docs")
        (self.directory / "there.csv").write_text("what was there\n")
        for file in ("new.jsonl", "there.csv"):
            before = sorted(p.name for p in self.directory.iterdir())
            gate = self.gate(url, "/get", 5, 0.3)
            said = self.interrupted(gate, "export", gate.url, "docs", file)
            self.assertIn(f"{file} was not written", said)
            self.assertEqual(sorted(p.name for p in self.directory.iterdir()), before)
        self.assertEqual((self.directory / "there.csv").read_text(), "what was there\n")
        self.run_chroma("export", url, "docs", "new.jsonl")
        self.assertEqual((self.directory / "new.jsonl").read_text().splitlines(), expected)

    def test_cut_off_and_written_again(self):
        url = self.serve()
        self.fill(url, "docs", 60_000, dimension=2)
        gate = self.gate(url, "/get", 5, 0)
        process = self.start("export", gate.url, "docs", "docs.jsonl")
        gate.wait()
        process.send_signal(signal.SIGTERM)
        self.ended(process, signal.SIGTERM)  # the gate stays closed
        self.assertFalse((self.directory / "docs.jsonl").exists())
        self.run_chroma("export", url, "docs", "docs.jsonl")
        self.assertFalse((self.directory / "docs.jsonl.tmp").exists())
        self.assertEqual((self.directory / "docs.jsonl").read_text().splitlines(),
                         self.records(url, "docs"))

    def test_into_a_pipe_that_nobody_reads(self):
        url = self.serve()
        self.fill(url, "docs", 20_000)
        process = self.start("export", url, "docs", "-", "--format", "jsonl",
                             stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.assertTrue(process.stdout.read(1))
        process.send_signal(signal.SIGINT)
        self.assertIn("what was written is a part", self.ended(process))

    def test_what_is_open_already_is_written_to_and_not_replaced(self):
        url = self.serve()
        self.fill(url, "docs", 1000)
        link = self.directory / "link"
        link.symlink_to("/proc/self/fd/1")
        for name in ("/dev/stdout", "link"):
            with open(self.directory / "out", "w+", encoding="utf-8") as out:
                out.write("first\n")
                out.flush()
                process = self.start("export", url, "docs", name, "--format", "jsonl", stdout=out)
                process.wait(60)
                self.assertEqual(process.returncode, 0)
            lines = (self.directory / "out").read_text().splitlines()
            self.assertEqual(lines, ["first"] + self.records(url, "docs"))
            self.assertTrue(link.is_symlink())

    def test_what_it_has_opened_itself_is_not_written_to(self):
        url = self.serve()
        self.fill(url, "docs", 10)
        for number in range(3, 10):
            process = self.start("export", url, "docs", f"/dev/fd/{number}", "--format", "jsonl")
            self.assertIn(f"opened no {number}", process.stderr.read())
            self.assertNotEqual(process.wait(60), 0)
        given = os.open(self.directory / "out", os.O_WRONLY | os.O_CREAT)
        self.addCleanup(os.close, given)
        process = self.start("export", url, "docs", f"/dev/fd/{given}", "--format", "jsonl",
                             pass_fds=[given])
        self.assertEqual(process.wait(60), 0)
        self.assertEqual((self.directory / "out").read_text().splitlines(),
                         self.records(url, "docs"))

    def test_interrupted_into_a_named_pipe(self):
        url = self.serve()
        self.fill(url, "docs", 20_000)
        os.mkfifo(self.directory / "pipe")
        process = self.start("export", url, "docs", "pipe", "--format", "jsonl")
        with open(self.directory / "pipe", "rb") as pipe:
            self.assertTrue(pipe.read(1))
            process.send_signal(signal.SIGINT)
            self.assertIn("what was written is a part", self.ended(process))

    def test_stops_where_the_reader_has_had_enough(self):
        url = self.serve()
        self.fill(url, "docs", 60_000, dimension=2)
        pipe = self.directory / "pipe.jsonl"
        os.mkfifo(pipe)
        for file, options in (("-", {"stdout": subprocess.PIPE}), ("pipe.jsonl", {})):
            gate = self.gate(url, "/get", 1000, 0)
            process = self.start("export", gate.url, "docs", file, "--format", "jsonl", **options)
            with process.stdout or open(pipe) as reader:
                self.assertTrue(reader.read(1))
            self.assertEqual(process.wait(support.START_SECONDS), 1)
            self.assertEqual(process.stderr.read(), "")
            self.assertLessEqual(gate.seen, 2, "the rest was asked for all the same")

    def test_into_a_pipe_and_a_directory(self):
        url = self.serve()
        self.fill(url, "docs", 10_000)
        pipe = self.directory / "pipe.jsonl"
        os.mkfifo(pipe)
        process = self.start("export", url, "docs", "pipe.jsonl")
        with open(pipe) as reader:
            self.assertEqual(reader.read().splitlines(), self.records(url, "docs"))
        self.assertEqual(process.wait(support.START_SECONDS), 0)
        self.assertTrue(pipe.is_fifo(), "a file was put in its place")
        said = self.fails(2, "export", url, "docs", "home", "--format", "jsonl")
        self.assertIn("home is a directory", said)
        self.assertFalse((self.directory / "home.tmp").exists())


class ImportRecords(InterruptTest):
    def setUp(self):
        super().setUp()
        self.url = self.serve("original")
        self.fill(self.url, "docs", 40_000, dimension=2)
        self.expected = self.records(self.url, "docs")
        self.file = self.directory / "docs.jsonl"
        self.file.write_text("".join(line + "\n" for line in self.expected))

    def records_after(self, said):
        found = re.search("interrupted after ([0-9,]+) records", said)
        self.assertTrue(found, said)
        return int(found.group(1).replace(",", ""))

    def test_of_a_file(self):
        for number, existing in ((signal.SIGINT, "update"), (signal.SIGTERM, "skip")):
            name = f"docs{number}"
            gate = self.gate(self.url, "/upsert" if existing == "update" else "/add", 5, 0.3)
            command = ["import", "docs.jsonl", gate.url, name, "--existing", existing]
            said = self.interrupted(gate, *command, number=number)
            after = self.records_after(said)
            self.assertEqual(after % 4096, 0)
            self.assertTrue(4 * 4096 <= after < 40_000, said)
            self.assertEqual(self.records(self.url, name), self.expected[:after])
            self.run_chroma("import", "docs.jsonl", self.url, name, "--existing", existing)
            self.assertEqual(self.records(self.url, name), self.expected)

    def test_of_a_pipe_that_nobody_writes(self):
        other = self.serve("other")
        for place, number in (("./fresh", signal.SIGINT), (other, signal.SIGTERM),
                              ("./other", signal.SIGHUP)):
            name = f"docs{number}"
            process = self.start("import", "-", place, name, "--format", "jsonl",
                                 stdin=subprocess.PIPE)
            self.addCleanup(process.stdin.close)
            process.stdin.write("".join(line + "\n" for line in self.expected[:9000]))
            process.stdin.flush()
            self.wait_for_records(place, name, 8192)
            process.send_signal(number)
            self.assertIn("after 8,192 records", self.ended(process, number))
            self.assertEqual(self.records(place, name), self.expected[:8192])
            self.run_chroma("import", "docs.jsonl", place, name)
            self.assertEqual(self.records(place, name), self.expected)

    def test_of_a_pipe_whose_writer_is_interrupted_too(self):
        """What ends there then is a part, also where it ends with a whole line."""
        self.file.write_text("".join(line + "\n" for line in self.expected[:9000]))
        code, shown = self.ctrl_c_at(
            "importing into docs  [0-9]", "sh", "-c",
            f"(cat docs.jsonl; exec sleep 1000) | {support.CHROMA} import - ./fresh docs "
            "--format jsonl")
        self.assertNotEqual(code, 0)
        after = self.records_after(shown)
        self.assertIn(after, (4096, 8192))
        self.assertEqual(self.records("./fresh", "docs"), self.expected[:after])

    def wait_for_records(self, place, name, records):
        deadline = time.monotonic() + support.START_SECONDS
        while time.monotonic() < deadline:
            done = subprocess.run([support.CHROMA, "query", name, "--count", "--at", place],
                                  cwd=self.directory, env=self.environment(), text=True,
                                  capture_output=True, timeout=support.START_SECONDS)
            if done.stdout.strip() == str(records):
                return
            time.sleep(0.05)
        self.fail(f"no {records} records: {done}")


class ImportDirectory(InterruptTest):
    def setUp(self):
        super().setUp()
        with tarfile.open(OLD_DIRECTORY) as archive:
            archive.extractall(self.directory)

    def add_writes(self, name, records):
        """Writes that have not reached the tables yet, and are imported all the same."""
        with sqlite3.connect(self.directory / "db" / "chroma.sqlite3") as rows:
            rows.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                "INSERT INTO embeddings_queue(operation, topic, id, vector, encoding, metadata) "
                "SELECT 0, topic, ? || i, vector, encoding, metadata "
                "FROM (SELECT * FROM embeddings_queue WHERE vector IS NOT NULL "
                "AND topic LIKE '%' || (SELECT id FROM collections WHERE name = 'queued') LIMIT 1)"
                ", n", (records, name))
        rows.close()

    def digest(self):
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest()
                for p in sorted((self.directory / "db").rglob("*")) if p.is_file()}

    def interrupted_in(self, step, target):
        """Whether Ctrl-C came while the import showed that; else it was through before."""
        code, shown = self.ctrl_c_at(step, support.CHROMA, "import", "db", target)
        if code == 0:
            return False
        self.assertEqual(code, -signal.SIGINT, shown)
        self.assertIn(f"chroma import: interrupted; {target} is not finished; the same command "
                      "goes on with it", shown)
        return True

    def test_in_each_step(self):
        steps = ["reading", "writing queued", "checking queued"]
        records = 15
        # A program that is through before the key is pressed gets more to do.
        for more in (15_000, 45_000, 90_000, 300_000):
            self.add_writes(f"more-{more}-", more)
            records += more
            steps = self.not_interrupted(steps, records)
            if not steps:
                return
        self.fail(f"not interrupted in {steps}")

    def not_interrupted(self, steps, records):
        """Interrupts an import in each of the steps and goes on with it; returns the steps that
        were too short for that."""
        before = self.digest()
        whole = self.json("import", "db", f"whole{records}")["collections"]
        expected = self.records(f"./whole{records}", "queued")
        self.assertEqual(len(expected), records)
        left = []
        for step in steps:
            target = f"new-{step[:4]}{records}"
            if not self.interrupted_in(step, target):
                left.append(step)
                continue
            self.assertEqual(self.digest(), before)
            self.assertEqual(self.json("import", "db", target)["collections"], whole)
            self.assertEqual(self.records("./" + target, "queued"), expected)
        self.assertEqual(self.digest(), before)
        return left


if __name__ == "__main__":
    support.main()
