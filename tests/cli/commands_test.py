#!/usr/bin/env python3
"""The commands that work on databases and records.

usage: commands_test.py PATH_OF_CHROMA [unittest arguments]
"""
import json
import os
import pty
import signal
import subprocess
import sys
import time

import support
from support import DATABASE, CommandTest, ask


class Help(CommandTest):
    def commands(self):
        """Every command of the table, from the completion script."""
        for line in self.out("completion", "bash").splitlines():
            if line.startswith("    '") and line.endswith(")") and "|" not in line:
                path = line.strip().rstrip(")").strip("'")
                if path:
                    yield path.split()

    def test_every_command_has_help_with_examples(self):
        commands = list(self.commands())
        for expected in (["copy"], ["db", "clone"], ["browse"], ["profile", "use"], ["bench"]):
            self.assertIn(expected, commands)
        families = {c[0] for c in commands if len(c) > 1}
        for command in commands:
            done = self.run_chroma(*command, "--help")
            self.assertEqual(done.stderr, "")
            self.assertIn("Usage: chroma " + " ".join(command), done.stdout)
            if command not in [[f] for f in families]:
                self.assertIn("Examples:\n  ", done.stdout, command)
                self.assertIn("chroma " + " ".join(command), done.stdout.split("Examples:")[1])

    def test_mistakes(self):
        self.assertIn("--colour", self.fails(2, "copy", "a", "b", "--colour"))
        self.assertIn("two places", self.fails(2, "copy", "a"))
        self.assertIn("subcommand", self.fails(2, "db"))
        self.assertIn("where?", self.fails(2, "db", "list"))
        self.assertIn("holds no database", self.fails(1, "query", "x", "--path", "none"))
        self.assertFalse((self.directory / "none").exists())
        self.assertIn("there is no profile", self.fails(1, "inspect", "profile:nobody"))
        error = self.fails(1, "db", "list", "--at", "http://localhost:1")
        self.assertIn("localhost:1", error)

    def test_help_command(self):
        self.assertEqual(self.out("help", "db", "create"), self.out("db", "create", "--help"))
        self.assertEqual(self.out("help"), self.out("--help"))
        self.assertIn("no command", self.fails(2, "help", "dance"))

    def test_colours_and_bars_on_a_terminal(self):
        url = self.serve()
        self.fill(url, "docs", 300)

        def on_a_terminal(*arguments, env=None):
            master, slave = pty.openpty()
            process = subprocess.Popen([support.CHROMA, *arguments], stdout=slave, stderr=slave,
                                       stdin=slave, cwd=self.directory,
                                       env=self.environment({"TERM": "xterm", **(env or {})}))
            os.close(slave)
            text = b""
            while True:
                try:
                    piece = os.read(master, 4096)
                except OSError:  # Linux says EIO at the end
                    piece = b""
                if not piece:
                    break
                text += piece
            os.close(master)
            self.assertEqual(process.wait(support.START_SECONDS), 0, text)
            return text.decode()
        self.assertIn("\x1b[1mr0", on_a_terminal("query", "docs", "--at", url))
        self.assertNotIn("\x1b", on_a_terminal("query", "docs", "--at", url, env={"NO_COLOR": "1"}))
        self.assertNotIn("\x1b", on_a_terminal("query", "docs", "--at", url, env={"TERM": "dumb"}))
        shown = on_a_terminal("copy", url, "./copied", "--batch", "10")
        self.assertRegex(shown, "docs  [█░]+ [0-9]+/600")

    def test_a_reader_that_has_had_enough(self):
        url = self.serve()
        self.fill(url, "docs", 3000)
        done = subprocess.run(
            f"{support.CHROMA} query docs -n 3000 --at {url} | head -n 1; echo ${{PIPESTATUS[0]}}",
            shell=True, executable="/bin/bash", capture_output=True, text=True,
            timeout=support.START_SECONDS, env=self.environment())
        self.assertEqual((done.stdout, done.stderr), ("r0\n1\n", ""))
        with open("/dev/full", "w") as device:
            full = subprocess.run([support.CHROMA, "query", "docs", "-n", "3000", "--at", url],
                                  stdout=device, stderr=subprocess.PIPE, text=True,
                                  timeout=support.START_SECONDS, env=self.environment())
        self.assertEqual(full.returncode, 1)
        self.assertIn("could not be written", full.stderr)

    def test_no_colours_where_there_is_no_terminal(self):
        url = self.serve()
        self.fill(url, "docs", 3)
        for command in (["query", "docs"], ["inspect"], ["db", "list"]):
            self.assertNotIn("\x1b", self.out(*command, "--at", url))


class Databases(CommandTest):
    def check(self, place):
        self.run_chroma("db", "create", "drafts", "--at", place)
        self.assertIn("already exists", self.fails(1, "db", "create", "drafts", "--at", place))
        self.assertIn("3-512", self.fails(2, "db", "create", "..", "--at", place))
        # Not even the directory is made.
        self.assertIn("3-512", self.fails(2, "db", "create", "a b", "--path", "fresh"))
        self.assertFalse((self.directory / "fresh").exists())
        names = [d["name"] for d in self.json("db", "list", "--at", place)]
        self.assertEqual(names, ["default_database", "drafts"])
        self.assertIn("drafts", self.out("db", "list", "--at", place))
        self.assertIn("--force", self.fails(1, "db", "delete", "drafts", "--at", place))
        self.assertIn("not found", self.fails(1, "db", "delete", "nix", "--force", "--at", place))
        self.run_chroma("db", "delete", "drafts", "--force", "--at", place)
        self.assertEqual(len(self.json("db", "list", "--at", place)), 1)

    def test_in_a_directory(self):
        self.check("./data")

    def test_on_a_server_and_beside_it(self):
        self.check(self.serve())
        self.check("./served")

    def test_default_database_may_be_gone(self):
        self.run_chroma("db", "create", "other", "--path", "data")
        self.run_chroma("db", "delete", "default_database", "--force", "--path", "data")
        self.assertEqual([d["name"] for d in self.json("db", "list", "--path", "data")], ["other"])

    def test_clone(self):
        url = self.serve()
        path = self.fill(url, "docs", 50)
        self.fill(url, "empty", 0)
        for _ in range(2):  # the second finds all there
            self.run_chroma("db", "clone", "default_database", "twin", "--at", url)
        twin = "/api/v2/tenants/default_tenant/databases/twin"
        clones = {c["name"]: c for c in ask(url + twin + "/collections")}
        self.assertEqual(sorted(clones), ["docs", "empty"])
        clone = f"{url}{twin}/collections/{clones['docs']['id']}"
        self.assertEqual(self.contents(clone), self.contents(path))

    def test_connect(self):
        url = self.serve()
        text = self.out("db", "connect", "default_database", "--at", url)
        compile(text, "snippet", "exec")
        self.assertIn("chromadb.HttpClient", text)
        for language, word in (("typescript", "ChromaClient"), ("cpp", "HttpClient"),
                               ("shell", "chroma browse")):
            self.assertIn(word, self.out("db", "connect", "--language", language, "--at", url))
        self.assertIn("CHROMA_DATABASE=default_database\n",
                      self.out("db", "connect", "--env-vars", "--at", url))
        (self.directory / ".env").write_text("KEPT=1\nCHROMA_TENANT=old")
        self.run_chroma("db", "connect", "--env-file", "--at", url)
        lines = (self.directory / ".env").read_text().splitlines()
        self.assertEqual(lines[:2], ["KEPT=1", "CHROMA_TENANT=default_tenant"])
        self.assertIn("not found", self.fails(1, "db", "connect", "nowhere", "--at", url))


class Copy(CommandTest):
    def copied(self, url, name, database=DATABASE):
        found = ask(f"{url}{database}/collections/{name}")
        return f"{url}{database}/collections/{found['id']}"

    def test_from_a_server_to_a_directory_and_on(self):
        url = self.serve()
        path = self.fill(url, "docs", 2500, configuration={"hnsw": {"space": "cosine"}},
                         metadata={"about": "water"})
        self.fill(url, "empty", 0)
        report = self.json("copy", url, "./copied")
        self.assertEqual([(c["name"], c["records"], c["written"]) for c in report["collections"]],
                         [("docs", 2500, 2500), ("empty", 0, 0)])
        other = self.serve("copied")
        there = ask(f"{other}{DATABASE}/collections/docs")
        here = ask(f"{url}{DATABASE}/collections/docs")
        for member in ("metadata", "configuration_json", "schema", "dimension"):
            self.assertEqual(there[member], here[member], member)
        self.assertEqual(self.contents(self.copied(other, "docs")), self.contents(path))
        # Once more: everything is there.
        again = self.json("copy", url, other)
        self.assertEqual([c["written"] for c in again["collections"]], [0, 0])

    def test_between_tenants_and_databases_of_one_place(self):
        url = self.serve()
        path = self.fill(url, "docs", 30)
        self.assertIn("not found", self.fails(1, "copy", url, url + "#acme/shelf"))
        self.run_chroma("copy", url, url + "#acme/shelf", "--create-database", "-c",
                        "docs=papers")
        shelf = "/api/v2/tenants/acme/databases/shelf"
        self.assertEqual(self.contents(self.copied(url, "papers", shelf)), self.contents(path))
        self.assertIn("onto itself", self.fails(2, "copy", url, url))

    def test_killed_in_the_middle_and_resumed(self):
        url = self.serve()
        path = self.fill(url, "docs", 6000, dimension=32)
        expected = self.contents(path)
        arguments = [support.CHROMA, "copy", "./served", "./copied", "--batch", "50"]
        target = self.serve("copied")
        killed_at = []
        for least in (200, 2000):
            process = subprocess.Popen(arguments, cwd=self.directory, env=self.environment(),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + support.START_SECONDS
            while process.poll() is None and time.monotonic() < deadline:
                growing = ask(f"{target}{DATABASE}/collections")
                self.assertNotIn("docs", [c["name"] for c in growing], "half a copy has the name")
                if growing and ask(f"{target}{DATABASE}/collections/{growing[0]['id']}/count") >= least:
                    break
            process.send_signal(signal.SIGKILL)
            self.assertEqual(process.wait(), -signal.SIGKILL, "the copy was done too early")
            growing = ask(f"{target}{DATABASE}/collections")
            killed_at.append(ask(f"{target}{DATABASE}/collections/{growing[0]['id']}/count"))
        # What was copied already may be gone or changed meanwhile.
        ask(path + "/delete", {"ids": ["r0", "r1"]})
        ask(path + "/update", {"ids": ["r2"], "documents": ["another"]})
        expected = self.contents(path)
        report = self.json("copy", "./served", "./copied")["collections"][0]
        self.assertTrue(report["resumed"])
        self.assertEqual(report["written"], 6000 - killed_at[1] + 1)
        self.assertGreater(killed_at[1], killed_at[0])
        self.assertEqual([c["name"] for c in ask(f"{target}{DATABASE}/collections")], ["docs"])
        self.assertEqual(sorted(self.contents(self.copied(target, "docs"))), sorted(expected))

    def test_no_directory_within_the_other(self):
        self.run_chroma("db", "create", "other", "--path", "data")
        (self.directory / "link").symlink_to("data")
        before = sorted(p.name for p in (self.directory / "data").iterdir())
        for target in ("./data/sub", "./data/./sub/deep", "./link/sub", "."):
            self.assertIn("within the other", self.fails(2, "copy", "./data", target))
        self.assertEqual(sorted(p.name for p in (self.directory / "data").iterdir()), before)
        self.run_chroma("copy", "./data", "./data2")

    def test_another_collection_of_that_name(self):
        url = self.serve()
        path = self.fill(url, "docs", 20)
        other = self.serve("other")
        theirs = self.fill(other, "docs", 25)
        ask(theirs + "/update", {"ids": ["r3"], "metadatas": [{"mine": 1}]})
        before = self.contents(theirs)
        self.assertIn("--update", self.fails(1, "copy", url, other))
        self.assertEqual(self.contents(theirs), before)
        report = self.json("copy", url, other, "--update")["collections"][0]
        self.assertEqual((report["written"], report["removed"]), (1, 5))
        self.assertEqual(sorted(self.contents(theirs)), sorted(self.contents(path)))

    def test_lengths_do_not_matter_to_cosines(self):
        for space, code in (("cosine", 0), ("l2", 1)):
            url = self.serve(space)
            for name, factor in (("docs", 1), ("twin", 3)):
                made = ask(url + DATABASE + "/collections",
                           {"name": name, "configuration": {"hnsw": {"space": space}}})
                ask(f"{url}{DATABASE}/collections/{made['id']}/add",
                    {"ids": ["a"], "embeddings": [[factor, factor / 7]]})
            self.run_chroma("copy", url, url, "-c", "docs=twin", code=code)

    def test_sparse_vectors_and_their_schema(self):
        index = {"enabled": True, "config": {
            "source_key": "#document", "bm25": True,
            "embedding_function": {"type": "known", "name": "chroma_bm25", "config": {}}}}
        schema = {"defaults": {}, "keys": {"words": {"sparse_vector": {"sparse_vector_index": index}}}}
        url = self.serve()
        path = self.fill(url, "docs", 40, schema=schema)
        self.run_chroma("copy", url, url, "-c", "docs=twin")
        self.assertEqual(self.contents(self.copied(url, "twin")), self.contents(path))
        found = self.json("query", "twin", "--text", "seas", "--at", url)
        self.assertEqual(len(found), 10)
        self.assertTrue(all("seas" in r["document"] for r in found))
        found = self.json("query", "twin", "--text", "seas", "--contains", "document 3", "--where",
                          '{"n": {"$gt": 5}}', "--at", url)
        self.assertEqual({r["id"] for r in found}, {"r30", "r33", "r39"})

    def test_between_databases_of_a_directory_and_in_upstreams_words(self):
        url = self.serve("chroma")
        path = self.fill(url, "docs", 30, metadata={"hnsw:space": "cosine", "hnsw:M": 8})
        expected = self.contents(path)
        self.stop(self.servers.pop())
        self.run_chroma("copy", "./chroma", "./chroma#shelf", "--create-database")
        self.run_chroma("copy", "--all", "--from-local", "./elsewhere")
        for place in ("./chroma#shelf", "./elsewhere"):
            found = self.json("inspect", place)["collections"][0]
            self.assertEqual((found["records"], found["space"]), (30, "cosine"))
        url = self.serve("elsewhere")
        self.assertEqual(self.contents(self.copied(url, "docs")), expected)
        here = ask(f"{url}{DATABASE}/collections/docs")
        self.assertEqual(here["metadata"], {"hnsw:space": "cosine", "hnsw:M": 8})
        self.assertEqual(here["configuration_json"]["hnsw"]["max_neighbors"], 8)
        self.run_chroma("login", "--service", url, "--api-key", "k")
        self.assertIn("two places", self.fails(2, "copy", "--from-cloud"))
        self.run_chroma("copy", "--from-cloud", "--to-local", "--path", "third")
        self.assertEqual(len(self.json("query", "docs", "-n", "99", "--path", "third")), 30)


class Query(CommandTest):
    def setUp(self):
        super().setUp()
        self.url = self.serve()
        self.fill(self.url, "docs", 100)

    def ids(self, *arguments, place=None):
        return [r["id"] for r in self.json("query", "docs", "--at", place or self.url, *arguments)]

    def test_alike_on_a_server_and_its_directory(self):
        for place in (self.url, "./served"):
            self.assertEqual(self.ids(place=place), [f"r{i}" for i in range(10)])
            self.assertEqual(self.ids("--like", "r5", "-n", "1", place=place), ["r5"])
            self.assertEqual(self.ids("--vector", "[0.35,0.36,0.37,0.38]", "-n", "1", place=place),
                             ["r5"])
            self.assertEqual(self.ids("--where", '{"n": {"$gte": 97}}', place=place),
                             ["r97", "r98", "r99"])
            self.assertEqual(self.ids("--contains", "seas", "-n", "3", place=place),
                             ["r0", "r3", "r6"])
            self.assertEqual(self.ids("--order-by", "n:desc", "-n", "2", place=place),
                             ["r99", "r98"])
            self.assertEqual(self.ids("--where-document", '{"$regex": "t 1[0-2] "}', place=place),
                             ["r10", "r11", "r12"])
            self.assertEqual(self.ids("--ids", "r7,r9", place=place), ["r7", "r9"])

    def test_text_output_and_counts(self):
        text = self.out("query", "docs", "--like", "r5", "-n", "2", "--at", self.url)
        self.assertIn("document 5 about rivers", text)
        self.assertIn('"n":5', text)
        self.assertEqual(self.out("query", "docs", "--count", "--at", self.url), "100\n")
        self.assertEqual(self.out("query", "docs", "--count", "--contains", "seas", "--at",
                                  self.url), "34\n")
        done = self.run_chroma("query", "docs", "--contains", "nowhere", "--at", self.url)
        self.assertEqual(done.stdout, "")
        self.assertIn("No record matches", done.stderr)
        record = self.json("query", "docs", "--ids", "r1", "--include", "embeddings,uris", "--at",
                           self.url)[0]
        self.assertEqual(record, {"id": "r1", "uri": "file:1",
                                  "embedding": [0.07, 0.08, 0.09, 0.1]})

    def test_vector_from_elsewhere(self):
        vector = "0.35 0.36 0.37 0.38\n"
        (self.directory / "vector").write_text(vector)
        self.assertEqual(self.ids("--vector", "@vector", "-n", "1"), ["r5"])
        done = self.run_chroma("query", "docs", "--vector", "-", "-n", "1", "--json", "--at",
                               self.url, stdin=vector)
        self.assertEqual(json.loads(done.stdout)[0]["id"], "r5")

    def test_mistakes(self):
        def wrong(*arguments):
            return self.fails(2, "query", "docs", "--at", self.url, *arguments)
        self.assertIn("list of numbers", wrong("--vector", "a,b"))
        self.assertIn("list of numbers", wrong("--vector", "[1,2"))
        self.assertIn("where", wrong("--where", '{"n": {"$near": 1}}').lower())
        self.assertIn("dimension", wrong("--vector", "1,2"))
        self.assertIn("chroma_bm25", wrong("--text", "river"))
        self.assertIn("not exist", self.fails(1, "query", "nix", "--at", self.url))


class Keep(CommandTest):
    def test_vacuum_and_inspect(self):
        url = self.serve()
        path = self.fill(url, "docs", 3000, dimension=16)
        ask(path + "/delete", {"ids": [f"r{i}" for i in range(1000)]})
        for place in (url, "./served"):
            before = self.json("inspect", place)["collections"][0]
            self.assertEqual(before["records"], 2000)
        done = self.json("vacuum", "--path", "served")
        self.assertEqual(done["collections"], 1)
        after = self.json("inspect", "./served", "--collection", "docs")["collections"][0]
        self.assertEqual(after["log_operations"], 0)
        self.assertEqual(after["unindexed_operations"], 0)
        self.assertEqual([s["rows"] for s in after["segments"]], [2000])
        self.assertEqual([s["deleted"] for s in after["segments"]], [0])
        text = self.out("inspect", url, "--collection", "docs")
        self.assertIn(after["segments"][0]["blob"], text)
        table = self.out("inspect", "./served")
        self.assertIn("docs", table)
        self.assertIn("catalog.sqlite3", table)

    def test_inspect_files(self):
        url = self.serve()
        self.fill(url, "docs", 500)
        log = next((self.directory / "served" / "log").glob("*.log"))
        contents = self.json("inspect", str(log))
        self.assertEqual(contents["kind"], "log")
        self.assertEqual(sum(int(e["operations"]) for e in contents["entries"]), 500)
        self.run_chroma("vacuum", "--at", url)
        kinds = {}
        for blob in (self.directory / "served" / "blobs").rglob("*"):
            if blob.is_file():
                contents = self.json("inspect", str(blob))
                kinds[contents["kind"]] = contents
        self.assertEqual(int(kinds["manifest"]["entries"][0]["rows"]), 500)
        self.assertIn("vectors", [e["section"] for e in kinds["segment"]["entries"]])
        damaged = self.directory / "damaged"
        damaged.write_bytes(b"\x89CHRMSEG" + bytes(100))
        self.assertIn("damaged", self.fails(1, "inspect", str(damaged)))
        damaged.write_bytes(b"text")
        self.assertIn("no segment", self.fails(2, "inspect", str(damaged)))

    def test_recall_and_bench(self):
        url = self.serve()
        self.fill(url, "docs", 300)
        report = self.json("recall", "docs", "--queries", "20", "--at", "./served")
        self.assertEqual((report["recall"], report["queries"]), (1.0, 20))
        self.assertIn("recall@10", self.out("recall", "docs", "--at", url))
        self.assertIn("below", self.run_chroma("recall", "docs", "--at-least", "1.1", "--at", url,
                                               code=1).stderr)
        for place in ("./fresh", url):
            report = self.json("bench", "--records", "1500", "--dimension", "24", "--queries", "50",
                               "--clients", "2", "--at", place)
            self.assertEqual(report["insert"]["count"], 1500)
            self.assertGreater(report["query"]["p99_ms"], 0)
            self.assertGreater(report["recall"], 0.9)
            self.assertEqual(len(self.json("inspect", place)["collections"]),
                             0 if place == "./fresh" else 1)
        self.assertIn("already exists", self.fails(1, "bench", "--collection", "docs", "--at", url))


class Around(CommandTest):
    def test_pages(self):
        self.assertIn("https://docs.trychroma.com", self.out("docs"))
        self.assertIn("discord", self.out("support"))
        self.assertRegex(self.out("update"), r"chroma \d+\.\d+\.\d+")
        opened = self.directory / "opened"
        browser = self.directory / "browser"
        browser.write_text(f"#!/bin/sh\necho \"$1\" > {opened}\n")
        browser.chmod(0o755)
        self.run_chroma("docs", "--open", env={"BROWSER": str(browser)})
        self.assertEqual(opened.read_text(), "https://docs.trychroma.com\n")

    def test_install(self):
        self.assertEqual([s["name"] for s in self.json("install", "--list")],
                         ["notes", "text-search"])
        url = self.serve()
        self.run_chroma("install", "text-search", "--at", url)
        sample = self.directory / "text-search"
        text = "The vectors of words are made by the server.\n\nRivers flow to the sea.\n"
        (sample / "text").write_text(text)

        def search(*arguments):
            done = subprocess.run([sys.executable, "search.py", *arguments], cwd=sample,
                                  capture_output=True, text=True, timeout=support.START_SECONDS)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        self.assertIn("2 paragraphs", search("load", "text"))
        self.assertIn("Rivers flow", search("find", "river").splitlines()[0])
        self.assertIn("not empty", self.fails(1, "install", "text-search"))
        self.run_chroma("install", "notes", "-d", "n")
        self.assertTrue((self.directory / "n" / "notes.cc").exists())


if __name__ == "__main__":
    support.main()
