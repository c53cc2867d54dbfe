"""Makespan and flaps over two parameters, say a density threshold and the width of the band around it."""

from __future__ import annotations

import math
from collections import defaultdict
from html import escape
from itertools import combinations
from typing import Optional, Sequence

from cell_grid import ROW_INCHES, Cell, Grid, depth_scale, draw_grid, ratio_cell
from figures import Figure, Panel, Sheet, Table
from intervals import Sample, by_scenario, mean
from number_text import plural, shortened, significant
from palette import LIGHT
from parameter_runs import FLAP_RATE, MAKESPAN, Metric, file_names, is_moved, labels_of
from points import Results
from study_data import Study
from text_size import SMALL, text_inches

POLICIES_MOST = 6
PAIRS_MOST = 3
VALUES_MOST = 12
CELL_INCHES = 0.4
PAIRED_INCHES_MOST = 5.5  # of panels beside each other, which would have to be scrolled if they were wider
Cells = dict[tuple[float, float], float]


def heat_map_figures(results: Results) -> list[Figure]:
    """A figure for each pair of parameters with several numbers as values."""
    values = results.study.numeric_parameters()
    several = [name for name in values if 2 <= len(values[name]) <= VALUES_MOST]
    pairs = list(combinations(several, 2))[:PAIRS_MOST]
    figures = [heat_map_figure(results, down, across) for down, across in pairs]
    return [figure for figure in figures if figure is not None]


def cell_means(results: Results, policy: int, down: str, across: str, metric: Metric) -> Cells:
    """A policy's mean over scenarios (of each the mean over points and seeds) by the values of both parameters.
    Makespans are relative to each scenario's shortest mean at any values, so that 1 is as good as it gets."""
    samples: dict[tuple[float, float], list[Sample]] = defaultdict(list)
    for sample in results.samples(policy, metric.of):
        numbers = results.study.variants[sample.variant].numbers
        if down in numbers and across in numbers:
            samples[numbers[down], numbers[across]].append(sample)
    scenarios = {key: by_scenario(values) for key, values in samples.items()}
    everywhere = set.intersection(*(set(means) for means in scenarios.values())) if scenarios else set()
    if not everywhere:
        return {}
    least = {
        scenario: min(means[scenario] for means in scenarios.values()) if metric.logarithm else 0.0
        for scenario in everywhere
    }
    found = {
        key: mean(means[scenario] - least[scenario] for scenario in sorted(everywhere))
        for key, means in scenarios.items()
    }
    return {key: math.exp(value) if metric.logarithm else value for key, value in found.items()}


def heat_map_figure(results: Results, down: str, across: str) -> Optional[Figure]:
    """A panel for each policy that the parameters change; None where they change none."""
    study = results.study
    moved = [policy for policy in results.policies if is_moved(results, policy, (down, across))]
    found: dict[int, tuple[Cells, Cells]] = {}
    for policy in moved:
        ratios, flaps = (cell_means(results, policy, down, across, metric) for metric in (MAKESPAN, FLAP_RATE))
        if ratios and flaps:
            found[policy] = (ratios, flaps)
    if not found:
        return None
    order = sorted(found, key=lambda policy: (policy != study.baseline_id, -spread(found[policy][0]), policy))
    chosen = [policy for policy in found if policy in order[:POLICIES_MOST]]
    scale = depth_scale(max(found[policy][0].values()) for policy in chosen)
    most_flaps = max(max(max(found[policy][1].values()) for policy in chosen), 1.0)
    names, files = (escape(down), escape(across)), file_names(study)
    rest = labels_of(study, (policy for policy in found if policy not in chosen))
    notes = f" Left out, as the parameters change their makespan less: {rest}." if rest else ""
    still = labels_of(study, (policy for policy in results.policies if policy not in moved))
    notes += f" Not drawn, as neither parameter changes any of their runs: {still}." if still else ""
    counts = (
        plural(len(results.runs), "run"),
        plural(len(results.scenarios), "scenario"),
        plural(len(results.seeds), "seed"),
    )
    panels = [
        grid_panel(study.policies[policy].label, down, across, *found[policy], scale, most_flaps)
        for policy in chosen
    ]
    return Figure(
        f"parameters-{files[down]}-by-{files[across]}",
        f"<b>{names[0]}</b> and <b>{names[1]}</b> together",
        f"Which combination of <b>{names[0]}</b> (rows) and <b>{names[1]}</b> (columns) suits a policy best? On"
        " the left makespan, where the framed cell is the shortest; on the right flaps per 100 launches. Deeper"
        " orange is worse.",
        "Makespan: geometric mean over scenarios of the policy's makespan divided by its own shortest one on"
        " that scenario under any combination; 1.00 would be the best combination on every scenario. Flaps:"
        f" mean over scenarios. Colours have the same scale in all panels. n = {', '.join(counts)}.{notes}",
        panels,
        cell_table(study, down, across, {policy: found[policy] for policy in chosen}),
        columns=2 if max(panel.width for panel in panels) <= PAIRED_INCHES_MOST else 1,
    )


def cell_table(study: Study, down: str, across: str, found: dict[int, tuple[Cells, Cells]]) -> Table:
    """The cells in numbers."""
    rows = []
    for policy, (ratios, flaps) in found.items():
        for key in sorted(ratios):
            values = (significant(ratios[key]), significant(flaps.get(key, 0.0)))
            rows.append((study.policies[policy].label, f"{key[0]:g}", f"{key[1]:g}", *values))
    return Table(("policy", down, across, "makespan", "flaps / 100"), rows)


def spread(cells: Cells) -> float:
    """How far the greatest is from the least."""
    return max(cells.values()) - min(cells.values())


def grid_panel(
    policy: str, down: str, across: str, ratios: Cells, flaps: Cells, scale: float, most_flaps: float
) -> Panel:
    """Makespan and flaps of a policy side by side."""
    rows = sorted({key[0] for key in ratios})
    columns = sorted({key[1] for key in ratios})
    best = min(ratios, key=lambda key: (ratios[key], key))
    left_grid = value_grid(
        rows, columns, {key: ratio_cell(value, scale, key == best) for key, value in ratios.items()}
    )
    right_grid = value_grid(
        rows,
        columns,
        {
            key: Cell(f"{value:.1f}" if value < 99.95 else f"{value:.0f}", value / most_flaps)
            for key, value in flaps.items()
        },
    )
    between = 0.2 + max(text_inches(f"{value:g}", SMALL) for value in rows)
    left = between + 0.1
    width = CELL_INCHES * len(columns)
    top = 0.5
    height = top + left_grid.height + 0.06

    def draw(sheet: Sheet) -> None:
        for at, (grid, heading) in enumerate(((left_grid, "makespan"), (right_grid, "flaps per 100 launches"))):
            start = left + at * (width + between)
            draw_grid(sheet, grid, start, top, CELL_INCHES)
            sheet.text(start, 0.1, heading, size=SMALL, weight="bold", ha="left", va="baseline")
            sheet.heading(start + width / 2, 0.28, shortened(across, 30), "center")
        middle = top + ROW_INCHES * len(rows) / 2
        style = {"color": LIGHT["muted"], "rotation": 90, "ha": "center", "va": "center"}
        sheet.text(0.1, middle, shortened(down, 24), size=SMALL, **style)

    return Panel(
        max(left + 2 * width + between + 0.05, 3.4),
        height,
        draw,
        f"{policy}: the shortest makespan is at {down} {best[0]:g} and {across} {best[1]:g}; the greatest ratio"
        f" to it is {significant(max(ratios.values()))}.",
        shortened(policy, 40),
    )


def value_grid(rows: Sequence[float], columns: Sequence[float], cells: dict[tuple[float, float], Cell]) -> Grid:
    """Cells by their parameters' values."""
    placed = {(rows.index(key[0]), columns.index(key[1])): cell for key, cell in cells.items()}
    return Grid([f"{value:g}" for value in rows], [f"{value:g}" for value in columns], placed, slanted=False)
