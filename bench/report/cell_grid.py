"""Grids of numbers on colours: blue for better, orange for worse, the deeper the further."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from figures import Sheet
from number_text import DASH, shortened
from palette import LIGHT
from text_size import SMALL, TEXT, TINY

ROW_INCHES = 0.2
DEEPEST = 4.0
SLANT = 42  # degrees of column labels


@dataclass(frozen=True)
class Cell:
    """A number and how deep its colour is, from -1 (as good as any) over 0 to 1 (as bad as any); `marked`
    has a frame."""

    text: str
    depth: float
    marked: bool = False


@dataclass(frozen=True)
class Grid:
    """Cells by (row, column); those that are not there get a dash. `last_row_apart`: it sums up the rows
    above it."""

    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[tuple[int, int], Cell]
    last_row_apart: bool = False
    slanted: bool = True

    @property
    def height(self) -> float:
        """Of the cells, inches."""
        return ROW_INCHES * (len(self.rows) + (0.4 if self.last_row_apart else 0.0))


def ratio_text(ratio: float) -> str:
    """A ratio for a narrow cell: two decimals, fewer where it is large."""
    return f"{ratio:.2f}" if ratio < 9.995 else f"{ratio:.1f}" if ratio < 99.95 else f"{ratio:,.0f}"


def ratio_cell(ratio: float, scale: float, marked: bool = False) -> Cell:
    """A ratio whose colour is deepest where its logarithm is as far from 0 as `scale`."""
    return Cell(ratio_text(ratio), math.log(ratio) / scale, marked)


def depth_scale(ratios: Iterable[float]) -> float:
    """Where colours of ratios are deepest: at the farthest from 1, but at DEEPEST at most, or one cell would
    pale all others."""
    farthest = max((abs(math.log(ratio)) for ratio in ratios), default=0.0)
    return min(max(farthest, math.log(1.05)), math.log(DEEPEST))


def slanted_inches(labels: Sequence[str], most: int = 22) -> float:
    """Height of slanted labels above a grid."""
    return 0.14 + 0.045 * min(most, max(map(len, labels)))


def draw_grid(sheet: Sheet, grid: Grid, left: float, top: float, cell_width: float) -> None:
    """Draws the cells with their left upper corner there, row labels to the left and column labels above."""
    axes = sheet.axes(left, top, cell_width * len(grid.columns), grid.height)
    axes.set_xlim(0, len(grid.columns))
    axes.set_ylim(grid.height / ROW_INCHES, 0)
    axes.axis("off")
    for column, label in enumerate(grid.columns):
        draw_column_label(sheet, left + cell_width * (column + 0.5), top, shortened(label, 22), grid.slanted)
    for row, label in enumerate(grid.rows):
        apart = grid.last_row_apart and row == len(grid.rows) - 1
        place = row + (0.4 if apart else 0.0)
        middle = top + ROW_INCHES * (place + 0.5)
        size = TEXT if grid.slanted else SMALL
        sheet.beside(left - 0.07, middle, shortened(label, 30), size=size, bold=apart)
        for column in range(len(grid.columns)):
            draw_cell(axes, column, place, grid.cells.get((row, column)))


def draw_column_label(sheet: Sheet, middle: float, top: float, label: str, slanted: bool) -> None:
    """A label above a column."""
    if slanted:
        style = {"rotation": SLANT, "rotation_mode": "anchor", "ha": "left", "va": "baseline"}
        sheet.text(middle - 0.02, top - 0.05, label, size=SMALL, **style)
    else:
        sheet.text(middle, top - 0.05, label, size=SMALL, ha="center", va="baseline")


def draw_cell(axes: Axes, column: int, place: float, cell: Cell | None) -> None:
    """One number on its colour."""
    text = DASH
    if cell is not None:
        text = cell.text
        role = "better" if cell.depth < 0 else "worse"
        depth = 0.0 if cell.depth == 0 else round(0.04 + 0.96 * min(1.0, abs(cell.depth)), 3)
        axes.add_patch(
            Rectangle(
                (column + 0.02, place + 0.03),
                0.96,
                0.94,
                facecolor=to_rgba(LIGHT[role], depth),
                linewidth=1.1 if cell.marked else 0.0,
                edgecolor=LIGHT["ink"] if cell.marked else "none",
            )
        )
    axes.text(
        column + 0.5,
        place + 0.52,
        text,
        size=TINY,
        ha="center",
        va="center_baseline",
        color=LIGHT["muted"] if cell is None else LIGHT["ink"],
    )
