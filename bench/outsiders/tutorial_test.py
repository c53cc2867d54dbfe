#!/usr/bin/env python3
"""Does what TUTORIAL.md tells its reader to do, and compares what comes with what the page shows.

Of the fenced blocks, `sh` is run, and prints what the `text` block behind it says, or nothing without one; `c FILE` and
`cmake FILE` are written to that file; `diff FILE` is an edit of it. In a `text` block `...` stands for anything within a line;
numbers of cases, seconds and digests may differ. Others are not for running.

Usage: tutorial_test.py MEGABED SOURCE_DIR [TEST ...]
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

MEGABED, SOURCE = os.path.abspath(sys.argv[1]), sys.argv[2]
PAGE = os.path.join(SOURCE, "bench", "outsiders", "TUTORIAL.md")

# What may differ between the page and here.
LOOSE = re.compile(r"\.\.\.|\b\d+ cases|\b\d+\.\d+ s\b|\b[0-9a-f]{16}\b")


def pattern_of(line):
    """A line of the page as a regular expression; blanks may be fewer or more, as columns go by their widest entry."""
    parts, at = [], 0
    for loose in LOOSE.finditer(line):
        parts.append(re.escape(line[at:loose.start()]))
        text = loose.group()
        parts.append(".*" if text == "..." else r"\d+ cases" if text.endswith(" cases") else
                     r"\d+\.\d+ s" if text.endswith(" s") else "[0-9a-f]{16}")
        at = loose.end()
    parts.append(re.escape(line[at:]))
    return re.sub(r"(\\ )+", " +", "".join(parts)) + r"\s*"


class Tutorial(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="megabed-tutorial-")
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "mine")
        programs = os.path.join(folder.name, "bin")
        os.makedirs(self.folder)
        os.makedirs(programs)
        os.symlink(MEGABED, os.path.join(programs, "megabed"))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MEGABED_")}
        self.environment = {**clean, "MEGABED": SOURCE, "PATH": programs + ":" + os.environ["PATH"]}
        with open(PAGE, encoding="utf-8") as file:
            self.blocks = re.findall(r"(?m)^```(\S+) ?(.*)\n((?:(?!```).*\n)*)```$", file.read())

    def edit(self, name, text):
        """The lines with `-` become those with `+`."""
        path = os.path.join(self.folder, name)
        with open(path, encoding="utf-8") as file:
            content = file.read()
        lines = text.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        self.assertEqual(content.count(before), 1, before)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content.replace(before, after))

    def follow(self, commands, expected):
        done = subprocess.run(["bash", "-c", commands], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        printed, shown = done.stdout.splitlines(), expected.splitlines()
        message = f"{commands}\nprinted:\n{done.stdout}\nthe page:\n{expected}"
        self.assertEqual(len(printed), len(shown), message)
        for line, wanted in zip(printed, shown):
            self.assertRegex(line, rf"^{pattern_of(wanted)}$", message)

    def test_its_reader_gets_what_it_shows(self):
        kinds = [kind for kind, _, _ in self.blocks]
        self.assertLessEqual(set(kinds), {"bash", "sh", "text", "c", "cmake", "diff"})
        self.assertGreater(kinds.count("sh"), 7)
        for number, (kind, name, text) in enumerate(self.blocks):
            if kind in ("c", "cmake"):
                with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            elif kind == "diff":
                self.edit(name, text)
            elif kind == "sh":
                self.follow(text, self.blocks[number + 1][2] if kinds[number + 1:number + 2] == ["text"] else "")

    def test_its_links_lead_somewhere(self):
        with open(PAGE, encoding="utf-8") as file:
            for link in re.findall(r"\]\(([^)#]+)\)", file.read()):
                if not link.startswith("https://"):
                    self.assertTrue(os.path.exists(os.path.join(os.path.dirname(PAGE), link)), link)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
