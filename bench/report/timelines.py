"""Topologies over time: a bar for each policy, a panel for each scenario."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from html import escape
from typing import Optional

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from axis_ticks import set_linear_ticks, without_ticks
from database import runs_with_timeline, timeline_of
from figures import Figure, LegendEntry, Panel, Sheet, Table
from intervals import median
from number_text import count, duration, percent, plural, shortened, unit_for
from palette import LIGHT, topology_role
from points import Results
from study_data import BACKEND_NAMES, TOPOLOGIES, Run
from text_size import label_inches
from timeline_stripes import Stripe, merged_segments

SCENARIOS_MOST = 12
LABEL_LETTERS = 16
ROW_INCHES, BAR_SHARE = 0.215, 0.74
WIDTH_INCHES, VALUES_INCHES = 4.9, 1.02
LONG = 3.0
CELLS_AN_INCH = 110  # a little more than a CSS pixel each


@dataclass(frozen=True)
class TimelineRow:
    """A policy's bar."""

    run: Run
    label: str
    stripes: list[Stripe]
    merged: int
    cut: bool

    @property
    def makespan(self) -> int:
        """Of the run, ns."""
        return self.run.makespan_ns or 0

    @property
    def recorded(self) -> int:
        """Nanoseconds up to which segments were kept."""
        return self.stripes[-1].end if self.stripes else 0


def timeline_runs(results: Results, kept: set[int]) -> dict[int, list[Run]]:
    """Runs of this backend with a timeline by scenario, policies in the study's order."""
    found: dict[int, list[Run]] = {}
    for run in sorted(results.runs, key=lambda run: (run.scenario, run.policy)):
        if run.id in kept:
            found.setdefault(run.scenario, []).append(run)
    return found


def timeline_figure(
    connection: sqlite3.Connection, results: Results, suffix: str, most: int = SCENARIOS_MOST
) -> Optional[Figure]:
    """Timelines of the scenarios where policies differ most; None where there are none."""
    by_scenario = timeline_runs(results, runs_with_timeline(connection))
    scenarios = results.most_different(most, list(by_scenario))
    if not scenarios:
        return None
    study = results.study
    shown = [run for scenario in scenarios for run in by_scenario[scenario]]
    left = label_inches([study.policies[run.policy].label for run in shown], LABEL_LETTERS)
    panels, rows = [], []
    for scenario in scenarios:
        reach = reach_of(by_scenario[scenario])
        mine = [
            timeline_row(connection, study.policies[run.policy].label, run, reach, left)
            for run in by_scenario[scenario]
        ]
        panels.append(timeline_panel(study.scenarios[scenario].label, mine, reach, left))
        rows += mine
    seen = {name for row in rows for stripe in row.stripes for name in stripe.shares}
    where = BACKEND_NAMES.get(results.backend, results.backend)
    return Figure(
        f"timelines{suffix}",
        "Topologies over time",
        "Which topology did each policy run, when, and for how long? Bars of one panel share an axis, so a"
        " shorter bar is a faster run; many changes of colour next to each other are flaps.",
        f"On {escape(where)}, the first seed of the first combination of parameters"
        f"{variant_words(results, shown)}; at the right makespan and flaps. n = {plural(len(rows), 'run')}."
        f"{notes_on(rows, len(scenarios), len(by_scenario))} Colours: Okabe and Ito (2008).",
        panels,
        timeline_table(results, rows),
        [LegendEntry(name, topology_role(name)) for name in in_order(seen)],
        columns=2,
    )


def in_order(topologies: set[str]) -> list[str]:
    """Topologies in the order of the others, then those that this version does not know."""
    return [name for name in TOPOLOGIES if name in topologies] + sorted(topologies - set(TOPOLOGIES))


def notes_on(rows: list[TimelineRow], shown: int, there: int) -> str:
    """What is not as it seems, in sentences."""
    notes = ""
    if any(row.cut for row in rows):
        notes += (
            f" Bars with an arrow go on beyond the axis, as they take more than {LONG:g} times the panel's"
            " median."
        )
    merged = sum(row.merged for row in rows)
    if merged:
        notes += (
            f" {plural(merged, 'segment')} too narrow to be seen {'is' if merged == 1 else 'are'} gathered into"
            " stripes: there the bar's height is split by the topologies' shares of the time, in eighths."
        )
    if shown < there:
        notes += f" Shown are the {shown} scenarios where makespans differ most, of {there}."
    return notes


def variant_words(results: Results, runs: list[Run]) -> str:
    """The combination of parameters that is shown, in brackets, where the study has parameters."""
    labels = {results.study.variants[run.variant].label for run in runs}
    return f" ({escape(labels.pop())})" if len(labels) == 1 and labels != {""} else ""


def timeline_table(results: Results, rows: list[TimelineRow]) -> Table:
    """The bars in numbers: shares are of the time in launches."""
    study = results.study
    headers = ("scenario", "policy", "makespan", "switches", "flaps", *(f"{name} %" for name in TOPOLOGIES))
    cells = []
    for row in rows:
        shares = study.shares.get(row.run.id, {})
        total = sum(shares.values())
        times = [
            percent(shares.get(name, 0) / total).removesuffix(" %") if total else "" for name in TOPOLOGIES
        ]
        counts = (count(row.run.switches or 0), count(row.run.flaps or 0))
        label = study.scenarios[row.run.scenario].label
        cells.append((label, row.label, duration(row.makespan), *counts, *times))
    return Table(headers, cells, frozenset({0, 1}))


def reach_of(runs: list[Run]) -> float:
    """Where the axis of a panel ends, ns: after the longest run, unless that would leave the others too
    small to see; then after the longest of those that take at most LONG times the median."""
    makespans = sorted(float(run.makespan_ns or 0) for run in runs)
    longest = makespans[-1]
    most = LONG * median(makespans)
    return longest if longest <= most else 1.06 * max(value for value in makespans if value <= most)


def timeline_row(
    connection: sqlite3.Connection, label: str, run: Run, reach: float, left: float
) -> TimelineRow:
    """A run's bar on the panel's axes, its segments merged where they are too narrow to be seen."""
    cells = CELLS_AN_INCH * (WIDTH_INCHES - left - VALUES_INCHES)
    segments = (
        (topology, start, min(end, math.ceil(reach)))
        for topology, start, end in timeline_of(connection, run.id)
        if start < reach
    )
    stripes, merged = merged_segments(segments, reach / cells)
    return TimelineRow(run, label, stripes, merged, (run.makespan_ns or 0) > reach)


def timeline_panel(title: str, rows: list[TimelineRow], reach: float, left: float) -> Panel:
    """All bars of a scenario on one axis."""
    fastest = min(rows, key=lambda row: (row.makespan, row.run.policy))
    flappiest = max(rows, key=lambda row: (row.run.flaps or 0, -row.run.policy))
    return Panel(
        WIDTH_INCHES,
        ROW_INCHES * len(rows) + 0.42,
        lambda sheet: draw_timelines(sheet, rows, reach, left),
        f"Timelines on {title}: {plural(len(rows), 'policy', 'policies')}, the fastest {fastest.label} with"
        f" {duration(fastest.makespan)}, the most flaps {count(flappiest.run.flaps or 0)} of"
        f" {flappiest.label}.",
        shortened(title, 40),
    )


def draw_timelines(sheet: Sheet, rows: list[TimelineRow], reach: float, left: float) -> None:
    """Labels, bars, and at the right makespans and flaps."""
    scale, unit = unit_for(reach)
    width = sheet.width - left - VALUES_INCHES
    axes = sheet.axes(left, 0.04, width, ROW_INCHES * len(rows))
    axes.set_xlim(0, reach / scale)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    without_ticks(axes)
    set_linear_ticks(axes, 5)
    axes.set_xlabel(f"time ({unit})")
    draw_stripes(axes, rows, scale)
    for place, row in enumerate(rows):
        draw_end(axes, place, row, reach, scale)
        middle = 0.04 + ROW_INCHES * (place + 0.5)
        sheet.beside(left - 0.07, middle, shortened(row.label, LABEL_LETTERS))
        sheet.beside(left + width + 0.62, middle, duration(row.makespan))
        sheet.beside(sheet.width - 0.02, middle, count(row.run.flaps or 0), faint=not row.run.flaps)
    sheet.heading(sheet.width - 0.02, -0.04, "flaps")
    sheet.heading(left + width + 0.62, -0.04, "makespan")


def draw_end(axes: Axes, place: int, row: TimelineRow, reach: float, scale: float) -> None:
    """An arrow where a bar goes on beyond the axis; dots where it was not recorded."""
    end = min(row.makespan, reach)
    if row.recorded and end - row.recorded > 0.002 * end:
        dots = {"linewidth": 1.0, "linestyle": (0, (1, 1.5)), "solid_capstyle": "butt"}
        axes.plot([row.recorded / scale, end / scale], [place, place], color=LIGHT["muted"], **dots)
    if row.cut:
        arrow = {"marker": ">", "markersize": 5.5, "markeredgewidth": 0.8, "clip_on": False, "zorder": 4}
        axes.plot([reach / scale], [place], color=LIGHT["ink"], markeredgecolor=LIGHT["surface"], **arrow)


def draw_stripes(axes: Axes, rows: list[TimelineRow], scale: float) -> None:
    """All stripes of one topology are one path, so that a figure stays small."""
    boxes: dict[str, list[tuple[float, float, float, float]]] = {}
    for place, row in enumerate(rows):
        for stripe in row.stripes:
            top = place - BAR_SHARE / 2
            for name, share in stripe.shares.items():
                boxes.setdefault(name, []).append(
                    (stripe.start / scale, stripe.end / scale, top, top + share * BAR_SHARE)
                )
                top += share * BAR_SHARE
    for name in in_order(set(boxes)):
        vertices = [
            corner
            for left, right, top, bottom in boxes[name]
            for corner in ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        ]
        codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(boxes[name])
        colour = LIGHT[topology_role(name)]
        axes.add_patch(PathPatch(Path(vertices, codes), facecolor=colour, linewidth=0, zorder=2))
