"""Regret by policy: how much longer a run took than the best topologies in hindsight."""

from __future__ import annotations

import math
from html import escape
from typing import Optional

from axis_ticks import regret_label, regret_ticks
from figures import Figure, Table
from interval_rows import IntervalAxis, IntervalRow, interval_panel, interval_words
from intervals import Clustered, Interval, by_scenario, clustered_interval, mean, median
from number_text import listed, percent, percent_interval, plural
from points import Results
from study_data import Run

AXIS = IntervalAxis(
    "regret: makespan above the best in hindsight (logarithmic in 1 + regret)",
    "regret",
    1.0,
    regret_ticks,
    regret_label,
    "mean  [95 % interval]",
    starts_at_reference=True,
)


def log_excess(run: Run) -> Optional[float]:
    """ln(makespan / hindsight), which is ln(1 + regret); None where hindsight is unknown."""
    if run.makespan_ns is None or not run.hindsight_ns:
        return None
    return math.log(run.makespan_ns / run.hindsight_ns)


def policy_regret(results: Results, policy: int) -> Optional[Clustered]:
    """Geometric mean of 1 + regret over scenarios, with its interval; None where hindsight is unknown
    throughout."""
    samples = results.samples(policy, log_excess)
    if not samples:
        return None
    found = clustered_interval(samples)
    return Clustered(found.interval.exp(), found.unit)


def regret_figure(results: Results, suffix: str) -> Optional[Figure]:
    """Regret of all policies; None where hindsight is known of no run."""
    found = {
        policy: regret for policy in results.policies if (regret := policy_regret(results, policy)) is not None
    }
    if not found:
        return None
    order = sorted(found, key=lambda policy: (found[policy].interval.mean, policy))
    table = [table_row(results, policy, found[policy].interval) for policy in order]
    unit = next((regret.unit for regret in found.values() if regret.unit), "")
    samples = [sample for policy in order for sample in results.samples(policy, log_excess)]
    known = {sample.scenario for sample in samples}
    alt = "Regret by policy, the least first: " + "; ".join(f"{row[0]} {row[1]}" for row in table)
    rows = [interval_row(results, policy, found[policy]) for policy in order]
    headers = ("regret, geometric", "95 % interval", "arithmetic mean", "median", "greatest", "runs")
    return Figure(
        f"regret{suffix}",
        "Regret",
        "How much longer does each policy take than the best sequence of topologies, chosen in retrospect? 0 %"
        " is as good as choosing topologies can be; a policy that also sizes launches in another way can come"
        " out below it. The baseline is in bold.",
        "Diamonds: geometric means of 1 + regret over scenarios, less 1; circles: scenarios."
        f" {interval_words(unit)}. n = {plural(len(samples), 'run')} on {plural(len(known), 'scenario')}."
        f"{left_out(results, known)}",
        [interval_panel(rows, AXIS, alt)],
        Table(("policy", *headers), table),
    )


def interval_row(results: Results, policy: int, regret: Clustered) -> IntervalRow:
    """A policy's row of the figure."""
    study = results.study
    scenarios = by_scenario(results.samples(policy, log_excess)).values()
    return IntervalRow(
        study.policies[policy].label,
        regret.interval,
        [math.exp(value) for value in scenarios],
        percent(regret.interval.mean - 1),
        f"[{percent_interval(regret.interval)}]" if regret.unit else "",
        policy == study.baseline_id,
    )


def table_row(results: Results, policy: int, interval: Interval) -> tuple[str, ...]:
    """A policy's row of the table."""
    runs = [math.expm1(sample.value) for sample in results.samples(policy, log_excess)]
    shown = (percent(value) for value in (mean(runs), median(runs), max(runs)))
    geometric = (percent(interval.mean - 1), percent_interval(interval))
    return (results.study.policies[policy].label, *geometric, *shown, f"{len(runs):,}")


def left_out(results: Results, known: set[int]) -> str:
    """What is not in the figure, and why: HTML."""
    unknown = [
        escape(results.study.scenarios[scenario].label)
        for scenario in results.scenarios
        if scenario not in known
    ]
    if not unknown:
        return ""
    return (
        " Left out, as nobody knows their best topologies in hindsight (services, and what was not simulated):"
        f" {listed(unknown)}."
    )
