"""Runs that failed, by error, and runs that are missing."""

from __future__ import annotations

from figures import Table
from number_text import count, listed, percent
from study_data import Run, Study

ERRORS_MOST = 40
MISSING_MOST = 60


def failed_table(study: Study) -> Table:
    """Errors, the most frequent first, with where they came up."""
    groups: dict[str, list[Run]] = {}
    for run in study.failed:
        groups.setdefault(run.error or "no error was written", []).append(run)
    order = sorted(groups, key=lambda error: (-len(groups[error]), error))
    rows = [
        (
            error,
            count(len(groups[error])),
            *(listed(names, 5) for names in places(study, groups[error])),
            ", ".join(sorted({run.backend for run in groups[error]})),
            count(min(run.id for run in groups[error])),
        )
        for error in order[:ERRORS_MOST]
    ]
    rest = order[ERRORS_MOST:]
    note = ""
    if rest:
        runs = sum(len(groups[error]) for error in rest)
        note = f"The {ERRORS_MOST} most frequent errors; {len(rest):,} others, of {runs:,} runs, are left out."
    return Table(
        ("error", "runs", "scenarios", "policies", "backend", "first run"), rows, frozenset({0, 2, 3, 4}), note
    )


def places(study: Study, runs: list[Run]) -> tuple[list[str], list[str]]:
    """Labels of the scenarios and the policies of some runs."""
    return (
        [study.scenarios[scenario].label for scenario in sorted({run.scenario for run in runs})],
        [study.policies[policy].label for policy in sorted({run.policy for run in runs})],
    )


def missing_table(study: Study) -> Table:
    """Runs without a row, by scenario and policy."""
    missing = study.missing()
    order = sorted(missing, key=lambda entry: (-entry.runs, entry.scenario, entry.policy))
    rows = [
        (study.scenarios[entry.scenario].label, study.policies[entry.policy].label, count(entry.runs))
        for entry in order[:MISSING_MOST]
    ]
    note = ""
    if len(order) > MISSING_MOST:
        runs = sum(entry.runs for entry in order[MISSING_MOST:])
        note = f"The {MISSING_MOST} pairs with the most; {count(runs)} more runs are missing elsewhere."
    return Table(("scenario", "policy", "runs missing"), rows, frozenset({0, 1}), note)


def incompleteness(study: Study) -> str:
    """What the reader must know about runs that are not there, in a sentence."""
    failed, missing = len(study.failed), study.planned - len(study.runs)
    if failed + missing == 0:
        return ""
    return (
        f"{count(failed)} of {count(study.planned)} runs failed and {count(missing)} are missing"
        f" ({percent((failed + missing) / study.planned)} together). Ratios and regrets are of the runs that"
        " are done: a policy that fails where work is hard looks better than it is. The performance profiles"
        " count failures as infinitely slow."
    )
