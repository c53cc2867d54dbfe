"""The report's sections in order, each only where there is something for it."""

from __future__ import annotations

import sqlite3
from html import escape
from typing import Optional

from answer import Answer, answer_of
from failed_runs import failed_table, incompleteness, missing_table
from figure_html import table_html
from figures import Figure
from hardware_figure import Comparison, hardware_figures
from latency_figure import latency_figure
from makespan_ratio import policy_ratios
from page import Folded, Part, Section
from palette import PolicyStyle, policy_styles
from parameter_heat_map import heat_map_figures
from parameter_lines import parameter_figures
from performance_profile import performance_profiles
from points import Results
from profile_figure import profile_figure
from provenance import (
    commands,
    device_table,
    facts,
    file_name,
    policy_table,
    scenario_table,
    session_table,
    variant_table,
)
from ratio_figures import ratio_figure, scenario_figure
from regret_figure import regret_figure
from study_data import BACKEND_NAMES, Study
from time_shares import share_figure
from timelines import timeline_figure

OTHER_TIMELINES_MOST = 6


def sections_of(study: Study, connection: sqlite3.Connection) -> list[Section]:
    """All sections. The first backend is the main one, others have a section of their own."""
    results = [Results(study, backend) for backend in study.backends]
    styles = policy_styles(study)
    main = results[0]
    sections = [question_section(study), *main_sections(main, styles, connection)]
    for other in results[1:]:
        sections.append(agreement_section(main, other, styles) if main.backend == "sim" else None)
        sections.append(backend_section(other, styles, connection))
    sections += [gaps_section(study), reproduction_section(study)]
    return [section for section in sections if section is not None and section.parts]


def present(*parts: Optional[Part]) -> list[Part]:
    """The parts that are there."""
    return [part for part in parts if part is not None]


def question_section(study: Study) -> Section:
    """What was asked, and how it was looked into."""
    parts: list[Part] = []
    if study.question:
        parts.append(f'<p class="lead">{escape(study.question)}</p>\n')
    if study.method:
        parts.append("".join(f"<p>{escape(text)}</p>\n" for text in study.method.split("\n\n")))
    return Section("question", "The question", parts)


def answer_parts(answer: Answer, study: Study) -> list[Part]:
    """Sentences and table."""
    gaps = incompleteness(study)
    return [
        *(f'<p class="lead">{sentence}</p>\n' for sentence in answer.sentences),
        answer.table,
        *([f'<p class="note">{escape(gaps)}</p>\n'] if gaps else []),
    ]


def comparison(results: Results, styles: dict[int, PolicyStyle], suffix: str) -> tuple[Answer, list[Figure]]:
    """The answer and its figures for a backend."""
    ratios = policy_ratios(results)
    profiles, _ = performance_profiles(results)
    figures = [
        ratio_figure(results, ratios, suffix),
        scenario_figure(results, ratios, suffix),
        profile_figure(results, styles, suffix),
    ]
    return answer_of(results, ratios, profiles), [figure for figure in figures if figure is not None]


def main_sections(
    results: Results, styles: dict[int, PolicyStyle], connection: sqlite3.Connection
) -> list[Section]:
    """The sections about the main backend."""
    study = results.study
    answer, figures = comparison(results, styles, "")
    ratio = [figure for figure in figures if figure.name == "makespan-ratio"]
    others = [figure for figure in figures if figure.name != "makespan-ratio"]
    regret = regret_figure(results, "")
    return [
        Section("answer", "The answer in numbers", [*answer_parts(answer, study), *ratio]),
        Section(
            "makespans",
            "Makespans and regret" if regret and others else "Regret" if regret else "Makespans",
            present(*others, regret),
        ),
        Section(
            "topologies",
            "Topologies",
            present(timeline_figure(connection, results, ""), share_figure(results, "")),
        ),
        Section("parameters", "Parameters", [*parameter_figures(results, styles), *heat_map_figures(results)]),
        Section("latencies", "Latency of services", present(latency_figure(results, ""))),
    ]


def agreement_section(simulated: Results, measured: Results, styles: dict[int, PolicyStyle]) -> Section:
    """How the simulator compares with another backend."""
    comparison = Comparison(simulated, measured, styles)
    agreement = comparison.agreement
    name = BACKEND_NAMES.get(measured.backend, measured.backend)
    parts = present(agreement.tiles() if agreement else None, *hardware_figures(comparison))
    return Section(f"agreement-{measured.backend}", f"The simulator against {name}", parts)


def backend_section(
    results: Results, styles: dict[int, PolicyStyle], connection: sqlite3.Connection
) -> Section:
    """The comparison of policies on another backend."""
    suffix = f"-{results.backend}"
    answer, figures = comparison(results, styles, suffix)
    parts: list[Part] = [*(f"<p>{sentence}</p>\n" for sentence in answer.sentences), answer.table, *figures]
    parts += present(
        timeline_figure(connection, results, suffix, OTHER_TIMELINES_MOST), latency_figure(results, suffix)
    )
    return Section(
        f"backend-{results.backend}",
        f"Policies on {BACKEND_NAMES.get(results.backend, results.backend)}",
        parts,
    )


def gaps_section(study: Study) -> Optional[Section]:
    """Runs that failed or are missing."""
    parts: list[Part] = []
    if study.failed:
        parts += [f"<p>{len(study.failed):,} runs failed; by error:</p>\n", failed_table(study)]
    missing = study.planned - len(study.runs)
    if missing > 0:
        table = missing_table(study)
        parts.append(f"<p>{missing:,} runs have not been done.</p>\n")
        parts.append(
            table
            if len(table.rows) <= 12
            else Folded("The missing runs by scenario and policy", table_html(table, "Missing runs"))
        )
    return Section("gaps", "Runs that failed or are missing", parts) if parts else None


def reproduction_section(study: Study) -> Section:
    """Everything that it takes to do it again."""
    pairs = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" for name, value in facts(study))
    tables = (
        ("Invocations", session_table(study)),
        ("Scenarios and their hashes", scenario_table(study)),
        ("Device profiles", device_table(study)),
        ("Policies", policy_table(study)),
        ("Variants", variant_table(study)),
    )
    folded = [
        Folded(f"{name} ({len(table.rows):,})", table_html(table, name)) for name, table in tables if table.rows
    ]
    text = Folded(f"The study's file, {file_name(study.path)}", f"<pre>{escape(study.text)}</pre>")
    return Section(
        "reproduction",
        "How to reproduce this",
        [f"<pre>{escape(commands(study))}</pre>\n<dl>{pairs}</dl>\n", *folded, text],
    )
