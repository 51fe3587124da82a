#!/usr/bin/env python3
"""browse, in a terminal that is tmux.

usage: browse_test.py PATH_OF_CHROMA [unittest arguments]
"""
import fcntl
import os
import pty
import subprocess
import termios
import time

import support
from support import CommandTest, ask

WAIT_SECONDS = support.START_SECONDS


class Browse(CommandTest):
    def setUp(self):
        super().setUp()
        self.socket = str(self.directory / "tmux")
        self.addCleanup(lambda: self.tmux("kill-server", check=False))

    def tmux(self, *arguments, check=True, env=None):
        done = subprocess.run(["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *arguments],
                              capture_output=True, text=True, env=self.environment(env))
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def start(self, *arguments, env=None):
        command = " ".join([support.CHROMA, "browse", *arguments]) + "; echo ended with $?; cat"
        self.tmux("new-session", "-d", "-x", "100", "-y", "24", "-c", str(self.directory),
                  "sh", "-c", command, env=env)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, *texts):
        """Until all of the texts are on the screen."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            screen = self.screen()
            if all(text in screen for text in texts):
                return screen
            time.sleep(0.03)
        raise AssertionError(f"{texts} not in\n{self.screen()}")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def test_collections_to_records_to_edits(self):
        url = self.serve()
        path = self.fill(url, "docs", 300)
        self.fill(url, "other", 2)
        self.start("--at", url)
        self.wait("2 collections", "docs", "300 records", "4 dim")
        self.keys("Enter")
        self.wait("docs: 300 records", "document 0 about seas")
        self.keys("End")
        self.wait("document 299")
        self.keys("g", "/")
        self.wait("Documents with the text:")
        self.type("document 12 ")
        self.keys("Enter")
        self.wait('docs: 1 records with "document 12 "', "r12")
        self.keys("Enter")
        self.wait("docs / r12", "metadata", "4 numbers", "none")
        self.keys("e")
        self.wait("document: document 12")
        self.keys("C-u")
        self.type("über document 12 ")
        self.keys("Enter")
        self.wait("docs / r12", "über document 12")
        self.keys("m")
        self.wait("metadata: {}")
        self.keys("C-u")
        self.type('{"edited":true,"by":"hand"}')
        self.keys("Enter")
        self.wait('"by":"hand"')
        self.keys("m")
        self.wait("metadata: {")
        self.keys("C-u")
        self.type('{"edited":true')
        self.keys("Enter")
        self.wait("metadata is a JSON object")
        got = ask(path + "/get", {"ids": ["r12"]})
        self.assertEqual(got["documents"], ["über document 12 "])
        self.assertEqual(got["metadatas"], [{"edited": True, "by": "hand"}])
        self.keys("q", "c")
        self.wait("docs: 300 records")
        self.keys("f")
        self.type('{"n": {"$gt": 297}}')
        self.keys("Enter")
        self.wait("docs: 2 records where", "r298", "r299")
        self.keys("d")
        self.wait("Delete the record r298?")
        self.keys("y")
        self.wait("docs: 1 records where")
        self.assertEqual(ask(path + "/count"), 299)
        self.keys("c", "n")
        self.wait("100 records near r0", "0.000000")
        self.keys("q", "q")
        self.wait("ended with 0")

    def test_a_directory_with_an_editor(self):
        self.run_chroma("bench", "--records", "20", "--dimension", "3", "--queries", "0", "--keep",
                        "--path", "data")
        editor = self.directory / "editor"
        editor.write_text('#!/bin/sh\nprintf "first line\\nsecond line\\n" > "$1"\n')
        editor.chmod(0o755)
        self.start("chroma-bench", "--path", "data", "--theme", "light",
                   env={"EDITOR": str(editor)})
        self.wait("chroma-bench: 20 records", "record 0:")
        self.keys("i")
        self.type("r7")
        self.keys("Enter")
        self.wait("chroma-bench / r7", "record 7:")
        self.keys("e")
        self.wait("first line", "second line")
        self.keys("Escape")
        self.wait("chroma-bench: 20 records")
        self.keys("q")
        self.wait("ended with 0")
        got = self.json("query", "chroma-bench", "--ids", "r7", "--path", "data")
        self.assertEqual(got[0]["document"], "first line\nsecond line")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def test_small_terminals_and_others(self):
        url = self.serve()
        self.fill(url, "docs", 300)
        self.start("docs", "--at", url)
        self.wait("docs: 300 records", "document 0 about seas")
        self.keys("d")
        self.wait("Delete the record r0?")
        # A resize is no answer.
        self.resize(60, 12)
        self.wait("Delete the record r0? [y/N]")
        self.keys("n")
        for columns, rows in ((1, 1), (4, 2), (9, 3), (200, 60), (100, 24)):
            self.resize(columns, rows)
            for key in ("End", "g", "Enter", "q", "/", "Escape", "d", "n", "i", "Escape"):
                self.keys(key)
        self.wait("docs: 300 records", "document 0 about seas")
        self.keys("q")
        self.wait("ended with 0")

    def test_wide_and_hostile_text(self):
        url = self.serve()
        path = self.fill(url, "docs", 1)
        hostile = "日本語のテキスト\u202egnp.exe\x1b]0;title\x07\u2066 e\u0301 👩‍👩‍👧 end"
        ask(path + "/add", {"ids": ["宽" * 60, "\x1b[2J\u202eid"], "embeddings": [[1, 2, 3, 4]] * 2,
                            "documents": [hostile, "x" * 50000]})
        self.start("docs", "--at", url)
        screen = self.wait("docs: 3 records", "日本語のテキスト", "end", "宽宽")
        self.assertNotIn("\u202e", screen)
        self.assertNotIn("\u2066", screen)
        self.keys("Down", "Enter")
        self.wait("日本語のテキスト", "4 numbers")
        # A long line is edited as fast as a short one.
        self.keys("q", "End", "Enter")
        self.wait("document", "xxxxx")
        self.keys("e")
        self.wait("document: xxxx")
        began = time.monotonic()
        self.type("end")
        self.keys("Enter")
        self.keys("m")
        self.wait("metadata: {")
        self.assertLess(time.monotonic() - began, 10)
        self.keys("Escape", "q", "q")
        self.wait("ended with 0")
        got = ask(path + "/get", {"ids": ["\x1b[2J\u202eid"]})
        self.assertEqual(got["documents"], ["x" * 50000 + "end"])

    def test_what_goes_away_meanwhile(self):
        url = self.serve()
        path = self.fill(url, "docs", 1000)
        self.fill(url, "empty", 0)
        self.start("--at", url)
        self.wait("2 collections")
        self.keys("End", "Enter")
        self.wait("empty: 0 records", "No record matches")
        self.keys("n", "d", "Enter", "End", "q", "g", "Enter")
        self.wait("docs: 1,000 records", "r0")
        # Records, the collection, and at last the server.
        ask(path + "/delete", {"ids": [f"r{i}" for i in range(5, 1000)]})
        self.keys("End")
        self.wait("docs: 5 records", "r4")
        self.keys("Enter")
        self.wait("docs / r4")
        ask(path.rsplit("/", 1)[0] + "/docs", method="DELETE")
        self.keys("r")
        self.wait("does not exist")
        self.keys("q")
        self.wait("does not exist")
        self.keys("q")
        self.wait("1 collections", "empty")
        self.stop(self.servers.pop())
        self.keys("r")
        self.wait("Failed to connect")
        self.keys("Enter")
        self.wait("Failed to connect")
        self.keys("q")
        self.wait("ended with 0")

    def browse_in(self, url, command="exec"):
        """browse in a terminal of our own, drawn once: our end of it, and the process."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, theirs)
        process = subprocess.Popen(
            ["sh", "-c", f"{command} {support.CHROMA} browse docs --at {url}"],
            stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
            preexec_fn=lambda: (os.setsid(), fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)),
            env=self.environment({"TERM": "xterm"}), cwd=self.directory)
        self.assertTrue(os.read(ours, 1))
        time.sleep(0.5)
        return ours, theirs, process

    def test_ctrl_c_leaves_the_terminal_as_it_was(self):
        url = self.serve()
        self.fill(url, "docs", 3)
        ours, theirs = pty.openpty()
        before = termios.tcgetattr(theirs)
        os.close(ours)
        os.close(theirs)
        ours, theirs, browse = self.browse_in(url)
        self.addCleanup(os.close, ours)
        self.assertNotEqual(before, termios.tcgetattr(theirs))
        os.write(ours, b"\x03")
        browse.communicate(timeout=WAIT_SECONDS)
        self.assertNotEqual(browse.returncode, 0)
        self.assertEqual(before, termios.tcgetattr(theirs))
        self.assertIn(b"\x1b[?1049l", os.read(ours, 1 << 16))

    def test_bytes_that_are_no_characters_end_nothing(self):
        url = self.serve()
        self.fill(url, "docs", 3)
        ours, theirs, browse = self.browse_in(url)
        self.addCleanup(os.close, ours)
        for _ in range(200):
            os.write(ours, b"\xe9j")
        time.sleep(0.5)
        self.assertIsNone(browse.poll())
        os.write(ours, b"q" * 200)
        browse.communicate(timeout=WAIT_SECONDS)
        self.assertEqual(browse.returncode, 0)

    def test_a_terminal_that_is_closed_ends_it(self):
        """Also where the signal of that, SIGHUP, is ignored."""
        url = self.serve()
        self.fill(url, "docs", 3)
        ours, _, browse = self.browse_in(url, "trap '' HUP; exec")
        os.close(ours)
        self.assertIn(b"the terminal was closed", browse.communicate(timeout=WAIT_SECONDS)[1])
        self.assertEqual(browse.returncode, 1)

    def test_without_a_terminal(self):
        self.run_chroma("db", "create", "other", "--path", "data")
        self.assertIn("needs a terminal", self.fails(1, "browse", "--path", "data"))

    def test_what_cannot_be_changed(self):
        url = self.serve()
        self.fill(url, "docs", 3)
        self.stop(self.servers.pop())
        self.start("docs", "--path", "served", "--read-only")
        self.wait("docs: 3 records")
        self.keys("d")
        self.wait("Delete the record r0?")
        self.keys("y")
        self.wait("open for reading only")
        self.keys("q")
        self.wait("ended with 0")


if __name__ == "__main__":
    support.main()
