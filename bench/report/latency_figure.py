"""Latencies of services: the median and the 99th percentile of each policy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from matplotlib.axes import Axes

from axis_ticks import padded, set_log_time_axis, without_ticks
from figures import Figure, LegendEntry, Panel, Sheet, Table
from intervals import Interval, Sample, by_scenario, mean_interval
from number_text import duration, maybe, plural, shortened
from palette import LIGHT
from points import Results
from study_data import Run
from text_size import label_inches

SCENARIOS_MOST = 12
LABEL_LETTERS = 18
BAR_BELOW = 0.26  # rows
ROW_INCHES, WIDTH_INCHES = 0.225, 4.9


@dataclass(frozen=True)
class LatencyRow:
    """A policy's latencies on a scenario, ns: geometric means over points and seeds, intervals over the
    seeds."""

    policy: int
    median: Interval
    tail: Interval
    runs: int


def log_median(run: Run) -> Optional[float]:
    """ln of the 50th percentile in ns."""
    return math.log(run.latency_p50_ns) if run.latency_p50_ns else None


def log_tail(run: Run) -> Optional[float]:
    """ln of the 99th percentile in ns."""
    return math.log(run.latency_p99_ns) if run.latency_p99_ns else None


def latency_rows(results: Results) -> dict[int, list[LatencyRow]]:
    """Rows by scenario, for those that serve items."""
    found: dict[int, list[LatencyRow]] = {}
    for policy in results.policies:
        medians, tails = results.samples(policy, log_median), results.samples(policy, log_tail)
        for scenario in by_scenario(medians):
            mine = [
                [sample for sample in samples if sample.scenario == scenario] for samples in (medians, tails)
            ]
            if all(mine):
                found.setdefault(scenario, []).append(
                    LatencyRow(policy, over_seeds(mine[0]).exp(), over_seeds(mine[1]).exp(), len(mine[0]))
                )
    return found


def over_seeds(samples: list[Sample]) -> Interval:
    """The mean of one scenario's samples: those of a seed first, then over seeds."""
    seeds: dict[int, list[float]] = {}
    for sample in samples:
        seeds.setdefault(sample.seed, []).append(sample.value)
    return mean_interval([math.fsum(values) / len(values) for _, values in sorted(seeds.items())])


def latency_figure(results: Results, suffix: str) -> Optional[Figure]:
    """A panel for each service; None where there are none."""
    study = results.study
    found = latency_rows(results)
    if not found:
        return None
    scenarios = sorted(
        sorted(found, key=lambda scenario: (-tail_spread(found[scenario]), scenario))[:SCENARIOS_MOST]
    )
    notes = (
        f" Shown are the {len(scenarios)} services whose 99th percentiles differ most, of {len(found)}."
        if len(scenarios) < len(found)
        else ""
    )
    left = label_inches(
        [study.policies[row.policy].label for rows in found.values() for row in rows], LABEL_LETTERS
    )
    panels = [latency_panel(results, scenario, found[scenario], left) for scenario in scenarios]
    table = [
        (
            study.scenarios[scenario].label,
            study.policies[row.policy].label,
            *cells(row.median),
            *cells(row.tail),
        )
        for scenario in scenarios
        for row in found[scenario]
    ]
    return Figure(
        f"latency{suffix}",
        "Latency of services",
        "How long does an item wait for its result, usually and at worst? The filled dot is the median, the"
        " open one the 99th percentile; further left is better, and a long line between them is a long tail.",
        "Geometric means over a scenario's points and seeds of each run's percentiles; thin bars: 95 %"
        " intervals by Student's t over the seeds. n ="
        f" {plural(sum(row.runs for rows in found.values() for row in rows), 'run')} of"
        f" {plural(len(found), 'service')}.{notes}",
        panels,
        Table(("scenario", "policy", "p50", "95 % interval", "p99", "95 % interval"), table, frozenset({0, 1})),
        [
            LegendEntry("median (p50)", "accent", "o", line=False),
            LegendEntry("99th percentile (p99)", "accent", "o", hollow=True, line=False),
        ],
        columns=2,
    )


def tail_spread(rows: list[LatencyRow]) -> float:
    """How much the policies' 99th percentiles differ."""
    tails = [row.tail.mean for row in rows]
    return max(tails) / min(tails)


def cells(interval: Interval) -> tuple[str, str]:
    """A latency and its interval."""
    ends = (
        "" if interval.low is None else f"{maybe(interval.low, duration)} to {maybe(interval.high, duration)}"
    )
    return duration(interval.mean), ends or maybe(None)


def latency_panel(results: Results, scenario: int, rows: list[LatencyRow], left: float) -> Panel:
    """A row for each policy."""
    study = results.study
    title = study.scenarios[scenario].label
    low, high = padded([value for row in rows for value in (row.median.mean, row.tail.mean)], 0.08)
    height = ROW_INCHES * len(rows)

    def draw(sheet: Sheet) -> None:
        axes = sheet.axes(left, 0.04, sheet.width - left - 0.16, height)
        set_log_time_axis(axes, low, high)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        without_ticks(axes)
        axes.set_xlabel("latency (logarithmic)")
        for place, row in enumerate(rows):
            emphasis = row.policy == study.baseline_id
            draw_latency(
                axes, place, row, LIGHT["ink" if emphasis else "accent"], math.log(low), math.log(high)
            )
            label = shortened(study.policies[row.policy].label, LABEL_LETTERS)
            sheet.beside(left - 0.08, 0.04 + ROW_INCHES * (place + 0.5), label, bold=emphasis)

    least = min(rows, key=lambda row: (row.tail.mean, row.policy))
    return Panel(
        WIDTH_INCHES,
        height + 0.46,
        draw,
        f"Latencies on {title}: the least 99th percentile is "
        f"{duration(least.tail.mean)} of {study.policies[least.policy].label}.",
        shortened(title, 40),
    )


def draw_latency(axes: Axes, place: int, row: LatencyRow, colour: str, low: float, high: float) -> None:
    """Median and tail with a line between them, and their intervals below."""
    middles = [math.log(row.median.mean), math.log(row.tail.mean)]
    axes.plot(middles, [place, place], color=LIGHT["axis"], linewidth=1.0, zorder=2)
    for interval in (row.median, row.tail):
        if interval.low is not None and interval.high is not None:
            ends = [max(low, math.log(interval.low)), min(high, math.log(interval.high))]
            bar = {"linewidth": 1.8, "alpha": 0.45, "solid_capstyle": "butt", "zorder": 3}
            axes.plot(ends, [place + BAR_BELOW] * 2, color=colour, **bar)
    dot = {"linestyle": "none", "marker": "o", "markersize": 4.4, "markeredgewidth": 1.1, "zorder": 4}
    for middle, face in zip(middles, (colour, LIGHT["surface"])):
        axes.plot([middle], [place], color=colour, markerfacecolor=face, **dot)
