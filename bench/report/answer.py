"""The answer in numbers: a sentence and a table, made from the runs alone."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Optional

from figures import Table
from intervals import mean
from makespan_ratio import PolicyRatio
from number_text import DASH, count, listed, maybe, percent, plural, ratio_interval, significant
from performance_profile import Profile
from points import Point, Results
from regret_figure import policy_regret


@dataclass(frozen=True)
class Answer:
    """HTML sentences, and the table below them."""

    sentences: list[str]
    table: Table


def answer_of(results: Results, ratios: list[PolicyRatio], profiles: list[Profile]) -> Answer:
    """What the runs say about the policies against the baseline."""
    sentences = compared_sentences(results, ratios, profiles) if len(ratios) > 1 else [no_comparison(results)]
    return Answer(sentences, answer_table(results, ratios, profiles))


def no_comparison(results: Results) -> str:
    """Why no policy is compared."""
    study = results.study
    if study.baseline_id is None:
        return f"No ratios: the baseline <b>{escape(study.baseline)}</b> is none of the study's policies."
    if study.baseline_id not in {run.policy for run in results.runs}:
        return f"No ratios: the baseline <b>{escape(study.baseline)}</b> has no finished run."
    return "No other policy has a finished run at a point and seed where the baseline has one."


def compared_sentences(results: Results, ratios: list[PolicyRatio], profiles: list[Profile]) -> list[str]:
    """The fastest policy, how sure that is, and how the others stand."""
    study = results.study
    baseline = escape(study.baseline)
    others = [ratio for ratio in ratios if ratio.policy != study.baseline_id]
    best = others[0]
    interval = best.overall.interval
    within = f" (95 % interval {ratio_interval(interval)})" if interval.low is not None else ""
    name = f"<b>{escape(study.policies[best.policy].label)}</b>"
    if interval.mean < 1:
        first = f"{name} takes <b>{significant(interval.mean)}</b> of the makespan of {baseline}{within}"
    else:
        first = (
            f"No policy is faster than <b>{baseline}</b> in the mean; the next, {name}, takes "
            f"<b>{significant(interval.mean)}</b> times its makespan{within}"
        )
    wins = next((profile for profile in profiles if profile.policy == best.policy), None)
    if wins is not None and wins.points:
        first += (
            f", and the shortest of all at {plural(round(wins.within(1.0) * wins.points), 'point')} of "
            f"{wins.points:,}"
        )
    first += (
        f". At its worst point it takes {significant(best.points[best.worst])} "
        f"({point_name(results, best.worst)}), at its best {significant(best.points[best.best])} "
        f"({point_name(results, best.best)})."
    )
    return [first, *verdict_sentence(results, others)]


def verdict_sentence(results: Results, others: list[PolicyRatio]) -> list[str]:
    """Which policies are faster, slower, or neither beyond chance."""
    if not any(ratio.overall.unit for ratio in others):
        return []
    groups: dict[str, list[str]] = {"faster": [], "slower": [], "neither": []}
    for ratio in others:
        interval = ratio.overall.interval
        where = (
            "faster"
            if interval.high is not None and interval.high < 1
            else "slower" if interval.low is not None and interval.low > 1 else "neither"
        )
        groups[where].append(f"<b>{escape(results.study.policies[ratio.policy].label)}</b>")
    words = []
    for where, text in (
        ("faster", "faster than the baseline beyond their 95 % intervals"),
        ("slower", "slower"),
        ("neither", "not told apart from it by these runs"),
    ):
        if groups[where]:
            words.append(f"{text}: {listed(groups[where], 20)}")
    sentence = "; ".join(words)
    return [sentence[0].upper() + sentence[1:] + "."]


def point_name(results: Results, point: Point) -> str:
    """A point in HTML."""
    scenario = escape(results.study.scenarios[point[0]].label)
    variant = results.study.variants[point[1]].label
    return f"<code>{scenario}</code>" + (f" with {escape(variant)}" if variant else "")


def answer_table(results: Results, ratios: list[PolicyRatio], profiles: list[Profile]) -> Table:
    """A row for each policy: the fastest first, then those without a ratio."""
    study = results.study
    by_policy = {ratio.policy: ratio for ratio in ratios}
    order = [ratio.policy for ratio in ratios] + [
        policy for policy in results.policies if policy not in by_policy
    ]
    failed = {policy: 0 for policy in study.policies}
    for policies in results.failed.values():
        for policy, seeds in policies.items():
            failed[policy] += len(seeds)
    rows = []
    for policy in order:
        profile = next((profile for profile in profiles if profile.policy == policy), None)
        runs = run_cells(results, policy)
        rows.append(
            (
                study.policies[policy].label,
                *ratio_cells(study.baseline_id, by_policy.get(policy)),
                (
                    DASH
                    if profile is None
                    else f"{round(profile.within(1.0) * profile.points):,} of {profile.points:,}"
                ),
                worst_cell(results, study.baseline_id, by_policy.get(policy)),
                *runs[:2],
                runs[2] + (f"\n{failed[policy]:,} failed" if failed[policy] else ""),
            )
        )
    note = (
        f"Ratios: geometric mean over scenarios of makespan / {study.baseline}'s, the same point under the same"
        " seed. Faster and slower: points where the paired 95 % interval over seeds excludes 1 (one seed is"
        " taken at its word). Shortest: points where no policy is faster, ties included, of those that all"
        " policies were run at. Intervals are of one comparison each, not of all together."
    )
    headers = (
        "policy",
        "makespan ratio",
        "95 % interval",
        "faster / same / slower",
        "shortest",
        "worst ratio",
        "regret",
        "flaps a run",
        "runs",
    )
    kept = [at for at in range(len(headers)) if any(row[at] != DASH for row in rows)]
    return Table([headers[at] for at in kept], [[row[at] for at in kept] for row in rows], note=note)


def ratio_cells(baseline: Optional[int], ratio: Optional[PolicyRatio]) -> tuple[str, str, str]:
    """The ratio, its interval, and at how many points it is better, undecided and worse."""
    if ratio is None:
        return DASH, DASH, DASH
    if ratio.policy == baseline:
        return "1", "baseline", DASH
    return (
        significant(ratio.overall.interval.mean),
        ratio_interval(ratio.overall.interval),
        f"{ratio.better} / {ratio.undecided} / {ratio.worse}",
    )


def worst_cell(results: Results, baseline: Optional[int], ratio: Optional[PolicyRatio]) -> str:
    """The worst ratio and where it is."""
    if ratio is None or ratio.policy == baseline:
        return DASH
    return f"{significant(ratio.points[ratio.worst])}\n{results.study.scenarios[ratio.worst[0]].label}"


def run_cells(results: Results, policy: int) -> tuple[str, str, str]:
    """Regret, flaps and the number of finished runs."""
    regret = policy_regret(results, policy)
    runs = [run for run in results.runs if run.policy == policy]
    flaps = [run.flaps for run in runs if run.flaps is not None]
    return (
        maybe(regret and regret.interval.mean - 1, percent) if regret else DASH,
        significant(mean(flaps)) if flaps else DASH,
        count(len(runs)),
    )
