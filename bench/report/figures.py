"""Figures: panels drawn in inches, as inline SVG for the page and as files of their own for papers.

A page shows each panel as a picture of its own, so that they stand beside each other on a wide screen and
below each other on a narrow one; a file has all panels of a figure, with its legend. Both are drawn by the
same function.
"""

from __future__ import annotations

import io
import logging
import math
import warnings
from dataclasses import dataclass, field
from typing import Callable, Optional, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from number_text import shortened
from palette import LIGHT
from text_size import SMALL, TEXT, label_inches

TITLE_INCHES = 0.26
LEGEND_LETTERS = 40
GAP_INCHES, EDGE_INCHES = 0.25, 0.05
NARROW_INCHES = 3.75  # 360 CSS pixels


@dataclass(frozen=True)
class LegendEntry:
    """A line of a legend: an area where `marker` is "area", otherwise a line with dashes and a marker (""
    for none)."""

    label: str
    role: str
    marker: str = "area"
    dashes: tuple[float, ...] = ()
    hollow: bool = False
    line: bool = True


@dataclass(frozen=True)
class Table:
    """The numbers of a figure. Columns that `texts` names by place are texts, the others numbers."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: frozenset[int] = frozenset({0})
    note: str = ""


class Sheet:
    """The area of one panel on a canvas; all measures are inches from its left upper corner."""

    def __init__(self, canvas: Canvas, left: float, top: float, width: float, height: float) -> None:
        self.canvas, self.left, self.top, self.width, self.height = canvas, left, top, width, height
        self.canvas_width, self.canvas_height = canvas.get_size_inches()

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes in a box."""
        bottom = self.canvas_height - self.top - top - height
        return self.canvas.add_axes(
            (
                (self.left + left) / self.canvas_width,
                bottom / self.canvas_height,
                width / self.canvas_width,
                height / self.canvas_height,
            )
        )

    def text(self, left: float, top: float, text: str, **style) -> None:
        """A text whose anchor is there."""
        place = (self.left + left) / self.canvas_width, 1 - (self.top + top) / self.canvas_height
        self.canvas.text(*place, text, **style)

    def beside(
        self,
        left: float,
        middle: float,
        text: str,
        *,
        size: float = SMALL,
        bold: bool = False,
        faint: bool = False,
        align: str = "right",
    ) -> None:
        """A text on the middle of a row."""
        weight, colour = "bold" if bold else "normal", LIGHT["muted" if faint else "ink"]
        style = {"ha": align, "va": "center_baseline", "weight": weight, "color": colour}
        self.text(left, middle, text, size=size, **style)

    def heading(self, left: float, base: float, text: str, align: str = "right") -> None:
        """A small text above a column."""
        self.text(left, base, text, size=SMALL, color=LIGHT["muted"], ha=align, va="baseline")


@dataclass
class Panel:
    """One picture of a figure, width and height in inches without its title; `alt` says in words what it
    shows. Where a wide one would be too small on a telephone, `narrow` is the width and height that the page
    draws it in there."""

    width: float
    height: float
    draw: Callable[[Sheet], None]
    alt: str
    title: str = ""
    narrow: Optional[tuple[float, float]] = None

    def narrowed(self) -> Optional["Panel"]:
        """The panel for a narrow screen, where it has one."""
        return None if self.narrow is None else Panel(*self.narrow, self.draw, self.alt, self.title)

    @property
    def whole_height(self) -> float:
        """With the title, inches."""
        return self.height + (TITLE_INCHES if self.title else 0.0)

    def draw_on(self, canvas: Canvas, left: float, top: float) -> None:
        """Draws title and panel with the left upper corner there."""
        if self.title:
            title = Sheet(canvas, left, top, self.width, TITLE_INCHES)
            title.text(0.0, 0.15, self.title, weight="bold", size=TEXT, va="baseline", ha="left")
        below = TITLE_INCHES if self.title else 0.0
        self.draw(Sheet(canvas, left, top + below, self.width, self.height))


@dataclass
class Figure:
    """A figure of the report. `question`, `caption` and `title` are HTML; `name` is the stem of its files
    and its id. Panels stand in at most `columns` columns."""

    name: str
    title: str
    question: str
    caption: str
    panels: list[Panel]
    table: Table
    legend: list[LegendEntry] = field(default_factory=list)
    columns: int = 1


def set_up_matplotlib() -> None:
    """The same drawings whatever the user's own settings: texts stay texts, identifiers do not depend on
    chance."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Glyph .* missing")
    warnings.filterwarnings("ignore", module="matplotlib")
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "megabed",
            "pdf.fonttype": 42,
            "pdf.compression": 6,
            "text.parse_math": False,
            "font.family": "DejaVu Sans",
            "font.size": TEXT,
            "path.simplify": False,
            "axes.unicode_minus": True,
            "axes.edgecolor": LIGHT["axis"],
            "axes.labelcolor": LIGHT["muted"],
            "axes.linewidth": 0.7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.labelsize": TEXT,
            "axes.labelpad": 3.0,
            "axes.grid": False,
            "axes.facecolor": "none",
            "grid.color": LIGHT["grid"],
            "grid.linewidth": 0.6,
            "text.color": LIGHT["ink"],
            "xtick.color": LIGHT["axis"],
            "ytick.color": LIGHT["axis"],
            "xtick.labelcolor": LIGHT["muted"],
            "ytick.labelcolor": LIGHT["muted"],
            "xtick.labelsize": SMALL,
            "ytick.labelsize": SMALL,
            "xtick.major.size": 2.6,
            "ytick.major.size": 2.6,
            "xtick.major.width": 0.7,
            "ytick.major.width": 0.7,
            "xtick.major.pad": 2.4,
            "ytick.major.pad": 2.4,
            "lines.linewidth": 1.3,
            "lines.markersize": 3.6,
            "patch.linewidth": 0.0,
            "figure.facecolor": "none",
            "savefig.facecolor": "none",
        }
    )


def panel_svg(panel: Panel) -> str:
    """The panel alone, as Matplotlib writes it."""
    canvas = Canvas(figsize=(panel.width, panel.whole_height))
    panel.draw_on(canvas, 0.0, 0.0)
    return svg_of(canvas)


def svg_of(canvas: Canvas) -> str:
    """The canvas as SVG without date, creator or other metadata."""
    text = io.StringIO()
    FigureCanvasSVG(canvas).print_svg(
        text, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
    )
    return text.getvalue()


def figure_files(figure: Figure) -> dict[str, bytes]:
    """The whole figure on white, by suffix: ".svg" with texts as texts, ".pdf" with its fonts embedded."""
    drawn = {}
    for suffix in (".svg", ".pdf"):
        canvas = whole_canvas(figure)
        if suffix == ".svg":
            drawn[suffix] = svg_of(canvas).encode()
        else:
            binary = io.BytesIO()
            FigureCanvasPdf(canvas).print_pdf(
                binary,
                metadata={**dict.fromkeys(("CreationDate", "Creator", "Producer")), "Title": figure.name},
            )
            drawn[suffix] = binary.getvalue()
    return drawn


def whole_canvas(figure: Figure) -> Canvas:
    """All panels in their columns, and the legend below them."""
    columns = max(1, min(figure.columns, len(figure.panels)))
    rows = [figure.panels[at : at + columns] for at in range(0, len(figure.panels), columns)]
    widths = [max(row[at].width for row in rows if at < len(row)) for at in range(columns)]
    heights = [max(panel.whole_height for panel in row) for row in rows]
    width = sum(widths) + GAP_INCHES * (columns - 1) + 2 * EDGE_INCHES
    longest = label_inches([entry.label for entry in figure.legend], LEGEND_LETTERS)
    legend_columns = max(1, min(len(figure.legend), math.floor(width / (0.55 + longest))))
    legend_height = 0.19 * math.ceil(len(figure.legend) / legend_columns) + 0.12 if figure.legend else 0.0
    height = sum(heights) + GAP_INCHES * (len(rows) - 1) + legend_height + 2 * EDGE_INCHES
    canvas = Canvas(figsize=(width, height), facecolor="white")
    top = EDGE_INCHES
    for row, row_height in zip(rows, heights):
        left = EDGE_INCHES
        for panel, column_width in zip(row, widths):
            panel.draw_on(canvas, left, top)
            left += column_width + GAP_INCHES
        top += row_height + GAP_INCHES
    if figure.legend:
        canvas.legend(
            handles=[legend_handle(entry) for entry in figure.legend],
            loc="lower left",
            bbox_to_anchor=(EDGE_INCHES / width, EDGE_INCHES / height),
            ncol=legend_columns,
            frameon=False,
            fontsize=SMALL,
            borderaxespad=0.0,
            columnspacing=1.4,
            handlelength=2.2,
            handletextpad=0.6,
        )
    return canvas


def legend_handle(entry: LegendEntry) -> Line2D | Patch:
    """What stands before the entry's label."""
    colour = LIGHT[entry.role]
    label = shortened(entry.label, LEGEND_LETTERS)
    label = f" {label}" if label.startswith("_") else label  # Matplotlib hides those
    if entry.marker == "area":
        return Patch(facecolor=colour, label=label)
    handle = Line2D(
        [],
        [],
        color=colour,
        marker=entry.marker,
        markersize=3.6,
        label=label,
        linestyle="-" if entry.line else "none",
        markerfacecolor=LIGHT["surface"] if entry.hollow else colour,
    )
    if entry.dashes:
        handle.set_dashes(entry.dashes)
    return handle
