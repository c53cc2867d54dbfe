#!/usr/bin/env python3
"""The report as its users call it: the page and what is in it, files of figures, messages and exit codes."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

if find_spec("matplotlib") is None:
    print("SKIPPED: Matplotlib is not here; the package python3-matplotlib brings it")
    sys.exit(77)

from study_writer import StudyWriter
from synthetic_study import Plan, write_study

HERE = Path(__file__).resolve().parent
VOID = {"meta", "wbr", "link", "br", "img", "input", "hr"}


def report(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the report."""
    return subprocess.run(
        [sys.executable, str(HERE / "report.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=300,
    )


class Page(HTMLParser):
    """A page taken apart: attributes by element, identifiers, texts of table cells, and whether it is well
    formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.titles: list[str] = []
        self.text = ""
        self.problems: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag in ("h2", "h3"):
            self.titles.append("")

    def handle_startendtag(self, tag, attributes) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")

    def handle_data(self, data) -> None:
        self.text += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data
        elif {"h2", "h3"} & set(self.open):
            self.titles[-1] += data

    def values(self, *names: str) -> list[str]:
        """Values of attributes of these names, anywhere."""
        return [value for _, attributes in self.elements for name, value in attributes.items() if name in names]

    def table(self, header: str) -> list[list[str]]:
        """The first table with that header."""
        return next(table for table in self.tables if header in table[0])


class Reports(unittest.TestCase):
    """A folder that is gone afterwards."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.database = self.folder / "study.db"
        self.out = self.folder / "report.html"

    def page(self, plan: Plan) -> Page:
        """The page of a plan's study."""
        self.database.unlink(missing_ok=True)
        write_study(self.database, plan)
        return self.page_of_database()

    def page_of_database(self) -> Page:
        """The page of the database that is there."""
        done = report(self.database, "--out", self.out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return Page(self.out.read_text(encoding="utf-8"))


class Whole(Reports):
    PLAN = Plan(
        scenarios=10, policies=7, thresholds=2, seeds=2, backends=("sim", "cuda"), failed=0.02, missing=0.02
    )

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.made = Path(folder.name) / "study.db"
        write_study(cls.made, cls.PLAN)
        done = report(cls.made, "--out", cls.made.with_suffix(".html"))
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        cls.text = cls.made.with_suffix(".html").read_text(encoding="utf-8")
        cls.whole = Page(cls.text)

    def test_the_page_has_everything_and_needs_nothing(self) -> None:
        page, text = self.whole, self.text
        self.assertEqual((page.problems, page.open), ([], []))
        ids = page.values("id")
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(len(ids), 100)
        for value in page.values("href", "xlink:href", "src", "action", "poster", "data", "srcset"):
            self.assertRegex(value, "^#")
            self.assertIn(value[1:], ids)
        for name in re.findall(r"url\(#?([^)]*)\)", text):
            self.assertIn(name, ids)
        self.assertNotRegex(
            text, r"(?i)https?:|//[a-z0-9.-]+\.[a-z]{2,}/|@import|<link|<iframe|<img|javascript:"
        )
        for value in page.values("aria-labelledby"):
            self.assertIn(value, ids)
        figures = [attributes["id"] for tag, attributes in page.elements if tag == "figure"]
        expected = """
            makespan-ratio makespan-by-scenario performance-profile regret timelines time-shares against-width
            parameters-threshold-by-width latency simulator-against-cuda simulator-error-cuda
            makespan-ratio-cuda makespan-by-scenario-cuda performance-profile-cuda timelines-cuda latency-cuda
        """
        self.assertEqual(figures, expected.split())
        pictures = [
            attributes for tag, attributes in page.elements if tag == "svg" and attributes.get("role") == "img"
        ]
        self.assertGreater(len(pictures), 45)
        for attributes in pictures:
            self.assertGreater(len(attributes["aria-label"]), 20)
        self.assertEqual(text.count("<figcaption>"), len(figures))
        self.assertEqual(text.count('<p class="question">'), len(figures))
        self.assertTrue(
            all("n = " in caption for caption in re.findall("<figcaption>(.*?)</figcaption>", text))
        )

    def test_colours_of_pictures_are_the_pages(self) -> None:
        text = self.text
        pictures = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
        self.assertEqual(set(re.findall("#[0-9a-f]{6}", pictures)), set())
        defined = set(re.findall(r"--([a-z0-9-]+):", text))
        self.assertLessEqual(set(re.findall(r"var\(--([a-z0-9-]+)\)", text)), defined)
        self.assertNotIn("font-family", pictures)

    def test_numbers_of_runs(self) -> None:
        page = self.whole
        with sqlite3.connect(self.made) as connection:
            rows = dict(connection.execute("SELECT status, count(*) FROM run GROUP BY status"))
            planned = connection.execute("SELECT runs FROM study").fetchone()[0]
            errors = connection.execute(
                "SELECT error, count(*), min(id) FROM run WHERE error IS NOT NULL "
                "GROUP BY error ORDER BY 2 DESC, 1"
            ).fetchall()
            missing = planned - sum(rows.values())
            pairs = connection.execute("SELECT count(*) FROM run GROUP BY scenario_id, policy_id").fetchall()
        self.assertTrue(rows["failed"] > 10 and missing > 10)
        progress = f"Runs: {rows['done']:,} done, {rows['failed']:,} failed, {missing:,} missing"
        self.assertIn(progress, page.values("aria-label"))
        table = page.table("first run")
        self.assertEqual(
            [(row[0], row[1], row[5]) for row in table[1:]],
            [(error, f"{count:,}", f"{first:,}") for error, count, first in errors],
        )
        gaps = page.table("runs missing")[1:]
        self.assertEqual(sum(int(row[2]) for row in gaps), missing)
        self.assertEqual(len(gaps), sum(count < planned / 70 for (count,) in pairs))

    def test_the_answer_in_numbers(self) -> None:
        page = self.whole
        answer = page.table("makespan ratio")
        self.assertEqual(answer[1][:3], ["reference", "1", "baseline"])
        ratios = [float(row[1]) for row in answer[1:]]
        self.assertEqual(ratios, sorted(ratios))
        for row in answer[2:]:
            low, high = (float(end) for end in row[2].split(" to "))
            self.assertTrue(low <= float(row[1]) <= high, row)
            self.assertEqual(sum(int(part) for part in row[3].split("/")), 100)
        forest = page.table("ratio")
        self.assertEqual([row[:3] for row in forest[1:]], [row[:3] for row in answer[2:]])
        self.assertIn("Slower:", page.text)
        self.assertIn("How wide must the hysteresis band", page.text)

    def test_what_it_takes_to_do_it_again(self) -> None:
        page = self.whole
        expected = """
            megabed study hysteresis-width.toml --db study.db
            megabed study --check study.db
            mpirun -n 4 megabed study
            6b1f0c2d9a3e4f58
            0.1.0, revision d4fbf64a0b12
            g++ 12.2.0
            AMD EPYC 9654
            f00dfeedf00dfeed
            # A study that nobody ran.
            scenarios/quickstart.toml
            policy.width=250
        """
        for words in expected.strip().split("\n"):
            self.assertIn(words.strip(), page.text)
        self.assertNotIn("/home/someone", page.text)
        self.assertEqual(len(page.table("hash (XXH64)")), 11)

    def test_the_same_database_gives_the_same_bytes(self) -> None:
        write_study(self.database, self.PLAN)
        seen = []
        for seed in ("1", "2"):
            figures = self.folder / f"figures-{seed}"
            out = self.folder / f"{seed}.html"
            done = report(
                self.database,
                "--out",
                out,
                "--figures",
                figures,
                "--json",
                PYTHONHASHSEED=seed,
                TZ=f"UTC+{seed}",
                MPLBACKEND="agg",
                MATPLOTLIBRC=str(self.folder / "nowhere"),
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            files = {path.name: path.read_bytes() for path in sorted(figures.iterdir())}
            seen.append((out.read_bytes(), files))
        self.assertTrue(seen[0] == seen[1])
        document = json.loads(done.stdout)
        self.assertEqual(document["out"], str(out))
        names = {entry[kind] for entry in document["figures"] for kind in ("svg", "pdf")}
        self.assertEqual(names, {str(figures / name) for name in files})
        self.assertEqual(len(files), 32)
        for name, content in files.items():
            if name.endswith(".pdf"):
                self.assertTrue(content.startswith(b"%PDF-"), name)
                self.assertTrue(b"/FontFile2" in content, name)
                for unwanted in (b"CreationDate", b"/Subtype /Image", b"Matplotlib"):
                    self.assertFalse(unwanted in content, (name, unwanted))
            else:
                root = ElementTree.fromstring(content)
                self.assertTrue(root.findall(".//{http://www.w3.org/2000/svg}text"), name)
                self.assertFalse(root.findall(".//{http://www.w3.org/2000/svg}image"), name)
        self.assertEqual(
            [path.name for path in sorted(self.folder.iterdir())],
            ["1.html", "2.html", "figures-1", "figures-2", "study.db"],
        )

    def test_limits_of_time_and_size(self) -> None:
        write_study(self.database, Plan(scenarios=20, policies=10, widths=5, seeds=10, launches=100))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = report(self.database, "--out", self.out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, 20)
        self.assertLess(self.out.stat().st_size, 10_000_000)


class Sources(unittest.TestCase):
    def test_every_file_is_listed_and_legible(self) -> None:
        listed = (HERE / "CMakeLists.txt").read_text(encoding="ascii")
        files = [path for path in HERE.iterdir() if path.suffix in (".py", ".css", ".html", ".js")]
        self.assertGreater(len(files), 30)
        for path in files:
            self.assertIn(path.stem if path.stem.endswith("_test") else path.name, listed)
            lines = path.read_text(encoding="ascii").splitlines()
            self.assertEqual([line for line in lines if len(line) > 112], [], path.name)
            self.assertLess(len(lines), 620, path.name)


class Parts(Reports):
    def figures(self, page: Page) -> list[str]:
        return [attributes["id"] for tag, attributes in page.elements if tag == "figure"]

    def test_what_has_no_data_is_left_out(self) -> None:
        page = self.page(Plan(scenarios=1, policies=1, widths=1, seeds=1))
        self.assertEqual(self.figures(page), ["regret", "timelines", "time-shares"])
        self.assertNotIn("failed or are missing", page.text)
        self.assertNotIn("makespan ratio", [row[0] for table in page.tables for row in table[:1]])
        self.assertIn("No other policy has a finished run", page.text)
        self.assertIn("No intervals: one scenario under one seed", page.text)
        page = self.page(Plan(scenarios=3, policies=3, widths=2, seeds=2, backends=("cuda",)))
        self.assertEqual(
            self.figures(page),
            ["makespan-ratio", "makespan-by-scenario", "performance-profile", "timelines", "time-shares"],
        )
        self.assertNotIn("Regret", page.titles)

    def test_services_alone_have_no_regret(self) -> None:
        with StudyWriter(self.database) as writer:
            writer.study(2, "base")
            writer.scenarios(["tenants/mixed"])
            writer.policies(["base", "other"])
            writer.variants([{}])
            for policy in (1, 2):
                writer.done(
                    (policy, 1, policy, 1, "sim", 1), 5000, latency_p50_ns=70 * policy, latency_p99_ns=900
                )
        page = self.page_of_database()
        self.assertEqual(
            self.figures(page), ["makespan-ratio", "makespan-by-scenario", "performance-profile", "latency"]
        )
        latencies = page.table("p50")
        self.assertEqual([row[2] for row in latencies[1:]], ["70.0 ns", "140 ns"])

    def test_what_is_left_out_is_said(self) -> None:
        page = self.page(Plan(scenarios=46, policies=12, widths=3, seeds=1, launches=60))
        expected = """
            Shown are the 40 scenarios where policies differ most, of 46
            Shown are the 12 scenarios where makespans differ most, of 46
            where flaps and makespan change most, of 46
            Left out, as nobody knows their best topologies
            Not drawn, as the parameter changes none of their runs
        """
        for words in expected.strip().split("\n"):
            self.assertIn(words.strip(), page.text)

    def test_hostile_labels_are_texts(self) -> None:
        evil = "<script>alert(1)</script>"
        rename = {
            "reference": evil,
            "stateless": '_$x^2$ & "q" \'\\alpha\x01\u202e',
            "quickstart/road": "a]]><b>\n" + "w" * 300,
        }
        page = self.page(Plan(scenarios=3, policies=3, rename=rename))
        text = self.out.read_text(encoding="utf-8")
        self.assertNotIn(evil, text)
        self.assertEqual((page.problems, page.open), ([], []))
        self.assertEqual(sum(tag == "script" for tag, _ in page.elements), 1)
        self.assertIn(evil, page.table("makespan ratio")[1][0])
        done = report(self.database, "--out", self.out, "--figures", self.folder / "figures")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for path in (self.folder / "figures").glob("*.svg"):
            ElementTree.fromstring(path.read_bytes())

    def test_parameters_with_names_alike_are_told_apart(self) -> None:
        values = [1, 2, 30]
        with StudyWriter(self.database) as writer:
            writer.study(27, "base")
            writer.scenarios(["one/run"])
            writer.policies(["base"])
            names = ("a b", "a-b", "<i>", "of texts")
            writer.variants([dict(zip(names, (at, at * at, -at, f"{at} us"))) for at in values])
            for at in range(3):
                counts = {"flaps": 9 - at, "launches": 50, "topology_switches": 10}
                writer.done((at + 1, 1, 1, at + 1, "sim", 1), 1000 + at, **counts)
        page = self.page_of_database()
        expected = """
            against-i against-a-b against-a-b-3 parameters-i-by-a-b parameters-i-by-a-b-3
            parameters-a-b-by-a-b-3
        """
        self.assertEqual(self.figures(page), expected.split())
        ids = page.values("id")
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual((page.problems, page.open), ([], []))

    def test_long_timelines_stay_small(self) -> None:
        with StudyWriter(self.database) as writer:
            writer.study(24, "base")
            writer.scenarios([f"flapping/{at}" for at in range(12)])
            writer.policies(["base", "other"])
            writer.variants([{}])
            for row in range(1, 25):
                key = (row, (row + 1) // 2, 2 - row % 2, 1, "sim", 1)
                writer.done(key, 5_000_000 + row, flaps=4000, launches=5000, topology_switches=4999)
                topologies = ("sparse", "dense", "hybrid")
                segments = [
                    (topologies[at * at % 3], 1000 * at, 1000 * (at + 1), 1, 5, 6) for at in range(4096)
                ]
                writer.timeline(row, segments)
        page = self.page_of_database()
        self.assertIn("segments too narrow to be seen are gathered", page.text)
        self.assertLess(self.out.stat().st_size, 1_500_000)

    def test_grids_too_wide_to_stand_beside_each_other_stand_below(self) -> None:
        for widths, columns in ((4, "2"), (8, "1")):
            page = self.page(Plan(scenarios=2, policies=2, widths=widths, thresholds=2, seeds=1))
            grids = [value for value in page.values("class") if "several columns-" in value]
            self.assertEqual(grids[-1][-1], columns, widths)


class Command(Reports):
    def refused(self, *arguments: object, message: str, code: int = 2, **environment: str) -> None:
        done = report(*arguments, **environment)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (code, "", 1), done.stderr)
        self.assertTrue(done.stderr.startswith("megabed report: "), done.stderr)
        self.assertIn(message, done.stderr)

    def test_one_line_a_refusal(self) -> None:
        text = self.folder / "text.db"
        text.write_text("no database at all, but longer than a header", encoding="ascii")
        (self.folder / "empty.db").touch()
        with sqlite3.connect(self.folder / "other.db") as connection:
            connection.execute("CREATE TABLE study (name TEXT)")
        for path, message in (
            ("nowhere.db", "nowhere.db: cannot be read: No such file or directory; allowed: "),
            (".", "cannot be read: Is a directory; allowed: a database that `megabed study` wrote"),
            ("text.db", "text.db: is not an SQLite database; allowed: "),
            ("empty.db", "empty.db: is empty; allowed: "),
            ("other.db", "other.db: is an SQLite database, but not one of megabed; allowed: "),
        ):
            self.refused(self.folder / path, "--out", self.out, message=message)
        self.assertFalse(self.out.exists())

    def test_databases_of_other_kinds(self) -> None:
        write_study(self.database, Plan(scenarios=1, policies=1, widths=1, seeds=1))
        whole = self.database.read_bytes()
        for change, message in (
            (
                "PRAGMA user_version = 2",
                "has schema version 2, which is newer than this megabed knows; allowed: version 1",
            ),
            ("PRAGMA user_version = 0", "has schema version 0, which is not known; allowed: version 1"),
            ("DROP TABLE execution", "is damaged: no such table: execution; allowed: "),
            ("DELETE FROM study", "describes 0 studies; allowed: one"),
            (
                "UPDATE run SET status = 'failed', makespan_ns = NULL",
                "has no finished run; allowed: at least one of its 1 runs",
            ),
            ("DELETE FROM run", "has no finished run"),
            ("UPDATE policy SET settings = 'no json'", "is damaged: "),
            ("UPDATE run SET scenario_id = 77", "is damaged: "),
        ):
            self.database.write_bytes(whole)
            with sqlite3.connect(self.database) as connection:
                connection.execute("PRAGMA foreign_keys = OFF")
                connection.execute(change)
            connection.close()
            self.refused(self.database, "--out", self.out, message=message)
        self.database.write_bytes(whole[: len(whole) // 2])
        self.refused(self.database, "--out", self.out, message="malformed; allowed: ")

    def test_places_that_cannot_be_written(self) -> None:
        write_study(self.database, Plan(scenarios=1, policies=1, widths=1, seeds=1))
        self.refused(self.database, "--out", self.folder, message="is a directory; allowed: a file")
        self.refused(
            self.database, "--out", self.folder / "no" / "r.html", message="cannot be written: No such file"
        )
        self.refused(
            self.database, "--out", self.database / "r.html", message="cannot be written: Not a directory"
        )
        self.refused(
            self.database, "--out", self.folder / ("x" * 300), message="cannot be written: File name too long"
        )
        self.refused(
            self.database, "--out", self.out, "--figures", self.database, message="cannot be made: File exists"
        )
        self.refused(self.database, "--out", self.database, message="is the database itself; allowed: ")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["study.db"])

    def test_usage(self) -> None:
        for arguments in ((), ("a.db", "b.db"), ("a.db", "--outt", "x"), ("a.db", "--out")):
            self.refused(*arguments, message="; allowed: DB [--out FILE] [--figures DIR] [--json]")
        done = report("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("example: megabed report", done.stdout)

    def test_without_matplotlib_it_names_the_package(self) -> None:
        write_study(self.database, Plan(scenarios=1, policies=1, widths=1, seeds=1))
        for name in ("matplotlib", "numpy"):
            stub = self.folder / f"without-{name}" / name
            stub.mkdir(parents=True)
            line = f'raise ModuleNotFoundError("No module named {name}", name="{name}")\n'
            (stub / "__init__.py").write_text(line, encoding="ascii")
            self.refused(
                self.database,
                "--out",
                self.out,
                message="python3-matplotlib",
                code=3,
                PYTHONPATH=str(stub.parent),
            )
        self.assertFalse(self.out.exists())

    def test_what_it_prints(self) -> None:
        write_study(self.database, Plan(scenarios=2, policies=2, widths=1, seeds=1))
        done = report(self.database, "--out", self.out)
        self.assertEqual(done.stdout, f"{self.out}: 6 figures\n")
        done = report(self.database, "--out", self.out, "--figures", self.folder / "f" / "g")
        self.assertEqual(len(done.stdout.splitlines()), 13)
        self.assertEqual(oct(self.out.stat().st_mode & 0o777), oct(0o666 & ~self.umask()))
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(
                [sys.executable, HERE / "report.py", self.database, "--out", self.out],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)

    @staticmethod
    def umask() -> int:
        mask = os.umask(0)
        os.umask(mask)
        return mask

    def test_a_study_that_is_being_written_can_be_read(self) -> None:
        write_study(self.database, Plan(scenarios=2, policies=2, widths=1, seeds=2))
        writer = sqlite3.connect(self.database)
        self.addCleanup(writer.close)
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE study SET summary = 'now in the log'")
        writer.commit()
        writer.execute("UPDATE study SET summary = 'not committed'")
        page = self.page_of_database()
        self.assertIn("now in the log", page.text)
        writer.rollback()

    def test_names_that_mean_something_in_addresses(self) -> None:
        self.database = self.folder / "50% of #1? study&co.db"
        write_study(self.database, Plan(scenarios=1, policies=1, widths=1, seeds=1))
        self.assertIn(f"--db '{self.database.name}'", self.page_of_database().text)

    def test_a_database_that_nobody_may_write_is_read_and_not_changed(self) -> None:
        write_study(self.database, Plan(scenarios=2, policies=2, widths=1, seeds=2))
        with sqlite3.connect(self.database) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        before = (self.database.read_bytes(), self.database.stat().st_mtime_ns)
        with tempfile.TemporaryDirectory() as elsewhere:
            self.folder.chmod(0o555)
            self.database.chmod(0o444)
            try:
                done = report(self.database, "--out", Path(elsewhere) / "r.html")
            finally:
                self.folder.chmod(0o755)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(before, (self.database.read_bytes(), self.database.stat().st_mtime_ns))

    def test_an_interrupt_leaves_the_old_page(self) -> None:
        write_study(self.database, Plan(scenarios=20, policies=10, widths=5, seeds=2))
        self.out.write_text("old", encoding="ascii")
        process = subprocess.Popen(
            [sys.executable, HERE / "report.py", self.database, "--out", self.out],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        maps = Path(f"/proc/{process.pid}/maps")
        while process.poll() is None and "matplotlib" not in maps.read_text(encoding="utf-8"):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        if process.returncode == 0:
            self.skipTest("it was done before the interrupt came")
        self.assertEqual((process.returncode, errors), (130, b""))
        self.assertEqual(self.out.read_text(encoding="ascii"), "old")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["report.html", "study.db"])


if __name__ == "__main__":
    unittest.main()
