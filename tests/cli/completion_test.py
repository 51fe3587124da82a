#!/usr/bin/env python3
"""Completion in bash, zsh and fish.

usage: completion_test.py PATH_OF_CHROMA [unittest arguments]
"""
import shlex
import subprocess

import support
from support import CommandTest


class Completion(CommandTest):
    def script(self, shell):
        path = self.directory / f"completion.{shell}"
        path.write_text(self.out("completion", shell))
        return path

    def shell(self, *command, **options):
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.directory,
                              timeout=support.START_SECONDS, env=self.environment(), **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout

    def complete(self, line):
        """What bash offers at the end of a line."""
        words = line.split(" ")
        program = (f"source {self.script('bash')}\n"
                   f"COMP_WORDS=({' '.join(shlex.quote(w) for w in words)})\n"
                   f"COMP_CWORD={len(words) - 1}\n_chroma\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n")
        return self.shell("bash", "--norc", "-c", program).split()

    def test_bash(self):
        self.shell("bash", "-n", str(self.script("bash")))
        self.assertEqual(self.complete("chroma cop"), ["copy"])
        self.assertEqual(self.complete("chroma db cl"), ["clone"])
        self.assertIn("profile", self.complete("chroma "))
        self.assertEqual(self.complete("chroma query docs --where-"), ["--where-document"])
        self.assertEqual(sorted(self.complete("chroma db connect x --language t")),
                         ["type-script", "typescript"])
        self.assertEqual(self.complete("chroma completion z"), ["zsh"])
        (self.directory / "data").mkdir()
        self.assertEqual(self.complete("chroma vacuum --path d"), ["data"])
        self.assertEqual(self.complete("chroma query x --limit 1"), [])

    def test_bash_knows_profiles(self):
        (self.home / ".chroma").mkdir()
        (self.home / ".chroma" / "credentials").write_text(
            '[work]\napi_key = "k"\ntenant_id = "t"\n\n[wide]\napi_key = "k"\ntenant_id = "t"\n')
        self.assertEqual(sorted(self.complete("chroma profile use w")), ["wide", "work"])
        self.assertIn("work", self.complete("chroma query docs --at wor"))

    def test_zsh(self):
        script = self.script("zsh")
        self.shell("zsh", "-n", str(script))
        self.assertIn("_chroma_db_clone()", script.read_text())
        program = f"autoload -Uz compinit && compinit -D -u && source {script} && print $_comps[chroma]"
        self.assertEqual(self.shell("zsh", "-f", "-c", program), "_chroma\n")

    def test_fish(self):
        script = self.script("fish")
        self.shell("fish", "-n", str(script))
        program = f"source {script}; complete -C 'chroma cop'"
        self.assertIn("copy", self.shell("fish", "--no-config", "-c", program))
        program = f"source {script}; complete -C 'chroma db cl'"
        self.assertIn("clone", self.shell("fish", "--no-config", "-c", program))


if __name__ == "__main__":
    support.main()
