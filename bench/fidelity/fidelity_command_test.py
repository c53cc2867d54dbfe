#!/usr/bin/env python3
"""Tests of `megabed compare` and `megabed calibrate`.

Usage: fidelity_command_test.py MEGABED SOURCE_DIR [TEST ...]
"""

import gzip
import importlib.util
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from command_runner import SOURCE, megabed, run, run_tests  # noqa: E402

RECORD = os.path.join(SOURCE, "bench", "results", "h200", "waves")
SAMPLES = os.path.join(SOURCE, "bench", "results", "h200", "samples.json.gz")


def has_card():
    return os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/dxg")


class Comparing(unittest.TestCase):
    """The simulator against what an H200 took, which is stored."""

    def compare(self, *arguments):
        return megabed("compare", "--reference", RECORD, *arguments)

    def test_all_recorded_runs_are_predicted_as_the_docs_say(self):
        done = self.compare("--json", "--max-error", "0.1", "--max-p90", "0.27", "--min-tau", "0.86", "--min-sign", "0.93")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["judged"], 189)
        self.assertEqual(len({pair["scenario"] for pair in document["pairs"]}), 21)
        self.assertEqual(len({pair["policy"] for pair in document["pairs"]}), 9)
        self.assertEqual({pair["decisions_differ_at"] for pair in document["pairs"]}, {None})
        self.assertEqual({pair["fitted"] for pair in document["pairs"]}, {False})
        self.assertEqual(document["reference"]["card"], "NVIDIA H200")

    def test_a_threshold_that_is_not_met_fails_and_says_which(self):
        for flag, value in (("--max-error", "0.001"), ("--max-p90", "0.001"), ("--min-tau", "1"), ("--min-sign", "1")):
            done = self.compare("social", flag, value)
            self.assertEqual(done.returncode, 1, flag)
            self.assertRegex(done.stderr, rf"^megabed: compare: .*{flag}\n$")

    def test_waves_and_people(self):
        document = json.loads(self.compare("road", "--policies", "gap,arcs", "--waves", "--json").stdout)
        self.assertEqual(len(document["pairs"]), 4)
        for pair in document["pairs"]:
            waves = pair["waves"]
            self.assertEqual({len(waves[key]) for key in waves}, {pair["launches"]})
            self.assertEqual(sum(waves["simulated_ns"]), pair["simulated_ns"])
        text = self.compare("road", "--policies", "gap").stdout
        self.assertRegex(text, r"road/from-the-edge +gap +[0-9.]+ us +[0-9.]+ us +[+-][0-9.]+ %")
        self.assertIn("2 runs: median error", text)

    def test_another_decision_than_the_cards_is_found(self):
        done = self.compare("social", "--policies", "reference", "--set", "policy.sparse_frontier_threshold_bps=3000")
        self.assertEqual(done.returncode, 1)
        self.assertIn("decides otherwise", done.stderr)

    def test_what_cannot_be_compared_is_refused(self):
        for arguments in (("tenants",), ("no-such-scenario",), ("road", "--policies", "no-such-policy"),
                          ("quickstart",), ("road", "--device", "no-such-card"), ("road", "--record", "somewhere")):
            done = self.compare(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertRegex(done.stderr, r"^megabed: [^\n]*\n$")
        done = megabed("compare", "road", "--reference", os.path.join(SOURCE, "nowhere"))
        self.assertEqual(done.returncode, 2)

    def test_without_a_card_there_is_nothing_to_measure(self):
        if has_card():
            self.skipTest("there is a card here")
        done = megabed("compare", "road")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertRegex(done.stderr, r"^megabed: cuda: [^\n]*\n$")


class Calibrating(unittest.TestCase):
    """A profile from samples that a card has given."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.profile = os.path.join(self.folder, "card.toml")

    def test_without_a_card_it_says_so_and_writes_nothing(self):
        if has_card():
            self.skipTest("there is a card here")
        done = megabed("calibrate", "--out", self.profile)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertRegex(done.stderr, r"^megabed: cuda: [^\n]*\n$")
        self.assertEqual(os.listdir(self.folder), [])

    def test_the_shipped_profile_is_what_its_samples_give(self):
        if run("/usr/bin/python3", "-c", "import scipy").returncode != 0 and importlib.util.find_spec("scipy") is None:
            self.skipTest("no SciPy here")
        done = megabed("calibrate", "--refit", SAMPLES, "--out", self.profile, "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        shipped = os.path.join(SOURCE, "scenarios", "devices", "h200-megakernel.toml")
        with open(self.profile, encoding="ascii") as ours, open(shipped, encoding="ascii") as theirs:
            self.assertEqual([line.split(" = ")[0] for line in ours], [line.split(" = ")[0] for line in theirs])
        compared = megabed("compare", "road", "--reference", RECORD, "--device", self.profile, "--max-error", "0.12")
        self.assertEqual(compared.returncode, 0, compared.stderr)

    def test_samples_of_something_else_are_refused(self):
        broken = os.path.join(self.folder, "samples.json")
        with gzip.open(SAMPLES, "rt", encoding="utf-8") as file:
            document = json.load(file)
        document["samples"][0]["launches"].pop()
        for text in ("{}", "nothing", json.dumps(document, indent=0), '{"samples": [{"run": "no-such", "policy": "gap"}]}'):
            with open(broken, "w", encoding="utf-8") as file:
                file.write(text)
            done = megabed("calibrate", "--refit", broken, "--out", self.profile, "--quiet")
            self.assertEqual(done.returncode, 2, text[:40])
            self.assertRegex(done.stderr, r"^megabed: [^\n]*\n$")
            self.assertFalse(os.path.exists(self.profile))


if __name__ == "__main__":
    run_tests()
