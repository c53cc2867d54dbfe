#!/usr/bin/env python3
"""Makes of a study's database one HTML file that shows its results, and figures for papers.

    report.py DB [--out report.html] [--figures DIR] [--json]

Exit status: 0 done; 2 bad input or usage, with one line on stderr; 3 Matplotlib is missing; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from database import BadInput, open_database, read_study

DONE, BAD_INPUT, UNAVAILABLE, INTERRUPTED = 0, 2, 3, 130


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Refuses the command line."""
        raise BadInput("command line", message, "DB [--out FILE] [--figures DIR] [--json]")


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        prog="megabed report",
        description=(
            "Makes of a study's database one HTML file that shows its "
            "results, works offline, and says how each number was computed."
        ),
        epilog="example: megabed report hysteresis.db --out hysteresis.html --figures figures",
    )
    parser.add_argument("database", metavar="DB", type=Path, help="what `megabed study` wrote; it is only read")
    parser.add_argument(
        "--out", metavar="FILE", type=Path, default=Path("report.html"), help="the page (default: report.html)"
    )
    parser.add_argument(
        "--figures",
        metavar="DIR",
        type=Path,
        help="also write each figure as NAME.svg and NAME.pdf, for papers",
    )
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON document")
    return parser.parse_args(arguments)


def check_outputs(database: Path, out: Path, figures: Path | None) -> None:
    """Refuses places that cannot be written, or must not be, before any work is done."""
    allowed = "a file in a folder that can be written"
    if os.path.exists(out) and os.path.samefile(out, database):
        raise BadInput(out, "is the database itself", allowed)
    if os.path.isdir(out):
        raise BadInput(out, "is a directory", allowed)
    check_folder(out.absolute().parent, out, allowed)
    if os.pathconf(out.absolute().parent, "PC_NAME_MAX") < len(os.fsencode(out.name)):
        raise BadInput(out, "cannot be written: File name too long", allowed)
    if figures is not None:
        try:
            figures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                figures, f"cannot be made: {error.strerror}", "a folder that can be written"
            ) from error
        check_folder(figures, figures, "a folder that can be written")


def check_folder(folder: Path, named: Path, allowed: str) -> None:
    """Refuses a folder in which nothing can be made."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(named, f"cannot be written: {error.strerror}", allowed) from error


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside the path and renames: whoever reads it sees all of the old file or all of the new one."""
    handle, name = tempfile.mkstemp(
        prefix=f".{path.name[:100]}.", suffix=".partial", dir=path.absolute().parent
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except OSError as error:
        raise BadInput(
            path, f"cannot be written: {error.strerror}", "a file in a folder that can be written"
        ) from error
    finally:
        if os.path.exists(name):
            os.unlink(name)


def make_report(given: argparse.Namespace) -> dict:
    """Writes everything and returns what was written."""
    with closing(open_database(given.database)) as connection:
        study = read_study(connection, given.database)
        check_outputs(given.database, given.out, given.figures)
        # Matplotlib takes longer to load than a bad database to find.
        from figures import Figure, figure_files, set_up_matplotlib
        from page import page_html
        from report_sections import sections_of

        set_up_matplotlib()
        sections = sections_of(study, connection)
        write_whole(given.out, page_html(study, sections).encode())
        written = []
        for figure in (part for section in sections for part in section.parts if isinstance(part, Figure)):
            entry = {"name": figure.name, "svg": None, "pdf": None}
            for suffix, content in (figure_files(figure) if given.figures is not None else {}).items():
                path = given.figures / f"{figure.name}{suffix}"
                write_whole(path, content)
                entry[suffix[1:]] = str(path)
            written.append(entry)
    return {"out": str(given.out), "figures": written}


def tell(document: dict, as_json: bool) -> None:
    """What was written: one JSON document, or a line a file."""
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print(f"{document['out']}: {len(document['figures'])} figures")
        for entry in document["figures"]:
            for kind in ("svg", "pdf"):
                if entry[kind]:
                    print(entry[kind])
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """The exit status."""
    try:
        given = parse(arguments)
        document = make_report(given)
    except BadInput as error:
        print(f"megabed report: {error}".replace("\n", " "), file=sys.stderr)
        return BAD_INPUT
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("matplotlib", "numpy"):
            raise
        print(
            f"megabed report: Python's {error.name.split('.')[0]} is missing; the package python3-matplotlib"
            " brings it",
            file=sys.stderr,
        )
        return UNAVAILABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    try:
        tell(document, given.json)
    except OSError as error:
        print(
            f"megabed report: standard output: cannot be written: {error.strerror}; allowed: an open one",
            file=sys.stderr,
        )
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BAD_INPUT
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
