#!/usr/bin/env python3
"""The report's numbers against others that were found in another way: by hand, from tables, by brute force."""

from __future__ import annotations

import itertools
import math
import random
import re
import sys
import tempfile
import unittest
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

if find_spec("matplotlib") is None:
    print("SKIPPED: Matplotlib is not here; the package python3-matplotlib brings it")
    sys.exit(77)

from axis_ticks import ratio_ticks, regret_ticks, time_ticks
from database import open_database, read_study
from figures import panel_svg
from inline_svg import compact_path
from intervals import Sample, clustered_interval, mean_interval, quantile, student_t
from latency_figure import latency_rows
from makespan_ratio import policy_ratio, policy_ratios, verdict
from number_text import duration, percent, shortened, significant
from palette import COLOURS
from parameter_heat_map import cell_means
from parameter_runs import FLAPS, MAKESPAN, ParameterRuns, is_moved
from performance_profile import performance_profiles
from points import Results
from rank_agreement import kendall_tau
from regret_figure import policy_regret, regret_figure
from simulator_agreement import agreement_of, matching_pairs
from study_data import Study
from study_writer import StudyWriter
from synthetic_study import Plan, write_study
from timeline_stripes import merged_segments

LN2 = math.log(2)
# Student's t for 95 %, two-sided, from tables.
STUDENT = {1: 12.7062047, 2: 4.3026527, 3: 3.1824463, 4: 2.7764451, 9: 2.2621572, 30: 2.0422725, 120: 1.9799304}


class Database(unittest.TestCase):
    """A folder for databases that is gone afterwards."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "study.db"

    def study(self) -> Study:
        with closing(open_database(self.path)) as connection:
            return read_study(connection, self.path)

    def write(self, policies: list[str], makespans: dict[str, list[list[int]]], **rest) -> Study:
        """A study of makespans[scenario][policy][seed] in ns; 0 fails, -1 is missing. `hindsight`: of each
        scenario; `backends`: makespans of all scenarios for each of them instead."""
        by_backend = rest.get("backends", {"sim": makespans})
        hindsight = rest.get("hindsight", {})
        seeds = len(next(iter(makespans.values()))[0])
        with StudyWriter(self.path) as writer:
            writer.study(len(makespans) * len(policies) * len(by_backend) * seeds, policies[0])
            writer.scenarios(list(makespans))
            writer.policies(policies)
            writer.variants([{}])
            row = 0
            for (at, scenario), (policy, _) in itertools.product(
                enumerate(makespans, 1), enumerate(policies, 1)
            ):
                for backend, seed in itertools.product(by_backend, range(seeds)):
                    row += 1
                    key = (row, at, policy, 1, backend, seed + 1)
                    makespan = by_backend[backend][scenario][policy - 1][seed]
                    if makespan == 0:
                        writer.failed(key, "no progress in 1000 launches")
                    elif makespan > 0:
                        best = hindsight.get(scenario)
                        regret = (makespan - best) / best if best else None
                        writer.done(key, makespan, hindsight_ns=best, regret=regret)
        return self.study()


class Intervals(unittest.TestCase):
    def test_students_t_is_that_of_the_tables(self) -> None:
        for degrees, expected in STUDENT.items():
            self.assertAlmostEqual(student_t(degrees), expected, places=6)
        self.assertAlmostEqual(student_t(100_000), 1.9599877, places=6)

    def test_an_interval_by_hand(self) -> None:
        interval = mean_interval([2.0, 4.0, 9.0])
        self.assertEqual((interval.mean, interval.count), (5.0, 3))
        half = STUDENT[2] * math.sqrt(13.0 / 3)
        self.assertAlmostEqual(interval.high, 5 + half, places=6)
        self.assertAlmostEqual(interval.low, 5 - half, places=6)
        self.assertEqual(mean_interval([7.0]).low, None)

    def test_intervals_contain_the_truth_as_often_as_they_say(self) -> None:
        chance = random.Random(5)
        hits = 0
        for _ in range(4000):
            interval = mean_interval([chance.gauss(3.0, 2.0) for _ in range(4)])
            hits += interval.low <= 3.0 <= interval.high
        self.assertAlmostEqual(hits / 4000, 0.95, delta=0.012)

    def test_points_of_a_scenario_are_one_observation(self) -> None:
        samples = [
            Sample(scenario, variant, seed, float(scenario))
            for scenario in (1, 2, 6)
            for variant in range(1 if scenario == 1 else 50)
            for seed in range(3)
        ]
        found = clustered_interval(samples)
        self.assertEqual((found.unit, found.interval.count, found.interval.mean), ("scenarios", 3, 3.0))
        self.assertAlmostEqual(found.interval.high, 3 + STUDENT[2] * math.sqrt(7.0 / 3), places=6)

    def test_one_scenario_has_an_interval_over_its_seeds(self) -> None:
        samples = [Sample(1, variant, seed, float(seed)) for variant in range(9) for seed in range(4)]
        found = clustered_interval(samples)
        self.assertEqual((found.unit, found.interval.count), ("seeds", 4))
        self.assertEqual(clustered_interval(samples[:1]).unit, "")

    def test_quantiles(self) -> None:
        self.assertEqual(quantile([4, 1, 3, 2], 0.5), 2.5)
        self.assertAlmostEqual(quantile([1, 2, 3, 4, 5, 6], 0.9), 5.5)
        self.assertEqual(quantile([8], 0.9), 8)


class Ratios(Database):
    def test_geometric_means_and_intervals_by_hand(self) -> None:
        study = self.write(
            ["base", "other"],
            {
                "a/twice": [[100, 100], [200, 200]],
                "b/half": [[300, 100], [150, 50]],
                "c/mixed": [[100, 100], [200, 800]],
            },
        )
        ratio = policy_ratio(Results(study, "sim"), 2, 1)
        logs = [LN2, -LN2, 2 * LN2]  # the last one: the mean of one and three doublings
        mean = sum(logs) / 3
        deviation = math.sqrt(sum((value - mean) ** 2 for value in logs) / 2)
        half = STUDENT[2] * deviation / math.sqrt(3)
        self.assertAlmostEqual(ratio.overall.interval.mean, 4 ** (1 / 3), places=12)
        self.assertAlmostEqual(ratio.overall.interval.low, math.exp(mean - half), places=6)
        self.assertAlmostEqual(ratio.overall.interval.high, math.exp(mean + half), places=5)
        self.assertEqual((ratio.better, ratio.undecided, ratio.worse), (1, 1, 1))
        self.assertEqual((ratio.worst, ratio.best), ((3, 1), (2, 1)))

    def test_against_plain_sql(self) -> None:
        write_study(self.path, Plan(scenarios=5, policies=4, widths=3, seeds=4, failed=0.05, missing=0.05))
        study = self.study()
        with closing(open_database(self.path)) as connection:
            query = """
                SELECT avg(scenario_mean) FROM (
                    SELECT avg(point_mean) AS scenario_mean FROM (
                        SELECT mine.scenario_id AS s,
                               avg(ln(1.0 * mine.makespan_ns / theirs.makespan_ns)) AS point_mean
                        FROM run AS mine JOIN run AS theirs USING (scenario_id, variant_id, backend, seed)
                        WHERE mine.status = 'done' AND theirs.status = 'done'
                          AND mine.policy_id = ? AND theirs.policy_id = 1
                        GROUP BY mine.scenario_id, mine.variant_id)
                    GROUP BY s)"""
            connection.create_function("ln", 1, math.log, deterministic=True)
            for ratio in policy_ratios(Results(study, "sim")):
                expected = connection.execute(query, (ratio.policy,)).fetchone()[0]
                self.assertAlmostEqual(math.log(ratio.overall.interval.mean), expected, places=12)

    def test_verdicts(self) -> None:
        self.assertEqual(verdict([-0.1]), -1)
        self.assertEqual(verdict([0.0, 0.0]), 0)
        self.assertEqual(verdict([0.1, 0.1, 0.1]), 1)
        self.assertEqual(verdict([-0.1, 0.2]), 0)
        self.assertEqual(verdict([-0.10, -0.11, -0.12]), -1)

    def test_a_baseline_that_is_not_there_gives_no_ratios(self) -> None:
        study = self.write(["base", "other"], {"a/one": [[0, 0], [5, 6]]})
        self.assertEqual(policy_ratios(Results(study, "sim")), [])

    def test_regret_by_hand(self) -> None:
        study = self.write(
            ["base"],
            {"a/one": [[150]], "b/two": [[600]], "c/service": [[77]]},
            hindsight={"a/one": 100, "b/two": 100},
        )
        regret = policy_regret(Results(study, "sim"), 1)
        self.assertAlmostEqual(regret.interval.mean, 3.0, places=12)  # sqrt(1.5 * 6)
        self.assertEqual(regret.interval.count, 2)

    def test_regret_can_be_below_zero(self) -> None:
        study = self.write(
            ["base"], {"a/one": [[50]], "b/two": [[200]]}, hindsight={"a/one": 100, "b/two": 100}
        )
        regret = policy_regret(Results(study, "sim"), 1)
        self.assertAlmostEqual(regret.interval.mean, 1.0, places=12)
        self.assertLess(regret.interval.low, 0.001)
        figure = regret_figure(Results(study, "sim"), "")
        self.assertEqual(figure.table.rows[0][1], "0 %")
        self.assertIn("svg", panel_svg(figure.panels[0]))


class Profiles(Database):
    def test_at_one_it_counts_who_is_shortest(self) -> None:
        study = self.write(
            ["base", "quick", "broken"],
            {
                "a/tie": [[100], [100], [101]],
                "b/quick": [[300], [150], [200]],
                "c/base": [[100], [110], [0]],
                "d/missing": [[100], [-1], [100]],
            },
        )
        profiles, left_out = performance_profiles(Results(study, "sim"))
        at_one = [profile.within(1.0) for profile in profiles]
        self.assertEqual(left_out, 1)
        self.assertEqual([round(3 * share) for share in at_one], [2, 2, 0])
        self.assertEqual([round(3 * profile.within(1.5)) for profile in profiles], [2, 3, 2])
        self.assertEqual([round(3 * profile.within(1e9)) for profile in profiles], [3, 3, 2])

    def test_against_brute_force(self) -> None:
        write_study(self.path, Plan(scenarios=6, policies=5, widths=3, seeds=3, failed=0.03, missing=0.02))
        study = self.study()
        rows = {}
        for run in study.runs:
            rows.setdefault((run.scenario, run.variant), {}).setdefault(run.seed, {})[run.policy] = run
        profiles, _ = performance_profiles(Results(study, "sim"))
        for tau in (1.0, 1.07, 1.4, 3.0):
            counts = {policy: 0 for policy in study.policies}
            points = 0
            for seeds in rows.values():
                whole = [runs for runs in seeds.values() if len(runs) == len(study.policies)]
                product = {}
                for policy in counts:
                    runs = [runs[policy] for runs in whole]
                    if all(run.done for run in runs):
                        product[policy] = math.prod(run.makespan_ns / 1e6 for run in runs)
                if whole and product:
                    points += 1
                    bound = min(product.values()) * tau ** len(whole) * (1 + 1e-8)
                    for policy, value in product.items():
                        counts[policy] += value <= bound
            for profile in profiles:
                self.assertEqual(profile.points, points)
                self.assertEqual(round(profile.within(tau) * points), counts[profile.policy], tau)


class Agreement(Database):
    def test_kendalls_tau_by_hand(self) -> None:
        self.assertEqual(kendall_tau([1, 2, 3], [10, 20, 30]), 1)
        self.assertEqual(kendall_tau([1, 2, 3], [3, 2, 1]), -1)
        self.assertAlmostEqual(kendall_tau([1, 2, 3, 4], [1, 3, 2, 4]), 4 / 6)
        self.assertAlmostEqual(kendall_tau([1, 1, 2], [1, 2, 3]), 2 / math.sqrt(2 * 3))
        self.assertIsNone(kendall_tau([1, 1], [1, 2]))

    def test_kendalls_tau_is_scipys(self) -> None:
        try:
            from scipy.stats import kendalltau
        except ModuleNotFoundError:
            self.skipTest("SciPy is not here")
        chance = random.Random(3)
        for _ in range(300):
            left, right = ([chance.randrange(6) for _ in range(8)] for _ in range(2))
            expected, found = kendalltau(left, right)[0], kendall_tau(left, right)
            self.assertTrue(math.isnan(expected) if found is None else abs(found - expected) < 1e-12)

    def test_errors_and_order_by_hand(self) -> None:
        simulated = {"a/one": [[110], [220], [300]], "b/two": [[100], [90], [300]]}
        measured = {"a/one": [[100], [200], [300]], "b/two": [[100], [120], [400]]}
        study = self.write(["p", "q", "r"], simulated, backends={"sim": simulated, "cuda": measured})
        pairs = matching_pairs(Results(study, "sim"), Results(study, "cuda"))
        errors = sorted(round(pair.error, 12) for pair in pairs)
        self.assertEqual(errors, [-0.25, -0.25, 0, 0, 0.1, 0.1])
        found = agreement_of(pairs)
        self.assertAlmostEqual(found.median_error, 0.1)
        self.assertAlmostEqual(found.p90_error, 0.25)
        self.assertAlmostEqual(found.tau, (1 + 1 / 3) / 2)
        self.assertEqual(found.tau_scenarios, 2)


class Parameters(Database):
    def setUp(self) -> None:
        super().setUp()
        write_study(self.path, Plan(scenarios=4, policies=4, widths=4, thresholds=2, seeds=3))
        self.results = Results(self.study(), "sim")

    def test_curves_are_plain_means(self) -> None:
        runs = ParameterRuns(self.results, "width")
        self.assertEqual(runs.values, [0, 125, 250, 500])
        flaps, makespans = (runs.scenario_curve(2, 1, metric) for metric in (FLAPS, MAKESPAN))
        for at, value in enumerate(runs.values):
            mine = [
                run
                for run in self.results.runs
                if (run.scenario, run.policy) == (2, 1)
                and self.results.study.variants[run.variant].values["width"] == f"{value:g}"
            ]
            self.assertEqual(len(mine), 6)
            self.assertAlmostEqual(flaps.intervals[at].mean, sum(run.flaps for run in mine) / 6)
            product = math.prod(run.makespan_ns / 1e6 for run in mine)
            self.assertAlmostEqual(makespans.intervals[at].mean, 1e6 * product ** (1 / 6), places=3)

    def test_who_is_moved(self) -> None:
        moved = {
            self.results.study.policies[policy].label: is_moved(self.results, policy, ("width",))
            for policy in self.results.policies
        }
        self.assertEqual(
            moved, {"reference": True, "stateless": False, "hardened": True, "fixed:sparse": False}
        )
        self.assertTrue(is_moved(self.results, 2, ("threshold",)))

    def test_the_best_cell_of_one_scenario_is_one(self) -> None:
        cells = cell_means(self.results, 1, "threshold", "width", MAKESPAN)
        self.assertEqual(len(cells), 8)
        self.assertGreaterEqual(min(cells.values()), 1.0)
        logs = {}
        for run in self.results.runs:
            if run.policy == 1:
                numbers = self.results.study.variants[run.variant].numbers
                place = (numbers["threshold"], numbers["width"])
                logs.setdefault(run.scenario, {}).setdefault(place, []).append(math.log(run.makespan_ns))
        excess = {place: [] for place in cells}
        for places in logs.values():
            means = {place: sum(values) / len(values) for place, values in places.items()}
            for place, mean in means.items():
                excess[place].append(mean - min(means.values()))
        for place, values in excess.items():
            self.assertAlmostEqual(cells[place], math.exp(sum(values) / len(values)), places=10)

    def test_latencies_are_geometric_means(self) -> None:
        self.assertEqual(latency_rows(self.results), {})
        self.path.unlink()
        write_study(self.path, Plan(scenarios=10, policies=2, widths=1, seeds=3))
        results = Results(self.study(), "sim")
        rows = latency_rows(results)
        self.assertEqual(sorted(rows), [9, 10])
        mine = [run.latency_p99_ns for run in results.runs if (run.scenario, run.policy) == (9, 2)]
        self.assertAlmostEqual(rows[9][1].tail.mean, math.prod(mine) ** (1 / 3), places=3)


class Timelines(unittest.TestCase):
    def test_wide_segments_stay_as_they_are(self) -> None:
        segments = [("sparse", 0, 50), ("dense", 50, 90), ("sparse", 90, 200)]
        stripes, merged = merged_segments(segments, 10)
        self.assertEqual(merged, 0)
        self.assertEqual(
            [(stripe.start, stripe.end, *stripe.shares) for stripe in stripes],
            [(0, 50, "sparse"), (50, 90, "dense"), (90, 200, "sparse")],
        )

    def test_narrow_ones_keep_the_topologies_time(self) -> None:
        chance = random.Random(11)
        for _ in range(60):
            now, segments = 0, []
            for at in range(chance.randrange(1, 400)):
                width = chance.choice((1, 2, 3, 40))
                segments.append((("sparse", "dense", "hybrid")[at * 7 % 3], now, now + width))
                now += width
            stripes, merged = merged_segments(segments, 12.0)
            self.assertEqual(merged, sum(end - start < 12 for _, start, end in segments))
            self.assertEqual((stripes[0].start, stripes[-1].end), (0, now))
            for left, right in zip(stripes, stripes[1:]):
                self.assertEqual(left.end, right.start)
            for stripe in stripes:
                self.assertAlmostEqual(sum(stripe.shares.values()), 1)
            for name in ("sparse", "dense", "hybrid"):
                drawn = sum((stripe.end - stripe.start) * stripe.shares.get(name, 0) for stripe in stripes)
                true = sum(end - start for topology, start, end in segments if topology == name)
                self.assertAlmostEqual(drawn, true, delta=0.13 * now + 12)

    def test_flapping_is_not_hidden(self) -> None:
        segments = [("sparse" if at % 2 else "dense", at, at + 1) for at in range(5000)]
        stripes, _ = merged_segments(segments, 25)
        self.assertTrue(all(set(stripe.shares) == {"sparse", "dense"} for stripe in stripes))
        self.assertLess(len(stripes), 250)


class Texts(unittest.TestCase):
    def test_three_significant_digits(self) -> None:
        shown = {0.01234: "0.0123", 9.996: "10.0", 1.04: "1.04", 999.6: "1,000", 1234.5: "1,230", 0: "0"}
        for value, text in shown.items():
            self.assertEqual(significant(value), text)
        self.assertEqual((duration(176460), duration(999_999), duration(0)), ("176 \u00b5s", "1.00 ms", "0 ns"))
        self.assertEqual((percent(1.966), percent(0.00001)), ("197 %", "0 %"))
        for _ in range(2000):
            value = 10 ** random.Random(_).uniform(-9, 12)
            self.assertAlmostEqual(float(significant(value).replace(",", "")) / value, 1, delta=0.0051)

    def test_shortened_texts_have_their_ends(self) -> None:
        self.assertEqual(shortened("around-sparse/inside-the-band", 13), "around\u2026e-band")
        self.assertEqual(shortened("a\x00b\nc", 9), "a b c")

    def test_ticks_are_round_and_inside(self) -> None:
        chance = random.Random(2)
        for _ in range(500):
            low = 10 ** chance.uniform(-2, 10)
            high = low * (1 + 10 ** chance.uniform(-2, 4))
            self.assertTrue(2 <= len(time_ticks(low, high)) <= 7, (low, high))
            for tick in time_ticks(low, high):
                self.assertTrue(low * 0.999 <= tick <= high * 1.001)
            near = (1 - 10 ** chance.uniform(-4, -0.1), 1 + 10 ** chance.uniform(-4, 2))
            self.assertIn(1.0, ratio_ticks(*near))
            self.assertTrue(2 <= len(ratio_ticks(*near)) <= 8, near)
            self.assertTrue(2 <= len(regret_ticks(*near)) <= 8, near)

    def test_compact_paths_are_the_same_paths(self) -> None:
        self.assertEqual(
            compact_path("M 1.004 2 \nL 5.5 2 \nL 5.5 9 \nL 7 8 \nz\nM 0 0 \nL 0 0 "), "M1 2H5.5V9L7 8zM0 0"
        )


class Colours(unittest.TestCase):
    """Contrasts by WCAG 2.1, and colour blindness by Machado, Oliveira and Fernandes (2009), severity 1."""

    BLIND = {
        "protanopia": (
            (0.152286, 1.052583, -0.204868),
            (0.114503, 0.786281, 0.099216),
            (-0.003882, -0.048116, 1.051998),
        ),
        "deuteranopia": (
            (0.367322, 0.860646, -0.227968),
            (0.280085, 0.672501, 0.047413),
            (-0.011820, 0.042940, 0.968881),
        ),
        "tritanopia": (
            (1.255528, -0.076749, -0.178779),
            (-0.078411, 0.930809, 0.147602),
            (0.004733, 0.691367, 0.303900),
        ),
    }

    @staticmethod
    def linear(colour: str) -> list[float]:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]

    @classmethod
    def contrast(cls, left: str, right: str) -> float:
        light = [
            sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), cls.linear(colour)))
            for colour in (left, right)
        ]
        return (max(light) + 0.05) / (min(light) + 0.05)

    @staticmethod
    def lab(linear: list[float]) -> list[float]:
        rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
        white = (0.9505, 1.0, 1.089)
        x, y, z = (
            (lambda t: t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116)(
                max(0.0, sum(weight * part for weight, part in zip(row, linear))) / reference
            )
            for row, reference in zip(rows, white)
        )
        return [116 * y - 16, 500 * (x - y), 200 * (y - z)]

    def test_texts_can_be_read_in_both_themes(self) -> None:
        for theme in (0, 1):
            surface = COLOURS["surface"][theme]
            for role, least in (("ink", 7), ("muted", 4.5), ("accent", 4.5)):
                self.assertGreater(self.contrast(COLOURS[role][theme], surface), least, (role, theme))
            for role in ("better", "worse"):
                self.assertGreater(
                    self.contrast(COLOURS["ink"][theme], COLOURS[role][theme]), 4.5, (role, theme)
                )

    def test_lines_stand_out_in_both_themes(self) -> None:
        for role, colours in COLOURS.items():
            if role.startswith("policy"):
                for theme in (0, 1):
                    found = self.contrast(colours[theme], COLOURS["surface"][theme])
                    self.assertGreater(found, 2.1 if theme == 0 else 3, (role, theme))

    def test_topologies_differ_for_the_colour_blind(self) -> None:
        roles = [role for role in COLOURS if re.fullmatch("topology-(?!unknown).*", role)]
        self.assertEqual(len(roles), 6)
        for theme, (blindness, matrix) in itertools.product((0, 1), self.BLIND.items()):
            seen = {}
            for role in roles:
                linear = self.linear(COLOURS[role][theme])
                seen[role] = self.lab([sum(a * b for a, b in zip(row, linear)) for row in matrix])
            for left, right in itertools.combinations(roles, 2):
                distance = math.dist(seen[left], seen[right])
                self.assertGreater(distance, 15, (left, right, blindness))


if __name__ == "__main__":
    unittest.main()
