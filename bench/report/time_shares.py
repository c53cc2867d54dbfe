"""What the time went to: the topologies' shares of the makespan, and what was spent on other than work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from matplotlib.patches import Rectangle

from axis_ticks import without_ticks
from figures import NARROW_INCHES, Figure, LegendEntry, Panel, Sheet, Table
from intervals import Sample, by_scenario, mean
from number_text import percent, plural, shortened
from palette import LIGHT, topology_role
from points import Results
from study_data import TOPOLOGIES, Run
from text_size import TEXT, label_inches

ROW_INCHES, BAR_SHARE = 0.235, 0.7
LABEL_LETTERS = 24
COSTS = {
    "relaunches": "relaunch_ns",
    "compiling": "compilation_ns",
    "waiting": "waiting_ns",
    "draining": "drain_ns",
}


@dataclass(frozen=True)
class ShareRow:
    """Means over scenarios: `topologies` are shares of the time in launches, `costs` of the makespan."""

    label: str
    topologies: dict[str, float]
    costs: dict[str, float]
    emphasis: bool


def topology_shares(results: Results, policy: int) -> dict[str, float]:
    """Each topology's share of the time that launches took."""
    samples: dict[str, list[Sample]] = {name: [] for name in TOPOLOGIES}
    for run in results.runs:
        shares = results.study.shares.get(run.id, {}) if run.policy == policy else {}
        total = sum(shares.values())
        for name in samples if total else ():
            samples[name].append(Sample(run.scenario, run.variant, run.seed, shares.get(name, 0) / total))
    return {name: mean(by_scenario(values).values()) for name, values in samples.items() if values}


def cost_share(results: Results, policy: int, column: str) -> float:
    """The share of the makespan that a cost took."""

    def share(run: Run) -> Optional[float]:
        part = getattr(run, column)
        return None if part is None or not run.makespan_ns else part / run.makespan_ns

    samples = results.samples(policy, share)
    return mean(by_scenario(samples).values()) if samples else 0.0


def share_rows(results: Results) -> list[ShareRow]:
    """A row for each policy of which shares were kept."""
    study = results.study
    rows = []
    for policy in results.policies:
        shares = topology_shares(results, policy)
        costs = {name: cost_share(results, policy, column) for name, column in COSTS.items()}
        if shares:
            rows.append(ShareRow(study.policies[policy].label, shares, costs, policy == study.baseline_id))
    return rows


def share_figure(results: Results, suffix: str) -> Optional[Figure]:
    """A bar of 100 % for each policy; None where shares were not kept."""
    rows = share_rows(results)
    if not rows:
        return None
    seen = [name for name in TOPOLOGIES if any(row.topologies.get(name, 0) > 0 for row in rows)]
    table = []
    for row in rows:
        parts = (*(row.topologies.get(name, 0.0) for name in seen), *row.costs.values())
        table.append((row.label, *map(percent, parts)))
    mostly = "; ".join(
        f"{row.label} mostly {max(row.topologies, key=row.topologies.__getitem__)}" for row in rows
    )
    height = 0.24 + ROW_INCHES * len(rows) + 0.42
    note = "Topologies: shares of the time in launches. The others: shares of the makespan."
    counted = f"{plural(len(results.runs), 'run')} on {plural(len(results.scenarios), 'scenario')}"
    alt = f"Shares of the time by topology for each policy: {mostly}"
    return Figure(
        f"time-shares{suffix}",
        "What the time went to",
        "Which topologies does a policy live in, and how much of its makespan goes to changing between them?"
        " Policies with the same colours decide alike.",
        "Bars: share of the time in launches by topology; at the right the share of the makespan that"
        f" relaunches took. Means over scenarios, of each over its points and seeds. n = {counted}.",
        [Panel(6.2, height, lambda sheet: draw_shares(sheet, rows), alt, narrow=(NARROW_INCHES, height))],
        Table(("policy", *seen, *COSTS), table, note=note),
        [LegendEntry(name, topology_role(name)) for name in seen],
    )


def draw_shares(sheet: Sheet, rows: list[ShareRow]) -> None:
    """Stacked bars, and relaunches at the right."""
    left = label_inches([row.label for row in rows], LABEL_LETTERS)
    axes = sheet.axes(left, 0.24, sheet.width - left - 0.95, ROW_INCHES * len(rows))
    axes.set_xlim(0, 100)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    without_ticks(axes)
    ticks = (0, 25, 50, 75, 100) if sheet.width > NARROW_INCHES else (0, 50, 100)
    axes.xaxis.set_ticks(ticks, [f"{tick} %" for tick in ticks])
    axes.set_xlabel("share of the time in launches")
    sheet.heading(sheet.width - 0.05, 0.13, "relaunches")
    for place, row in enumerate(rows):
        middle = 0.24 + ROW_INCHES * (place + 0.5)
        sheet.beside(left - 0.08, middle, shortened(row.label, LABEL_LETTERS), size=TEXT, bold=row.emphasis)
        sheet.beside(sheet.width - 0.05, middle, percent(row.costs["relaunches"]))
        start = 0.0
        for name, share in row.topologies.items():
            colour = LIGHT[topology_role(name)]
            corner = (start, place - BAR_SHARE / 2)
            axes.add_patch(Rectangle(corner, 100 * share, BAR_SHARE, linewidth=0, facecolor=colour, zorder=2))
            start += 100 * share
