#!/usr/bin/env python3
"""Databases of studies that nobody ran, for tests and for timing the report: made from
bench/study/schema.sql and a seed, with policies, frontiers and costs that are simple but behave as the real
ones do.

synthetic_study.py OUT.db --scenarios 20 --policies 10 --widths 5 --seeds 10
"""

from __future__ import annotations

import argparse
import json
import math
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

from study_writer import Key, StudyWriter

TOPOLOGIES = ("sparse", "hybrid", "dense", "fused", "memory")
SWITCH_NS = 8_700
POLICIES = """
    reference stateless hardened fixed:sparse fixed:dense fixed:hybrid gap cugraph bandit arcs gunrock
    gswitch vyre-driver fixed:fused fixed:memory
""".split()
SCENARIOS = """
    quickstart/road quickstart/social quickstart/rmat around-sparse/inside-the-band
    around-sparse/across-the-band around-sparse/walk around-dense/inside-the-band around-dense/walk
    tenant-burst/burst tenants/mixed rmat/14 rmat/17 rmat/20 pagerank/internet pagerank/small-world
    shortest-paths/road shortest-paths/mesh components/social internet/caida telemetry-faults/delayed
    co-tenants/spikes mesh/1024 social/circles memory-ramp/ramp
""".split()
BANDED = ("reference", "hardened", "vyre-driver", "arcs", "stateless")  # react to parameters
SERVICES = ("tenant-burst", "tenants")
WIDTHS = (250, 500, 125, 0, 1000, 750, 60, 1500, 2000)
THRESHOLDS = (500, 1000, 250, 2000, 4000)


@dataclass(frozen=True)
class Plan:
    """The cross product, and what goes wrong in it: shares of runs that fail and that are missing."""

    scenarios: int = 6
    policies: int = 5
    widths: int = 5
    thresholds: int = 1
    seeds: int = 3
    backends: tuple[str, ...] = ("sim",)
    failed: float = 0.0
    missing: float = 0.0
    launches: int = 300
    seed: int = 1
    baseline: str = "reference"
    rename: dict[str, str] = field(default_factory=dict)  # labels to write instead, hostile ones in tests


@dataclass
class Outcome:
    """What a policy made of a frontier: its launches' topologies and times, flaps, and the density at each
    launch."""

    topologies: list[str]
    times_ns: list[int]
    densities: list[int]
    flaps: int

    @property
    def switches(self) -> int:
        """Launches whose topology is not the one before."""
        return sum(left != right for left, right in zip(self.topologies, self.topologies[1:]))


def frontier(scenario: str, place: int, launches: int, chance: random.Random) -> list[int]:
    """Densities in basis points, launch by launch: one wave that rises and falls, or a walk around a
    threshold."""
    if "around" in scenario or "faults" in scenario:
        middle = 4000 if "dense" in scenario else 500
        amplitude = 450 if "across" in scenario else 160
        period = 20 if "across" in scenario else 6
        drift = 0.0
        densities = []
        for at in range(launches):
            drift = 0.9 * drift + chance.gauss(0, 90)
            wave = amplitude if at // (period // 2) % 2 else -amplitude
            densities.append(max(1, min(9999, round(middle + wave + drift))))
        return densities
    peak = 900 + 700 * (place * 5 % 11)
    count = max(8, launches // (2 + place % 5))
    return [
        max(
            1,
            min(
                9999,
                round(peak * math.exp(-(((at / count - 0.45) * 5) ** 2)) * math.exp(chance.gauss(0, 0.25))),
            ),
        )
        for at in range(count)
    ]


def launch_ns(topology: str, density: int, scale: float) -> int:
    """What a launch costs: a push with the frontier, a pull always the same, the others between."""
    share = density / 10000
    cost = {
        "sparse": 4.0 + 160 * share,
        "hybrid": 7.0 + 75 * share,
        "dense": 26.0 + 6 * share,
        "fused": 23.0 + 12 * share,
        "memory": 9.0 + 190 * share,
    }[topology]
    return round(cost * 1000 * scale)


def banded(density: int, sparse: int, dense: int) -> str:
    """The topology of a density without memory."""
    return "sparse" if density <= sparse else "dense" if density >= dense else "hybrid"


def held(density: int, previous: Optional[str], sparse: int, dense: int, width: int) -> str:
    """Likewise with hysteresis: what ran before is kept within half the width of the threshold it would
    cross."""
    bare = banded(density, sparse, dense)
    near = any(abs(density - threshold) <= width for threshold in (sparse, dense))
    return previous if previous in ("sparse", "hybrid", "dense") and near else bare


def chooser(
    policy: str, width: int, threshold: int, chance: random.Random
) -> Callable[[int, Optional[str]], str]:
    """The policy as a function of density and the topology before."""
    dense = max(4000, 4 * threshold)
    if policy.startswith("fixed:"):
        return lambda density, previous: policy.removeprefix("fixed:")
    if policy in ("reference", "hardened", "vyre-driver", "arcs"):
        factor = {"reference": 1.0, "hardened": 1.6, "vyre-driver": 0.5, "arcs": 2.0}[policy]
        shift = {"arcs": 3.0, "hardened": 1.4}.get(policy, 1.0)
        return lambda density, previous: held(
            density, previous, round(threshold * shift), dense, round(width * factor)
        )
    if policy == "bandit":
        return lambda density, previous: (
            chance.choice(TOPOLOGIES[:3]) if chance.random() < 0.05 else banded(density, 900, 3000)
        )
    cut = {"stateless": threshold, "gap": 700, "cugraph": 900, "gunrock": 400, "gswitch": 1500}[policy]
    upper = dense if policy == "stateless" else cut + 1
    return lambda density, previous: banded(density, cut, upper)


def run_policy(
    policy: str, densities: list[int], width: int, threshold: int, scale: float, chance: random.Random
) -> Outcome:
    """The policy along the frontier."""
    choose = chooser(policy, width, threshold, chance)
    outcome = Outcome([], [], densities, 0)
    previous: Optional[str] = None
    for at, density in enumerate(densities):
        topology = choose(density, previous)
        switched = previous is not None and topology != previous
        outcome.topologies.append(topology)
        outcome.times_ns.append(launch_ns(topology, density, scale) + (SWITCH_NS if switched else 0))
        outcome.flaps += switched and topology in outcome.topologies[max(0, at - 8) : at - 1]
        previous = topology
    return outcome


def hindsight_ns(densities: list[int], scale: float) -> int:
    """The cheapest sequence of topologies in retrospect, switches paid for."""
    best = {topology: 0 for topology in TOPOLOGIES[:4]}
    for density in densities:
        cheapest = min(best.values())
        best = {
            topology: min(cost, cheapest + SWITCH_NS) + launch_ns(topology, density, scale)
            for topology, cost in best.items()
        }
    return min(best.values())


class World:
    """A scenario as all policies meet it."""

    def __init__(self, plan: Plan, place: int, name: str) -> None:
        self.name = name
        self.service = name.split("/")[0] in SERVICES
        self.scale = math.exp(random.Random(f"{plan.seed} {name}").gauss(0, 0.8))
        self.bias = random.Random(f"bias {name}").gauss(0.03, 0.12)  # ln(measured / simulated)
        self.frontiers = {
            seed: frontier(name, place, plan.launches, random.Random(f"{plan.seed} {name} {seed}"))
            for seed in range(1, plan.seeds + 1)
        }
        self.hindsights = {
            seed: hindsight_ns(densities, self.scale) for seed, densities in self.frontiers.items()
        }


ERRORS = (
    "the budget is 1048576 bytes, and the graph alone takes 4194304",
    "no progress in 1000 launches",
    "the device was lost: unspecified launch failure",
)


class PlannedStudy:
    """Writes a plan's database."""

    def __init__(self, writer: StudyWriter, plan: Plan) -> None:
        self.writer = writer
        self.plan = plan
        self.scenarios = [
            SCENARIOS[at % len(SCENARIOS)] + ("" if at < len(SCENARIOS) else f"-{at}")
            for at in range(plan.scenarios)
        ]
        self.policies = POLICIES[: plan.policies]
        self.widths = sorted(WIDTHS[: plan.widths])
        self.thresholds = sorted(THRESHOLDS[: plan.thresholds])
        self.variants = [(width, threshold) for width in self.widths for threshold in self.thresholds]
        self.chance = random.Random(plan.seed)

    def write(self) -> None:
        """Everything."""
        plan, writer = self.plan, self.writer
        runs = len(self.scenarios) * len(self.policies) * len(self.variants) * len(plan.backends) * plan.seeds
        text = (
            f'# A study that nobody ran.\nformat = 1\nbaseline = "{plan.baseline}"\npolicies ='
            f" {json.dumps(self.policies)}\nseeds = {plan.seeds}\n\n[parameters]\nwidth = {self.widths}\n"
            f"threshold = {self.thresholds}\n"
        )
        writer.study(runs, plan.rename.get(plan.baseline, plan.baseline), text=text)
        writer.session(1, "megabed study hysteresis-width.toml --jobs 8 --db width.db", ended=False)
        writer.session(2, "mpirun -n 4 megabed study hysteresis-width.toml --db width.db")
        writer.scenarios(self.scenarios, plan.rename)
        writer.policies(self.policies, plan.rename)
        several = len(self.thresholds) > 1
        writer.variants(
            [
                {"width": width, **({"threshold": threshold} if several else {})}
                for width, threshold in self.variants
            ]
        )
        self.write_runs()

    def write_runs(self) -> None:
        """The cross product, seeds fastest."""
        row = 0
        for scenario, name in enumerate(self.scenarios, 1):
            world = World(self.plan, scenario, name)
            for policy, label in enumerate(self.policies, 1):
                for variant, values in enumerate(self.variants, 1):
                    for backend in self.plan.backends:
                        for seed in world.frontiers:
                            row += 1
                            key = (row, scenario, policy, variant, backend, seed)
                            self.write_run(key, world, label, *values)

    def write_run(self, key: Key, world: World, policy: str, width: int, threshold: int) -> None:
        """A run, unless it is missing."""
        if self.chance.random() < self.plan.missing:
            return
        row, _, _, variant, backend, seed = key
        session, wall_ns = (2 if row % 3 else 1), 1_000_000
        if self.chance.random() < self.plan.failed:
            self.writer.failed(key, ERRORS[row % 3])
        else:
            # Fixed rules of topology do as they do, whatever the width is.
            known = (world.name, policy, backend, seed) + ((width, threshold) if policy in BANDED else ())
            chance = random.Random(f"{self.plan.seed} {known}")
            outcome = run_policy(policy, world.frontiers[seed], width, threshold, world.scale, chance)
            if backend != "sim":
                factor = math.exp(world.bias + chance.gauss(0, 0.02))
                outcome.times_ns = [round(time * factor) for time in outcome.times_ns]
            self.write_done(key, world, outcome, chance)
            if variant == 1 and seed == 1:
                self.writer.timeline(row, segments_of(outcome)[:4096])
            wall_ns += 40_000 * len(outcome.times_ns)
        self.writer.insert("execution", run_id=row, session_id=session, process=row % 4, wall_ns=wall_ns)

    def write_done(self, key: Key, world: World, outcome: Outcome, chance: random.Random) -> None:
        """A finished run with its shares."""
        row, backend, seed = key[0], key[4], key[5]
        times = outcome.times_ns
        makespan, hindsight = sum(times), world.hindsights[seed]
        columns: dict[str, object] = {}
        if world.service:
            columns = latencies(makespan / hindsight, world.scale, chance)
        else:
            columns["graph"] = f"graphs/{world.name.split('/')[1]}.mtx.gz"
        if backend == "sim" and not world.service:
            columns.update(hindsight_ns=hindsight, regret=(makespan - hindsight) / hindsight)
        self.writer.done(
            key,
            makespan,
            digest=f"{random.Random(row).getrandbits(64):016x}",
            launches=len(times),
            waves=len(times),
            topology_switches=outcome.switches,
            flaps=outcome.flaps,
            drain_ns=0,
            relaunch_ns=outcome.switches * SWITCH_NS,
            compilation_ns=0,
            waiting_ns=0,
            **columns,
        )
        for topology in dict.fromkeys(outcome.topologies):
            mine = [time for time, other in zip(times, outcome.topologies) if other == topology]
            share = {"launches": len(mine), "waves": len(mine), "time_ns": sum(mine)}
            self.writer.insert("topology_share", run_id=row, topology=topology, **share)


def latencies(slowness: float, scale: float, chance: random.Random) -> dict[str, object]:
    """Columns of a service whose runs take so much longer than they might."""
    p50 = round(12_000 * scale * slowness**0.7 * math.exp(chance.gauss(0, 0.03)))
    p99 = round(p50 * (4 + 3 * chance.random()))
    items = {"items_published": 4000, "items_done": 3990, "items_rejected": 10, "items_requeued": 25}
    return {**items, "latency_mean_ns": p50 * 1.3, "latency_p50_ns": p50, "latency_p99_ns": p99}


def segments_of(outcome: Outcome) -> list[list]:
    """Launches of one topology in a row: topology, start, end, launches, least and greatest density."""
    segments: list[list] = []
    now = 0
    for topology, time, density in zip(outcome.topologies, outcome.times_ns, outcome.densities):
        if not segments or segments[-1][0] != topology:
            segments.append([topology, now, now, 0, density, density])
        last = segments[-1]
        now += time
        last[2], last[3] = now, last[3] + 1
        last[4], last[5] = min(last[4], density), max(last[5], density)
    return segments


def write_study(path: Path, plan: Plan) -> None:
    """Writes the plan's database to a new file."""
    with StudyWriter(path) as writer:
        PlannedStudy(writer, plan).write()


def main() -> None:
    """Writes what the command line asks for."""
    parser = argparse.ArgumentParser(description="Writes the database of a study that nobody ran.")
    parser.add_argument("out", type=Path)
    sizes = {"scenarios": 20, "policies": 10, "widths": 5, "thresholds": 1, "seeds": 10, "launches": 300}
    for name, default in {**sizes, "seed": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    for name in ("failed", "missing"):
        parser.add_argument(f"--{name}", type=float, default=0.0, help=f"share of runs that are {name}")
    parser.add_argument("--backends", default="sim", help="with commas between: sim,threads,cuda")
    given = vars(parser.parse_args())
    out = given.pop("out")
    out.unlink(missing_ok=True)
    write_study(out, Plan(**{**given, "backends": tuple(given["backends"].split(","))}))


if __name__ == "__main__":
    main()
