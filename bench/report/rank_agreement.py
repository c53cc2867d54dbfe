"""Whether two measurements put things in the same order."""

from __future__ import annotations

import math
from typing import Optional, Sequence


def kendall_tau(left: Sequence[float], right: Sequence[float]) -> Optional[float]:
    """Kendall's tau-b, from -1 (reversed) to 1 (the same order); None where either side is all ties.
    Source: Kendall, Biometrika 33 (1945). Requires: equal lengths."""
    agreement = tied_left = tied_right = 0
    pairs = len(left) * (len(left) - 1) // 2
    for at in range(len(left)):
        for other in range(at):
            by_left = (left[at] > left[other]) - (left[at] < left[other])
            by_right = (right[at] > right[other]) - (right[at] < right[other])
            agreement += by_left * by_right
            tied_left += by_left == 0
            tied_right += by_right == 0
    scale = math.sqrt((pairs - tied_left) * (pairs - tied_right))
    return agreement / scale if scale > 0 else None
