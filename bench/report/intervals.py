"""Means with 95 % confidence intervals.

Sources: Student (1908) for the interval of a mean; Fleming and Wallace, CACM 29 (1986), for geometric means
of ratios; Ibragimov and Mueller, JBES 28 (2010), for one mean a cluster and Student's t over the clusters.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Iterable, Optional, Sequence

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean of `count` values; `low` and `high` are None where one value says nothing about the spread."""

    mean: float
    low: Optional[float]
    high: Optional[float]
    count: int

    def exp(self) -> "Interval":
        """Of a mean of logarithms, the geometric mean."""
        return Interval(
            math.exp(self.mean),
            None if self.low is None else bounded_exp(self.low),
            None if self.high is None else bounded_exp(self.high),
            self.count,
        )


@dataclass(frozen=True)
class Clustered:
    """An interval, and what its independent observations were: "scenarios", "seeds", or "" where there was
    one."""

    interval: Interval
    unit: str


@dataclass(frozen=True)
class Sample:
    """A value of one scenario under one variant and seed."""

    scenario: int
    variant: int
    seed: int
    value: float


def bounded_exp(value: float) -> float:
    """exp, without overflow."""
    return math.exp(min(max(value, -700.0), 700.0))


def central_probability(t: float, degrees: int) -> float:
    """P(|T| <= t) of Student's distribution. Source: Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = math.atan2(t, math.sqrt(degrees))
    sine, cosine_squared = math.sin(angle), math.cos(angle) ** 2
    odd = degrees % 2
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for step in range(degrees // 2):
        total += term
        term *= cosine_squared * (2 * step + 1 + odd) / (2 * step + 2 + odd)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


@lru_cache(maxsize=None)
def student_t(degrees: int, confidence: float = CONFIDENCE) -> float:
    """The t with P(|T| <= t) = confidence. Requires: degrees >= 1."""
    low, high = 0.0, 2.0
    while central_probability(high, degrees) < confidence:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if central_probability(middle, degrees) < confidence else (low, middle)
    return (low + high) / 2


def mean_interval(values: Sequence[float]) -> Interval:
    """The mean of independent values with Student's interval. Requires: at least one value."""
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return Interval(mean, None, None, 1)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = student_t(count - 1) * math.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half, count)


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean. Requires: at least one value."""
    taken = list(values)
    return math.fsum(taken) / len(taken)


def by_scenario(samples: Sequence[Sample]) -> dict[int, float]:
    """Each scenario's mean: of its variants' means, each of its seeds; so that no point weighs by its seeds."""
    points: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        points[sample.scenario][sample.variant].append(sample.value)
    return {
        scenario: mean(mean(values) for values in variants.values()) for scenario, variants in points.items()
    }


def clustered_interval(samples: Sequence[Sample]) -> Clustered:
    """The mean over scenarios, and Student's interval over their means: points of one scenario share its
    graph, and are no independent evidence. Of one scenario alone, the interval is over its seeds. Requires:
    a sample."""
    scenarios = list(by_scenario(samples).values())
    if len(scenarios) > 1:
        return Clustered(mean_interval(scenarios), "scenarios")
    seeds: dict[int, list[float]] = defaultdict(list)
    for sample in samples:
        seeds[sample.seed].append(sample.value)
    if len(seeds) > 1 and len({len(values) for values in seeds.values()}) == 1:
        return Clustered(mean_interval([mean(values) for values in seeds.values()]), "seeds")
    return Clustered(Interval(scenarios[0], None, None, 1), "")


def quantile(values: Sequence[float], share: float) -> float:
    """Linear between order statistics (definition 7 of Hyndman and Fan 1996). Requires: a value, 0 <= share
    <= 1."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def median(values: Sequence[float]) -> float:
    """The middle of the values. Requires: a value."""
    return quantile(values, 0.5)
