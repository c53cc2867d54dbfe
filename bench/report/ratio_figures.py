"""Makespans relative to the baseline's as figures: by policy with intervals, and by scenario and policy."""

from __future__ import annotations

from html import escape
from typing import Optional

from axis_ticks import ratio_label, ratio_ticks
from cell_grid import DEEPEST, Cell, Grid, depth_scale, draw_grid, ratio_cell, slanted_inches
from figures import Figure, Panel, Table
from interval_rows import IntervalAxis, IntervalRow, interval_panel, interval_words
from makespan_ratio import PolicyRatio
from number_text import DASH, listed, plural, ratio_interval, shortened, significant
from points import Results
from text_size import label_inches

SCENARIOS_MOST = 40
MEAN_LABEL = "geometric mean"


def ratio_figure(results: Results, ratios: list[PolicyRatio], suffix: str) -> Optional[Figure]:
    """Each policy's geometric mean ratio with its interval; None without a policy beside the baseline."""
    study = results.study
    others = [ratio for ratio in ratios if ratio.policy != study.baseline_id]
    if not others:
        return None
    rows = [interval_row(results, ratio) for ratio in others]
    axis = IntervalAxis(
        f"makespan relative to {shortened(study.baseline, 24)} (logarithmic)",
        "relative makespan",
        1.0,
        ratio_ticks,
        ratio_label,
        "mean  [95 % interval]",
    )
    unit = next((ratio.overall.unit for ratio in others if ratio.overall.unit), "")
    means = "; ".join(f"{row.label} {row.mean}" for row in rows)
    alt = (
        f"Makespan of {plural(len(rows), 'policy', 'policies')} relative to {study.baseline}, the fastest"
        f" first: {means}"
    )
    return Figure(
        f"makespan-ratio{suffix}",
        "Makespan relative to the baseline",
        f"Which policies are faster than <b>{escape(study.baseline)}</b>, and by how much? Left of the line is"
        " faster. An interval that does not reach the line tells the two apart.",
        f"Diamonds: geometric means over scenarios; circles: scenarios. {interval_words(unit)}. Each ratio is"
        f" of two runs of one point under the same seed. {counted(results)}.",
        [interval_panel(rows, axis, alt)],
        ratio_table(results, others),
    )


def interval_row(results: Results, ratio: PolicyRatio) -> IntervalRow:
    """A policy's row of the figure."""
    interval = ratio.overall.interval
    ends = f"[{ratio_interval(interval)}]" if ratio.overall.unit else ""
    label = results.study.policies[ratio.policy].label
    return IntervalRow(label, interval, list(ratio.scenarios.values()), significant(interval.mean), ends)


def ratio_table(results: Results, ratios: list[PolicyRatio]) -> Table:
    """The rows in numbers."""
    rows = []
    for ratio in ratios:
        interval = ratio.overall.interval
        counts = (str(len(ratio.scenarios)), str(len(ratio.points)))
        label = results.study.policies[ratio.policy].label
        rows.append((label, significant(interval.mean), ratio_interval(interval), *counts))
    return Table(("policy", "ratio", "95 % interval", "scenarios", "points"), rows)


def counted(results: Results) -> str:
    """How much there is to average over."""
    parts = (
        plural(len(results.scenarios), "scenario"),
        plural(len(results.points), "point"),
        plural(len(results.seeds), "seed"),
    )
    return f"n = {plural(len(results.runs), 'finished run')}: {', '.join(parts)}"


def scenario_figure(results: Results, ratios: list[PolicyRatio], suffix: str) -> Optional[Figure]:
    """The ratio of every scenario and policy as a coloured number; None where there is no other policy."""
    study = results.study
    others = [ratio for ratio in ratios if ratio.policy != study.baseline_id]
    if not others:
        return None
    among = [scenario for scenario in results.scenarios if any(scenario in ratio.scenarios for ratio in others)]
    scenarios = results.most_different(SCENARIOS_MOST, among)
    left_out = ""
    if len(scenarios) < len(among):
        left_out = f" Shown are the {len(scenarios)} scenarios where policies differ most, of {len(among)}."
    return Figure(
        f"makespan-by-scenario{suffix}",
        "Where a policy wins, and where it loses",
        f"On which scenarios does a policy beat <b>{escape(study.baseline)}</b>? Blue cells are faster than the"
        " baseline, orange ones slower, and the deeper the further: on a logarithmic scale, the same for both,"
        f" deepest from a factor of {DEEPEST:g} on.",
        "Numbers: geometric mean over the scenario's points and seeds of makespan divided by the baseline's;"
        " policies from the fastest to the slowest. A dash stands where no run of the pair is finished."
        f" {counted(results)}.{left_out}",
        [ratio_cells_panel(results, scenarios, others)],
        scenario_table(results, among, others),
    )


def scenario_table(results: Results, scenarios: list[int], ratios: list[PolicyRatio]) -> Table:
    """All scenarios in numbers."""
    study = results.study
    rows = []
    for scenario in scenarios:
        found = (ratio.scenarios.get(scenario) for ratio in ratios)
        shown = (DASH if value is None else significant(value) for value in found)
        rows.append((study.scenarios[scenario].label, *shown))
    rows.append((MEAN_LABEL, *(significant(ratio.overall.interval.mean) for ratio in ratios)))
    return Table(("scenario", *(study.policies[ratio.policy].label for ratio in ratios)), rows)


def ratio_grid(results: Results, scenarios: list[int], ratios: list[PolicyRatio]) -> Grid:
    """Scenarios down and policies across, and their means below."""
    study = results.study
    scale = depth_scale(value for ratio in ratios for value in ratio.scenarios.values())
    cells: dict[tuple[int, int], Cell] = {}
    for column, ratio in enumerate(ratios):
        for row, scenario in enumerate(scenarios):
            if scenario in ratio.scenarios:
                cells[row, column] = ratio_cell(ratio.scenarios[scenario], scale)
        cells[len(scenarios), column] = ratio_cell(ratio.overall.interval.mean, scale)
    names = [study.scenarios[scenario].label for scenario in scenarios]
    policies = [study.policies[ratio.policy].label for ratio in ratios]
    return Grid((*names, MEAN_LABEL), policies, cells, last_row_apart=True)


def ratio_cells_panel(results: Results, scenarios: list[int], ratios: list[PolicyRatio]) -> Panel:
    """The grid with room for its labels."""
    study = results.study
    grid = ratio_grid(results, scenarios, ratios)
    left, top = label_inches(grid.rows, 30), slanted_inches(grid.columns)
    cell_width = min(0.62, max(0.36, (6.2 - left) / len(ratios)))
    worst = max(ratios, key=lambda ratio: (max(ratio.scenarios.values()), ratio.policy))
    place = max(worst.scenarios, key=lambda scenario: (worst.scenarios[scenario], scenario))
    alt = (
        f"Makespan relative to {study.baseline} on {plural(len(scenarios), 'scenario')} under"
        f" {listed(list(grid.columns))}. The greatest ratio is {significant(worst.scenarios[place])}, of"
        f" {study.policies[worst.policy].label} on {study.scenarios[place].label}."
    )
    width = left + cell_width * len(ratios) + 0.45
    return Panel(
        width, top + grid.height + 0.06, lambda sheet: draw_grid(sheet, grid, left, top, cell_width), alt
    )
