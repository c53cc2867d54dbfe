#!/usr/bin/env python3
"""Tests of what the program writes about its own command line: completions.

Usage: pages_test.py MEGABED [TEST ...]
"""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

MEGABED = sys.argv[1]


def megabed(*arguments):
    return subprocess.run([MEGABED, *arguments], capture_output=True, text=True, timeout=60, check=False)


def names(what):
    return [line.split()[0] for line in megabed("list", what).stdout.splitlines()]


class Completion(unittest.TestCase):
    def bash(self, *words):
        """What bash offers for the last of the words."""
        script = megabed("completion", "bash").stdout
        quoted = " ".join(f"'{word}'" for word in ("megabed", *words))
        check = f"{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _megabed; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(["bash", "-uc", check], capture_output=True, text=True, cwd=empty, check=True)
        return done.stdout.split()

    def test_bash_offers_commands_options_and_values(self):
        self.assertEqual(self.bash("ver"), ["verify"])
        self.assertEqual(self.bash("verify", "--coun"), ["--counterexamples"])
        self.assertEqual(self.bash("verify", "--policy", ""), names("policies"))
        self.assertEqual(self.bash("verify", "--law", "O5"), ["O5a", "O5b", "O5c"])
        self.assertEqual(self.bash("run", "--decide", ""), ["host", "device"])
        self.assertEqual(self.bash("run", "--seed", "3", "quick"), ["quickstart"])
        self.assertEqual(self.bash("completion", "z"), ["zsh"])

    def zsh(self, setup, line):
        """What zsh shows after Tab behind the line, once it has run `setup`."""
        with tempfile.TemporaryDirectory() as empty:
            child, terminal = pty.fork()
            if child == 0:
                os.chdir(empty)
                os.execvpe("zsh", ["zsh", "-fi"], {**os.environ, "HOME": empty, "TERM": "vt100", "COLUMNS": "200"})
            try:
                self.answer(terminal, f"PS1=; LISTMAX=1000; {setup}; bindkey '^I' list-choices; print LOA''DED\n", "LOADED")
                screen = self.answer(terminal, f"{line}\t", "\n")
            finally:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                os.close(terminal)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\x08\0]", " ", screen)

    @staticmethod
    def answer(terminal, text, awaited):
        """Types the text; gives what comes until `awaited` has come and nothing more has for a while."""
        os.write(terminal, text.encode())
        screen, end = "", time.monotonic() + 30
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.5)[0]:
                screen += os.read(terminal, 65536).decode(errors="replace")
            elif awaited in screen:
                break
        return screen

    @unittest.skipUnless(shutil.which("zsh"), "no zsh here")
    def test_zsh_offers_them_too_sourced_or_in_its_function_path(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "_megabed"), "w", encoding="utf-8") as file:
                file.write(megabed("completion", "zsh").stdout)
            sourced = f"autoload -U compinit; compinit -u -D; source {folder}/_megabed"
            autoloaded = f"fpath=({folder} $fpath); autoload -U compinit; compinit -u -D"
            for setup, line, expected in (
                (sourced, "megabed verify --policy fixed:", [name for name in names("policies") if name.startswith("fixed:")]),
                (autoloaded, "megabed ", ["run", "replay", "graph", "conform", "verify", "list", "completion"]),
                (autoloaded, "megabed run --re", ["--replications", "--resume"]),
                (sourced, "megabed list ", ["scenarios", "policies", "laws", "backends", "columns"]),
            ):
                screen = self.zsh(setup, line)
                for word in expected:
                    self.assertRegex(screen, rf"(?m)(^|\s){re.escape(word)}(\s|$)", line)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
