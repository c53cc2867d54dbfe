"""Figures and tables as HTML."""

from __future__ import annotations

from html import escape
from typing import Sequence

from figures import Figure, LegendEntry, Panel, Table, panel_svg
from inline_svg import inline

MARKER_PATHS = {
    "o": "M3.4 0A3.4 3.4 0 1 1-3.4 0A3.4 3.4 0 1 1 3.4 0z",
    "s": "M-3-3H3V3H-3z",
    "^": "M0-3.6L3.4 3H-3.4z",
    "D": "M0-4L4 0L0 4L-4 0z",
    "v": "M0 3.6L3.4-3H-3.4z",
    "P": "M-1.3-3.8H1.3V-1.3H3.8V1.3H1.3V3.8H-1.3V1.3H-3.8V-1.3H-1.3z",
}


def table_html(table: Table, label: str) -> str:
    """A table that scrolls by itself where it is wider than the page."""
    head = "".join(
        f'<th scope="col"{cell_class(at, table)}>{escape(header)}</th>'
        for at, header in enumerate(table.headers)
    )
    rows = "".join(
        "<tr>" + "".join(cell_html(at, text, table) for at, text in enumerate(row)) + "</tr>\n"
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    box = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
    return f"{box}<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>{note}"


def cell_class(at: int, table: Table) -> str:
    """Numbers stand at the right."""
    return "" if at in table.texts else ' class="number"'


def cell_html(at: int, text: str, table: Table) -> str:
    """A cell; the first one names its row. A second line is small, and may wrap behind a slash."""
    first, _, second = text.partition("\n")
    small = escape(second).replace("/", "/<wbr>")
    shown = escape(first) + (f"<small>{small}</small>" if second else "")
    return f'<th scope="row">{shown}</th>' if at == 0 else f"<td{cell_class(at, table)}>{shown}</td>"


def legend_html(entries: Sequence[LegendEntry]) -> str:
    """The legend above a figure's panels."""
    if not entries:
        return ""
    items = "".join(f"<li>{swatch(entry)}{escape(entry.label)}</li>" for entry in entries)
    return f'<ul class="legend" aria-label="Legend">{items}</ul>\n'


def swatch(entry: LegendEntry) -> str:
    """What stands before a label: an area, or a line with its marker."""
    colour = f"var(--{entry.role})"
    body = ""
    if entry.marker == "area":
        body = f'<rect x="7" y="0" width="14" height="12" rx="2" fill="{colour}"/>'
    elif entry.line:
        dashes = " ".join(f"{2 * dash:g}" for dash in entry.dashes)
        pattern = f' stroke-dasharray="{dashes}"' if dashes else ""
        body = f'<path d="M1 6H27" fill="none" stroke="{colour}" stroke-width="2"{pattern}/>'
    if entry.marker in MARKER_PATHS:
        fill = "var(--surface)" if entry.hollow else colour
        body += f'<path d="{MARKER_PATHS[entry.marker]}" transform="translate(14 6)" fill="{fill}"'
        body += f' stroke="{colour}" stroke-width="1.4"/>'
    return f'<svg class="swatch" aria-hidden="true" viewBox="0 0 28 12">{body}</svg>'


def panel_html(panel: Panel, prefix: str) -> str:
    """A panel, and the same for narrow screens where it has one."""
    narrow = panel.narrowed()
    pictures = inline(panel_svg(panel), prefix, panel.alt, "wide" if narrow else "")
    if narrow:
        pictures += inline(panel_svg(narrow), f"{prefix}-narrow", panel.alt, "narrow")
    return f'<div class="panel">{pictures}</div>\n'


def figure_html(figure: Figure, heading_id: str) -> str:
    """A figure with its question above, its panels, its caption, and its numbers in a table to open. Its
    heading is the one of that id where there is one already."""
    own = f"{figure.name}-title"
    several = f" several columns-{figure.columns}" if len(figure.panels) > 1 else ""
    numbers = table_html(figure.table, f"The numbers of the figure {figure.name}")
    return "".join(
        (
            f'<figure id="{figure.name}" aria-labelledby="{heading_id or own}">\n',
            "" if heading_id else f'<h3 id="{own}">{figure.title}</h3>\n',
            f'<p class="question">{figure.question}</p>\n',
            legend_html(figure.legend),
            f'<div class="panels{several}">\n',
            *(panel_html(panel, f"{figure.name}-{at}") for at, panel in enumerate(figure.panels)),
            f"</div>\n<figcaption>{figure.caption}</figcaption>\n",
            f"<details><summary>The same numbers as a table</summary>{numbers}</details>\n</figure>\n",
        )
    )
