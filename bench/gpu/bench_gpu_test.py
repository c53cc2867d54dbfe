#!/usr/bin/env python3
"""Tests of the programs that `megabed bench-gpu` runs.

Usage: bench_gpu_test.py MEGABED SOURCE_DIR [TEST ...]
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from command_runner import MEGABED, run, run_tests  # noqa: E402


class CardBenchmarks(unittest.TestCase):
    """The programs that measure on a card; where they are built and there is none."""

    def setUp(self):
        folder = os.path.dirname(MEGABED)
        self.programs = [os.path.join(folder, name + "_benchmark") for name in ("search", "decision", "ring")]
        if not all(os.path.exists(program) for program in self.programs):
            self.skipTest("this build has no CUDA parts")

    def test_without_a_card_they_say_so(self):
        if os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/dxg"):
            self.skipTest("there is a card here")
        for program in self.programs:
            for arguments in ((), ("--card",)):
                done = run(program, *arguments, timeout=60)
                self.assertEqual((done.returncode, done.stdout), (3, ""), program)
                self.assertRegex(done.stderr, r"^megabed: cuda: no CUDA device: .*\n$")

    def test_words_and_flags_that_are_not_known_are_refused(self):
        for program in self.programs:
            for argument in ("17", "--benchmark_fliter=x"):
                done = run(program, argument, timeout=60)
                self.assertEqual(done.returncode, 2, (program, argument))
                self.assertIn(argument, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_rows_can_be_listed_and_picked(self):
        names = run(self.programs[0], "16", "--benchmark_list_tests").stdout
        for row in ("bfs/16/megakernel/gap/1024", "bfs/16/baseline/launch_per_wave", "bfs/16/baseline/graph_replay",
                    "bfs/16/baseline/persistent", "sssp/16/", "components/16/", "pagerank/16/", "gather_limit/16/4"):
            self.assertIn(row, names)
        self.assertNotIn("/20/", names)
        picked = run(self.programs[0], "--benchmark_list_tests", "--benchmark_filter=baseline/persistent")
        self.assertEqual(picked.stdout.count("\n"), 4)
        self.assertIn("decision/named/gap", run(self.programs[1], "--benchmark_list_tests").stdout)


if __name__ == "__main__":
    run_tests()
