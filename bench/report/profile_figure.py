"""Performance profiles as a figure."""

from __future__ import annotations

import math
from typing import Optional

from matplotlib.axes import Axes

from axis_ticks import ratio_label, ratio_ticks, set_log_axis
from figures import NARROW_INCHES, Figure, LegendEntry, Panel, Sheet, Table
from number_text import percent, plural
from palette import PolicyStyle
from performance_profile import Profile, performance_profiles
from points import Results

TAUS = (1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 5.0)
TAU_MOST = 20.0


def profile_figure(results: Results, styles: dict[int, PolicyStyle], suffix: str) -> Optional[Figure]:
    """The profiles as steps; None where fewer than two policies can be compared."""
    profiles, missing = performance_profiles(results)
    if len(profiles) < 2:
        return None
    label = {policy: results.study.policies[policy].label for policy in results.policies}
    order = sorted(profiles, key=lambda profile: (-profile.within(1.0), -profile.within(1.25), profile.policy))
    greatest = max(profile.ratios[-1] for profile in profiles if profile.ratios)
    high = min(TAU_MOST, max(1.02, greatest * 1.03))
    fastest = "; ".join(f"{label[profile.policy]} {percent(profile.within(1.0))}" for profile in order)
    alt = f"Performance profiles. Share of points where each policy is fastest: {fastest}"
    return Figure(
        f"performance-profile{suffix}",
        "Performance profiles",
        "How often is a policy the fastest (left edge), and how often is it at least not much slower (further"
        " right)? The curve that is higher is better; one that never reaches 100 % failed somewhere.",
        "Share of points at which a policy's makespan is at most \u03c4 times the shortest of all policies"
        " (Dolan and Mor\u00e9 2002). A point is a scenario under one combination of parameters; its makespan"
        " the geometric mean over seeds, infinite where a run failed. n ="
        f" {plural(profiles[0].points, 'point')}.{left_out(profiles, missing, high)} The profile compares each"
        " policy with the best of those shown: what two of them make of each other is in the ratios.",
        [Panel(6.2, 3.5, lambda sheet: draw(sheet, order, styles, high), alt, narrow=(NARROW_INCHES, 3.0))],
        profile_table(order, label),
        [LegendEntry(label[profile.policy], *line_of(styles[profile.policy])) for profile in order],
    )


def left_out(profiles: list[Profile], missing: int, high: float) -> str:
    """What the figure does not show, in sentences."""
    beyond = sum(profile.beyond(high) for profile in profiles)
    notes = f" Left out: {plural(missing, 'point')} where a policy's runs are missing." if missing else ""
    return notes + (f" Ratios beyond the right edge: {beyond:,}." if beyond else "")


def line_of(style: PolicyStyle) -> tuple[str, str, tuple[float, ...]]:
    """Colour, no marker, and dashes."""
    return style.role, "", style.dashes


def profile_table(profiles: list[Profile], label: dict[int, str]) -> Table:
    """The curves at a few factors."""
    rows = []
    for profile in profiles:
        shares = [profile.within(tau) for tau in TAUS] + [1 - len(profile.ratios) / profile.points]
        rows.append((label[profile.policy], *map(percent, shares)))
    return Table(("policy", *(f"\u03c4 = {tau:g}" for tau in TAUS), "failed"), rows)


def draw(sheet: Sheet, profiles: list[Profile], styles: dict[int, PolicyStyle], high: float) -> None:
    """All curves, the best on top."""
    axes = sheet.axes(0.55, 0.1, sheet.width - 0.7, sheet.height - 0.55)
    ticks = ratio_ticks(1.0, high, 7 if sheet.width > NARROW_INCHES else 5)
    set_log_axis(axes, 1.0, high, ticks, ratio_label)
    axes.set_ylim(0, 1.015)
    axes.yaxis.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.yaxis.grid(True)
    axes.set_xlabel("\u03c4: factor of the shortest makespan (logarithmic)")
    axes.set_ylabel("points within the factor")
    for profile in reversed(profiles):
        draw_profile(axes, profile, styles[profile.policy], high)


def draw_profile(axes: Axes, profile: Profile, style: PolicyStyle, high: float) -> None:
    """One curve: it steps up at each ratio."""
    ratios = sorted(set(profile.ratios))
    xs = [0.0] + [math.log(ratio) for ratio in ratios if 1 < ratio <= high] + [math.log(high)]
    ys = [profile.within(math.exp(x)) for x in xs]
    steps = {"drawstyle": "steps-post", "solid_joinstyle": "miter", "clip_on": False}
    (line,) = axes.plot(xs, ys, color=style.colour, linewidth=style.width, **steps)
    if style.dashes:
        line.set_dashes(style.dashes)
