"""How wide texts are, so that labels have the room that they need and no more."""

from __future__ import annotations

from functools import lru_cache
from typing import Sequence

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from number_text import shortened

TEXT, SMALL, TINY = 8.0, 7.2, 6.6  # points


@lru_cache(maxsize=None)
def text_inches(text: str, size: float = TEXT, bold: bool = False) -> float:
    """The width of a text in the figures' font, which is wider than the fonts that pages have."""
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, False)[0] / 72


def label_inches(labels: Sequence[str], most: int) -> float:
    """Room for the longest of the labels, each shortened to so many letters and perhaps in bold."""
    return 0.14 + max([0.3, *(text_inches(shortened(label, most), TEXT, True) for label in labels)])
