#!/usr/bin/env python3
"""Profiles and login: the files are upstream's, in both directions.

usage: profiles_test.py PATH_OF_CHROMA [unittest arguments]
"""
import contextlib
import http.server
import json
import stat
import threading

import support
from support import CommandTest

# As upstream's program writes them.
UPSTREAM_CREDENTIALS = '''\
[default]
api_key = "ck-one"
tenant_id = "11111111-2222-3333-4444-555555555555"

["with space"]
api_key = "ck-two"
tenant_id = 't"2é'
'''
UPSTREAM_CONFIG = '''\
{
  "current_profile": "default",
  "sample_apps": {
    "show_updates": true,
    "installed": {"app": "1.0"}
  },
  "theme": "Light"
}'''


@contextlib.contextmanager
def answering(status, body, asked=lambda headers: None):
    """The url of a server that gives every GET this answer; `asked` is told the headers."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked(self.headers)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class Profiles(CommandTest):
    def setUp(self):
        super().setUp()
        self.chroma = self.home / ".chroma"

    def write_upstreams(self):
        self.chroma.mkdir()
        (self.chroma / "credentials").write_text(UPSTREAM_CREDENTIALS)
        (self.chroma / "config.json").write_text(UPSTREAM_CONFIG)

    def credentials(self):
        """A reader of its own of the little TOML there is."""
        tables, table = {}, None
        for line in (self.chroma / "credentials").read_text().splitlines():
            if line.startswith("["):
                name = line[1:-1]
                table = tables[json.loads(name) if name.startswith('"') else name] = {}
            elif line:
                key, value = line.split(" = ", 1)
                table[key] = json.loads(value)
        return tables

    def config(self):
        return json.loads((self.chroma / "config.json").read_text())

    def test_reads_and_keeps_upstreams_files(self):
        self.write_upstreams()
        profiles = {p["name"]: p for p in self.json("profile", "list")}
        self.assertEqual(sorted(profiles), ["default", "with space"])
        self.assertTrue(profiles["default"]["current"])
        self.assertEqual(profiles["with space"]["tenant_id"], 't"2é')
        self.run_chroma("profile", "use", "with space")
        self.assertEqual(self.out("profile", "show"), "with space\n")
        self.assertEqual(self.config(), {"current_profile": "with space", "theme": "Light",
                                         "sample_apps": {"show_updates": True,
                                                         "installed": {"app": "1.0"}}})
        self.run_chroma("profile", "rename", "with space", "work")
        self.assertEqual(self.credentials(), {
            "default": {"api_key": "ck-one",
                        "tenant_id": "11111111-2222-3333-4444-555555555555"},
            "work": {"api_key": "ck-two", "tenant_id": 't"2é'}})
        self.assertEqual(self.config()["current_profile"], "work")
        mode = stat.S_IMODE((self.chroma / "credentials").stat().st_mode)
        self.assertEqual(mode, 0o600)

    def test_delete(self):
        self.write_upstreams()
        self.run_chroma("profile", "delete", "with space")
        self.assertIn("--force", self.fails(1, "profile", "delete", "default"))
        self.run_chroma("profile", "delete", "default", "--force")
        self.assertEqual(self.json("profile", "list"), [])
        self.assertIn("no profile is in use", self.fails(1, "profile", "show"))
        self.assertIn("there is no profile nix", self.fails(1, "profile", "use", "nix"))

    def test_keys_of_others_are_kept(self):
        self.chroma.mkdir()
        (self.chroma / "credentials").write_text(
            '# by hand\n[a]\napi_key = "k" # mine\ntenant_id = "t"\nexpires = 2030-01-01\n')
        self.run_chroma("profile", "rename", "a", "b")
        self.assertIn("expires = 2030-01-01\n", (self.chroma / "credentials").read_text())

    def test_damaged_files(self):
        self.chroma.mkdir()
        for text, wrong in (("[a\n", "line 1"), ("a = \"b\"\n", "line 1"),
                            ("[a]\napi_key = 3\n", "must be a string"),
                            ("[a]\napi_key = \"x\n", "line 2"),
                            ("[a]\n[a]\n", "twice")):
            (self.chroma / "credentials").write_text(text)
            error = self.fails(1, "profile", "list")
            self.assertIn("credentials", error)
            self.assertIn(wrong, error)

    def test_login_and_a_profile_as_a_place(self):
        url = self.serve()
        self.run_chroma("login", "--service", url, "--api-key", "ck-any")
        self.assertEqual(self.credentials(), {"default": {
            "api_key": "ck-any", "tenant_id": "default_tenant", "service_url": url}})
        self.assertEqual(self.config(), {"current_profile": "default", "theme": "Dark",
                                         "sample_apps": {"show_updates": True, "installed": {}}})
        self.fill(url, "docs", 5)
        # The current profile is where commands go that name no place; and by name.
        self.assertEqual(len(self.json("query", "docs")), 5)
        self.assertEqual(len(self.json("query", "docs", "--at", "default")), 5)
        self.assertEqual(len(self.json("inspect", "profile:default")["collections"]), 1)
        self.run_chroma("copy", "default", "./mirror")
        self.assertEqual(len(self.json("query", "docs", "--at", "./mirror")), 5)

        self.assertIn("--force", self.fails(1, "login", "--service", url, "--api-key", "x"))
        self.run_chroma("login", "--profile", "second", "--api-key", "x",
                        env={"CHROMA_SERVICE_URL": url})
        self.assertEqual(self.out("profile", "show"), "default\n")
        self.assertIn("default_tenant", self.out("profile", "list"))
        # The key may come from stdin.
        self.run_chroma("login", "--service", url, "--profile", "third", stdin="ck-stdin\n")
        self.assertEqual(self.credentials()["third"]["api_key"], "ck-stdin")

    def test_the_key_in_the_environment_goes_to_the_place_in_the_environment(self):
        keys = []
        with answering(200, b"[]", lambda headers: keys.append(headers.get("x-chroma-token"))) as url:
            self.run_chroma("db", "list", env={"CHROMA_PLACE": url, "CHROMA_API_KEY": "ck-env"})
            self.run_chroma("db", "list", "--at", url, env={"CHROMA_API_KEY": "ck-env"})
            self.run_chroma("db", "list", "--at", url, "--api-key", "ck-given")
        self.assertEqual(keys, ["ck-env", None, "ck-given"])

    def test_what_a_server_says_does_not_steer_the_terminal(self):
        message = "\x1b[2J\x1b]0;title\x07first\nsecond\u202e\u200f\u061c"
        body = json.dumps({"error": "InternalError", "message": message}).encode()
        with answering(500, body) as url:
            said = self.fails(1, "db", "list", "--at", url)
        self.assertIn("first", said)
        self.assertIn("second", said)
        for character in "\x1b\x07\u202e\u200f\u061c":
            self.assertNotIn(character, said)

    def test_names_of_profiles_are_one_line(self):
        for name in ("two\nlines", "\x1b[2J"):
            self.assertIn("one line", self.fails(2, "login", "--service", "http://localhost:1",
                                                 "--api-key", "x", "--profile", name))

    def test_login_that_fails_keeps_nothing(self):
        self.fails(1, "login", "--service", "http://localhost:1", "--api-key", "x")
        self.assertFalse((self.chroma / "credentials").exists())
        url = self.serve()
        self.assertIn("not found", self.fails(1, "login", "--service", url, "--api-key", "x",
                                              "--tenant", "nobody"))
        self.assertFalse((self.chroma / "credentials").exists())


if __name__ == "__main__":
    support.main()
