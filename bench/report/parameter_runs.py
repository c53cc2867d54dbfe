"""Flaps, switches and makespans by the value of a parameter, usually the width of the hysteresis band."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from html import escape
from typing import Callable, Iterable, Mapping, Optional, Sequence

from intervals import Interval, Sample, clustered_interval, mean, mean_interval
from number_text import listed
from points import Results
from study_data import Run, Study

VALUES_LEAST = 3


@dataclass(frozen=True)
class Curve:
    """A policy's figure at each value of the parameter that it has runs for."""

    policy: int
    values: list[float]
    intervals: list[Interval]


@dataclass(frozen=True)
class Metric:
    """What an axis shows: `of` a run, None where it has none; `logarithm`: means are geometric ones."""

    name: str
    of: Callable[[Run], Optional[float]]
    logarithm: bool = False
    whole: bool = False


FLAPS = Metric("flaps", lambda run: run.flaps, whole=True)
SWITCHES = Metric("switches", lambda run: run.switches, whole=True)
MAKESPAN = Metric(
    "makespan", lambda run: math.log(run.makespan_ns) if run.makespan_ns else None, logarithm=True
)


def per_hundred(value: Optional[int], launches: Optional[int]) -> Optional[float]:
    """A count per 100 launches."""
    return None if value is None or not launches else 100 * value / launches


FLAP_RATE = Metric("flaps per 100 launches", lambda run: per_hundred(run.flaps, run.launches))
SWITCH_RATE = Metric("switches per 100 launches", lambda run: per_hundred(run.switches, run.launches))


def file_names(study: Study) -> dict[str, str]:
    """Each numeric parameter for files' names and identifiers: letters, digits and hyphens, no two the same."""
    names: dict[str, str] = {}
    for parameter in study.numeric_parameters():
        kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in parameter.lower())
        name = "-".join(part for part in kept.split("-") if part)[:40] or "parameter"
        names[parameter] = f"{name}-{len(names) + 1}" if name in names.values() else name
    return names


def labels_of(study: Study, policies: Iterable[int]) -> str:
    """Labels of policies in HTML."""
    return listed([escape(study.policies[policy].label) for policy in policies], 12)


def is_moved(results: Results, policy: int, parameters: Sequence[str]) -> bool:
    """Whether some of a policy's runs that differ in these parameters alone have different makespans or flaps.
    Where no runs do, as other parameters always change with them, whether any of a scenario and seed have."""
    alone: dict[tuple, set[tuple]] = defaultdict(set)
    anyhow: dict[tuple, set[tuple]] = defaultdict(set)
    values_of: dict[tuple, set[tuple]] = defaultdict(set)
    for run in results.runs:
        if run.policy == policy:
            values = results.study.variants[run.variant].values
            others = tuple(item for item in sorted(values.items()) if item[0] not in parameters)
            outcome = (run.makespan_ns, run.flaps)
            alone[run.scenario, run.seed, others].add(outcome)
            anyhow[run.scenario, run.seed].add(outcome)
            values_of[run.scenario, run.seed, others].add(tuple(values.get(name) for name in parameters))
    comparable = any(len(values) > 1 for values in values_of.values())
    return any(len(outcomes) > 1 for outcomes in (alone if comparable else anyhow).values())


class ParameterRuns:
    """A backend's finished runs by scenario, policy and value of one parameter."""

    def __init__(self, results: Results, parameter: str) -> None:
        self.results = results
        self.parameter = parameter
        self.groups: dict[tuple[int, int, float], list[Run]] = defaultdict(list)
        for run in results.runs:
            value = results.study.variants[run.variant].numbers.get(parameter)
            if value is not None:
                self.groups[run.scenario, run.policy, value].append(run)
        self.values = sorted({key[2] for key in self.groups})
        self.scenarios = [
            scenario
            for scenario in results.scenarios
            if len({key[2] for key in self.groups if key[0] == scenario}) >= VALUES_LEAST
        ]

    def scenario_curve(self, scenario: int, policy: int, metric: Metric) -> Curve:
        """Means over seeds with Student's intervals; within a seed, other parameters are averaged over."""
        curve = Curve(policy, [], [])
        for value in self.values:
            by_seed: dict[int, list[float]] = defaultdict(list)
            for run in self.groups.get((scenario, policy, value), []):
                taken = metric.of(run)
                if taken is not None:
                    by_seed[run.seed].append(taken)
            if by_seed:
                interval = mean_interval([mean(values) for values in by_seed.values()])
                curve.values.append(value)
                curve.intervals.append(interval.exp() if metric.logarithm else interval)
        return curve

    def overall_curve(self, policy: int, metric: Metric, offsets: Mapping[int, float]) -> Curve:
        """Means over scenarios with their intervals; `offsets` are taken off each scenario's values first."""
        curve = Curve(policy, [], [])
        for value in self.values:
            samples = []
            for scenario in self.scenarios:
                for run in self.groups.get((scenario, policy, value), []):
                    taken = metric.of(run)
                    if taken is not None:
                        samples.append(
                            Sample(scenario, run.variant, run.seed, taken - offsets.get(scenario, 0.0))
                        )
            if samples:
                interval = clustered_interval(samples).interval
                curve.values.append(value)
                curve.intervals.append(interval.exp() if metric.logarithm else interval)
        return curve

    def best_makespans(self) -> dict[int, float]:
        """ln of the shortest mean makespan of each scenario, over policies and values."""
        best: dict[int, float] = {}
        for scenario in self.scenarios:
            means = [
                mean(MAKESPAN.of(run) or 0.0 for run in runs)
                for key, runs in sorted(self.groups.items())
                if key[0] == scenario
            ]
            best[scenario] = min(means)
        return best

    def change(self, scenario: int, policy: int) -> float:
        """How much a policy reacts to the parameter: by how many percent its makespan changes from the
        shortest to the longest mean, and by how many flaps per 100 launches."""
        total = 0.0
        for metric in (MAKESPAN, FLAP_RATE):
            means = [
                100 * math.log(interval.mean) if metric.logarithm else interval.mean
                for interval in self.scenario_curve(scenario, policy, metric).intervals
            ]
            total += max(means) - min(means) if means else 0.0
        return total

    def moved_policies(self) -> list[int]:
        """Policies of which a run differs from one that differs in the parameter alone: others ignore it."""
        return [policy for policy in self.results.policies if is_moved(self.results, policy, (self.parameter,))]

    def policies_that_react(self, among: list[int], most: int) -> list[int]:
        """At most so many of the policies, in order: the baseline, and those that the parameter changes
        most."""
        baseline = self.results.study.baseline_id
        total = {policy: sum(self.change(scenario, policy) for scenario in self.scenarios) for policy in among}
        chosen = sorted(among, key=lambda policy: (policy != baseline, -total[policy], policy))[:most]
        return [policy for policy in among if policy in chosen]

    def scenarios_that_change(self, most: int) -> list[int]:
        """At most so many scenarios, in order: those where the parameter changes the policies most."""
        total = {
            scenario: sum(self.change(scenario, policy) for policy in self.results.policies)
            for scenario in self.scenarios
        }
        chosen = sorted(self.scenarios, key=lambda scenario: (-total[scenario], scenario))[:most]
        return [scenario for scenario in self.scenarios if scenario in chosen]
