#!/usr/bin/env python3
"""Tests of bench/compare, on measurements that are made up.

Usage: compare_test.py SOURCE_DIR [TEST ...]
"""

import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

SOURCE = sys.argv[1]
sys.path.insert(0, os.path.join(SOURCE, "bench"))
sys.dont_write_bytecode = True
import sample_comparison  # noqa: E402

COMPARE = os.path.join(SOURCE, "bench", "compare")


def lognormal(draw, median, noise, count=9):
    return [median * draw.lognormvariate(0, noise) for _ in range(count)]


def google(rows, unit="ns", clock="cpu_time", labels=None):
    """A document as Google Benchmark writes it, aggregates included."""
    entries = []
    for name, samples in rows.items():
        for number, value in enumerate(samples):
            entries.append({"name": name, "run_type": "iteration", "repetition_index": number, "time_unit": unit,
                            "label": (labels or {}).get(name, ""), "real_time": value * 3, "cpu_time": value * 3,
                            clock: value})
        entries.append({"name": name + "_median", "run_type": "aggregate", "cpu_time": 1, "real_time": 1, "time_unit": unit})
    return {"context": {}, "benchmarks": entries}


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, document):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(document if isinstance(document, str) else json.dumps(document))
        return path

    def compare(self, before, now, *more):
        return subprocess.run([sys.executable, COMPARE, "--baseline", self.write("before.json", before), "--now",
                               self.write("now.json", now), *more], capture_output=True, text=True, check=False)

    @staticmethod
    def judged(before, now):
        """Verdicts alone, without a process for them."""
        return {row["name"]: row["verdict"] for row in sample_comparison.compare_rows(before, now, 0.05)}

    def verdicts(self, before, now, *more):
        done = self.compare(google(before), google(now), "--json", *more)
        self.assertEqual(done.stderr, "")
        rows = json.loads(done.stdout)["comparisons"][0]["rows"]
        return done.returncode, {row["name"]: row["verdict"] for row in rows}


class Verdicts(Files):
    def test_a_slowdown_of_10_percent_is_found_and_nothing_else(self):
        for seed in range(10):
            draw = random.Random(seed)
            before = {f"row/{number}": lognormal(draw, 10 ** number, 0.01) for number in range(1, 8)}
            now = {f"row/{number}": lognormal(draw, 10 ** number, 0.01) for number in range(1, 8)}
            now["row/4"] = [1.1 * value for value in now["row/4"]]
            verdicts = self.judged(before, now)
            self.assertEqual(verdicts.pop("row/4"), "SLOWER", seed)
            self.assertEqual(set(verdicts.values()), {"SAME"}, seed)
        self.assertEqual(self.verdicts(before, now), (1, {**verdicts, "row/4": "SLOWER"}))

    def test_pure_noise_raises_no_more_alarms_than_promised(self):
        """1 % of comparisons may; of these 40, one does, at noise of 20 %."""
        seen, alarms = set(), 0
        for noise in (0.001, 0.02, 0.05, 0.2):
            for seed in range(10):
                draw = random.Random(seed)
                rows = [{f"row/{number}": lognormal(draw, 1000, noise) for number in range(10)} for _ in range(2)]
                verdicts = self.judged(*rows)
                alarms += not {"SLOWER", "FASTER"}.isdisjoint(verdicts.values())
                if noise < 0.01:
                    self.assertEqual(set(verdicts.values()), {"SAME"})
                seen.update(verdicts.values())
            self.assertEqual(self.verdicts(*rows), (0, verdicts))
        self.assertLessEqual({"SAME", "AMBIGUOUS"}, seen)
        self.assertLessEqual(alarms, 1)

    def test_noise_that_hides_a_slowdown_is_ambiguous(self):
        draw = random.Random(3)
        status, verdicts = self.verdicts({"a": lognormal(draw, 100, 0.3)}, {"a": lognormal(draw, 110, 0.3)})
        self.assertEqual((status, verdicts["a"]), (0, "AMBIGUOUS"))
        # Two repetitions prove nothing, however far apart.
        status, verdicts = self.verdicts({"a": [100.0, 101.0]}, {"a": [200.0, 201.0]})
        self.assertEqual((status, verdicts["a"]), (0, "AMBIGUOUS"))

    def test_a_speedup_and_the_threshold(self):
        draw = random.Random(4)
        before, now = {"a": lognormal(draw, 100, 0.005)}, {"a": lognormal(draw, 80, 0.005)}
        self.assertEqual(self.verdicts(before, now), (0, {"a": "FASTER"}))
        self.assertEqual(self.verdicts(now, before), (1, {"a": "SLOWER"}))
        self.assertEqual(self.verdicts(now, before, "--threshold", "30"), (0, {"a": "SAME"}))

    def test_the_clock_is_the_one_the_row_asked_for_in_its_unit(self):
        wall = {"a/real_time": [1.0, 1.01, 1.02, 0.99, 0.98, 1.03, 0.97, 1.04, 0.96]}
        micro = {name: [value / 1e3 for value in samples] for name, samples in wall.items()}
        done = self.compare(google(wall, "ms", "real_time"), google(micro, "s", "real_time"), "--json")
        row, = json.loads(done.stdout)["comparisons"][0]["rows"]
        self.assertEqual((row["verdict"], round(row["baseline_ns"]), round(row["now_ns"])), ("SAME", 10**6, 10**6))

    def test_the_table_says_it_all(self):
        draw = random.Random(5)
        before = {name: lognormal(draw, 2e6, 0.01) for name in ("same", "slow")}
        now = {"same": lognormal(draw, 2e6, 0.01), "slow": lognormal(draw, 3e6, 0.01), "fresh": [1.0, 2.0]}
        done = self.compare(google(before), google(now))
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(done.stdout, r"(?m)^same +\S+ ms +\S+ ms +[+-]\d+\.\d % +[+-]\d+\.\d to [+-]\d+\.\d % +\S+ SAME$")
        self.assertRegex(done.stdout, r"(?m)^slow .* [+](49|5\d)\.\d % .* SLOWER$")
        self.assertIn("fresh", done.stdout)
        self.assertIn("2 rows: 1 SAME, 0 FASTER, 1 SLOWER, 0 AMBIGUOUS; threshold 5 %", done.stdout)

    def test_another_result_is_told(self):
        rows = {"a": [1.0, 1.1]}
        done = self.compare(google(rows, labels={"a": "00ff"}), google(rows, labels={"a": "0100"}))
        self.assertEqual(done.stderr, "bench/compare: warning: a has another result, 0100, that of the baseline 00ff\n")


class BadInput(Files):
    def refused(self, done, message):
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
        self.assertTrue(done.stderr.startswith("bench/compare: "), done.stderr)
        self.assertIn(message, done.stderr)

    def test_files(self):
        good = google({"a": [1.0, 2.0], "b": [1.0, 2.0]})
        for wrong, message in (
            ("{", "now.json: is neither a record of bench/compare nor JSON"),
            ("[]", "now.json: is neither"),
            ({"rows": 3, "provenance": {}}, "now.json: is neither"),
            ({"benchmarks": []}, "now.json: has no rows"),
            (google({"a": [1.0, 2.0], "b": [1.0, -2.0]}), "now.json: the row b has the time -2.0; allowed: nanoseconds above"),
            (google({"a": [1.0], "b": [float("nan")]}), "now.json: the row b has the time nan"),
            (google({"a": [1.0, 2.0]}), "now.json: the baseline has b, which was not measured now (1 such rows)"),
            ({"benchmarks": [{"name": "a", "run_type": "iteration", "error_occurred": True, "error_message": "no card"}]},
             "now.json: the row a failed: no card"),
        ):
            self.refused(self.compare(good, wrong), message)
        self.refused(subprocess.run([sys.executable, COMPARE, "--now", "/nowhere", "--baseline", "/nowhere"],
                                    capture_output=True, text=True, check=False), "/nowhere: cannot be read: No such file")

    def test_arguments(self):
        for arguments, message in (
            ([], "no SUITE; allowed: policy, graph"),
            (["polcy"], "SUITE: is 'polcy'; allowed: policy, graph, parser"),
            (["policy", "--threshold", "0"], "--threshold"),
            (["policy", "--repetitions", "1"], "--repetitions"),
            (["policy", "--repetitions", "many"], "--repetitions"),
            (["policy", "--min-time", "-1"], "--min-time"),
            (["policy", "--filter", "("], "--filter: is no regular expression"),
            (["policy", "--record", "--filter", "x"], "--record: stores whole suites"),
            (["policy", "law", "--baseline", "x"], "--baseline: goes with one SUITE"),
            (["--now", "x"], "--now: goes with --baseline"),
            (["policy", "--fliter", "x"], "unrecognized arguments: --fliter x; --help shows what is allowed"),
        ):
            self.refused(subprocess.run([sys.executable, COMPARE, *arguments], capture_output=True, text=True, check=False),
                         message)
        done = subprocess.run([sys.executable, COMPARE, "--help"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertIn("Exit status: 0", done.stdout)


PROGRAM = """#!{python}
import json, os, random, sys
out, = [word.partition("=")[2] for word in sys.argv if word.startswith("--benchmark_out=")]
repetitions, = [int(word.partition("=")[2]) for word in sys.argv if word.startswith("--benchmark_repetitions=")]
assert "--benchmark_enable_random_interleaving=true" in sys.argv
if os.path.exists(sys.argv[0] + ".fails"):
    sys.exit("it went wrong\\nfor a reason")
draw, slow = random.Random(os.getpid()), os.path.exists(sys.argv[0] + ".slow")
rows = [{{"name": name, "run_type": "iteration", "time_unit": "us", "real_time": 1, "label": "",
          "cpu_time": (2 if slow and name == "b" else 1) * draw.lognormvariate(0, 0.005)}}
        for name in "ab" for _ in range(repetitions)]
json.dump({{"benchmarks": rows}}, open(out, "w"))
"""


class Records(Files):
    """Recording and comparing in a checkout of its own, with a program that measures nothing."""

    def setUp(self):
        super().setUp()
        os.makedirs(os.path.join(self.folder, "bench"))
        os.makedirs(os.path.join(self.folder, "build", "bench", "bench"))
        for name in ("compare", "sample_comparison.py"):
            shutil.copy(os.path.join(SOURCE, "bench", name), os.path.join(self.folder, "bench"))
        self.program = os.path.join(self.folder, "build", "bench", "bench", "policy_benchmark")
        self.write(self.program, PROGRAM.format(python=sys.executable))
        os.chmod(self.program, stat.S_IRWXU)
        self.cache = os.path.join(self.folder, "build", "bench", "CMakeCache.txt")
        self.write(self.cache, f"CMAKE_CXX_COMPILER:FILEPATH={sys.executable}\nCMAKE_BUILD_TYPE:STRING=Release\n"
                               "CMAKE_CXX_FLAGS:STRING=\nCMAKE_CXX_FLAGS_RELEASE:STRING=-O3 -DNDEBUG\n")
        self.write(".gitignore", "build/\n__pycache__/\n.*.partial\n")
        for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
            subprocess.run(["git", *command], cwd=self.folder, check=True)
        self.results = os.path.join(self.folder, "bench", "results", "cpu")

    def run_compare(self, *arguments):
        return subprocess.run([sys.executable, os.path.join(self.folder, "bench", "compare"), *arguments], cwd="/",
                              capture_output=True, text=True, check=False)

    def record(self):
        done = self.run_compare("--record", "policy")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertTrue(done.stderr.endswith("bench/compare: bench/results/cpu/policy.json: 2 rows\n"), done.stderr)
        with open(os.path.join(self.results, "policy.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_a_record_says_where_it_comes_from(self):
        document = self.record()
        self.assertEqual(os.listdir(self.results), ["policy.json"])
        revision = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=self.folder, capture_output=True, text=True,
                                  check=True).stdout.strip()
        provenance = document["provenance"]
        self.assertEqual((document["suite"], provenance["revision"]), ("policy", revision))
        self.assertEqual((provenance["build_type"], provenance["flags"]), ("Release", "-O3 -DNDEBUG"))
        self.assertRegex(provenance["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn("Python", provenance["compiler"])
        self.assertTrue(provenance["command"].startswith("build/bench/bench/policy_benchmark --benchmark_repetitions=9"))
        self.assertGreaterEqual(provenance["cores"], 1)
        self.assertTrue(provenance["cpu"] and provenance["governor"])
        self.assertEqual(list(document["rows"]), ["a", "b"])
        self.assertEqual(len(document["rows"]["a"]["samples_ns"]), 9)
        self.assertAlmostEqual(document["rows"]["a"]["median_ns"], 1000, delta=20)
        self.assertEqual(self.record()["suite"], "policy")  # its own record is no change that would refuse it

    def test_a_tree_with_changes_is_not_recorded(self):
        with open(os.path.join(self.folder, "bench", "sample_comparison.py"), "a", encoding="utf-8") as file:
            file.write("# changed\n")
        done = self.run_compare("--record", "policy")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        self.assertIn("--record: bench/sample_comparison.py has changes that are not committed", done.stderr)
        self.assertFalse(os.path.exists(self.results))

    def test_a_run_is_held_against_its_record(self):
        self.record()
        done = self.run_compare("policy")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 rows: 2 SAME", done.stdout)
        self.write(self.program + ".slow", "")
        done = self.run_compare("policy", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([row["verdict"] for row in json.loads(done.stdout)["comparisons"][0]["rows"]], ["SAME", "SLOWER"])
        self.assertEqual(self.run_compare("policy", "--filter", "a").returncode, 0)

    def test_another_machine_is_told(self):
        document = self.record()
        document["provenance"].update(cpu="Another 9000", governor="powersave")
        self.write(os.path.join(self.results, "policy.json"), document)
        self.write(self.cache, "CMAKE_BUILD_TYPE:STRING=Debug\n")
        done = self.run_compare("policy")
        self.assertEqual(done.returncode, 0)
        for words in ("warning: cpu is ", ", that of the baseline Another 9000\n", "warning: governor is ",
                      "warning: build type is Debug, that of the baseline Release", "warning: compiler is "):
            self.assertIn(words, done.stderr)

    def test_a_suite_that_fails_leaves_the_record_as_it_was(self):
        before = self.record()
        self.write(self.program + ".fails", "")
        done = self.run_compare("--record", "policy")
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stderr.endswith("policy_benchmark failed with status 1: for a reason\n"), done.stderr)
        with open(os.path.join(self.results, "policy.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file), before)
        self.assertEqual(os.listdir(self.results), ["policy.json"])
        os.remove(self.program)
        self.assertIn("policy_benchmark is missing; cmake --preset bench", self.run_compare("policy").stderr)
        self.assertIn("law.json: cannot be read: No such file", self.run_compare("law").stderr)


class Statistics(unittest.TestCase):
    def test_known_values(self):
        # R: wilcox.test(c(19, 22, 16, 29, 24), c(20, 11, 17, 12)) has W = 17, p = 0.1111.
        left, right = [19, 22, 16, 29, 24], [20, 11, 17, 12]
        self.assertEqual(sample_comparison.u_statistic(left, right), 17)
        self.assertAlmostEqual(sample_comparison.exact_p(17, 5, 4), 14 / 126, places=12)
        self.assertAlmostEqual(sample_comparison.normal_p(17, left, right), 0.11134688653, places=9)
        self.assertAlmostEqual(sample_comparison.exact_p(0, 9, 9), 2 / 48620, places=12)
        self.assertEqual(sample_comparison.exact_p(40.5, 9, 9), 1.0)
        self.assertEqual(sample_comparison.normal_p(8, [1, 1, 1, 1], [1, 1, 1, 1]), 1.0)

    def test_it_is_what_scipy_says(self):
        if sample_comparison.scipy_test() is None:
            self.skipTest("no scipy here")
        draw = random.Random(1)
        for round_to in (9, 1):  # without ties, and with many
            for n, m in ((2, 3), (9, 9), (5, 20), (30, 12)):
                left = [round(draw.gauss(0, 1), round_to) for _ in range(n)]
                right = [round(draw.gauss(0.5, 1), round_to) for _ in range(m)]
                self.assertAlmostEqual(sample_comparison.own_u_test(left, right), sample_comparison.u_test(left, right),
                                       places=9)

    def test_holm(self):
        self.assertEqual(sample_comparison.adjusted([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
        self.assertEqual(sample_comparison.adjusted([]), [])

    def test_the_interval_covers_the_ratio(self):
        draw = random.Random(2)
        covered = 0
        for _ in range(100):
            low, high = sample_comparison.ratio_interval(lognormal(draw, 100, 0.05), lognormal(draw, 120, 0.05))
            covered += low <= 1.2 <= high
        self.assertGreaterEqual(covered, 88)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
