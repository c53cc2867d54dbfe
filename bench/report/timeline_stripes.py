"""Segments of a timeline as stripes that can be seen: several narrow ones become one, with shares of the
time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable

from study_data import TOPOLOGIES

SHARE_STEPS = 8


@dataclass
class Stripe:
    """From `start` to `end` (ns): shares of the time by topology, which sum to 1."""

    start: int
    end: int
    shares: dict[str, float]


@dataclass
class Merger:
    """Gathers segments that are narrower than `narrowest` ns until they are as wide together."""

    narrowest: float
    stripes: list[Stripe] = field(default_factory=list)
    start: int = 0
    end: int = 0
    times: dict[str, int] = field(default_factory=dict)
    merged: int = 0

    def add(self, topology: str, start: int, end: int) -> None:
        """The next segment."""
        if end - start >= self.narrowest:
            self.flush()
            self.append(Stripe(start, end, {topology: 1.0}))
            return
        if not self.times:
            self.start = start
        self.merged += 1
        self.times[topology] = self.times.get(topology, 0) + end - start
        self.end = end
        if end - self.start >= self.narrowest:
            self.flush()

    def flush(self) -> None:
        """What was gathered becomes a stripe."""
        total = sum(self.times.values())
        if total > 0:
            self.append(
                Stripe(self.start, self.end, stepped({name: time / total for name, time in self.times.items()}))
            )
        self.times = {}

    def append(self, stripe: Stripe) -> None:
        """Adds a stripe to the last one where that shows the same."""
        last = self.stripes[-1] if self.stripes else None
        if last is not None and last.shares == stripe.shares and stripe.start - last.end < self.narrowest:
            last.end = stripe.end
        else:
            self.stripes.append(stripe)


def stepped(shares: dict[str, float]) -> dict[str, float]:
    """Shares in eighths, none of those that are there below one of them unless there are too many; the
    largest makes up for the rest."""
    steps = {name: max(1, round(share * SHARE_STEPS)) for name, share in shares.items()}
    largest = max(shares, key=lambda name: (shares[name], name))
    steps[largest] = max(1, SHARE_STEPS - sum(step for name, step in steps.items() if name != largest))
    total = sum(steps.values())
    return {
        name: steps[name] / total
        for name in TOPOLOGIES + tuple(sorted(set(steps) - set(TOPOLOGIES)))
        if name in steps
    }


def merged_segments(segments: Iterable[tuple[str, int, int]], narrowest: float) -> tuple[list[Stripe], int]:
    """Stripes to draw, and how many segments are not drawn as themselves."""
    merger = Merger(narrowest)
    for topology, start, end in segments:
        merger.add(topology, start, end)
    merger.flush()
    return merger.stripes, merger.merged
