#!/usr/bin/env python3
"""Tests of the built command as its users call it: exit codes, JSON, messages, files.

Usage: command_test.py MEGABED SOURCE_DIR [TEST ...]
"""

import csv
import glob
import gzip
import json
import os
import pty
import signal
import subprocess
import tempfile
import time
import unittest

from command_runner import MEGABED, SOURCE, megabed, run_tests

SCENARIOS = os.path.join(SOURCE, "scenarios")
QUICKSTART = os.path.join(SCENARIOS, "quickstart.toml")
PATHS = os.path.join(SCENARIOS, "shortest-paths.toml")
GRAPHS = os.path.join(SCENARIOS, "graphs")


class Run(unittest.TestCase):
    def test_json_is_exact_and_complete(self):
        done = megabed("run", QUICKSTART, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        document = json.loads(done.stdout)
        self.assertEqual([run["name"] for run in document["runs"]], ["road", "social", "rmat"])
        fields = {
            "name", "scenario", "policy", "backend", "decide", "seed", "digest", "waves", "launches", "makespan_ns",
            "topology_switches", "flaps", "launches_by_topology", "worker_groups_mean", "peak_bytes", "budget_bytes",
            "oom_rejections", "items_published", "items_done", "items_rejected", "items_requeued", "latency_ns",
            "regret",
        }
        for run in document["runs"]:
            self.assertLessEqual(fields, run.keys())
            self.assertEqual(set(run["launches_by_topology"]), {"empty", "sparse", "hybrid", "dense", "fused", "memory"})
            self.assertEqual(sum(run["launches_by_topology"].values()), run["launches"])
            self.assertIsNone(run["items_done"])
        self.assertEqual([run["levels"] for run in document["runs"]], [190, 9, 5])
        self.assertEqual(document["runs"][1]["waves"], 11)  # two extra passes of an overflowing hit capacity

    def test_service_fields(self):
        run = json.loads(megabed("run", os.path.join(SCENARIOS, "tenant-burst.toml"), "--json").stdout)["runs"][0]
        self.assertEqual(run["items_published"], run["items_done"] + run["items_rejected"])
        self.assertLessEqual(run["latency_ns"]["p50"], run["latency_ns"]["p99"])

    def test_table_shows_what_matters(self):
        table = megabed("run", QUICKSTART).stdout
        for words in ("sparse", "share", "makespan", "switches", "flaps", "worker groups", "peak", "digest", "190 levels"):
            self.assertIn(words, table)

    def test_same_bytes_twice_and_replay(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a", "b"):
                self.assertEqual(megabed("run", QUICKSTART, "--seed", "5", "--out", os.path.join(folder, name)).returncode, 0)
            files = sorted(glob.glob("**/*.*", root_dir=os.path.join(folder, "a"), recursive=True))
            self.assertEqual(len(files), 7)
            for name in files:
                with open(os.path.join(folder, "a", name), "rb") as left, open(os.path.join(folder, "b", name), "rb") as right:
                    self.assertEqual(left.read(), right.read(), name)
            stored = os.path.join(folder, "a", "summary.json")
            done = megabed("replay", stored, "--json")
            self.assertEqual(done.returncode, 0)
            replayed = json.loads(done.stdout)
            self.assertTrue(replayed["same"])
            self.assertEqual(replayed["digest"], replayed["expected_digest"])
            with open(stored, encoding="utf-8") as file:
                text = file.read()
            run_digest = json.loads(text)["runs"][1]["digest"]
            for wrong, code in ((text.replace(replayed["digest"], "0" * 16), 1), (text.replace(run_digest, "0" * 16), 1),
                                (text.replace('"seed": 5,\n    "decide"', '"seed": -5,\n    "decide"'), 2), ("{}", 2)):
                self.assertNotEqual(wrong, text)
                with open(stored, "w", encoding="utf-8") as file:
                    file.write(wrong)
                self.assertEqual(megabed("replay", stored).returncode, code, wrong[:200])

    def test_trace_is_in_the_trace_event_format(self):
        with tempfile.TemporaryDirectory() as folder:
            megabed("run", QUICKSTART, "--out", folder)
            with open(os.path.join(folder, "social", "trace.json"), encoding="utf-8") as file:
                events = json.load(file)["traceEvents"]
            slices = [event for event in events if event["ph"] == "X" and "launch" in event["args"]]
            self.assertEqual(len(slices), 9)
            parts = [event for event in events if event["ph"] == "X" and "launch" not in event["args"]]
            self.assertTrue({"waves", "relaunch"} <= {part["name"] for part in parts})
            self.assertAlmostEqual(sum(part["dur"] for part in parts), sum(launch["dur"] for launch in slices), delta=1e-6)
            for before, after in zip(slices, slices[1:]):
                self.assertLessEqual(before["ts"] + before["dur"], after["ts"] + 1e-6)
            self.assertEqual({event["ph"] for event in events}, {"M", "X", "C", "i"})
            with open(os.path.join(folder, "social", "launches.csv"), encoding="utf-8") as file:
                header = file.readline().strip().split(",")
                self.assertEqual(len(file.readlines()), 9)
            megabed("run", "memory-ramp", "--out", folder)
            with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
                summary = json.load(file)["runs"][0]
            with open(os.path.join(folder, "reference", "launches.csv"), encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            self.assertEqual(sum(int(row["duration_ns"]) for row in rows), summary["makespan_ns"])
            self.assertEqual(sum(int(row["waves"]) for row in rows), summary["waves"])
            self.assertEqual(sum(row["error"] != "" for row in rows), summary["oom_rejections"])
            documented = json.loads(megabed("list", "columns", "--json").stdout)
            self.assertEqual(header, [column["name"] for column in documented])

    def test_overrides(self):
        done = megabed("run", QUICKSTART, "--json", "--policy", "fixed:dense", "--decide", "host", "--seed", "9",
                       "--set", "memory.budget=1 GiB", "--set", "run.graph=mesh:rows=8,columns=8")
        for run in json.loads(done.stdout)["runs"]:
            self.assertEqual((run["policy"], run["decide"], run["seed"], run["budget_bytes"]),
                             ("fixed:dense", "host", 9, 2**30))
            self.assertEqual(run["launches"], run["launches_by_topology"]["dense"])

    def test_a_hysteresis_is_set_and_replayed(self):
        flaps = []
        for width in (0, 100, 250):
            with tempfile.TemporaryDirectory() as folder:
                out = os.path.join(folder, "out")
                done = megabed("run", "around-sparse", "--set", f"policy.hysteresis_bps={width}", "--json", "--out", out)
                flaps.append(sum(run["flaps"] for run in json.loads(done.stdout)["runs"]))
                again = megabed("replay", os.path.join(out, "summary.json"))
                self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertGreater(flaps[0], 100)  # one ruler for every width: a flap of width 0 is seen
        self.assertEqual(flaps[2], 0)
        self.assertGreaterEqual(flaps[0], flaps[1])

    def test_work_that_cannot_finish_exits_1(self):
        done = megabed("run", QUICKSTART, "--set", "memory.budget=1 MiB", "--set", "memory.retries_max=2", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the budget is 1048576", json.loads(done.stdout)["runs"][1]["stopped_by"])

    def test_replications_give_intervals_that_no_number_of_threads_changes(self):
        documents = [megabed("run", "tenant-burst", "--replications", "6", "--compare", "fixed:dense", "--jobs", jobs, "--json")
                     for jobs in ("1", "2", "5")]
        self.assertEqual((documents[0].returncode, documents[0].stderr), (0, ""))
        self.assertEqual({done.stdout for done in documents}, {documents[0].stdout})
        run = json.loads(documents[0].stdout)["runs"][0]
        replications = run["replications"]
        self.assertEqual((replications["count"], replications["confidence"], replications["target_met"]), (6, 0.95, None))
        self.assertEqual(set(replications["metrics"]), {"makespan_ns", "topology_switches", "flaps", "latency_mean_ns",
                                                        "latency_p50_ns", "latency_p99_ns", "items_rejected"})
        for name, metric in replications["metrics"].items():
            self.assertTrue(metric["min"] <= metric["mean"] <= metric["max"], metric)
            if name not in ("topology_switches", "flaps"):  # a service has one topology, and empty launches
                self.assertGreater(metric["half_width"], 0, name)
        self.assertEqual((len(set(replications["seeds"])), len(set(replications["digests"]))), (6, 6))
        # Each replication can be had alone, the first under the scenario's own seed; so the mean can be checked.
        alone = [json.loads(megabed("run", "tenant-burst", "--seed", str(seed), "--json").stdout)["runs"][0]
                 for seed in replications["seeds"]]
        self.assertEqual([run["digest"] for run in alone], replications["digests"])
        self.assertEqual(alone[0]["seed"], run["seed"])
        self.assertEqual((alone[0]["makespan_ns"], alone[0]["replications"], alone[0]["comparison"]), (run["makespan_ns"], None, None))
        mean = sum(run["makespan_ns"] for run in alone) / 6
        self.assertAlmostEqual(replications["metrics"]["makespan_ns"]["mean"], mean, delta=1e-6)
        # Three of them are the first three.
        few = json.loads(megabed("run", "tenant-burst", "--replications", "3", "--json").stdout)["runs"][0]
        self.assertEqual(few["replications"]["digests"], replications["digests"][:3])
        # The comparison is of pairs: the other policy under the same seeds.
        other = [json.loads(megabed("run", "tenant-burst", "--policy", "fixed:dense", "--seed", str(seed), "--json").stdout)["runs"][0]
                 for seed in replications["seeds"]]
        self.assertEqual([run["digest"] for run in other], run["comparison"]["digests"])
        self.assertEqual([run["items_published"] for run in other], [run["items_published"] for run in alone])
        difference = run["comparison"]["differences"]["makespan_ns"]
        apart = [left["makespan_ns"] - right["makespan_ns"] for left, right in zip(alone, other)]
        self.assertAlmostEqual(difference["mean"], sum(apart) / 6, delta=1e-6)
        self.assertEqual((difference["min"], difference["max"]), (min(apart), max(apart)))

    def test_replications_show_in_the_table_and_stop_at_their_target(self):
        table = megabed("run", "around-sparse", "--set", "replications.relative_half_width_bps=300", "--compare", "stateless").stdout
        for pattern in (r"\d+ replications \(95 % confidence\)", r"makespan +\d\.\d+ \+- 0\.\d+ ms +from ",
                        r"target: makespan to within 3 %: met", r"reference against stateless, each pair",
                        r"makespan +\d+\.\d+ \+- \d+\.\d+ us faster", r"topology switches \d+\.\d+ \+- \d+\.\d+ fewer"):
            self.assertRegex(table, pattern)
        self.assertIn("all are equal, nothing in this run is random", megabed("run", "mesh", "--replications", "2").stdout)
        missed = json.loads(megabed("run", "around-sparse", "--set", "replications.relative_half_width_bps=1", "--set",
                                    "replications.count_max=15", "--json").stdout)["runs"][-1]["replications"]
        self.assertEqual((missed["count"], missed["target_met"]), (15, False))

    def test_a_replicated_run_is_replayed(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(megabed("run", "tenant-burst", "--replications", "3", "--out", folder).returncode, 0)
            stored = os.path.join(folder, "summary.json")
            self.assertTrue(json.loads(megabed("replay", stored, "--json").stdout)["same"])
            with open(stored, encoding="utf-8") as file:
                text = file.read()
            for wrong, code in (('"replications": 4,\n    "text"', 1), ('"replications": -3,\n    "text"', 2),
                                ('"replications": 4294967299,\n    "text"', 2)):
                with open(stored, "w", encoding="utf-8") as file:
                    file.write(text.replace('"replications": 3,\n    "text"', wrong))
                self.assertEqual(megabed("replay", stored).returncode, code, wrong)

    def test_wrong_replications_are_refused(self):
        for arguments, message in (
            (["--replications", "0"], "--replications: is '0'; allowed: 1 to 1000000"),
            (["--set", "replications.count=0"], "replications.count: is 0; allowed: 1 to 1000000"),
            (["--set", "replications.metric=speed"], "replications.metric: is 'speed'; allowed: makespan, topology_switches"),
            (["--set", "replications.metric=latency_p99"], "the run road serves no items"),
            (["--set", "replications.relative_half_width_bps=0"], "relative_half_width_bps: is 0; allowed: 1 to 10000 bps"),
            (["--compare", "stateless"], "--compare: the run road has one replication; allowed: two or more"),
            (["--compare", "statless", "--replications", "2"], "--compare: 'statless' is no policy; did you mean stateless?"),
        ):
            done = megabed("run", QUICKSTART, *arguments)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
            self.assertIn(message, done.stderr)

    def test_threads_decide_as_the_simulator_does_and_do_the_work(self):
        arguments = ("run", QUICKSTART, "--json", "--set", "run.graph=rmat:scale=10,edge_factor=8,seed=3")
        simulated = json.loads(megabed(*arguments).stdout)["runs"][0]
        done = megabed(*arguments, "--backend", "threads")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        measured = json.loads(done.stdout)["runs"][0]
        for field in ("levels", "launches", "launches_by_topology", "topology_switches", "flaps", "peak_bytes"):
            self.assertEqual(measured[field], simulated[field], field)
        self.assertEqual(measured["backend"], "threads")
        self.assertGreater(measured["makespan_ns"], 0)
        again = json.loads(megabed(*arguments, "--backend", "threads", "--no-check").stdout)["runs"][0]
        self.assertEqual(again["digest"], measured["digest"])

    def test_interrupt_exits_130_and_writes_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            process = subprocess.Popen(
                [MEGABED, "run", os.path.join(SCENARIOS, "around-sparse.toml"), "--set", "run.synthetic.waves=4000000000",
                 "--out", out], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
            time.sleep(2.0)  # long enough to be in the middle of the run on a busy machine
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 130, errors)
            self.assertFalse(os.path.exists(out))

    def test_interrupt_keeps_the_runs_that_are_complete(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            scenario = os.path.join(folder, "two.toml")
            run = ("[[run]]\nname = '{}'\n[run.synthetic]\nshape = 'square'\nvertices = 1000\narcs = 4000\n"
                   "low_bps = 100\nwaves = {}\n")
            with open(scenario, "w", encoding="ascii") as file:
                file.write("format = 1\nsummary = 's'\n" + run.format("short", 10) + run.format("long", 10**11))
            process = subprocess.Popen([MEGABED, "run", scenario, "--out", out], stderr=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
            time.sleep(2.0)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 130, errors)
            self.assertIn(b"1 of 2 runs are complete", errors)
            with open(os.path.join(out, "summary.json"), encoding="utf-8") as file:
                summary = json.load(file)
            self.assertEqual((summary["complete"], [run["name"] for run in summary["runs"]]), (False, ["short"]))
            self.assertEqual(sorted(os.listdir(out)), ["short", "summary.json"])
            self.assertEqual(sorted(os.listdir(os.path.join(out, "short"))), ["launches.csv", "trace.json"])

    def test_checkpoint_and_resume_give_the_digest_of_a_run_without_a_stop(self):
        with tempfile.TemporaryDirectory() as folder:
            stored = os.path.join(folder, "half")
            whole = json.loads(megabed("run", "tenants", "--only", "mixed", "--json").stdout)
            done = megabed("run", "tenants", "--only", "mixed", "--stop-at", "9 ms", "--checkpoint", stored)
            self.assertEqual(done.returncode, 0, done.stderr)
            resumed = megabed("run", "--resume", stored, "--json")
            self.assertEqual(resumed.returncode, 0, resumed.stderr)
            self.assertEqual(json.loads(resumed.stdout)["digest"], whole["digest"])
            with open(stored, "r+b") as file:
                file.seek(-9, os.SEEK_END)
                file.write(b"\x55")
            self.assertEqual(megabed("run", "--resume", stored).returncode, 2)
            for wrong in (["--stop-at", "9 ms"], ["--checkpoint", stored], ["--stop-at", "9", "--checkpoint", stored],
                          ["--stop-at", "9 s", "--checkpoint", stored]):
                done = megabed("run", "tenants", "--only", "mixed", *wrong)
                self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)
            self.assertEqual(megabed("run", "tenants", "--only", "nobody").returncode, 2)

    def test_hindsight_has_no_regret_and_others_have(self):
        for run in json.loads(megabed("run", "around-sparse", "--policy", "hindsight", "--json").stdout)["runs"]:
            self.assertEqual((run["regret"], run["hindsight_ns"]), (0, run["makespan_ns"]))
        runs = json.loads(megabed("run", "around-sparse", "--json").stdout)["runs"]
        self.assertTrue(all(run["regret"] >= 0 for run in runs) and any(run["regret"] > 0.1 for run in runs))
        self.assertEqual(megabed("run", "tenant-burst", "--policy", "hindsight").returncode, 2)
        self.assertEqual(megabed("verify", "--policy", "hindsight").returncode, 2)

    def test_progress_goes_to_a_terminal_only(self):
        try:
            main, terminal = pty.openpty()
        except OSError as error:  # a bare chroot has none
            self.skipTest(str(error))
        done = subprocess.run([MEGABED, "run", QUICKSTART, "--json"], stderr=terminal, stdout=subprocess.PIPE, check=True)
        os.close(terminal)
        self.assertIn(b"[1/3] road", os.read(main, 65536))
        json.loads(done.stdout)


class Graph(unittest.TestCase):
    def test_expected_searches(self):
        with open(os.path.join(GRAPHS, "expected.json"), encoding="utf-8") as file:
            expected = json.load(file)
        for name, facts in expected.items():
            done = megabed("graph", os.path.join(GRAPHS, name), "--bfs", "--json")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            document = json.loads(done.stdout)
            self.assertEqual({key: document[key] for key in facts}, facts, name)
            self.assertEqual(set(document["seconds"]), {"load", "build", "bfs"})

    def test_generators_and_roots(self):
        document = json.loads(megabed("graph", "mesh:rows=3,columns=4", "--root", "0", "--json").stdout)
        self.assertEqual(document["frontier_sizes"], [1, 2, 3, 3, 2, 1])
        self.assertEqual((document["vertices"], document["undirected_edges"]), (12, 17))
        self.assertIsNone(json.loads(megabed("graph", "mesh:rows=3,columns=4", "--json").stdout)["root"])

    def test_snap_lists(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "list.txt.gz")
            with gzip.open(path, "wt") as file:
                file.write("# Nodes: 4 Edges: 4\n10 20\n20 10\n20 30\n40 40\n")
            document = json.loads(megabed("graph", path, "--bfs", "--json").stdout)
            self.assertEqual((document["vertices"], document["undirected_edges"], document["arcs_in_file"]), (4, 2, 4))
            self.assertEqual((document["root"], document["frontier_sizes"]), (1, [1, 2]))


class Conform(unittest.TestCase):
    def test_every_golden_file(self):
        files = sorted(glob.glob(os.path.join(SOURCE, "properties", "golden", "*.gz")))
        done = megabed("conform", *files, "--json")
        document = json.loads(done.stdout)
        self.assertEqual((done.returncode, document["rows"], document["mismatches"]), (0, 48925, 0))
        self.assertEqual(len(document["files"]), 13)
        self.assertEqual({"file", "kind", "rows", "mismatches"}, set(document["files"][0]))

    def test_a_mismatch_exits_1(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rows.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("slot_count,workgroup_size_x,result\n4,522,522\n4,522,523\n")
            done = megabed("conform", path)
            self.assertEqual(done.returncode, 1)
            self.assertIn("rows.csv:3", done.stderr)


class BadInput(unittest.TestCase):
    def refused(self, *arguments, code=2, message=""):
        with tempfile.TemporaryDirectory() as folder:
            done = megabed(*arguments, "--out", os.path.join(folder, "out")) if arguments[0] == "run" else megabed(*arguments)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(done.stdout, "")
            self.assertIn(message, done.stderr)
            self.assertEqual(os.listdir(folder), [])
        return done.stderr

    def test_one_line_a_refusal(self):
        for arguments, message in (
            (("run", "/nowhere.toml"), "/nowhere.toml: cannot be read: No such file"),
            (("run", SOURCE), "is a directory"),
            (("run", QUICKSTART, "--policy", "nobody"), "'nobody' is no policy; allowed: reference, stateless"),
            (("run", QUICKSTART, "--backend", "abacus"), "'abacus' is no backend; allowed: sim, threads, cuda"),
            (("run", QUICKSTART, "--set", "x"), "is not a setting"),
            (("run", QUICKSTART, "--set", "run.bfs.root=99999999"), "run.bfs.root: is 99999999; allowed: 0 to 40460"),
            (("run", PATHS, "--set", "run.sssp.root=99999999"), "run.sssp.root: is 99999999; allowed: 0 to 40460"),
            (("run", QUICKSTART, "--set", "policy.hysteresis_bps=2500"), "policy.hysteresis_bps: is 2500; allowed: 0 to 2499 bps"),
            (("run", QUICKSTART, "--set", "policy.hysteresis_bps=500"),
             "policy.hysteresis_bps: is 500 with a sparse threshold of 500; allowed: at most 499"),
            (("run", QUICKSTART, "--set", "policy.hysteresis_bps=300", "--set", "policy.sparse_frontier_threshold_bps=300"),
             "policy.sparse_frontier_threshold_bps: is 300 with a hysteresis of 300; allowed: 301 to 9098 bps"),
            (("run", os.path.join(GRAPHS, "bremen-road.gr.gz")), "bremen-road.gr.gz:1:"),
            (("graph", "/nowhere.mtx"), "cannot be read"),
            (("graph", "mesh:rows=3,columns=3", "--root", "9"), "--root: is 9; allowed: 0 to 8"),
            (("graph", "rmat:scale=99"), "scale: is '99'; allowed: 1 to 24"),
            (("conform", QUICKSTART), "is that of no golden file"),
            (("replay", QUICKSTART), "counterexample: is missing; allowed: a counterexample of `megabed verify`, or a summary.json"),
        ):
            error = self.refused(*arguments, message=message)
            self.assertEqual(error.count("\n"), 1, error)

    def test_usage_errors_exit_2(self):
        for arguments in ((), ("fly",), ("run", QUICKSTART, "--seed", "99999999999999999999"), ("graph", "mesh:", "--root", "-1"), ("run",), ("run", QUICKSTART, "--sed", "3"), ("list", "nothing"),
                          ("run", QUICKSTART, "--seed", "-1"), ("run", QUICKSTART, "--decide", "never")):
            done = megabed(*arguments)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), arguments)
            self.assertTrue(done.stderr.startswith("megabed: "), done.stderr)

    def test_a_full_disk_behind_stdout(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            for arguments in (("run", QUICKSTART), ("list", "policies"), ("graph", "mesh:", "--json")):
                done = subprocess.run([MEGABED, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)

    def test_an_out_that_is_a_file(self):
        with tempfile.NamedTemporaryFile() as file:
            done = megabed("run", QUICKSTART, "--out", file.name)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("--out: ", done.stderr)
        done = megabed("run", QUICKSTART, "--out", "/tmp/" + "x" * 300)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--out: ", done.stderr)

    def test_missing_backends_exit_3(self):
        done = megabed("run", QUICKSTART, "--backend", "cuda")
        if done.returncode == 0:
            self.skipTest("there is a card")
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (3, "", 1))

    def test_truncated_graphs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "cut.mtx.gz")
            with open(os.path.join(GRAPHS, "as-caida20071105.mtx.gz"), "rb") as whole, open(path, "wb") as cut:
                cut.write(whole.read()[:100000])
            self.refused("graph", path, message="the gzip stream is corrupt or truncated")


class Verify(unittest.TestCase):
    def test_the_reference_passes_with_its_pins_and_json_is_exact(self):
        done = megabed("verify", "--cases", "20000", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        document = json.loads(done.stdout)
        self.assertEqual((document["policy"], document["seed"]), ("reference", 1))
        for law in document["laws"]:
            self.assertLessEqual({"id", "sentence", "verdict", "cases", "seconds", "counterexample"}, law.keys())
        verdicts = {law["id"]: law["verdict"] for law in document["laws"]}
        self.assertEqual({law for law, verdict in verdicts.items() if verdict == "holds"},
                         {"S1", "S2", "O1", "O5a", "T1", "T2"})
        self.assertEqual(sum(verdict == "pinned" for verdict in verdicts.values()), 23)
        self.assertEqual({law for law, verdict in verdicts.items() if verdict == "not-applicable"},
                         {"D1", "D2", "D3", "D4", "B1", "B2", "B3"})

    def test_the_hardened_policy_holds_and_every_law_gets_a_line(self):
        done = megabed("verify", "--policy", "hardened", "--cases", "20000")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^S1 +holds +\d+ cases")
        self.assertRegex(done.stdout, r"hardened: 27 hold, 0 pinned, 0 break, 0 unpinned, 9 not applicable; \d+ cases")

    def test_a_break_is_shown_written_replayed_and_simulated(self):
        with tempfile.TemporaryDirectory() as folder:
            junit = os.path.join(folder, "laws.xml")
            done = megabed("verify", "--policy", "stateless", "--law", "S1", "--law", "O1", "--counterexamples",
                           os.path.join(folder, "cases"), "--junit", junit)
            self.assertEqual(done.returncode, 1)
            for words in ("S1   breaks", "frontier_density_bps", "density-", "megabed replay"):
                self.assertIn(words, done.stdout)
            with open(junit, encoding="utf-8") as file:
                self.assertIn('tests="2" failures="1"', file.read())
            case = os.path.join(folder, "cases", "stateless-S1.toml")
            replayed = json.loads(megabed("replay", case, "--json").stdout)
            self.assertTrue(replayed["same"] and replayed["breaks"])
            self.assertEqual(replayed["digest"], replayed["expected_digest"])
            self.assertEqual(megabed("replay", case).returncode, 0)
            run = json.loads(megabed("run", case, "--json").stdout)["runs"][0]
            self.assertEqual((run["policy"], run["launches"], run["topology_switches"]), ("stateless", 3, 2))
            with open(case, encoding="utf-8") as file:
                text = file.read()
            for wrong, code in ((text.replace('name = "stateless"', 'name = "reference"'), 1),
                                (text.replace('law = "S1"', 'law = "S9"'), 2),
                                (text.replace('law = "S1"', 'law = "S1'), 2), (text.replace("[[run]]", "[[ran]]"), 2)):
                self.assertNotEqual(wrong, text)
                with open(case, "w", encoding="utf-8") as file:
                    file.write(wrong)
                self.assertEqual(megabed("replay", case).returncode, code)

    def test_pins_written_by_one_run_are_met_by_the_next(self):
        with tempfile.TemporaryDirectory() as folder:
            pins = os.path.join(folder, "pins.toml")
            self.assertEqual(megabed("verify", "--policy", "stateless", "--cases", "20000", "--pin", pins).returncode, 1)
            done = megabed("verify", "--policy", "stateless", "--cases", "20000", "--expectations", pins)
            self.assertEqual(done.returncode, 0, done.stdout)
            other = megabed("verify", "--policy", "hardened", "--cases", "20000", "--expectations", pins)
            self.assertEqual(other.returncode, 2)
            self.assertIn("is for the policy stateless; allowed: hardened", other.stderr)
            with open(pins, encoding="utf-8") as file:
                text = file.read()
            with open(pins, "w", encoding="utf-8") as file:
                file.write(text.replace('policy = "stateless"', 'policy = "hardened"'))
            other = megabed("verify", "--policy", "hardened", "--cases", "20000", "--expectations", pins)
            self.assertEqual(other.returncode, 1)
            self.assertIn("unpinned", other.stdout)

    def test_same_seed_same_bytes(self):
        runs = [json.loads(megabed("verify", "--policy", "stateless", "--cases", "20000", "--seed", seed, "--jobs", jobs,
                                   "--json").stdout) for seed, jobs in (("3", "1"), ("3", "2"), ("4", "1"))]
        for document in runs:
            for law in document["laws"]:
                del law["seconds"]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_a_budget_bounds_the_time(self):
        start = time.monotonic()
        done = megabed("verify", "--policy", "hardened", "--budget", "3")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertLess(time.monotonic() - start, 60)

    def test_bad_input(self):
        with tempfile.TemporaryDirectory() as folder:
            pins = os.path.join(folder, "pins.toml")
            with open(pins, "w", encoding="utf-8") as file:
                file.write("format = 1\npolicy = 'x'\n[[pinned]]\nlaw = 'S99'\nwhy = 'x'\n")
            for arguments, message in ((["--law", "S99"], "--law: 'S99' is no law"),
                                       (["--policy", "referense"], "is no policy; did you mean reference?"),
                                       (["--cases", "3"], "--cases"),
                                       (["--expectations", pins], ":4: law: is 'S99'"),
                                       (["--expectations", os.path.join(folder, "none.toml")], "cannot be read"),
                                       (["--law", "S1", "--junit", os.path.join(folder, "no", "x.xml")], "no/x.xml")):
                done = megabed("verify", "--cases", "1000", *arguments)
                self.assertEqual(done.returncode, 2, arguments)
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


class Plugin(unittest.TestCase):
    """Misbehaving libraries are built with the tests; the example is built here as the project it is."""

    plugins = os.environ.get("MEGABED_TEST_PLUGINS", "")

    def refused(self, name, message, *more, timeout="2000"):
        library = os.path.join(self.plugins, f"libplugin_{name}.so")
        environment = {**os.environ, "MEGABED_PLUGIN_DEADLINE_MS": timeout}
        done = subprocess.run([MEGABED, "verify", "--policy", library, "--cases", "1000", *more], capture_output=True,
                              text=True, timeout=120, check=False, env=environment)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(f"{library}: ", done.stderr)
        self.assertIn(message, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_a_crash_names_the_signal_and_the_request(self):
        self.refused("crash", "the policy crashed (Segmentation fault) in recommend, at the request queue_len = ")
        self.refused("crash_while_loaded", "the policy crashed (Aborted) while it was loaded")

    def test_a_hang_is_ended(self):
        self.refused("hang", "the policy did not answer within 300 ms in recommend, at the request queue_len = ",
                     timeout="300")
        self.refused("hang_in_create", "the policy did not answer within 300 ms in create", timeout="300")

    def test_a_deadline_that_is_none_is_refused(self):
        library = os.path.join(self.plugins, "libplugin_hang.so")
        for wrong in ("soon", "0", "-5", "2s"):
            done = subprocess.run([MEGABED, "verify", "--policy", library], capture_output=True, text=True, timeout=60,
                                  check=False, env={**os.environ, "MEGABED_PLUGIN_DEADLINE_MS": wrong})
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"MEGABED_PLUGIN_DEADLINE_MS: is '{wrong}'; allowed: 1 to", done.stderr)

    def test_nonsense_is_named(self):
        self.refused("wrong_topology", "the policy answered with topology = 77; allowed: 0 to 5, at the request queue_len")
        self.refused("wrong_status", "the policy answered with status 1000; allowed: 0 to 5")
        self.refused("exit", "the policy ended the process (status 0) in recommend")

    def test_another_interface_is_refused(self):
        self.refused("other_version", "is built for version 8 of the policy interface; allowed: version 2")
        self.refused("other_size", "its description has")
        self.refused("no_description", "megabed_policy returned null")
        self.refused("no_symbol", "has no symbol megabed_policy")
        self.refused("missing", "No such file")

    def test_a_text_file_is_no_library(self):
        done = megabed("verify", "--policy", os.path.join(SOURCE, "README.md"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be loaded", done.stderr)

    def test_the_example_builds_by_itself_and_obeys_the_stability_laws(self):
        with tempfile.TemporaryDirectory() as folder:
            example = os.path.join(SOURCE, "policy", "example_plugin")
            for command in (["cmake", "-S", example, "-B", folder], ["cmake", "--build", folder]):
                subprocess.run(command, check=True, capture_output=True)
            library = os.path.join(folder, "libexample_policy.so")
            done = megabed("verify", "--policy", library, "--cases", "5000", "--json")
            self.assertEqual(done.returncode, 1, done.stderr)
            verdicts = {law["id"]: law["verdict"] for law in json.loads(done.stdout)["laws"]}
            self.assertEqual({law for law, verdict in verdicts.items() if verdict == "breaks"}, {"S6", "O5c", "O6"})
            self.assertEqual(sum(verdict == "holds" for verdict in verdicts.values()), 20)
            cases = os.path.join(folder, "cases")
            megabed("verify", "--policy", library, "--cases", "5000", "--law", "S6", "--counterexamples", cases)
            case = os.path.join(cases, "libexample_policy.so-S6.toml")
            self.assertEqual(megabed("replay", case).returncode, 0)
            run = json.loads(megabed("run", os.path.join(SCENARIOS, "mesh.toml"), "--policy", library, "--json").stdout)
            self.assertEqual((run["runs"][0]["policy"], run["runs"][0]["decide"]), (library, "host"))

    def test_a_scenario_may_name_a_plugin_beside_it(self):
        with tempfile.TemporaryDirectory() as folder:
            scenario = os.path.join(folder, "own.toml")
            with open(scenario, "w", encoding="utf-8") as file:
                file.write("format = 1\nsummary = 'x'\n[policy]\nname = './libmine.so'\n[[run]]\nname = 'x'\n"
                           "graph = 'mesh:rows=4,columns=4'\n")
            done = megabed("run", scenario)
            self.assertEqual(done.returncode, 2)
            self.assertIn(":4: policy.name: './libmine.so' does not exist", done.stderr)


class Help(unittest.TestCase):
    def test_every_command_has_help_with_an_example(self):
        for command in ("run", "replay", "graph", "conform", "verify", "list", "completion", "man"):
            done = megabed(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Example:", done.stdout, command)

    def test_version_names_revision_compiler_and_cuda(self):
        self.assertRegex(megabed("--version").stdout, r"^megabed \d+\.\d+\.\d+ \(\S+\), .+, CUDA .+\n$")

    def test_lists(self):
        for what in ("scenarios", "policies", "laws", "backends", "generators", "devices", "keys", "columns"):
            rows = json.loads(megabed("list", what, "--json").stdout)
            self.assertTrue(rows, what)
            for row in rows:
                self.assertEqual(set(row), {"name", "summary"})
                self.assertTrue(row["name"] and row["summary"], what)

    def test_completion_scripts_are_valid_shell(self):
        script = megabed("completion", "bash").stdout
        check = "set -- ; %s\nCOMP_WORDS=(megabed ru); COMP_CWORD=1; _megabed; echo ${COMPREPLY[*]}" % script
        done = subprocess.run(["bash", "-c", check], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "run")


if __name__ == "__main__":
    run_tests()
