"""Flaps, switches and makespan against a parameter, usually the width of the hysteresis band."""

from __future__ import annotations

import math
from html import escape
from typing import Mapping, Optional, Sequence

from matplotlib.axes import Axes

from axis_ticks import set_linear_ticks
from figures import Figure, LegendEntry, Panel, Sheet, Table
from intervals import Interval
from number_text import PLUS_MINUS, TIMES, maybe, plural, shortened, unit_for
from palette import LIGHT, PolicyStyle
from parameter_runs import (
    FLAP_RATE,
    FLAPS,
    MAKESPAN,
    SWITCH_RATE,
    SWITCHES,
    VALUES_LEAST,
    Curve,
    Metric,
    ParameterRuns,
    file_names,
    labels_of,
)
from points import Results

SCENARIOS_MOST = 12
POLICIES_MOST = 8
WIDTH_INCHES, AXES_INCHES, AXES_GAP = 3.3, 0.92, 0.17
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_BOTTOM = 0.62, 0.1, 0.42


def parameter_figures(results: Results, styles: dict[int, PolicyStyle]) -> list[Figure]:
    """A figure for each parameter with at least three numbers as values, where it changes a policy."""
    values = results.study.numeric_parameters()
    several = [parameter for parameter in values if len(values[parameter]) >= VALUES_LEAST]
    figures = [parameter_figure(ParameterRuns(results, parameter), styles) for parameter in several]
    return [figure for figure in figures if figure is not None]


def parameter_figure(runs: ParameterRuns, styles: dict[int, PolicyStyle]) -> Optional[Figure]:
    """All scenarios together, then those where the parameter matters most."""
    study = runs.results.study
    among = runs.moved_policies()
    if not runs.scenarios or not among:
        return None
    policies = runs.policies_that_react(among, POLICIES_MOST)
    scenarios = runs.scenarios_that_change(SCENARIOS_MOST)
    panels = [scenario_panel(runs, scenario, policies, styles) for scenario in scenarios]
    if len(runs.scenarios) > 1:
        panels.insert(0, overall_panel(runs, policies, styles))
    name = escape(runs.parameter)
    count = sum(len(group) for key, group in runs.groups.items() if key[1] in policies)
    return Figure(
        f"against-{file_names(study)[runs.parameter]}",
        f"What <b>{name}</b> does",
        f"Does a greater <b>{name}</b> calm a policy down, and what does it cost? Read the three axes of a"
        " panel together: flaps, changes of topology, and makespan at each value.",
        "Lines: means, of makespans geometric ones; bands: 95 % intervals by Student's t, for a scenario over"
        " its seeds, for all scenarios over the scenarios' means; none where there is one value or no spread,"
        " and cut where they leave the axes. All scenarios together: counts per 100 launches, and makespan over"
        " the scenario's shortest mean of all policies and values."
        f" n = {plural(count, 'run')} on {plural(len(runs.scenarios), 'scenario')}."
        f"{notes_on(runs, among, policies, scenarios)}",
        panels,
        lines_table(runs, policies),
        [legend_entry(study.policies[policy].label, styles[policy]) for policy in policies],
        columns=3,
    )


def notes_on(runs: ParameterRuns, among: list[int], policies: list[int], scenarios: list[int]) -> str:
    """What is left out and averaged over, in sentences of HTML."""
    study, notes = runs.results.study, ""
    if len(policies) < len(among):
        rest = labels_of(study, (policy for policy in among if policy not in policies))
        notes += f" Drawn are the {len(policies)} policies that react most to the parameter; left out: {rest}."
    still = labels_of(study, (policy for policy in runs.results.policies if policy not in among))
    if still:
        notes += f" Not drawn, as the parameter changes none of their runs: {still}."
    if len(scenarios) < len(runs.scenarios):
        notes += (
            f" Beside all scenarios together, shown are the {len(scenarios)} where flaps and makespan change"
            f" most, of {len(runs.scenarios)}."
        )
    others = [escape(name) for name in study.numeric_parameters() if name != runs.parameter]
    return notes + (f" Other parameters, which are averaged over: {', '.join(others)}." if others else "")


def legend_entry(label: str, style: PolicyStyle) -> LegendEntry:
    """A policy in the legend."""
    return LegendEntry(label, style.role, style.marker, style.dashes, style.hollow)


def lines_table(runs: ParameterRuns, policies: Sequence[int]) -> Table:
    """All scenarios together, in numbers."""
    offsets = runs.best_makespans()
    rows = []
    for policy in policies:
        curves = [
            runs.overall_curve(policy, metric, offsets if metric.logarithm else {})
            for metric in (FLAP_RATE, SWITCH_RATE, MAKESPAN)
        ]
        for value in runs.values:
            cells = []
            for curve in curves:
                at = curve.values.index(value) if value in curve.values else None
                interval = None if at is None else curve.intervals[at]
                cells += [maybe(interval and interval.mean), maybe(interval and half_width(interval))]
            rows.append((runs.results.study.policies[policy].label, f"{value:g}", *cells))
    return Table(
        (
            "policy",
            runs.parameter,
            "flaps / 100",
            PLUS_MINUS,
            "switches / 100",
            PLUS_MINUS,
            f"makespan ({TIMES} best)",
            PLUS_MINUS,
        ),
        rows,
        note="All scenarios together; \u00b1 is half the width of the 95 % interval.",
    )


def half_width(interval: Interval) -> Optional[float]:
    """Half the interval's width."""
    return None if interval.low is None or interval.high is None else (interval.high - interval.low) / 2


def overall_panel(runs: ParameterRuns, policies: Sequence[int], styles: dict[int, PolicyStyle]) -> Panel:
    """All scenarios together."""
    offsets = runs.best_makespans()
    none: Mapping[int, float] = {}
    stack = [
        ("flaps / 100", 1.0, FLAP_RATE, none),
        ("switches / 100", 1.0, SWITCH_RATE, none),
        (f"makespan ({TIMES} best)", 1.0, MAKESPAN, offsets),
    ]
    curves = [
        (label, scale, metric, [runs.overall_curve(policy, metric, taken) for policy in policies])
        for label, scale, metric, taken in stack
    ]
    return stacked_panel("all scenarios", runs, curves, styles)


def scenario_panel(
    runs: ParameterRuns, scenario: int, policies: Sequence[int], styles: dict[int, PolicyStyle]
) -> Panel:
    """One scenario."""
    makespans = [runs.scenario_curve(scenario, policy, MAKESPAN) for policy in policies]
    scale, unit = unit_for(
        max((interval.mean for curve in makespans for interval in curve.intervals), default=1.0)
    )
    curves = [
        (metric.name, 1.0, metric, [runs.scenario_curve(scenario, policy, metric) for policy in policies])
        for metric in (FLAPS, SWITCHES)
    ]
    curves.append((f"makespan ({unit})", scale, MAKESPAN, makespans))
    return stacked_panel(runs.results.study.scenarios[scenario].label, runs, curves, styles)


def stacked_panel(
    title: str,
    runs: ParameterRuns,
    stack: Sequence[tuple[str, float, Metric, list[Curve]]],
    styles: dict[int, PolicyStyle],
) -> Panel:
    """Axes below each other that share the parameter's axis."""
    height = len(stack) * AXES_INCHES + (len(stack) - 1) * AXES_GAP + MARGIN_BOTTOM + 0.05

    def draw(sheet: Sheet) -> None:
        top = 0.05
        for at, (label, scale, metric, curves) in enumerate(stack):
            axes = sheet.axes(MARGIN_LEFT, top, sheet.width - MARGIN_LEFT - MARGIN_RIGHT, AXES_INCHES)
            draw_curves(axes, curves, scale, styles, metric)
            axes.set_ylabel(label)
            axes.yaxis.set_label_coords(-MARGIN_LEFT / (sheet.width - MARGIN_LEFT - MARGIN_RIGHT) + 0.045, 0.5)
            set_parameter_axis(axes, runs.values, named=at == len(stack) - 1)
            top += AXES_INCHES + AXES_GAP
        axes.set_xlabel(shortened(runs.parameter, 40))

    first, last = runs.values[0], runs.values[-1]
    return Panel(
        WIDTH_INCHES,
        height,
        draw,
        f"{title}: flaps, switches and makespan of "
        f"{plural(len(stack[0][3]), 'policy', 'policies')} for {runs.parameter} from {first:g} to {last:g}.",
        shortened(title, 38),
    )


def set_parameter_axis(axes: Axes, values: Sequence[float], named: bool) -> None:
    """Ticks at the values that were run; logarithmic where they are positive and their range is wide."""
    low, high = values[0], values[-1]
    if low > 0 and high / low >= 16:
        axes.set_xscale("log")
        axes.minorticks_off()
    else:
        room = 0.03 * (high - low)
        axes.set_xlim(low - room, high + room)
    shown = thinned(values, low, high, logarithmic=low > 0 and high / low >= 16)
    axes.xaxis.set_ticks(shown, [f"{value:g}" for value in shown] if named else [""] * len(shown))
    axes.xaxis.grid(True)


def thinned(values: Sequence[float], low: float, high: float, logarithmic: bool) -> list[float]:
    """Values that have room for their labels, the ends in any case."""
    place = (
        (lambda value: math.log(value / low) / math.log(high / low))
        if logarithmic
        else (lambda value: (value - low) / (high - low))
    )
    kept = [low]
    for value in values[1:-1]:
        if place(value) - place(kept[-1]) >= 0.12 and 1 - place(value) >= 0.12:
            kept.append(value)
    return [*kept, high]


def draw_curves(
    axes: Axes, curves: Sequence[Curve], scale: float, styles: dict[int, PolicyStyle], metric: Metric
) -> None:
    """Lines above their bands, the first policy on top."""
    for at, curve in enumerate(reversed(curves)):
        style = styles[curve.policy]
        lows = [bounded(interval.low, interval, scale) for interval in curve.intervals]
        highs = [bounded(interval.high, interval, scale) for interval in curve.intervals]
        if any(low < high for low, high in zip(lows, highs)):
            axes.fill_between(curve.values, lows, highs, color=style.colour, alpha=0.16, linewidth=0, zorder=2)
        (line,) = axes.plot(
            curve.values,
            [interval.mean / scale for interval in curve.intervals],
            color=style.colour,
            linewidth=style.width,
            marker=style.marker,
            markersize=3.2,
            zorder=3 + at / 100,
            markerfacecolor=LIGHT["surface"] if style.hollow else style.colour,
            markeredgewidth=0.8,
            clip_on=False,
        )
        if style.dashes:
            line.set_dashes(style.dashes)
    means = [interval.mean / scale for curve in curves for interval in curve.intervals]
    set_value_limits(axes, means, curves, scale, metric)


def set_value_limits(
    axes: Axes, means: Sequence[float], curves: Sequence[Curve], scale: float, metric: Metric
) -> None:
    """Room for all means and for bands up to twice their reach; counts begin at 0."""
    low, high = min(means), max(means)
    reach = max(high - low, 0.02 * abs(high), 1e-9)
    highs = [
        min(bounded(interval.high, interval, scale), high + reach)
        for curve in curves
        for interval in curve.intervals
    ]
    lows = [
        max(bounded(interval.low, interval, scale), low - reach)
        for curve in curves
        for interval in curve.intervals
    ]
    if metric.logarithm:
        room = 0.05 * (max(highs) - min(lows)) + 0.002 * abs(high)
        axes.set_ylim(min(lows) - room, max(highs) + room)
    else:
        axes.set_ylim(0, max(1.0 if metric.whole else 0.1, max(highs)) * 1.06)
    set_linear_ticks(axes, 4, whole=metric.whole, vertical=True)


def bounded(end: Optional[float], interval: Interval, scale: float) -> float:
    """An interval's end for drawing: counts and times are not negative."""
    return max(0.0, interval.mean if end is None else end) / scale
