"""Reads a study's database (bench/study/schema.sql), and only reads: a study that is being written can be
looked at."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Iterator

from study_data import Policy, Run, Scenario, ScenarioFile, Session, Study, Variant

APPLICATION_ID = 1296384836  # "MEBD"
SCHEMA_VERSION = 1
ALLOWED = "a database that `megabed study` wrote"


class BadInput(Exception):
    """Something from outside that cannot be used: where, what is wrong, and what is allowed."""

    def __init__(self, where: object, problem: str, allowed: str) -> None:
        super().__init__(f"{where}: {problem}; allowed: {allowed}")


RUN_COLUMNS = """
    id, scenario_id, policy_id, variant_id, backend, seed, status, error, graph, device, device_digest,
    makespan_ns, launches, topology_switches, flaps, drain_ns, relaunch_ns, compilation_ns, waiting_ns,
    hindsight_ns, items_done, latency_p50_ns, latency_p99_ns"""


def open_database(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, inside one read transaction: all that is read belongs together."""
    check_file(path)
    connection = connect(path)
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise BadInput(path, "is an SQLite database, but not one of megabed", ALLOWED)
        if version != SCHEMA_VERSION:
            age = "newer than this megabed knows" if version > SCHEMA_VERSION else "not known"
            raise BadInput(path, f"has schema version {version}, which is {age}", f"version {SCHEMA_VERSION}")
    except sqlite3.DatabaseError as error:
        raise BadInput(path, f"is damaged: {error}", ALLOWED) from error
    return connection


def check_file(path: Path) -> None:
    """Refuses what is no readable SQLite file, in words that say which."""
    try:
        with open(path, "rb") as file:
            magic = file.read(16)
    except OSError as error:
        raise BadInput(path, f"cannot be read: {error.strerror}", ALLOWED) from error
    if magic != b"SQLite format 3\0":
        raise BadInput(path, "is not an SQLite database" if magic else "is empty", ALLOWED)


def connect(path: Path) -> sqlite3.Connection:
    """Read-only; where a write-ahead log cannot be shared and there is none, the file alone is the database."""
    address = path.absolute().as_uri()
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"{address}?{mode}", uri=True, isolation_level=None, timeout=10)
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.DatabaseError as error:
            connection.close()
            if mode != "mode=ro" or Path(f"{path}-wal").exists() or "open" not in str(error):
                raise BadInput(path, f"cannot be read: {error}", ALLOWED) from error
    raise AssertionError("the loop returns or raises")


def read_study(connection: sqlite3.Connection, path: Path) -> Study:
    """The study but for its timelines, which `timeline_of` reads one by one."""
    try:
        rows = connection.execute(
            "SELECT name, summary, question, method, baseline, path, text, digest, version, "
            "revision, runs FROM study"
        ).fetchall()
        if len(rows) != 1:
            raise BadInput(path, f"describes {len(rows)} studies", "one")
        files = read_files(connection)
        study = Study(
            *rows[0],
            database=path.name,
            scenarios=read_scenarios(connection, files),
            policies=read_policies(connection),
            variants=read_variants(connection),
            files=list(files.values()),
            runs=read_runs(connection),
            sessions=read_sessions(connection),
            shares=read_shares(connection),
        )
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
        raise BadInput(path, f"is damaged: {error}", ALLOWED) from error
    check_references(study, path)
    if not any(run.done for run in study.runs):
        raise BadInput(
            path,
            "has no finished run",
            f"at least one of its {study.planned} runs done; "
            "`megabed study` with this database does what is missing",
        )
    return study


def check_references(study: Study, path: Path) -> None:
    """Refuses runs of scenarios, policies or variants that are not there."""
    for run in study.runs:
        sides = ((run.scenario, study.scenarios), (run.policy, study.policies), (run.variant, study.variants))
        if not all(number in side for number, side in sides):
            raise BadInput(path, f"is damaged: run {run.id} is of nothing that it describes", ALLOWED)


def read_files(connection: sqlite3.Connection) -> dict[int, ScenarioFile]:
    """Scenario files by id."""
    return {
        row[0]: ScenarioFile(*row[1:])
        for row in connection.execute("SELECT id, path, digest FROM scenario_file ORDER BY id")
    }


def read_scenarios(connection: sqlite3.Connection, files: dict[int, ScenarioFile]) -> dict[int, Scenario]:
    """Scenarios by id."""
    return {
        row[0]: Scenario(row[0], row[1], files[row[2]])
        for row in connection.execute("SELECT id, label, file_id FROM scenario ORDER BY id")
    }


def read_policies(connection: sqlite3.Connection) -> dict[int, Policy]:
    """Policies by id."""
    return {
        row[0]: Policy(row[0], row[1], row[2], tuple(map(str, json.loads(row[3]))))
        for row in connection.execute("SELECT id, label, name, settings FROM policy ORDER BY id")
    }


def read_variants(connection: sqlite3.Connection) -> dict[int, Variant]:
    """Variants by id, with their parameters' values."""
    variants = {
        row[0]: Variant(row[0], row[1], tuple(map(str, json.loads(row[2]))), {}, {})
        for row in connection.execute("SELECT id, label, settings FROM variant ORDER BY id")
    }
    for variant, parameter, value, number in connection.execute(
        "SELECT variant_id, parameter, value, number FROM variant_value ORDER BY variant_id, parameter"
    ):
        variants[variant].values[parameter] = value
        if number is not None:
            variants[variant].numbers[parameter] = number
    return variants


def read_runs(connection: sqlite3.Connection) -> list[Run]:
    """Runs that are there, in the order of the cross product."""
    return [Run(*row) for row in connection.execute(f"SELECT {RUN_COLUMNS} FROM run ORDER BY id")]


def read_shares(connection: sqlite3.Connection) -> dict[int, dict[str, int]]:
    """Nanoseconds that each topology took of each run."""
    shares: dict[int, dict[str, int]] = {}
    for run, topology, time_ns in connection.execute("SELECT run_id, topology, time_ns FROM topology_share"):
        shares.setdefault(run, {})[topology] = time_ns
    return shares


def read_sessions(connection: sqlite3.Connection) -> list[Session]:
    """Invocations, each with the runs it did."""
    cost = {
        row[0]: row[1:]
        for row in connection.execute(
            "SELECT session_id, count(*), sum(wall_ns) FROM execution GROUP BY session_id"
        )
    }
    return [
        Session(*row, *cost.get(row[0], (0, 0)))
        for row in connection.execute(
            "SELECT id, started_utc, ended_utc, command, version, revision, compiler, host, system, cores,"
            " jobs, processes FROM session ORDER BY id"
        )
    ]


def runs_with_timeline(connection: sqlite3.Connection) -> set[int]:
    """Runs of which a timeline was kept."""
    return {row[0] for row in connection.execute("SELECT DISTINCT run_id FROM timeline")}


def timeline_of(connection: sqlite3.Connection, run: int) -> Iterator[tuple[str, int, int]]:
    """Topology, start and end in ns of the run's launches, those of one topology in a row taken together."""
    yield from connection.execute(
        "SELECT topology, start_ns, end_ns FROM timeline WHERE run_id = ? ORDER BY segment", (run,)
    )
