"""The page: one HTML file with everything in it, that asks nothing of any network."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import Sequence, Union

from figure_html import figure_html, table_html
from figures import Figure, Table
from palette import style_sheet
from study_data import Study

HERE = Path(__file__).resolve().parent
# The page may use what is in it and nothing else.
RULES = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Folded:
    """Something that a reader opens: a summary, and HTML."""

    summary: str
    body: str


Part = Union[str, Figure, Table, Folded]


@dataclass
class Section:
    """A section: strings among its parts are HTML."""

    id: str
    title: str
    parts: list[Part] = field(default_factory=list)


def part_html(part: Part, section: Section) -> str:
    """A part of a section; the heading of one that is a figure alone is the figure's."""
    if isinstance(part, Figure):
        return figure_html(part, "" if len(section.parts) > 1 else f"{section.id}-title")
    if isinstance(part, Table):
        return table_html(part, section.title)
    if isinstance(part, Folded):
        return f"<details><summary>{escape(part.summary)}</summary>{part.body}</details>\n"
    return part


def section_html(section: Section) -> str:
    """A section with its heading."""
    heading = f'<h2 id="{section.id}-title">{escape(section.title)}</h2>\n'
    parts = "".join(part_html(part, section) for part in section.parts)
    opened = f'<section id="{section.id}" aria-labelledby="{section.id}-title">\n'
    return f"{opened}{heading}{parts}</section>\n"


def contents_html(sections: Sequence[Section]) -> str:
    """The table of contents, figures below their sections."""
    entries = []
    for section in sections:
        figures = [part for part in section.parts if isinstance(part, Figure)]
        inner = "".join(f'<li><a href="#{figure.name}">{figure.title}</a></li>' for figure in figures)
        below = f"<ol>{inner}</ol>" if len(section.parts) > 1 and figures else ""
        entries.append(f'<li><a href="#{section.id}">{escape(section.title)}</a>{below}</li>\n')
    listed = f"<ol>\n{''.join(entries)}</ol>"
    opened = '<nav id="contents" aria-label="Contents"><details open><summary>Contents</summary>'
    return f"{opened}{listed}</details></nav>\n"


def progress_fields(study: Study) -> dict[str, str]:
    """How much of the study is done, as a bar, a list and words."""
    done = sum(run.status == "done" for run in study.runs)
    counts = {
        "done": done,
        "failed": len(study.failed),
        "missing": max(0, study.planned - len(study.runs)),
    }
    whole = max(1, sum(counts.values()))
    shares = {name: number / whole for name, number in counts.items() if number}
    return {
        "bar": "".join(
            f'<span class="{name}" style="flex-grow:{share:.6f}"></span>' for name, share in shares.items()
        ),
        "counts": "".join(
            f'<li class="{name}"><b>{number:,}</b> {name}</li>' for name, number in counts.items()
        ),
        "progress": "Runs: " + ", ".join(f"{number:,} {name}" for name, number in counts.items()),
        "planned": f"{study.planned:,}",
    }


def page_html(study: Study, sections: Sequence[Section]) -> str:
    """The whole page."""
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        progress_fields(study),
        rules=RULES,
        version=escape(study.version),
        name=escape(study.name),
        summary=escape(study.summary),
        database=escape(study.database),
        colours=style_sheet(),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
        contents=contents_html(sections),
        sections="".join(map(section_html, sections)),
    )
