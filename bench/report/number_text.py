"""Numbers as people read them: three significant digits, thousands apart, times in a unit that fits."""

from __future__ import annotations

import math
from typing import Callable, Optional

from intervals import Interval

MICRO = "\u00b5s"
TIMES = "\u00d7"
DASH = "\u2013"
MINUS = "\u2212"
PLUS_MINUS = "\u00b1"
UNITS = ((1.0, "ns"), (1e3, MICRO), (1e6, "ms"), (1e9, "s"))


def significant(value: float, digits: int = 3) -> str:
    """The value to that many significant digits: 0.0123, 1.04, 12.3, 1,230; from 1e7 on as 1.23e8."""
    if value == 0:
        return "0"
    if not math.isfinite(value) or abs(value) >= 1e7:
        return f"{value:.{digits - 1}e}".replace("e+0", "e").replace("e+", "e").replace("-", MINUS)
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    if rounded != 0 and math.floor(math.log10(abs(rounded))) > math.floor(math.log10(abs(value))):
        decimals -= 1  # 9.996 is 10.0, not 10.00
    return f"{rounded:,.{min(max(decimals, 0), 12)}f}".replace("-", MINUS)


def count(value: float) -> str:
    """A whole number with thousands apart; others with one decimal."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def unit_for(greatest_ns: float) -> tuple[float, str]:
    """Nanoseconds of the unit in which times up to this one read well, and its name."""
    chosen = UNITS[0]
    for unit in UNITS:
        if greatest_ns >= unit[0]:
            chosen = unit
    return chosen


def duration(nanoseconds: float) -> str:
    """A time to three significant digits: 176 us, 1.23 ms."""
    scale, unit = unit_for(abs(nanoseconds) * 1.0005)  # 999.7 us is 1.00 ms
    return f"{significant(nanoseconds / scale)} {unit}"


def percent(share: float) -> str:
    """A share to three significant digits as a percentage; below 0.01 % is 0."""
    return f"{significant(share * 100) if abs(share) >= 1e-4 else '0'} %"


def ratio_interval(interval: Interval) -> str:
    """The interval's ends, or a dash where there is none."""
    if interval.low is None or interval.high is None:
        return DASH
    return f"{significant(interval.low)} to {significant(interval.high)}"


def percent_interval(interval: Interval) -> str:
    """Likewise, of ratios whose excess over 1 is a percentage: regret."""
    if interval.low is None or interval.high is None:
        return DASH
    return f"{percent(interval.low - 1).removesuffix(' %')} to {percent(interval.high - 1)}"


def maybe(value: Optional[float], show: Callable[[float], str] = significant) -> str:
    """What `show` makes of a value, or a dash where there is none."""
    return DASH if value is None else show(value)


def plural(number: int, one: str, more: Optional[str] = None) -> str:
    """The number with its noun."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def shortened(text: str, most: int) -> str:
    """At most so many characters, the middle left out; control characters become blanks."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    if len(clean) <= most:
        return clean
    tail = (most - 1) // 2
    return f"{clean[:most - 1 - tail]}\u2026{clean[len(clean) - tail:]}"


def listed(names: list[str], most: int = 6) -> str:
    """Names in a row, the rest counted."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
