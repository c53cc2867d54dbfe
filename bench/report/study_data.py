"""What a study's database holds, as plain values: times in integer nanoseconds, sizes in bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Optional

# The order in which backends are shown; the first one present is the main one.
BACKENDS = ("sim", "threads", "cuda")
BACKEND_NAMES = {"sim": "the simulator", "threads": "host threads", "cuda": "the card"}
TOPOLOGIES = ("empty", "sparse", "hybrid", "dense", "fused", "memory")


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario's file; `digest` is the XXH64 of its text, in hex."""

    path: str
    digest: str


@dataclass(frozen=True)
class Scenario:
    """One run of a scenario file; `label` is FILE/RUN."""

    id: int
    label: str
    file: ScenarioFile


@dataclass(frozen=True)
class Policy:
    """A policy as the study names it; `settings` are KEY=VALUE, what `--set` takes."""

    id: int
    label: str
    name: str
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Variant:
    """A combination of parameters: `numbers` has those that are numbers, `values` the text of all."""

    id: int
    label: str
    settings: tuple[str, ...]
    values: dict[str, str]
    numbers: dict[str, float]


@dataclass(frozen=True)
class Run:
    """One run. Figures are None where the run failed, or where they do not apply."""

    id: int
    scenario: int
    policy: int
    variant: int
    backend: str
    seed: int
    status: str
    error: Optional[str]
    graph: Optional[str]
    device: Optional[str]
    device_digest: Optional[str]
    makespan_ns: Optional[int]
    launches: Optional[int]
    switches: Optional[int]
    flaps: Optional[int]
    drain_ns: Optional[int]
    relaunch_ns: Optional[int]
    compilation_ns: Optional[int]
    waiting_ns: Optional[int]
    hindsight_ns: Optional[int]
    items_done: Optional[int]
    latency_p50_ns: Optional[int]
    latency_p99_ns: Optional[int]

    @property
    def done(self) -> bool:
        """Whether it finished with a makespan that can be compared: ratios to 0 ns say nothing."""
        return self.status == "done" and self.makespan_ns is not None and self.makespan_ns > 0


@dataclass(frozen=True)
class Session:
    """One invocation of `megabed study`, and what its runs cost: `wall_ns` summed over `runs` of them."""

    id: int
    started_utc: str
    ended_utc: Optional[str]
    command: str
    version: str
    revision: str
    compiler: str
    host: str
    system: str
    cores: int
    jobs: int
    processes: int
    runs: int
    wall_ns: int


@dataclass(frozen=True)
class Missing:
    """How many runs of a scenario and a policy have no row yet."""

    scenario: int
    policy: int
    runs: int


@dataclass
class Study:
    """A whole study. Dictionaries are keyed by the database's ids and ordered by them."""

    name: str
    summary: str
    question: str
    method: str
    baseline: str
    path: str
    text: str
    digest: str
    version: str
    revision: str
    planned: int
    database: str
    scenarios: dict[int, Scenario]
    policies: dict[int, Policy]
    variants: dict[int, Variant]
    files: list[ScenarioFile]
    runs: list[Run]
    sessions: list[Session]
    shares: dict[int, dict[str, int]] = field(default_factory=dict)  # run -> topology -> ns

    @property
    def backends(self) -> list[str]:
        """Backends that have a finished run, the main one first."""
        present = {run.backend for run in self.runs if run.done}
        return [name for name in BACKENDS if name in present] + sorted(present - set(BACKENDS))

    @property
    def baseline_id(self) -> Optional[int]:
        """The policy that others are compared with; None where the study names one that it does not run."""
        return next((policy.id for policy in self.policies.values() if policy.label == self.baseline), None)

    @property
    def failed(self) -> list[Run]:
        """Runs that failed."""
        return [run for run in self.runs if run.status == "failed"]

    @property
    def seeds(self) -> list[int]:
        """Seeds of the runs that there are."""
        return sorted({run.seed for run in self.runs})

    def missing(self) -> list[Missing]:
        """Runs of the cross product that have no row, by scenario and policy, where there are any."""
        wanted = self.planned // max(1, len(self.scenarios) * len(self.policies))
        have = Counter((run.scenario, run.policy) for run in self.runs)
        return [
            Missing(scenario, policy, wanted - have[scenario, policy])
            for scenario in self.scenarios
            for policy in self.policies
            if have[scenario, policy] < wanted
        ]

    def numeric_parameters(self) -> dict[str, list[float]]:
        """Parameters all of whose values are numbers, with these in order."""
        found: dict[str, set[float]] = {}
        texts: set[str] = set()
        for variant in self.variants.values():
            for name in variant.values:
                if name in variant.numbers:
                    found.setdefault(name, set()).add(variant.numbers[name])
                else:
                    texts.add(name)
        return {name: sorted(values) for name, values in found.items() if name not in texts}
