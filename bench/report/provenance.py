"""Where the numbers come from: the study's file, versions, machines, seeds and digests, and the commands."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from figures import Table
from number_text import DASH, TIMES, count, duration, listed, plural
from study_data import Study


def file_name(path: str) -> str:
    """The last part of a path: where someone keeps their files is nobody else's business."""
    return PurePosixPath(path).name


def near(path: str, study: str) -> str:
    """A path as seen from the study's file, where it lies below that; its last two parts otherwise."""
    try:
        return str(PurePosixPath(path).relative_to(PurePosixPath(study).parent))
    except ValueError:
        return "/".join(PurePosixPath(path).parts[-2:]).lstrip("/")


def facts(study: Study) -> list[tuple[str, str]]:
    """What the study is, in pairs of a name and a value."""
    seeds = study.seeds
    shown = listed([str(seed) for seed in seeds], 12)
    backends = listed(sorted({run.backend for run in study.runs}))
    cores = sum(session.wall_ns for session in study.sessions)
    return [
        ("study", f"{study.name} ({file_name(study.path)})"),
        ("digest of the study and its scenarios", study.digest),
        ("megabed", f"{study.version}, revision {study.revision}"),
        (
            "size",
            (
                f"{plural(len(study.scenarios), 'scenario')} {TIMES}"
                f" {plural(len(study.policies), 'policy', 'policies')} {TIMES}"
                f" {plural(len(study.variants), 'variant')} {TIMES} backends ({backends}) {TIMES}"
                f" {plural(len(seeds), 'seed')} = {plural(study.planned, 'run')}"
            ),
        ),
        ("seeds", shown),
        ("time of the runs", f"{duration(cores)} on one thread each, regret included" if cores else DASH),
        ("database", study.database),
    ]


def commands(study: Study) -> str:
    """What one types to do it all again."""
    name, database = shlex.quote(file_name(study.path)), shlex.quote(study.database)
    lines = (
        (f"megabed study {name} --db {database}", "does what is missing"),
        (f"megabed study --check {database}", "runs some again and compares digests"),
        (f"megabed report {database} --out report.html", "this page"),
    )
    width = max(len(command) for command, _ in lines)
    return "".join(f"{command.ljust(width)}  # {why}\n" for command, why in lines)


def session_table(study: Study) -> Table:
    """Invocations of `megabed study` on the database."""
    rows = [
        (
            session.started_utc,
            session.ended_utc or "not ended",
            session.command,
            f"{session.version} ({session.revision})",
            session.compiler,
            session.host,
            session.system,
            count(session.cores),
            count(session.jobs),
            count(session.processes),
            count(session.runs),
            duration(session.wall_ns),
        )
        for session in study.sessions
    ]
    return Table(
        (
            "started",
            "ended",
            "command",
            "version",
            "compiler",
            "processor",
            "system",
            "cores",
            "threads",
            "processes",
            "runs",
            "time",
        ),
        rows,
        frozenset(range(7)),
    )


def policy_table(study: Study) -> Table:
    """Policies with their settings."""
    return Table(
        ("policy", "--policy", "--set"),
        [(policy.label, policy.name, "; ".join(policy.settings) or DASH) for policy in study.policies.values()],
        frozenset({0, 1, 2}),
    )


def variant_table(study: Study) -> Table:
    """Combinations of parameters with their settings."""
    return Table(
        ("variant", "--set"),
        [
            (variant.label or "(no parameters)", "; ".join(variant.settings) or DASH)
            for variant in study.variants.values()
        ],
        frozenset({0, 1}),
    )


def scenario_table(study: Study) -> Table:
    """Scenarios with the hashes of their files and the graphs they ran on."""
    graphs: dict[int, set[str]] = {}
    for run in study.runs:
        if run.graph:
            graphs.setdefault(run.scenario, set()).add(run.graph)
    return Table(
        ("scenario", "file", "hash (XXH64)", "graph"),
        [
            (
                scenario.label,
                near(scenario.file.path, study.path),
                scenario.file.digest,
                listed(
                    [
                        graph if "=" in graph else file_name(graph)
                        for graph in sorted(graphs.get(scenario.id, set()))
                    ],
                    3,
                )
                or DASH,
            )
            for scenario in study.scenarios.values()
        ],
        frozenset({0, 1, 2, 3}),
    )


def device_table(study: Study) -> Table:
    """Device profiles with their hashes."""
    found: dict[tuple[str, str], int] = {}
    for run in study.runs:
        if run.device:
            key = (run.device, run.device_digest or DASH)
            found[key] = found.get(key, 0) + 1
    return Table(
        ("device profile", "hash (XXH64)", "runs"),
        [(*key, count(runs)) for key, runs in sorted(found.items())],
        frozenset({0, 1}),
    )
