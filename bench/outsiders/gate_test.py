#!/usr/bin/env python3
"""Executes what the example CI workflows run, with the example plug-in as the policy that is to be let in.

Usage: gate_test.py BUILD_DIR SOURCE_DIR [TEST ...]
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

try:
    import yaml
except ImportError:
    yaml = None

BUILD, SOURCE = sys.argv[1], sys.argv[2]
WORKFLOWS = os.path.join(SOURCE, "bench", "outsiders", "ci")
COMPARE = os.path.join(WORKFLOWS, "compare_makespans.py")
COMMIT = "5d12208a9e3b4c71f00d5d12208a9e3b4c71f00d"


def load(name):
    with open(os.path.join(WORKFLOWS, name), encoding="utf-8") as file:
        return yaml.safe_load(file)


class Job:
    """A clean checkout of somebody's policy beside an installed megabed, and a shell in it."""

    def __init__(self, folder, edit=None):
        self.folder = folder
        example = os.path.join(SOURCE, "policy", "example_plugin")
        shutil.copytree(example, os.path.join(folder, "policy"))
        if edit:
            source = os.path.join(folder, "policy", "example_policy.c")
            with open(source, encoding="utf-8") as file:
                text = file.read()
            assert edit[0] in text
            with open(source, "w", encoding="utf-8") as file:
                file.write(text.replace(*edit))
        subprocess.run(["cmake", "--install", BUILD, "--prefix", os.path.join(folder, "installed")], check=True,
                       capture_output=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MEGABED_")}
        self.environment = {**clean, "PATH": os.path.join(folder, "installed", "bin") + ":" + os.environ["PATH"]}

    def shell(self, text, variables):
        return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", text], cwd=self.folder, capture_output=True, text=True,
                              timeout=300, check=False,
                              env={**self.environment, **{name: str(value) for name, value in variables.items()}})

    def path(self, *parts):
        return os.path.join(self.folder, *parts)


SETTINGS = {"POLICY_LIBRARY": "libexample_policy.so", "EXPECTATIONS": "policy/expectations.toml", "CASES": "5000"}
WITHOUT_HOLD = ("return reading >= threshold || (was_on && reading + hysteresis >= threshold);",
                "(void)was_on;\n    (void)hysteresis;\n    return reading >= threshold;")


class Workflow(unittest.TestCase):
    def setUp(self):
        if yaml is None:
            self.skipTest("no python3-yaml here")

    def github(self, job, **settings):
        """Runs the steps as GitHub does; gives the names of those that failed, and all that was printed."""
        workflow = load("gate-policy.yml")
        variables = {**workflow["env"], **SETTINGS, **settings, "GITHUB_SHA": COMMIT}
        failed, printed, ran = [], "", []
        for step in workflow["jobs"]["gate"]["steps"]:
            self.assertIn(step.get("if", "success()"), ("success()", "failure()", "${{ !cancelled() }}"))
            wanted = step.get("if", "success()") == ("failure()" if failed else "success()")
            if "run" in step and step["name"] != "Install megabed" and wanted:
                done = job.shell(step["run"], variables)
                printed += done.stdout + done.stderr
                ran.append(step["name"])
                if done.returncode != 0:
                    self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                    failed.append(step["name"])
        return failed, printed, ran

    def gitlab(self, job, **settings):
        """Runs the script as GitLab does: gives its exit status and all that was printed."""
        gate = load("gate-policy.gitlab-ci.yml")["gate-policy"]
        variables = {**gate["variables"], **SETTINGS, **settings, "CI_COMMIT_SHA": COMMIT}
        done = job.shell("\n".join(gate["script"]), variables)
        return done.returncode, done.stdout + done.stderr

    def job(self, edit=None):
        folder = tempfile.mkdtemp(prefix="megabed-gate-")
        self.addCleanup(shutil.rmtree, folder)
        return Job(folder, edit)

    def test_a_policy_whose_known_breaks_are_pinned_passes(self):
        job = self.job()
        failed, printed, ran = self.github(job)
        self.assertEqual(failed, [], printed)
        self.assertEqual(ran, ["Build the policy", "Laws", "Laws, on inputs of this commit's own", "Baseline"])
        self.assertIn("20 hold, 3 pinned, 0 break", printed)
        self.assertIn(f"seed {int(COMMIT[:12], 16)}", printed)
        for name in ("laws.xml", "laws-of-commit.xml"):
            suite = xml.etree.ElementTree.parse(job.path(name)).getroot()
            self.assertEqual((suite.tag, suite.get("failures"), suite.get("errors")), ("testsuite", "0", "0"))
        self.assertEqual(len(os.listdir(job.path("runs"))), 6)
        status, printed = self.gitlab(self.job())
        self.assertEqual(status, 0, printed)
        self.assertIn(f"seed {int(COMMIT[:12], 16)}", printed)

    def test_a_policy_that_breaks_a_law_fails_with_a_counterexample_that_replays(self):
        for ran in ("github", "gitlab"):
            job = self.job(WITHOUT_HOLD)
            if ran == "github":
                failed, printed, _ = self.github(job)
                self.assertEqual(failed, ["Laws"], printed)
                self.assertIn("./libexample_policy.so breaks it", printed)  # shown by the step for failures
            else:
                status, printed = self.gitlab(job)
                self.assertEqual(status, 1, printed)
            self.assertRegex(printed, r"S1 +breaks")
            suite = xml.etree.ElementTree.parse(job.path("laws.xml")).getroot()
            broken = [case.get("name") for case in suite if case.find("failure") is not None]
            self.assertEqual(len(broken), int(suite.get("failures")))
            self.assertTrue(any(name.startswith("S1: ") for name in broken), broken)
            case = job.path("counterexamples", "libexample_policy.so-S1.toml")
            self.assertIn(case, glob.glob(job.path("counterexamples", "*.toml")))
            # Where it was found, and at home, where the library lies somewhere else; not with the policy mended.
            self.assertEqual(job.shell(f"megabed replay {case}", {}).returncode, 0)
            library = job.path("libexample_policy.so")
            self.assertEqual(job.shell(f"cd / && megabed replay {case} --policy {library}", {}).returncode, 0)
            elsewhere = job.shell(f"cd / && megabed replay {case}", {})
            self.assertEqual((elsewhere.returncode, elsewhere.stderr.count("\n")), (2, 1))
            self.assertIn("'./libexample_policy.so': No such file or directory", elsewhere.stderr)
            self.assertIn("--policy tells where it is now", elsewhere.stderr)
            mended = job.shell(f"megabed replay {case} --policy hardened", {})
            self.assertEqual(mended.returncode, 1)
            self.assertIn("hardened does not break it", mended.stdout)

    def test_a_policy_that_is_slower_than_the_baseline_fails(self):
        failed, printed, _ = self.github(self.job(), BASELINE="hardened")
        self.assertEqual(failed, ["Baseline"], printed)
        self.assertIn("SLOWER", printed)
        status, printed = self.gitlab(self.job(), BASELINE="hardened")
        self.assertEqual(status, 1, printed)
        self.assertEqual(self.github(self.job(), BASELINE="hardened", SLOWER_PERCENT_MAX="1000")[0], [])

    def test_an_expectation_that_is_not_met_fails(self):
        """A known break that was mended must leave the file."""
        job = self.job()
        with open(job.path("policy", "expectations.toml"), "a", encoding="utf-8") as file:
            file.write('\n[[pinned]]\nlaw = "S1"\nwhy = "it does not"\n[pinned.requests]\nlist = [{}]\n')
        failed, printed, _ = self.github(job)
        self.assertEqual(failed, ["Laws"], printed)
        self.assertIn("unpinned", printed)

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck here")
    def test_what_they_run_is_clean_shell(self):
        texts = [step["run"] for step in load("gate-policy.yml")["jobs"]["gate"]["steps"] if "run" in step]
        gate = load("gate-policy.gitlab-ci.yml")["gate-policy"]
        for text in [*texts, "\n".join(gate["before_script"] + gate["script"])]:
            done = subprocess.run(["shellcheck", "-s", "bash", "-"], input=text, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, text + done.stdout)

    def test_both_have_the_same_settings(self):
        github = load("gate-policy.yml")["env"]
        gitlab = load("gate-policy.gitlab-ci.yml")["gate-policy"]["variables"]
        self.assertEqual({name: str(value) for name, value in github.items()},
                         {name: value for name, value in gitlab.items() if name != "CCACHE_DIR"})


class CompareMakespans(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def compare(self, before, now, *more):
        paths = []
        for name, text in (("before.json", before), ("now.json", now)):
            paths.append(os.path.join(self.folder, name))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run([sys.executable, COMPARE, *paths, *more], capture_output=True, text=True, check=False)

    @staticmethod
    def runs(makespan, name="a", decide="host", stopped="null"):
        return (f'{{"runs": [{{"name": "{name}", "policy": "p", "makespan_ns": {makespan}, "decide": "{decide}", '
                f'"topology_switches": 1, "stopped_by": {stopped}}}]}}')

    def test_the_margin_is_a_share_of_the_baseline(self):
        for now, more, status in ((1000, [], 0), (1001, [], 1), (1020, ["--slower-percent-max", "2"], 0),
                                  (1021, ["--slower-percent-max", "2"], 1), (500, [], 0)):
            self.assertEqual(self.compare(self.runs(1000), self.runs(now), *more).returncode, status, now)
        self.assertEqual(self.compare(self.runs(1000), self.runs(10, stopped='"no memory"')).returncode, 1)

    def test_bad_input_is_refused_in_one_line(self):
        for before, now, message in (
            ("{", self.runs(1), "before.json: is no document of `megabed run --json`"),
            (self.runs(1), '{"runs": [{}]}', "now.json: is no document"),
            (self.runs(1), self.runs(1, name="b"), "now.json: has the runs ['b']; allowed: those of"),
            (self.runs(1, decide="device"), self.runs(1), "a: decided on the host, the baseline on the device"),
        ):
            done = self.compare(before, now)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
            self.assertIn(message, done.stderr)
        done = subprocess.run([sys.executable, COMPARE, "/nowhere.json", "/nowhere.json"], capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (2, "compare_makespans: /nowhere.json: cannot be read: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
