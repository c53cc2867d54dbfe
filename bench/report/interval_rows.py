"""Rows of means with their intervals on one logarithmic axis, a row a policy: what meta-analyses call a
forest plot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Sequence

from matplotlib.axes import Axes

from axis_ticks import padded, set_log_axis, without_ticks
from figures import NARROW_INCHES, Panel, Sheet
from intervals import Interval
from number_text import shortened
from palette import LIGHT
from text_size import SMALL, TEXT, label_inches, text_inches

ROW_INCHES = 0.25
AXIS_INCHES = 0.42
LABEL_LETTERS = 24
DOTS_BELOW, BAR_ABOVE = 0.21, 0.12  # rows


@dataclass(frozen=True)
class IntervalRow:
    """A policy's mean with its interval (None where it has none), a small dot for each of `dots`, and both as
    texts at the right. All values are ratios above 0. `emphasis` is for the baseline."""

    label: str
    interval: Interval
    dots: Sequence[float]
    mean: str
    ends: str = ""
    emphasis: bool = False


@dataclass(frozen=True)
class IntervalAxis:
    """The axis of the rows: its label and one for narrow screens, a line at `reference`, how ticks are found
    and named, and words above the texts at the right."""

    label: str
    short_label: str
    reference: float
    ticks: Callable[[float, float, int], list[float]]
    tick_label: Callable[[float], str]
    heading: str
    starts_at_reference: bool = False  # where nothing is below it


def interval_words(unit: str) -> str:
    """How an interval came about."""
    return {
        "scenarios": (
            "Bars: 95 % intervals by Student's t over the scenarios' means (one mean a scenario: first over "
            "the seeds of a point, then over the scenario's points, as these share a graph and are no "
            "independent evidence)"
        ),
        "seeds": (
            "Bars: 95 % intervals by Student's t over the seeds, as there is one scenario: they speak for it "
            "alone"
        ),
        "": "No intervals: one scenario under one seed says nothing about spread",
    }[unit]


def interval_panel(rows: Sequence[IntervalRow], axis: IntervalAxis, alt: str, width: float = 6.2) -> Panel:
    """The rows from top to bottom. Requires: a row."""
    height = 0.22 + ROW_INCHES * len(rows) + AXIS_INCHES
    return Panel(width, height, lambda sheet: draw_rows(sheet, rows, axis), alt, narrow=(NARROW_INCHES, height))


def limits_of(rows: Sequence[IntervalRow], axis: IntervalAxis) -> tuple[float, float]:
    """All dots and means, and intervals as far as they are not wider than three times that."""
    seen = [axis.reference]
    for row in rows:
        seen += [row.interval.mean, *row.dots]
    reach = 3 * max(math.log(max(seen) / min(seen)), 0.02)
    for row in rows:
        for end in (row.interval.low, row.interval.high):
            if end is not None and end > 0 and abs(math.log(end / axis.reference)) < reach:
                seen.append(end)
    low, high = padded(seen)
    starts = axis.starts_at_reference and min(seen) >= axis.reference * (1 - 1e-9)
    return (axis.reference if starts else low), high


def draw_rows(sheet: Sheet, rows: Sequence[IntervalRow], axis: IntervalAxis) -> None:
    """Draws labels, rows and the axis."""
    left = label_inches([row.label for row in rows], LABEL_LETTERS)
    whole = sheet.width > NARROW_INCHES
    heading = axis.heading if whole else axis.heading.split()[0]
    values = [f"{row.mean}  {row.ends}" if whole else row.mean for row in rows]
    width = sheet.width - left - 0.2 - max(text_inches(text, SMALL) for text in (*values, heading))
    axes = sheet.axes(left, 0.22, width, ROW_INCHES * len(rows))
    low, high = limits_of(rows, axis)
    set_log_axis(axes, low, high, axis.ticks(low, high, 7 if whole else 4), axis.tick_label)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    without_ticks(axes)
    axes.axvline(math.log(axis.reference), color=LIGHT["muted"], linewidth=0.9, zorder=1)
    sheet.heading(left + width + 0.14, 0.13, heading, "left")
    for place, (row, value) in enumerate(zip(rows, values)):
        draw_row(axes, place, row, math.log(low), math.log(high))
        middle = 0.22 + ROW_INCHES * (place + 0.5)
        label = shortened(row.label, LABEL_LETTERS)
        sheet.beside(left - 0.08, middle, label, size=TEXT, bold=row.emphasis)
        sheet.beside(left + width + 0.14, middle, value, align="left")
    axes.set_xlabel(axis.label if whole else axis.short_label)


def draw_row(axes: Axes, place: int, row: IntervalRow, low: float, high: float) -> None:
    """The interval as a bar, the mean as a diamond, dots below them; a bar that leaves the axes is cut."""
    edge = {"markerfacecolor": "none", "markeredgecolor": LIGHT["axis"], "markeredgewidth": 0.7}
    dots = {"linestyle": "none", "marker": "o", "markersize": 3.2, "zorder": 2, "clip_on": False, **edge}
    axes.plot([math.log(dot) for dot in row.dots], [place + DOTS_BELOW] * len(row.dots), **dots)
    colour = LIGHT["ink"] if row.emphasis else LIGHT["accent"]
    if row.interval.low is not None and row.interval.high is not None:
        ends = [max(low, math.log(row.interval.low)), min(high, math.log(row.interval.high))]
        bar = {"linewidth": 2.4, "solid_capstyle": "butt", "zorder": 3}
        axes.plot(ends, [place - BAR_ABOVE] * 2, color=colour, **bar)
    edge = {"markeredgecolor": LIGHT["surface"], "markeredgewidth": 0.8}
    diamond = {"marker": "D", "markersize": 5.0, "zorder": 4, "clip_on": False, **edge}
    axes.plot([math.log(row.interval.mean)], [place - BAR_ABOVE], color=colour, **diamond)
