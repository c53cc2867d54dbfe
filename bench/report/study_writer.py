"""Writes databases of bench/study/schema.sql row by row, for tests."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Mapping, Sequence

SCHEMA = Path(__file__).resolve().parent.parent / "study" / "schema.sql"
DEVICE = {"device": "h200", "device_digest": "f00dfeedf00dfeed"}
Key = tuple[int, int, int, int, str, int]  # id, scenario, policy, variant, backend, seed


class StudyWriter:
    """A new database; a context manager that commits and closes."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.executescript(SCHEMA.read_text(encoding="utf-8"))

    def __enter__(self) -> "StudyWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.commit()
        self.connection.close()

    def insert(self, table: str, **columns: object) -> None:
        """A row, by column names."""
        marks = ",".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})"
        self.connection.execute(statement, tuple(columns.values()))

    def study(self, runs: int, baseline: str, **columns: object) -> None:
        """The study's row; what is not given is made up."""
        made_up = {
            "name": "hysteresis-width",
            "summary": "How wide should hysteresis be?",
            "question": (
                "How wide must the hysteresis band of a launch policy be before it stops flapping, and what"
                " does a wider one cost in makespan?"
            ),
            "method": (
                "Every scenario runs under every policy with every width and the same seeds; makespans are"
                " compared in pairs."
            ),
            "path": "/home/someone/studies/hysteresis-width.toml",
            "text": "# A study that nobody ran.\nformat = 1\n",
            "digest": "6b1f0c2d9a3e4f58",
            "version": "0.1.0",
            "revision": "d4fbf64a0b12",
        }
        self.insert("study", **{**made_up, **columns}, baseline=baseline, runs=runs)

    def session(self, number: int, command: str, ended: bool = True) -> None:
        """An invocation of `megabed study`."""
        self.insert(
            "session",
            id=number,
            started_utc=f"2026-11-{number:02}T08:00:00Z",
            ended_utc=f"2026-11-{number:02}T09:30:00Z" if ended else None,
            command=command,
            version="0.1.0",
            revision="d4fbf64a0b12",
            compiler="g++ 12.2.0",
            host="AMD EPYC 9654 96-Core Processor",
            system="Linux 6.1.0-25-amd64 x86_64",
            cores=16,
            jobs=8,
            processes=1,
        )

    def scenarios(self, labels: Sequence[str], shown: Mapping[str, str] | None = None) -> None:
        """Scenarios FILE/RUN, numbered from 1 on; `shown` has labels to write instead."""
        files: dict[str, int] = {}
        for at, label in enumerate(labels, 1):
            file, name = label.split("/")
            if file not in files:
                files[file] = len(files) + 1
                path = f"/home/someone/studies/scenarios/{file}.toml"
                digest = file.encode().hex()[:16].ljust(16, "0")
                text = f'format = 1\nsummary = "{file}"\n'
                self.insert("scenario_file", id=files[file], path=path, digest=digest, text=text)
            written = (shown or {}).get(label, label)
            self.insert("scenario", id=at, file_id=files[file], name=name, label=written)

    def policies(self, names: Sequence[str], shown: Mapping[str, str] | None = None) -> None:
        """Policies, numbered from 1 on; `shown` has labels to write instead."""
        for at, name in enumerate(names, 1):
            settings = ["policy.bandit.exploration_ppm=50000"] if name == "bandit" else []
            label = (shown or {}).get(name, name)
            self.insert("policy", id=at, label=label, name=name, settings=json.dumps(settings))

    def variants(self, combinations: Sequence[Mapping[str, object]]) -> None:
        """Values of parameters by name, numbered from 1 on; numbers are numbers in the database."""
        for at, values in enumerate(combinations, 1):
            label = ", ".join(f"{name}={value}" for name, value in values.items())
            settings = json.dumps([f"policy.{name}={value}" for name, value in values.items()])
            self.insert("variant", id=at, label=label, settings=settings)
            for name, value in values.items():
                number = float(value) if isinstance(value, (int, float)) else None
                self.insert("variant_value", variant_id=at, parameter=name, value=str(value), number=number)

    def run(self, key: Key, **columns: object) -> None:
        """A run: its place in the cross product, and columns by name."""
        places = ("id", "scenario_id", "policy_id", "variant_id", "backend", "seed")
        self.insert("run", **dict(zip(places, key)), **DEVICE, **columns)

    def done(self, key: Key, makespan_ns: int, **columns: object) -> None:
        """A run that finished."""
        self.run(key, status="done", makespan_ns=makespan_ns, **columns)

    def failed(self, key: Key, error: str) -> None:
        """A run that did not."""
        self.run(key, status="failed", error=error)

    def timeline(self, run: int, segments: Sequence[Sequence[object]]) -> None:
        """Segments of topology, start and end in ns, launches, and least and greatest density in bps."""
        names = ("topology", "start_ns", "end_ns", "launches", "density_min_bps", "density_max_bps")
        for at, segment in enumerate(segments):
            self.insert("timeline", run_id=run, segment=at, **dict(zip(names, segment)))
