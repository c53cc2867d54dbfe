"""Makespans relative to the baseline's: over everything, by scenario and by point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Sequence

from intervals import Clustered, by_scenario, clustered_interval, mean, mean_interval
from points import Point, Results

EQUAL = 1e-12  # logarithms of ratios that are equal but for rounding


@dataclass(frozen=True)
class PolicyRatio:
    """A policy's makespan over the baseline's: geometric means over everything, by scenario and by point,
    and at how many points it is better, worse, or cannot be told apart from the baseline."""

    policy: int
    overall: Clustered
    scenarios: dict[int, float]
    points: dict[Point, float]
    better: int
    worse: int
    undecided: int

    @property
    def worst(self) -> Point:
        """The point where it does worst."""
        return max(self.points, key=lambda point: (self.points[point], point))

    @property
    def best(self) -> Point:
        """The point where it does best."""
        return min(self.points, key=lambda point: (self.points[point], point))


def policy_ratio(results: Results, policy: int, baseline: int) -> Optional[PolicyRatio]:
    """The policy against the baseline; None where no point has both."""
    samples = results.log_ratios(policy, baseline)
    if not samples:
        return None
    at_point: dict[Point, list[float]] = {}
    for sample in samples:
        at_point.setdefault((sample.scenario, sample.variant), []).append(sample.value)
    verdicts = [verdict(values) for values in at_point.values()]
    overall = clustered_interval(samples)
    return PolicyRatio(
        policy,
        Clustered(overall.interval.exp(), overall.unit),
        {scenario: math.exp(value) for scenario, value in by_scenario(samples).items()},
        {point: math.exp(mean(values)) for point, values in at_point.items()},
        verdicts.count(-1),
        verdicts.count(1),
        verdicts.count(0),
    )


def verdict(log_ratios: Sequence[float]) -> int:
    """-1 where a policy is faster at a point, 1 where it is slower, 0 where the paired 95 % interval over
    the seeds contains no difference. One seed alone is taken at its word."""
    interval = mean_interval(log_ratios)
    low = interval.mean if interval.low is None else interval.low
    high = interval.mean if interval.high is None else interval.high
    return -1 if high < -EQUAL else 1 if low > EQUAL else 0


def policy_ratios(results: Results) -> list[PolicyRatio]:
    """All policies against the baseline, the fastest first; empty where the baseline has no finished run."""
    baseline = results.study.baseline_id
    if baseline is None:
        return []
    found = [policy_ratio(results, policy, baseline) for policy in results.policies]
    return sorted(
        (ratio for ratio in found if ratio is not None),
        key=lambda ratio: (ratio.overall.interval.mean, ratio.policy),
    )
