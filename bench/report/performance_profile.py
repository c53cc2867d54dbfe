"""Performance profiles: how often a policy is within a factor of the best.

Source: Dolan and More, Mathematical Programming 91 (2002). That the curves of two policies may change places
when a third one joins: Gould and Scott, ACM TOMS 43 (2016).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from points import Results, compared_makespans

TIE = 1e-9


@dataclass(frozen=True)
class Profile:
    """A policy's ratios to the shortest makespan at each of `points`, in order; those it failed are missing."""

    policy: int
    ratios: list[float]
    points: int

    def beyond(self, tau: float) -> int:
        """At how many points it takes longer than that, failures left aside."""
        return len(self.ratios) - bisect_right(self.ratios, tau)

    def within(self, tau: float) -> float:
        """The share of points where the policy takes at most tau times the shortest makespan."""
        return bisect_right(self.ratios, tau * (1 + TIE)) / self.points


def performance_profiles(results: Results) -> tuple[list[Profile], int]:
    """A profile of each policy over the points that all were run at, and how many points are left out."""
    compared, left_out = compared_makespans(results)
    profiles = []
    for policy in results.policies:
        ratios = sorted(
            makespans[policy] / min(makespans.values())
            for makespans in compared.values()
            if math.isfinite(makespans[policy])
        )
        profiles.append(Profile(policy, ratios, len(compared)))
    return (profiles if compared else []), left_out
