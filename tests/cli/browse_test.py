#!/usr/bin/env python3
"""browse, in a terminal that is tmux.

usage: browse_test.py PATH_OF_CHROMA [unittest arguments]
"""
import os
import subprocess
import time

import support
from support import CommandTest, ask

WAIT_SECONDS = 20


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
