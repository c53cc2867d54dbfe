#!/usr/bin/env python3
"""Tests of the script at the root of the checkout.

Usage: launcher_test.py MEGABED SOURCE_DIR [TEST ...]
"""

import os
import shutil
import unittest

from command_runner import SOURCE, run, run_tests


class Launcher(unittest.TestCase):
    """The script at the root, as far as it needs neither a build nor a card."""

    @staticmethod
    def launch(*arguments):
        return run(os.path.join(SOURCE, "megabed"), *arguments, timeout=60)

    def test_bench_gpu_without_a_card_says_so_and_builds_nothing(self):
        if any(os.path.exists(node) for node in ("/dev/nvidiactl", "/dev/dxg")) or shutil.which("nvidia-smi"):
            self.skipTest("there is a card here")
        done = self.launch("bench-gpu")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertEqual(done.stderr, "megabed: bench-gpu needs an NVIDIA card and its driver; none is here\n")

    def test_bench_gpu_refuses_what_it_does_not_know(self):
        done = self.launch("bench-gpu", "search", "serach")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, "megabed: bench-gpu: 'serach' is not known; allowed: search, decision, ring\n")


if __name__ == "__main__":
    run_tests()
