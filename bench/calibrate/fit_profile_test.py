"""The fit of a device profile: costs that were planted are found, and outliers do not pull. Run by ctest."""

from __future__ import annotations

import random
import sys
import tomllib
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
try:
    import fit_profile  # noqa: E402  (the module beside this file)
except ModuleNotFoundError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PLANTED = {"round": 700.0, "unit": 3.0, "first": 2500.0}
DECISIONS = {("gap", False): 900.0, ("arcs", False): 2100.0, ("arcs", True): 700.0}
PULLED = {"wave": 4000.0, "group_round": 250.0}
SHARE = 0.5


def launch(wave_set: str, policy: str, compiled: bool, terms: dict[str, float], ns: float) -> fit_profile.Launch:
    """One sample."""
    return fit_profile.Launch("probe", policy, compiled, wave_set, ns, terms)


def samples() -> list[fit_profile.Launch]:
    """Launches that cost exactly what was planted, give or take a percent, and a few that were disturbed."""
    draw = random.Random(7)
    made = []
    for number in range(600):
        policy, compiled = draw.choice(sorted(DECISIONS))
        decision = DECISIONS[policy, compiled]
        disturbed = 5.0 if number % 50 == 0 else 1.0
        noise = disturbed * draw.uniform(0.99, 1.01)
        terms = {"round": draw.randint(1, 9), "unit": draw.randint(1, 900), "first": float(number % 7 == 0)}
        ns = sum(PLANTED[name] * amount for name, amount in terms.items()) + decision
        made.append(launch("levels.solo", policy, compiled, terms, ns * noise))
        pulled = {"wave": 1.0, "group_round": float(draw.randint(1, 400))}
        ns = sum(PULLED[name] * amount for name, amount in pulled.items()) + SHARE * decision
        made.append(launch("levels.pull", policy, compiled, pulled, ns * noise))
    return made


class Fits(unittest.TestCase):
    """Planted costs come back."""

    def test_costs_and_decisions_are_found(self) -> None:
        fit, decisions = fit_profile.fit_decisions(samples())
        for name, cost in PLANTED.items():
            self.assertAlmostEqual(fit.costs[name] / cost, 1, delta=0.05, msg=name)
        for (policy, compiled), cost in DECISIONS.items():
            found = decisions[policy]["compiled" if compiled else "general"]
            self.assertAlmostEqual(found / cost, 1, delta=0.15, msg=policy)
        # Of `gap` no compiled launch was seen: it is taken to gain what `arcs` does.
        self.assertAlmostEqual(decisions["gap"]["compiled"] / decisions["gap"]["general"], 1 / 3, delta=0.06)
        self.assertLess(float(sorted(fit.errors)[len(fit.errors) // 2]), 0.03)

    def test_another_set_bears_a_share_of_the_decision(self) -> None:
        made = samples()
        _, decisions = fit_profile.fit_decisions(made)
        fit = fit_profile.fit_set([one for one in made if one.wave_set == "levels.pull"], decisions)
        self.assertAlmostEqual(fit.costs["group_round"] / PULLED["group_round"], 1, delta=0.03)
        self.assertAlmostEqual(fit.costs["wave"] / PULLED["wave"], 1, delta=0.15)

    def test_no_cost_is_negative(self) -> None:
        made = [launch("levels.pull", "gap", False, {"wave": 1, "up": n}, 5000 - 4 * n) for n in range(1, 900)]
        fit = fit_profile.fit_set(made, {"gap": {"general": 0.0, "compiled": 0.0}})
        self.assertTrue(all(cost >= 0 for cost in fit.costs.values()))


class Profiles(unittest.TestCase):
    """The shipped profile is what its samples give."""

    def test_the_shipped_profile_is_whole(self) -> None:
        shipped = Path(__file__).resolve().parents[2] / "scenarios" / "devices" / "h200-megakernel.toml"
        profile = tomllib.loads(shipped.read_text(encoding="ascii"))
        self.assertEqual(profile["fitted_to"], ["probes"])
        self.assertEqual(sorted(profile["waves"]), ["decision", "distances", "labels", "levels", "ranks"])
        self.assertIn("solo", profile["waves"]["levels"])
        self.assertGreaterEqual(len(profile["waves"]["decision"]), 14)


if __name__ == "__main__":
    unittest.main()
