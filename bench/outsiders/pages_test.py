#!/usr/bin/env python3
"""Tests of what the program writes about its own command line: completions and manual pages.

Usage: pages_test.py MEGABED SOURCE_DIR [TEST ...]
"""

import glob
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

MEGABED, SOURCE = sys.argv[1], sys.argv[2]


def megabed(*arguments):
    return subprocess.run([MEGABED, *arguments], capture_output=True, text=True, timeout=60, check=False)


def names(what):
    return [line.split()[0] for line in megabed("list", what).stdout.splitlines()]


def without_controls(screen):
    """What a terminal was told to show, without what steers it: escape sequences of any kind become blanks."""
    sequence = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])"
    return re.sub(sequence + r"|[\x00-\x08\x0b-\x1f\x7f]", " ", screen)


class Completion(unittest.TestCase):
    def bash(self, *words):
        """What bash offers for the last of the words."""
        script = megabed("completion", "bash").stdout
        quoted = " ".join(f"'{word}'" for word in ("megabed", *words))
        # As an interactive shell has it, where a colon ends a word.
        script += "\nCOMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'"
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
        fixed = [name.partition(":")[2] for name in names("policies") if name.startswith("fixed:")]
        self.assertEqual(self.bash("run", "--policy", "fixed", ":"), fixed)
        self.assertEqual(self.bash("run", "--policy", "fixed", ":", "me"), ["memory"])
        self.assertEqual(self.bash("run", "--policy", "fixed", ":", "memory", "--dec"), ["--decide"])

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
        return without_controls(screen)

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

    def test_what_steers_the_terminal_separates_words(self):
        for control in ("\x1b[K", "\x1b[?1h\x1b=", "\x1b(B\x1b[m", "\x1b[m\x0f", "\x1bM", "\x1b]0;title\x07", "\r", "\x1b[A\r"):
            self.assertEqual(without_controls(f"list{control}prompt").split(), ["list", "prompt"], repr(control))

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


def commands():
    return re.findall(r"(?m)^  (\w+) ", megabed("--help").stdout.partition("Subcommands:")[2])


def plain(page):
    """A page without what is there for troff only."""
    text = re.sub(r"\\f[BIR]|\\&", "", page)
    for escape, symbol in (("\\-", "-"), ("\\(aq", "'"), ("\\(ga", "`"), ("\\(ha", "^"), ("\\(ti", "~"), ("\\(dq", '"'),
                           ("\\e", "\\")):
        text = text.replace(escape, symbol)
    return text


class Manual(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "man1")
        done = megabed("man", "--out", self.folder)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def pages(self):
        """Name, command (none for the program itself) and text of every page."""
        for command in [None, *commands()]:
            name = f"megabed-{command}" if command else "megabed"
            with open(os.path.join(self.folder, name + ".1"), encoding="ascii") as file:
                yield name, command, file.read()

    def test_there_is_one_of_each_command_and_one_of_the_program(self):
        pages = list(self.pages())
        self.assertGreater(len(pages), 8)
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(name + ".1" for name, _, _ in pages))
        for _, command, text in pages:
            self.assertEqual(megabed("man", *([command] if command else [])).stdout, text)
        for name, command, text in pages:
            for other, _, _ in pages:
                self.assertEqual(f".BR {other} (1)" in plain(text), other != name, (name, other))

    def test_each_has_the_sections_of_a_manual_page_in_order(self):
        for name, command, text in self.pages():
            sections = re.findall(r"(?m)^\.SH (.*)$", text)
            optional = ("COMMANDS", "ARGUMENTS", "ENVIRONMENT")
            self.assertEqual([section for section in sections if section not in optional],
                             ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"], name)
            self.assertEqual(len(sections), len(set(sections)))
            self.assertRegex(text, r'(?m)^\.TH "MEGABED[A-Z\\-]*" "1" "(\d{4}-\d\d-\d\d)?" "megabed \d+\.\d+\.\d+" '
                                   r'"megabed manual"$')
            self.assertIn(f"\n{name} - ", plain(text))
            for code in ("0", "1", "2", "3", "130"):
                self.assertIn(f"\n.TP\n{code}\n", plain(text), name)
            self.assertIn(f"megabed {command or ''}", plain(text).partition(".SH EXAMPLES")[2].partition(".SH")[0])

    def test_everything_in_help_is_in_the_page(self):
        for name, command, text in self.pages():
            help_text = megabed(*([command] if command else []), "--help").stdout
            page = plain(text)
            words = " ".join(page.split())
            options = re.findall(r"(?m)^  (-\S+)", help_text)
            self.assertIn("-h,--help", options)
            for option in options:
                self.assertRegex(page, rf"(?m)^{re.escape(', '.join(option.split(',')))}( [A-Z]+)?( \.\.\.)?$", name)
            self.assertEqual(len(options), page.partition(".SH OPTIONS")[2].partition(".SH")[0].count(".TP\n"))
            for positional in re.findall(r"(?m)^  ([A-Z]+) TEXT", help_text):
                self.assertRegex(page, rf"(?m)^{positional}( \.\.\.)?$", name)
            for default in re.findall(r"(?m)^  -\S+ [A-Z]+\S*=(\S+)", help_text):
                self.assertIn(f"Default: {default}.", page, name)
            for low, high in re.findall(r"in \[(\S+) - (\S+)\]", help_text):
                self.assertIn(f"From {low} to {high}.", page, name)
            for choices in re.findall(r":\{(\S+)\}", help_text):
                self.assertIn(f"One of {', '.join(choices.split(','))}.", page, name)
            for line in re.findall(r"(?m)^ {30}(\S.*)$", help_text):  # descriptions of options
                self.assertIn(line.replace("`", ""), words, name)
            for example in re.findall(r"(?m)^Example: (.*)$", help_text):
                self.assertIn(f"\n{example}\n", page, name)

    def test_readers_of_troff_have_nothing_to_say(self):
        for reader in (["man", "--warnings", "-l"], ["groff", "-man", "-ww", "-z"], ["mandoc", "-Tlint", "-W", "warning"]):
            if shutil.which(reader[0]):
                for name in os.listdir(self.folder):
                    done = subprocess.run([*reader, os.path.join(self.folder, name)], capture_output=True, text=True,
                                          check=False)
                    said = done.stderr + (done.stdout if reader[0] == "mandoc" else "")
                    self.assertEqual((done.returncode, said), (0, ""), reader[0])

    def test_every_variable_that_the_program_reads_is_told(self):
        told = set(re.findall(r"(?m)^(MEGABED_\w+)$", plain(megabed("man").stdout)))
        read = set()
        others = ("_test.cpp", "bench/gpu/", "bench/micro/", "bench/outsiders/")  # tests and programs of their own
        for folder in ("policy", "sim", "gpu", "scenarios", "properties", "bench"):
            for path in glob.glob(os.path.join(SOURCE, folder, "**/*.c*"), recursive=True):
                if path.endswith((".cpp", ".cu")) and not any(other in path for other in others):
                    with open(path, encoding="utf-8") as file:
                        read.update(re.findall(r'(?:getenv|\bvariable|\.variable =) ?\(?"(MEGABED_\w+)"', file.read()))
        self.assertEqual(told, read)

    def test_what_it_cannot_do_is_refused_in_one_line(self):
        for arguments, message in (
            (["fly"], "megabed: COMMAND: 'fly' is no command; allowed: run, replay"),
            (["--out", "/dev/null/pages"], "megabed: --out: '/dev/null/pages' cannot be made: Not a directory"),
            (["run", "--out", self.folder], "COMMAND excludes --out"),
        ):
            done = megabed("man", *arguments)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
