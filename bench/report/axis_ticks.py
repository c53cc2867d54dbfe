"""Axes: round ticks on logarithmic scales of ratios, regrets and times, and plain ones with units.

Logarithmic axes hold natural logarithms on a linear scale, so that ticks stand where a reader would put them.
"""

from __future__ import annotations

import math
from typing import Callable, Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from number_text import MINUS, TIMES, duration, unit_for

ENOUGH = 4


def spaced(tiers: Iterable[Iterable[float]], low: float, high: float, most: int) -> list[float]:
    """Values > 0 of the first tiers, as far as they lie in the range and leave room on a logarithmic axis of
    at most so many ticks; further tiers only while there are few."""
    gap = (math.log(high) - math.log(low)) / most
    taken: list[float] = []
    for tier in tiers:
        for value in tier if len(taken) < ENOUGH else ():
            if low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
                if all(abs(math.log(value / other)) >= gap for other in taken):
                    taken.append(value)
    return sorted(taken)


def decades(low: float, high: float, digits: Sequence[float]) -> list[float]:
    """Each digit of every power of ten that the range touches."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [digit * 10.0**power for digit in digits for power in powers]


def ratio_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round ratios around 1."""
    tiers = [[1.0], decades(low, high, (1,)), decades(low, high, (2, 5)), decades(low, high, (1.5, 3, 7))]
    for step in (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001):
        if high - low < 100 * step:
            tiers.append(
                [round(at * step, 6) for at in range(math.ceil(low / step), math.floor(high / step) + 1)]
            )
    return spaced(tiers, low, high, most)


def regret_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round regrets as ratios 1 + regret. Below no regret, 1, there are few."""
    farthest = max(high - 1, 1 - low, 1e-6)
    tiers = [[1.0]]
    for digits in ((1,), (5,), (2,), (3,), (1.5, 7), (4, 6, 8)):
        sizes = sorted(decades(farthest / 1e3, farthest, digits), reverse=True)
        tiers.append([1 + size for size in sizes] + [1 - size for size in sizes if size < 1])
    return spaced(tiers, low, max(high, 1 + 1e-6), most)


def time_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round times in ns."""
    digits = ((1,), (3,), (2, 5), (1.5, 4, 7), (1.2, 2.5, 6, 8))
    ticks = spaced([decades(low, high, of) for of in digits], low, high, most)
    if len(ticks) > 1:
        return ticks
    step = 10.0 ** math.floor(math.log10((high - low) / 2)) if high > low else 1.0
    while (high - low) / step > most - 1:
        step *= 2
    return [at * step for at in range(math.ceil(low / step), math.floor(high / step) + 1)]


def ratio_label(ratio: float) -> str:
    """A ratio on an axis."""
    return f"{ratio:g}{TIMES}"


def regret_label(ratio: float) -> str:
    """1 + regret as a percentage."""
    return f"{round((ratio - 1) * 100, 6):,.10g} %".replace("-", MINUS)


def set_log_axis(
    axes: Axes,
    low: float,
    high: float,
    ticks: Sequence[float],
    label: Callable[[float], str],
    vertical: bool = False,
) -> None:
    """Limits and ticks of an axis that holds natural logarithms."""
    axis = axes.yaxis if vertical else axes.xaxis
    (axes.set_ylim if vertical else axes.set_xlim)(math.log(low), math.log(high))
    axis.set_ticks([math.log(tick) for tick in ticks], [label(tick) for tick in ticks])
    axis.grid(True)


def set_log_time_axis(axes: Axes, low: float, high: float, vertical: bool = False, most: int = 6) -> None:
    """A logarithmic axis of times in ns, each tick with its unit."""
    set_log_axis(axes, low, high, time_ticks(low, high, most), short_duration, vertical)


def short_duration(nanoseconds: float) -> str:
    """A round time without digits that say nothing: 200 us, 1.5 ms."""
    scale, unit = unit_for(nanoseconds * 1.0005)
    return f"{nanoseconds / scale:g} {unit}" if nanoseconds < 1e9 else duration(nanoseconds)


def padded(values: Sequence[float], share: float = 0.06, least: float = 0.02) -> tuple[float, float]:
    """Limits around positive values with room on both sides, measured on a logarithmic scale."""
    low, high = math.log(min(values)), math.log(max(values))
    room = max((high - low) * share, least)
    return math.exp(low - room), math.exp(high + room)


def set_linear_ticks(axes: Axes, most: int, whole: bool = False, vertical: bool = False) -> None:
    """At most so many round ticks, whole numbers where counts are shown."""
    axis = axes.yaxis if vertical else axes.xaxis
    axis.set_major_locator(
        MaxNLocator(nbins=most, integer=whole, steps=[1, 2, 2.5, 5, 10] if not whole else [1, 2, 5, 10])
    )
    axis.set_major_formatter(lambda value, _: tick_text(value))
    axis.grid(True)


def tick_text(value: float) -> str:
    """A number on an axis, with a true minus and millions as such."""
    text = f"{value:,.10g}" if abs(value) < 1e6 else f"{value / 1e6:,.10g} M"
    return text.replace("-", MINUS)


def without_ticks(axes: Axes, vertical: bool = True) -> None:
    """No ticks and no line on an axis whose rows are named otherwise."""
    (axes.yaxis if vertical else axes.xaxis).set_ticks([])
    axes.spines["left" if vertical else "bottom"].set_visible(False)
