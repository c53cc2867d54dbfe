"""Fits what waves cost to the samples that `megabed calibrate` took, and writes the device profile.

    fit_profile.py SAMPLES.json --out PROFILE.toml

Every set of waves (breadth-first pushes by one block, pulls of ranks, ...) has a cost for each of its terms, at least
0, so that the sum of terms times costs is as near as possible to the measured time, in relative terms: non-negative
least squares, reweighted until outliers no longer pull (Huber). First the set in which nothing hides a policy's
decision (levels.solo), with a constant for every policy; then the others, which bear a share of that decision.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

SOLO = "levels.solo"
#: Residuals beyond this, in relative terms, count as outliers.
OUTLIER = 0.1
ROUNDS = 60


@dataclass(frozen=True)
class Launch:
    """One measured launch."""

    run: str
    policy: str
    compiled: bool
    wave_set: str
    ns: float
    terms: dict[str, float]


@dataclass
class Fit:
    """Costs by term, and how far they miss the samples they were fitted to."""

    costs: dict[str, float]
    errors: np.ndarray = field(default_factory=lambda: np.array([]))

    def summary(self) -> str:
        """In words."""
        return (
            f"{len(self.errors)} launches, median error {100 * np.median(self.errors):.1f} %, "
            f"90th percentile {100 * np.percentile(self.errors, 90):.1f} %"
        )


def fit_costs(names: list[str], rows: list[dict[str, float]], launches: list[Launch]) -> Fit:
    """Costs that come nearest to the launches' times. Requires: a launch."""
    amounts = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    times = np.array([launch.ns for launch in launches])
    runs = Counter((launch.run, launch.policy) for launch in launches)
    # A run of a thousand waves does not count a thousand times as much as one of few.
    weights = np.array([runs[launch.run, launch.policy] ** -0.5 for launch in launches])
    weights /= weights.mean()
    scale = amounts.max(axis=0)
    scale[scale == 0] = 1
    scaled = amounts / scale
    costs, _ = nnls(scaled * (weights / times)[:, None], weights, maxiter=5000)
    for _ in range(ROUNDS):
        predicted = np.maximum(scaled @ costs, 1)
        miss = np.abs(np.log(predicted / times))
        calm = np.sqrt(np.minimum(1, OUTLIER / np.maximum(miss, 1e-9)))
        weight = weights * calm / np.sqrt(predicted * times)
        better, _ = nnls(scaled * weight[:, None], times * weight, maxiter=5000)
        if np.allclose(better, costs, rtol=1e-4):
            break
        costs = (costs + better) / 2
    predicted = scaled @ costs
    # What never comes to a nanosecond is not there.
    found = {name: cost for name, cost, most in zip(names, costs / scale, scale) if cost * most >= 1}
    return Fit({name: float(cost) for name, cost in found.items()}, np.abs(predicted / times - 1))


def launches_of(document: list[dict]) -> list[Launch]:
    """All launches of the samples."""
    return [
        Launch(run["run"], run["policy"], one["compiled"], one["set"], max(float(one["ns"]), 1), one["terms"])
        for run in document
        for one in run["launches"]
    ]


def decision_term(launch: Launch) -> str:
    """The column that a launch's decision has in the set that shows it."""
    return f"decision:{launch.policy}:{'compiled' if launch.compiled else 'general'}"


def fit_decisions(launches: list[Launch]) -> tuple[Fit, dict[str, dict[str, float]]]:
    """The solo set, and every policy's decision, general and compiled, ns."""
    mine = [launch for launch in launches if launch.wave_set == SOLO]
    rows = []
    for launch in mine:
        row = {name: amount for name, amount in launch.terms.items() if name != "named"}
        rows.append(row | {decision_term(launch): 1.0})
    fit = fit_costs(sorted({name for row in rows for name in row}), rows, mine)
    decisions: dict[str, dict[str, float]] = {}
    for name, cost in fit.costs.items():
        if name.startswith("decision:"):
            policy, route = name.removeprefix("decision:").rsplit(":", 1)
            decisions.setdefault(policy, {})[route] = cost
    fit.costs = {name: cost for name, cost in fit.costs.items() if not name.startswith("decision:")}
    both = [known for known in decisions.values() if len(known) == 2]
    # A policy that was not compiled is taken to gain as much as those that were.
    gain = float(np.median([known["compiled"] / known["general"] for known in both])) if both else 1.0
    for launch in launches:
        if launch.policy not in decisions:  # it never pushes; its rule is as short as the shortest
            decisions[launch.policy] = dict(min(decisions.values(), key=lambda known: known.get("general", np.inf)))
    for known in decisions.values():
        known.setdefault("general", known.get("compiled", 0.0) / gain)
        known.setdefault("compiled", known["general"] * gain)
    return fit, decisions


def fit_set(launches: list[Launch], decisions: dict[str, dict[str, float]]) -> Fit:
    """Any other set: its terms and its share of the decision (`decision_share`)."""
    rows = []
    told_apart = any(launch.compiled for launch in launches)
    for launch in launches:
        known = decisions[launch.policy]["compiled" if launch.compiled else "general"]
        row = launch.terms | {"decision_share": known}
        if not told_apart:
            row.pop("named", None)  # it would be the constant once more
        rows.append(row)
    return fit_costs(sorted({name for row in rows for name in row}), rows, launches)


def number(value: float) -> str:
    """Four digits, as TOML has floats."""
    text = f"{value:.4g}"
    return text if any(mark in text for mark in ".e") else text + ".0"


def time_text(ns: float) -> str:
    """Whole nanoseconds."""
    return f'"{max(round(ns), 0)} ns"'


class Profile:
    """The lines of the profile."""

    def __init__(self, document: dict) -> None:
        self.constants: dict[str, list[dict]] = {}
        for one in document["constants"]:
            self.constants.setdefault(one["name"], []).append(one)
        self.context = document["context"]
        self.lines: list[str] = []

    def value(self, name: str) -> float:
        """The one value of a constant."""
        return self.constants[name][0]["value"]

    def put(self, *lines: str) -> None:
        """Adds lines."""
        self.lines.extend(lines)

    def points(self, table: str, key: str, position: str, write) -> None:
        """A list of tables of a constant that was taken at several points."""
        for one in sorted(self.constants[table], key=lambda point: point["at"]):
            self.put(f"[[{table}]]", f"{position} = {round(one['at'])}", f"{key} = {write(one['value'])}")


def write_profile(document: dict, solo: Fit, decisions: dict, fits: dict[str, Fit], host_ns: float) -> str:
    """The whole profile as text."""
    page = Profile(document)
    context = page.context
    count = round(page.value("limits.multiprocessors"))
    page.put(
        f"# Measured by `megabed calibrate` on one {context['card']}: driver {context['driver']},"
        f" CUDA {context['cuda_runtime']},",
        f"# {context['date_utc']}, revision {context['git_revision']}. Times of waves are fitted to"
        " the runs below.",
        "format = 1",
        f'summary = "{context["card"]}, {count} multiprocessors, calibrated: the resident megakernel"',
        f"fitted_to = {json.dumps(document.get('fitted_to', ['probes']))}",
        "",
        "[limits]",
        f"multiprocessors = {count}",
        f"max_workgroup_size_x = {round(page.value('limits.max_workgroup_size_x'))}",
        "max_compute_workgroups_per_dimension = 65535",
        "max_compute_invocations_per_workgroup = "
        f"{round(page.value('limits.max_compute_invocations_per_workgroup'))}",
        f"resident_lanes_per_multiprocessor = {round(page.value('limits.resident_lanes_per_multiprocessor'))}",
        f"resident_groups_per_multiprocessor = {round(page.value('limits.resident_groups_per_multiprocessor'))}",
        "",
        "[rates]",
        f"read_bytes_per_second = {number(page.value('rates.read_bytes_per_second'))}",
        f"tickets_per_second = {number(page.value('rates.tickets_per_second'))}",
        f"saturating_warps = {round(page.value('rates.saturating_warps'))}",
        "stream_overlap_bps = 10000",
        "item_memory_share_bps = 5000",
    )
    page.points("rates.gather", "per_second", "footprint_bytes", number)
    page.points("rates.atomic", "per_second", "footprint_bytes", number)
    general = [known["general"] for known in decisions.values()]
    page.put(
        "",
        "[costs]",
        f"relaunch = {time_text(page.value('costs.relaunch'))}",
        f"host_decision = {time_text(host_ns)}",
        f"device_decision = {time_text(float(np.median(general)))}",
        f"compile = {time_text(page.value('costs.compile'))}",
        f"dependent_access = {time_text(page.value('costs.dependent_access'))}",
        'warp_step = "30 ns"',
        'interpreter_dispatch = "60 ns"',
    )
    page.points("costs.barrier", "time", "blocks", time_text)
    page.put("", "[bytes]", "frontier_vertex_bytes = 20", "queue_entry_bytes = 4", "row_bytes = 16")
    page.put("", "[tiles]", "tile_items = 256", "heavy_degree = 512")
    for name, fit in [(SOLO, solo), *sorted(fits.items())]:
        page.put("", f"# {fit.summary()}", f"[waves.{name}]")
        if name == SOLO:
            page.put("decision_share = 1.0")
        for term, cost in sorted(fit.costs.items()):
            if cost > 0 and float(number(cost)) > 0:
                page.put(f"{term}{'' if term == 'decision_share' else '_ns'} = {number(cost)}")
    for policy, known in sorted(decisions.items()):
        page.put(
            "",
            "[[waves.decision]]",
            f'policy = "{policy}"',
            f"general = {time_text(known['general'])}",
            f"compiled = {time_text(known['compiled'])}",
        )
    page.put("", *provenance(page, decisions))
    return "\n".join(page.lines) + "\n"


def provenance(page: Profile, decisions: dict) -> list[str]:
    """Where every figure comes from."""
    method = {name: points[0]["method"] for name, points in page.constants.items()}
    return [
        "[provenance]",
        f'limits = "{method["limits.multiprocessors"]}"',
        'bytes = "choice: 4-byte vertex numbers and 8-byte row offsets"',
        'tiles = "choice: a ring slot is a tile of 256 items; vertices from 512 arcs up are split"',
        "",
        "[provenance.rates]",
        f'read_bytes_per_second = "{method["rates.read_bytes_per_second"]}"',
        f'tickets_per_second = "{method["rates.tickets_per_second"]}"',
        f'saturating_warps = "{method["rates.saturating_warps"]}"',
        'stream_overlap_bps = "estimate: bytes, gathers and atomics hide behind each other"',
        "item_memory_share_bps = \"estimate: half of a service item's time waits for memory\"",
        f'gather = "{method["rates.gather"]}"',
        f'atomic = "{method["rates.atomic"]}"',
        "",
        "[provenance.costs]",
        f'relaunch = "{method["costs.relaunch"]}"',
        'host_decision = "measured: what a launch takes longer when the host decides, record included"',
        f'device_decision = "measured: the median of {len(decisions)} policies"',
        'compile = "measured: NVRTC, the kernel of one run, median"',
        f'dependent_access = "{method["costs.dependent_access"]}"',
        'warp_step = "estimate: 32 gathers of one warp, several in flight"',
        'interpreter_dispatch = "estimate: opcode switch of one tile"',
        f'barrier = "{method["costs.barrier"]}"',
        "",
        "[provenance.waves]",
        'decision = "measured: fitted to waves that one block keeps, a constant for every policy"',
    ]


def host_decision_ns(document: dict, launches: list[Launch], decisions: dict) -> float:
    """The median of what the same waves take longer under the host's decision."""
    pairs = []
    for run in document["host"]:
        device = [one for one in launches if one.run == run["run"] and one.policy == run["policy"]]
        for slow, quick in zip(run["launches"], device):
            pairs.append(slow["ns"] - quick.ns + decisions[run["policy"]]["general"])
    return float(np.median(pairs))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("samples", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    document = json.loads(arguments.samples.read_text(encoding="utf-8"))
    launches = launches_of(document["samples"])
    solo, decisions = fit_decisions(launches)
    by_set: dict[str, list[Launch]] = {}
    for launch in launches:
        if launch.wave_set != SOLO:
            by_set.setdefault(launch.wave_set, []).append(launch)
    fits = {name: fit_set(mine, decisions) for name, mine in by_set.items()}
    text = write_profile(document, solo, decisions, fits, host_decision_ns(document, launches, decisions))
    temporary = arguments.out.with_name(f".{arguments.out.name}.{os.getpid()}")
    temporary.write_text(text, encoding="ascii")
    temporary.replace(arguments.out)
    for name, fit in [(SOLO, solo), *sorted(fits.items())]:
        print(f"{name:22} {fit.summary()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
