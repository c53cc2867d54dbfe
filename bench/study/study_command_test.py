#!/usr/bin/env python3
"""Tests of `megabed study`, `tune`, `claims` and `run --settings` as their users call them: killed, resumed, under
mpirun, with bad input.

Usage: study_command_test.py MEGABED SOURCE_DIR [TEST ...]
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

MEGABED, SOURCE = sys.argv[1], sys.argv[2]

STUDY = """format = 1
summary = "a small study"
seeds = 12
scenarios = ["around-dense", "around-sparse", "telemetry-faults", { file = "social", runs = ["slashdot"] }]
policies = ["reference", "stateless", "hardened", "arcs"]
[[parameter]]
name = "dense"
key = "policy.dense_frontier_threshold_bps"
values = [3000, 5000]
"""
RUNS = (4 + 3 + 3 + 1) * 4 * 2 * 12
DETERMINED = ("study", "scenario_file", "scenario", "policy", "variant", "variant_value", "run", "topology_share", "timeline")

TUNE = """format = 1
summary = "arcs on a small set"
policy = "arcs"
scenarios = [{ file = "social", runs = ["slashdot"] }]
held_out = ["internet"]
candidates = 6
[[parameter]]
key = "policy.arcs.work_per_lane"
from = 2
to = 64
scale = "log"
"""


def megabed(*arguments, cwd, **more):
    return subprocess.run([MEGABED, *arguments], capture_output=True, text=True, cwd=cwd, timeout=300, check=False, **more)


class Folder(unittest.TestCase):
    """A folder of each test's own, with a study in it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="megabed-study-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.write("small.toml", STUDY)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def query(self, database, question):
        with sqlite3.connect(f"file:{os.path.join(self.folder, database)}?mode=ro", uri=True) as connection:
            return connection.execute(question).fetchall()

    def content(self, database):
        return [self.query(database, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in DETERMINED]

    def refused(self, status, words, *arguments):
        before = sorted(os.listdir(self.folder))
        done = megabed(*arguments, cwd=self.folder)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), before)


class Studies(Folder):
    def test_table_and_json(self):
        done = megabed("study", "small.toml", "--json", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        document = json.loads(done.stdout)
        self.assertEqual((document["runs"], document["done"], document["skipped"], document["failed"], document["db"]),
                         (RUNS, RUNS, 0, 0, "small.db"))
        self.assertEqual([row["label"] for row in document["policies"]], ["reference", "stateless", "hardened", "arcs"])
        self.assertEqual(document["policies"][0]["makespan_ratio"], 1)
        for group, count in (("variants", 2), ("scenarios", 11)):
            cells = [(label, policy, cell) for label, cells in document[group].items() for policy, cell in cells.items()]
            self.assertEqual(len(cells), count * 4)
            self.assertEqual(sum(cell["done"] for _, _, cell in cells), RUNS)
        # A cell by another way: SQL's own mean.
        label, cells = list(document["scenarios"].items())[-1]
        flaps, switches = self.query("small.db", "SELECT avg(flaps), avg(topology_switches) FROM run r JOIN scenario s ON "
                                     "s.id = scenario_id JOIN policy p ON p.id = policy_id "
                                     f"WHERE s.label = '{label}' AND p.label = 'arcs'")[0]
        self.assertAlmostEqual(cells["arcs"]["flaps_mean"], flaps)
        self.assertAlmostEqual(cells["arcs"]["switches_mean"], switches)
        self.assertIsNone(cells["arcs"]["cache_hit_share"])
        table = megabed("study", "small.toml", cwd=self.folder).stdout
        for words in ("a small study", f"{RUNS:,} of them there before", "makespan, ratio", "arcs", "regret"):
            self.assertIn(words, table)
        # A figure of the table, by another way: the run itself.
        run = self.query("small.db", "SELECT r.digest, r.makespan_ns, r.seed FROM run r JOIN scenario s ON s.id = scenario_id "
                         "JOIN policy p ON p.id = policy_id WHERE s.label = 'around-dense/walk' AND p.label = 'stateless' "
                         "AND variant_id = 2 AND seed = 7")[0]
        alone = json.loads(megabed("run", "around-dense", "--only", "walk", "--policy", "stateless", "--seed", "7", "--set",
                                   "policy.dense_frontier_threshold_bps=5000", "--json", cwd=self.folder).stdout)["runs"][0]
        self.assertEqual(run, (alone["digest"], alone["makespan_ns"], alone["seed"]))
        self.assertEqual(len(self.query("small.db", "SELECT * FROM execution")), RUNS)

    def test_dry_run_writes_nothing(self):
        before = sorted(os.listdir(self.folder))
        document = json.loads(megabed("study", "small.toml", "--dry-run", "--json", cwd=self.folder).stdout)
        self.assertEqual((document["runs"], document["scenarios"], document["seeds"]), (RUNS, 11, 12))
        self.assertGreater(document["estimate_seconds"], 0)
        self.assertIn(f"{RUNS:,} runs", megabed("study", "small.toml", "--dry-run", cwd=self.folder).stdout)
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_killed_again_and_again_it_loses_and_repeats_nothing(self):
        megabed("study", "small.toml", "--db", "whole.db", cwd=self.folder)
        killed = 0
        for attempt in range(60):
            with subprocess.Popen([MEGABED, "study", "small.toml", "--db", "parts.db", "--jobs", "2"], cwd=self.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                try:
                    process.wait(timeout=0.15 + 0.02 * attempt)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    killed += 1
                    continue
            break
        self.assertGreater(killed, 0)
        self.assertEqual(self.content("whole.db"), self.content("parts.db"))
        self.assertEqual(self.query("parts.db", "SELECT count(*), count(DISTINCT run_id) FROM execution"), [(RUNS, RUNS)])
        self.assertEqual(self.query("parts.db", "PRAGMA integrity_check"), [("ok",)])
        self.assertGreater(self.query("parts.db", "SELECT count(*) FROM session")[0][0], 1)

    def test_interrupted_it_says_how_far_it_came(self):
        self.write("long.toml", STUDY.replace("seeds = 12", "seeds = 400"))
        with subprocess.Popen([MEGABED, "study", "long.toml"], cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            time.sleep(1.5)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn("the same command goes on", errors)
        self.assertGreater(self.query("long.db", "SELECT count(*) FROM run")[0][0], 0)
        self.assertIsNotNone(self.query("long.db", "SELECT ended_utc FROM session")[0][0])

    @unittest.skipUnless(shutil.which("mpirun") and os.path.exists(os.path.join(os.path.dirname(MEGABED), "libmegabed_mpi.so")),
                         "no mpirun, or built without MPI")
    def test_two_processes_give_what_one_gives(self):
        megabed("study", "small.toml", "--db", "one.db", cwd=self.folder)
        environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        mpirun = ["mpirun", "--oversubscribe", "-n", "2", MEGABED, "study"]
        done = subprocess.run([*mpirun, "small.toml", "--db", "two.db", "--json"], cwd=self.folder, env=environment,
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["done"], RUNS)
        self.assertEqual(self.content("one.db"), self.content("two.db"))
        self.assertEqual(self.query("two.db", "SELECT DISTINCT process FROM execution ORDER BY 1"), [(0,), (1,)])
        # A refusal is told once, by the first process.
        self.write("bad.toml", STUDY.replace("stateless", "stateles"))
        done = subprocess.run([*mpirun, "bad.toml"], cwd=self.folder, env=environment, capture_output=True, text=True,
                              timeout=300, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stderr.count("stateles'"), 1, done.stderr)

    def test_a_failed_run_is_a_row(self):
        self.write("tight.toml", STUDY.replace("values = [3000, 5000]", "values = [3000, 900]").replace("seeds = 12", "seeds = 1"))
        done = megabed("study", "tight.toml", "--json", cwd=self.folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["failed"], document["runs"] // 2)
        errors = self.query("tight.db", "SELECT DISTINCT error FROM run WHERE status = 'failed'")
        self.assertIn("dense_frontier_threshold_bps", errors[0][0])
        table = megabed("study", "tight.toml", cwd=self.folder).stdout
        self.assertIn(f"  {document['failed']} failed: {errors[0][0]}\n", table)

    def test_checked_and_found_different(self):
        megabed("study", "small.toml", cwd=self.folder)
        document = json.loads(megabed("study", "--check", "small.db", "--sample", "40", "--json", cwd=self.folder).stdout)
        self.assertEqual((document["checked"], document["same"], document["different"]), (40, 40, []))
        with sqlite3.connect(os.path.join(self.folder, "small.db")) as connection:
            connection.execute("UPDATE run SET digest = '0000000000000000' WHERE id % 2 = 0")
        done = megabed("study", "--check", "small.db", cwd=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("0000000000000000 in the database", done.stdout)

    def test_bad_input(self):
        self.write("text.db", "not a database")
        self.write("typo.toml", STUDY.replace("scenarios", "sceanrios"))
        self.refused(2, ("typo.toml", "sceanrios"), "study", "typo.toml")
        self.refused(2, ("no-such.toml",), "study", "no-such.toml")
        self.refused(2, ("text.db", "no SQLite database"), "study", "small.toml", "--db", "text.db")
        self.refused(2, ("no/such/folder/a.db",), "study", "small.toml", "--db", "no/such/folder/a.db")
        self.refused(2, ("nothing.db", "not there"), "study", "--check", "nothing.db")
        self.refused(2, ("FILE",), "study")
        self.refused(2, ("--jobs",), "study", "small.toml", "--jobs", "-1")
        if not os.path.exists("/dev/nvidiactl"):
            self.write("card.toml", STUDY.replace("seeds", 'backends = ["cuda"]\nseeds', 1))
            self.refused(3, ("cuda",), "study", "card.toml")


class Tuning(Folder):
    def test_settings_that_anyone_can_run(self):
        self.write("t.toml", TUNE)
        done = megabed("tune", "t.toml", "--out", "tuned.toml", "--json", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        document = json.loads(done.stdout)
        for key in ("best", "score", "baseline_score", "held_out_score", "speedup", "held_out_speedup"):
            self.assertIn(key, document)
        again = megabed("tune", "t.toml", "--jobs", "1", "--json", cwd=self.folder)
        self.assertEqual(again.stdout, done.stdout)
        internet = json.loads(megabed("run", "internet", "--settings", "tuned.toml", "--json", cwd=self.folder).stdout)["runs"][0]
        self.assertEqual(internet["policy"], "arcs")
        self.assertEqual(internet["makespan_ns"], round(document["held_out_score"]))
        self.write("use.toml", 'format = 1\nsummary = "s"\nscenarios = ["internet"]\n'
                   'policies = ["reference", { label = "tuned", policy = "arcs", settings = "tuned.toml" }]\n')
        ratio = json.loads(megabed("study", "use.toml", "--json", cwd=self.folder).stdout)["policies"][1]["makespan_ratio"]
        self.assertAlmostEqual(1 / ratio, document["held_out_speedup"], places=9)

    def test_bad_input(self):
        self.write("runs.toml", '[[run]]\nname = "x"\n')
        self.refused(2, ("runs.toml", "no file of settings"), "run", "internet", "--settings", "runs.toml")
        self.write("typo.toml", "[policy.arcs]\nwork = 3\n")
        self.refused(2, ("policy.arcs.work",), "run", "internet", "--settings", "typo.toml")
        self.write("t.toml", TUNE.replace("held_out", "helt_out"))
        self.refused(2, ("t.toml", "held_out"), "tune", "t.toml")
        self.write("t.toml", TUNE)
        self.refused(2, ("no/folder",), "tune", "t.toml", "--out", "no/folder/tuned.toml")


class Claims(Folder):
    def test_readme_quotes_what_the_commands_print(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            blocks = file.read().split("```")[1::2]
        for first, command in (("social: ", ("run", "scenarios/quickstart.toml")), ("S1 ", ("verify", "--policy", "stateless"))):
            block = next(block for block in blocks if block.lstrip("\n").startswith(first)).strip("\n").split("\n")
            # Seconds differ; all else is the same anywhere.
            lines = [re.sub(r"[0-9.]+ s ", "S ", line) for line in megabed(*command, cwd=SOURCE).stdout.split("\n")]
            for line in block:
                self.assertIn(re.sub(r"[0-9.]+ s ", "S ", line), lines)

    def test_every_claim_names_its_page(self):
        document = json.loads(megabed("claims", "quickstart-social", "--json", cwd=self.folder).stdout)
        claim = document["claims"][0]
        self.assertEqual((claim["id"], claim["verdict"], claim["page"]), ("quickstart-social", "SAME", "README.md"))
        self.assertLessEqual({"value", "tolerance", "measured", "verdict"}, claim.keys())
        self.refused(2, ("nobody", "quickstart-social"), "claims", "nobody")
        both = json.loads(megabed("claims", "quickstart", "--json", cwd=self.folder).stdout)["claims"]
        self.assertEqual({claim["id"].split("-")[0] for claim in both}, {"quickstart"})
        self.assertGreater(len(both), 2)
        self.refused(2, ("no-such.toml",), "claims", "--file", "no-such.toml")

    def test_what_came_out_otherwise_is_written_into_the_page(self):
        self.write("study.toml", 'format = 1\nsummary = "s"\nscenarios = ["social"]\npolicies = ["reference", "arcs"]\n')
        page = os.path.join(self.folder, "PAGE.md")
        self.write("PAGE.md", "`arcs` takes\n0.90 of it, of\n 9,876 runs, and 1.0 of 3.\n")
        command = ["study", os.path.join(self.folder, "study.toml"), "--db", "{scratch}/s.db", "--json"]
        claim = '[[claim]]\nid = "%s"\npage = "%s"\nquote = "%s"\nbetter = "less"\ncommand = %s\nread = "%s"\n%s\n'
        self.write("claims.toml", "".join(claim % (name, page, quote, json.dumps(command), *rest) for name, quote, *rest in (
            ("ratio", "takes {} of", "/policies/1/makespan_ratio", ""),
            ("runs", "of {} runs", "/runs", ""),
            ("own", "and {} of", "/variants//arcs/makespan_geomean_ns", 'over = "/variants//arcs/makespan_geomean_ns"'))))
        done = megabed("claims", "--file", "claims.toml", cwd=self.folder)
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], ["FASTER", "FASTER", "SAME", "3"])
        with open(page, encoding="utf-8") as file:
            self.assertIn("0.90 of it", file.read())
        updated = megabed("claims", "--file", "claims.toml", "--update", cwd=self.folder)
        self.assertEqual(updated.returncode, 0)
        self.assertIn("2 figures written", updated.stderr)
        with open(page, encoding="utf-8") as file:
            self.assertRegex(file.read(), r"`arcs` takes\n0\.[0-9]{2} of it, of\n 4 runs, and 1\.0 of 3\.")
        again = megabed("claims", "--file", "claims.toml", cwd=self.folder)
        self.assertEqual([line.split()[0] for line in again.stdout.splitlines()], ["SAME", "SAME", "SAME", "3"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
