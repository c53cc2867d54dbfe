"""How well the simulator predicts what a backend measures."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Optional

from intervals import mean, median, quantile
from number_text import maybe, percent, plural, significant
from points import Point, Results
from rank_agreement import kendall_tau


@dataclass(frozen=True)
class Pair:
    """A policy at a point under both backends: medians over the seeds that both have, ns."""

    point: Point
    policy: int
    simulated: float
    measured: float
    seeds: int

    @property
    def error(self) -> float:
        """(simulated - measured) / measured."""
        return self.simulated / self.measured - 1


@dataclass(frozen=True)
class Agreement:
    """Absolute errors of pairs, and Kendall's tau-b over the policies of a point, averaged over each scenario's
    points and then over scenarios; None where no point orders two policies."""

    median_error: float
    p90_error: float
    tau: Optional[float]
    tau_scenarios: int
    pairs: int

    def sentences(self) -> str:
        """In words."""
        order = "no point orders two policies"
        if self.tau is not None:
            scenarios = plural(self.tau_scenarios, "scenario")
            order = f"Kendall's \u03c4 over policies {significant(self.tau)}, averaged over {scenarios}"
        errors = f"median {percent(self.median_error)}, 90th percentile {percent(self.p90_error)}"
        return f"Absolute error: {errors}; {order}."

    def tiles(self) -> str:
        """In large numbers: HTML."""
        tiles = (
            (percent(self.median_error), "median absolute error"),
            (percent(self.p90_error), "90th percentile of it"),
            (maybe(self.tau), "Kendall's \u03c4 over policies"),
            (f"{self.pairs:,}", "pairs compared"),
        )
        items = "".join(f"<li><b>{escape(number)}</b> {escape(words)}</li>" for number, words in tiles)
        return f'<ul class="tiles">{items}</ul>\n'


def matching_pairs(simulated: Results, measured: Results) -> list[Pair]:
    """Every point and policy that both have under the same seed."""
    pairs = []
    for point in simulated.points:
        for policy, runs in sorted(simulated.done[point].items()):
            others = measured.done.get(point, {}).get(policy, {})
            seeds = sorted(runs.keys() & others.keys())
            if seeds:
                times = (
                    median([float(side[seed].makespan_ns or 0) for seed in seeds]) for side in (runs, others)
                )
                pairs.append(Pair(point, policy, *times, len(seeds)))
    return pairs


def agreement_of(pairs: list[Pair]) -> Agreement:
    """Errors and order over all pairs. Requires: a pair."""
    errors = [abs(pair.error) for pair in pairs]
    points: dict[Point, list[Pair]] = {}
    for pair in pairs:
        points.setdefault(pair.point, []).append(pair)
    taus: dict[int, list[float]] = {}
    for point, mine in points.items():
        tau = kendall_tau([pair.simulated for pair in mine], [pair.measured for pair in mine])
        if tau is not None:
            taus.setdefault(point[0], []).append(tau)
    tau = mean(mean(values) for values in taus.values()) if taus else None
    return Agreement(median(errors), quantile(errors, 0.9), tau, len(taus), len(pairs))
