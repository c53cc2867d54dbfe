"""Runs of one backend by point, policy and seed. A point is a scenario under one variant of the parameters."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Callable, Mapping, Optional

from intervals import Sample, mean
from study_data import Run, Study

Point = tuple[int, int]  # scenario and variant


class Results:
    """Finished runs of one backend, and seeds of the failed ones."""

    def __init__(self, study: Study, backend: str) -> None:
        self.study = study
        self.backend = backend
        self.done: dict[Point, dict[int, dict[int, Run]]] = defaultdict(lambda: defaultdict(dict))
        self.failed: dict[Point, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        for run in study.runs:
            if run.backend == backend:
                if run.done:
                    self.done[run.scenario, run.variant][run.policy][run.seed] = run
                else:
                    self.failed[run.scenario, run.variant][run.policy].add(run.seed)
        self.runs = [
            run for policies in self.done.values() for seeds in policies.values() for run in seeds.values()
        ]
        tried = {
            policy for point in (self.done, self.failed) for policies in point.values() for policy in policies
        }
        self.policies = [policy for policy in study.policies if policy in tried]
        self.scenarios = [
            scenario for scenario in study.scenarios if any(point[0] == scenario for point in self.done)
        ]

    @property
    def points(self) -> list[Point]:
        """Points with a finished run, in the study's order."""
        return sorted(self.done)

    @property
    def seeds(self) -> list[int]:
        """Seeds of the finished runs."""
        return sorted({run.seed for run in self.runs})

    def log_ratios(self, policy: int, other: int) -> list[Sample]:
        """ln(makespan / the other policy's) wherever both are done: the same point under the same seed."""
        samples = []
        for (scenario, variant), policies in sorted(self.done.items()):
            mine, others = policies.get(policy, {}), policies.get(other, {})
            samples += [
                Sample(scenario, variant, seed, log_ratio(mine[seed].makespan_ns, others[seed].makespan_ns))
                for seed in sorted(mine.keys() & others.keys())
            ]
        return samples

    def samples(self, policy: int, value: Callable[[Run], Optional[float]]) -> list[Sample]:
        """Some figure of each of a policy's finished runs, but for those that have none."""
        samples = []
        for (scenario, variant), policies in sorted(self.done.items()):
            for seed, run in sorted(policies.get(policy, {}).items()):
                taken = value(run)
                if taken is not None:
                    samples.append(Sample(scenario, variant, seed, taken))
        return samples

    def geometric_makespans(self, point: Point) -> dict[int, float]:
        """Each policy's geometric mean makespan at a point, ns, over the seeds it finished."""
        return {
            policy: math.exp(mean(math.log(run.makespan_ns or 1) for run in seeds.values()))
            for policy, seeds in sorted(self.done.get(point, {}).items())
            if seeds
        }

    def spread(self, scenario: int) -> float:
        """How much policies differ on a scenario: ln(longest / shortest makespan) where it is greatest."""
        spreads = [0.0]
        for point in self.points:
            if point[0] == scenario:
                makespans = self.geometric_makespans(point).values()
                spreads.append(math.log(max(makespans) / min(makespans)))
        return max(spreads)

    def most_different(self, most: int, among: Optional[list[int]] = None) -> list[int]:
        """At most so many scenarios, in the study's order: those where the policies differ most."""
        scenarios = self.scenarios if among is None else among
        chosen = set(sorted(scenarios, key=lambda scenario: (-self.spread(scenario), scenario))[:most])
        return [scenario for scenario in scenarios if scenario in chosen]


def log_ratio(numerator: Optional[int], denominator: Optional[int]) -> float:
    """ln of the ratio of two makespans, which finished runs have."""
    assert numerator and denominator
    return math.log(numerator / denominator)


def compared_makespans(results: Results) -> tuple[dict[Point, dict[int, float]], int]:
    """Points that every policy was run at, with each policy's geometric mean makespan in ns over the seeds
    that all have, and infinity where one of its runs failed; and how many points are left out for runs that
    are missing."""
    compared: dict[Point, dict[int, float]] = {}
    points = sorted(results.done.keys() | results.failed.keys())
    for point in points:
        done, failed = results.done.get(point, {}), results.failed.get(point, {})
        seeds = set.intersection(
            *(done.get(policy, {}).keys() | failed.get(policy, set()) for policy in results.policies)
        )
        if seeds and any(seeds & done.get(policy, {}).keys() for policy in results.policies):
            compared[point] = {
                policy: solved_makespan(done.get(policy, {}), seeds) for policy in results.policies
            }
    return compared, len(points) - len(compared)


def solved_makespan(runs: Mapping[int, Run], seeds: set[int]) -> float:
    """The geometric mean makespan over the seeds, ns; infinite where one of them failed."""
    if not seeds <= runs.keys():
        return math.inf
    return math.exp(mean(math.log(runs[seed].makespan_ns or 1) for seed in sorted(seeds)))
