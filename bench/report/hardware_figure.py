"""The simulator against hardware: makespans against each other, and errors by scenario."""

from __future__ import annotations

import math
from html import escape
from typing import Optional

from matplotlib.axes import Axes

from axis_ticks import padded, set_linear_ticks, set_log_time_axis, without_ticks
from figures import NARROW_INCHES, Figure, LegendEntry, Panel, Sheet, Table
from intervals import median
from number_text import PLUS_MINUS, duration, maybe, percent, plural, shortened
from palette import LIGHT, PolicyStyle
from points import Results
from simulator_agreement import Agreement, Pair, agreement_of, matching_pairs
from study_data import BACKEND_NAMES
from text_size import SMALL, TEXT, label_inches

BANDS = ((0.25, 0.10), (0.10, 0.16))  # error, and how dark
SCENARIOS_MOST = 24
TABLE_MOST = 200


class Comparison:
    """The simulator's runs beside those of another backend, and how policies look."""

    def __init__(self, simulated: Results, measured: Results, styles: dict[int, PolicyStyle]) -> None:
        self.study = simulated.study
        self.backend = measured.backend
        self.styles = styles
        self.pairs = matching_pairs(simulated, measured)
        present = {pair.policy for pair in self.pairs}
        self.policies = [policy for policy in simulated.policies if policy in present]
        self.by_scenario: dict[int, list[Pair]] = {}
        for pair in self.pairs:
            self.by_scenario.setdefault(pair.point[0], []).append(pair)

    @property
    def agreement(self) -> Optional[Agreement]:
        """Over all pairs; None where there are none."""
        return agreement_of(self.pairs) if self.pairs else None

    @property
    def legend(self) -> list[LegendEntry]:
        """The policies' marks."""
        return [
            LegendEntry(self.study.policies[policy].label, style.role, style.marker, (), style.hollow, False)
            for policy, style in ((policy, self.styles[policy]) for policy in self.policies)
        ]

    def marks(self, policy: int, size: float) -> dict[str, object]:
        """How Matplotlib draws a policy's marks."""
        style = self.styles[policy]
        face = "none" if style.hollow else style.colour
        mark = {"linestyle": "none", "marker": style.marker, "markersize": size, "color": style.colour}
        return {**mark, "markerfacecolor": face, "markeredgewidth": 0.7, "zorder": 3}


def hardware_figures(comparison: Comparison) -> list[Figure]:
    """Both figures; none where no point has both backends."""
    agreement = comparison.agreement
    if agreement is None:
        return []
    return [scatter_figure(comparison, agreement), error_figure(comparison, agreement)]


def scatter_figure(comparison: Comparison, agreement: Agreement) -> Figure:
    """Simulated against measured makespans."""
    where = escape(BACKEND_NAMES.get(comparison.backend, comparison.backend))
    count = plural(agreement.pairs, "pair")
    alt = f"{count} of simulated and measured makespans. {agreement.sentences()}"
    return Figure(
        f"simulator-against-{comparison.backend}",
        f"Simulated against measured on {where}",
        "How far can the simulator be believed? On the diagonal it predicts exactly what was measured; above it"
        f" simulates too slow a run. The bands are {PLUS_MINUS}10 % and {PLUS_MINUS}25 %.",
        f"{agreement.sentences()} Error = (simulated - measured) / measured, of medians over the seeds that"
        f" both have; \u03c4 is \u03c4-b (Kendall 1945). n = {count} of a point and a policy.",
        [Panel(4.9, 4.5, lambda sheet: draw_scatter(sheet, comparison), alt, narrow=(NARROW_INCHES, 3.35))],
        pair_table(comparison),
        comparison.legend,
    )


def draw_scatter(sheet: Sheet, comparison: Comparison) -> None:
    """Marks over the bands around the identity."""
    low, high = padded([value for pair in comparison.pairs for value in (pair.simulated, pair.measured)])
    side = min(sheet.width - 0.95, sheet.height - 0.55)
    axes = sheet.axes(0.72, 0.06, side, side)
    set_log_time_axis(axes, low, high, most=5)
    set_log_time_axis(axes, low, high, vertical=True, most=6)
    ends = [math.log(low), math.log(high)]
    for error, depth in BANDS:
        edges = [[end + math.log1p(sign * error) for end in ends] for sign in (-1, 1)]
        axes.fill_between(ends, *edges, color=LIGHT["muted"], alpha=depth, linewidth=0, zorder=1)
    axes.plot(ends, ends, color=LIGHT["muted"], linewidth=0.9, zorder=2)
    for policy in comparison.policies:
        mine = [pair for pair in comparison.pairs if pair.policy == policy]
        places = [
            [math.log(value) for value in values] for values in zip(*((p.measured, p.simulated) for p in mine))
        ]
        axes.plot(*places, alpha=0.85, **comparison.marks(policy, 3.4))
    axes.set_xlabel(f"measured makespan, {comparison.backend} (logarithmic)")
    axes.set_ylabel("simulated makespan (logarithmic)")


def pair_table(comparison: Comparison) -> Table:
    """Pairs with the greatest errors first."""
    study, pairs = comparison.study, comparison.pairs
    shown = sorted(pairs, key=lambda pair: (-abs(pair.error), pair.point, pair.policy))[:TABLE_MOST]
    rows = []
    for pair in shown:
        labels = (study.scenarios[pair.point[0]].label, study.policies[pair.policy].label)
        times = (duration(pair.simulated), duration(pair.measured), percent(pair.error))
        rows.append((*labels, study.variants[pair.point[1]].label or "-", *times, str(pair.seeds)))
    note = (
        f"The {TABLE_MOST} pairs with the greatest errors, of {len(pairs):,}." if len(rows) < len(pairs) else ""
    )
    headers = ("scenario", "policy", "parameters", "simulated", "measured", "error", "seeds")
    return Table(headers, rows, frozenset({0, 1, 2}), note)


def error_figure(comparison: Comparison, agreement: Agreement) -> Figure:
    """Signed errors by scenario, those with the greatest median first."""
    study, groups = comparison.study, comparison.by_scenario
    size = {scenario: median([abs(pair.error) for pair in mine]) for scenario, mine in groups.items()}
    order = sorted(groups, key=lambda scenario: (-size[scenario], scenario))
    shown = order[:SCENARIOS_MOST]
    notes = ""
    if len(shown) < len(order):
        notes = f" Shown are the {len(shown)} scenarios with the greatest median error, of {len(order)}."
    row = max(0.22, 0.035 * len(comparison.policies))
    height = 0.06 + row * len(shown) + 0.42
    worst = study.scenarios[order[0]].label
    return Figure(
        f"simulator-error-{comparison.backend}",
        "Where the simulator errs",
        "On which scenarios is the simulator too slow (right) or too fast (left)? Marks that lie together in a"
        " row are off by the same factor for every policy, which does not change who wins.",
        "Marks: a policy's median error over the scenario's points. Scenarios by their median absolute error."
        f" {agreement.sentences()} n = {plural(agreement.pairs, 'pair')}.{notes}",
        [
            Panel(
                6.2,
                height,
                lambda sheet: draw_errors(sheet, comparison, shown, row),
                f"Errors of the simulator by scenario; the greatest median is on {worst}.",
                narrow=(NARROW_INCHES, height),
            )
        ],
        error_table(comparison, order),
        comparison.legend,
    )


def error_table(comparison: Comparison, order: list[int]) -> Table:
    """A row for each scenario."""
    rows = []
    for scenario in order:
        mine = comparison.by_scenario[scenario]
        found = agreement_of(mine)
        errors = (median([pair.error for pair in mine]), found.median_error, found.p90_error)
        label = comparison.study.scenarios[scenario].label
        rows.append((label, str(len(mine)), *map(percent, errors), maybe(found.tau)))
    headers = ("scenario", "pairs", "median error", "median absolute", "90th percentile", "\u03c4")
    return Table(headers, rows)


def draw_errors(sheet: Sheet, comparison: Comparison, shown: list[int], row: float) -> None:
    """A row for each scenario over the bands around no error."""
    wide = sheet.width > NARROW_INCHES
    names = [comparison.study.scenarios[scenario].label for scenario in shown]
    letters = 34 if wide else 22
    left = label_inches(names, letters)
    axes = sheet.axes(left, 0.06, sheet.width - left - 0.2, row * len(shown))
    farthest = max(abs(pair.error) for scenario in shown for pair in comparison.by_scenario[scenario])
    reach = 106 * max(0.3, farthest)
    axes.set_xlim(-min(reach, 100), reach)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    without_ticks(axes)
    set_linear_ticks(axes, 7 if wide else 4)
    for error, depth in BANDS:
        axes.axvspan(-100 * error, 100 * error, color=LIGHT["muted"], alpha=depth, linewidth=0, zorder=0)
    axes.axvline(0, color=LIGHT["muted"], linewidth=0.9, zorder=1)
    for place, scenario in enumerate(shown):
        middle = 0.06 + row * (place + 0.5)
        sheet.beside(left - 0.08, middle, shortened(names[place], letters), size=TEXT)
        draw_marks(axes, comparison, scenario, place)
    axes.set_xlabel("error of the simulator (%)", size=SMALL + 0.4)


def draw_marks(axes: Axes, comparison: Comparison, scenario: int, place: int) -> None:
    """A mark for each policy, a little below the one before."""
    for at, policy in enumerate(comparison.policies):
        errors = [100 * pair.error for pair in comparison.by_scenario[scenario] if pair.policy == policy]
        if errors:
            height = place + 0.62 * ((at + 0.5) / len(comparison.policies) - 0.5)
            axes.plot([median(errors)], [height], **comparison.marks(policy, 3.2))
