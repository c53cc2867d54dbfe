"""Colours, each with a role. Figures are drawn in the light theme's colours, which are all different, so
that a page can put a CSS variable of the role's name in place of each.

Topologies: Okabe and Ito, Color Universal Design (2008), without black, green and yellow, and a grey.
Policies: Tol, Colour Schemes (2021), `vibrant`; the baseline has the text's colour. Cells: blue and orange
of one scale.
"""

from __future__ import annotations

from dataclasses import dataclass

from study_data import Study

# Role -> (light, dark).
COLOURS = {
    "ink": ("#1c2128", "#e8ebef"),
    "muted": ("#57606b", "#a5afba"),
    "axis": ("#868f99", "#6f7983"),
    "grid": ("#e3e7eb", "#2a313a"),
    "surface": ("#ffffff", "#12161c"),
    "accent": ("#0b65b8", "#62b0f5"),
    "better": ("#62aee8", "#1d5f9c"),
    "worse": ("#f2a24c", "#9c4f0a"),
    "topology-empty": ("#d3d8dd", "#4b535c"),
    "topology-sparse": ("#56b4e9", "#56b4e9"),
    "topology-hybrid": ("#e69f00", "#e69f00"),
    "topology-dense": ("#0072b2", "#0072b2"),
    "topology-fused": ("#cc79a7", "#cc79a7"),
    "topology-memory": ("#d55e00", "#d55e00"),
    "topology-unknown": ("#6b6b6b", "#8b8b8b"),
    "policy-0": ("#0077bb", "#2f9be0"),
    "policy-1": ("#ee7733", "#f08a4b"),
    "policy-2": ("#009988", "#1fb5a3"),
    "policy-3": ("#ee3377", "#f2558e"),
    "policy-4": ("#33bbee", "#4cc6f3"),
    "policy-5": ("#cc3311", "#e5583a"),
}
LIGHT = {role: light for role, (light, _) in COLOURS.items()}
ROLE_OF = {light: role for role, light in LIGHT.items()}
POLICY_COLOURS = 6
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[tuple[float, ...], ...] = ((), (4.0, 1.6), (1.2, 1.2), (5.0, 1.4, 1.2, 1.4))
assert len(ROLE_OF) == len(COLOURS), "two roles share a light colour"


@dataclass(frozen=True)
class PolicyStyle:
    """How a policy's lines and points look, everywhere on the page: colour, marker and dashes together."""

    role: str
    marker: str
    dashes: tuple[float, ...]
    hollow: bool
    width: float

    @property
    def colour(self) -> str:
        """The light theme's."""
        return LIGHT[self.role]


def policy_styles(study: Study) -> dict[int, PolicyStyle]:
    """A style for each policy, by its place in the study."""
    styles = {}
    place = 0
    for policy in study.policies:
        if policy == study.baseline_id:
            styles[policy] = PolicyStyle("ink", "o", (), False, 1.8)
            continue
        colour, turn = place % POLICY_COLOURS, place // POLICY_COLOURS
        styles[policy] = PolicyStyle(
            f"policy-{colour}",
            MARKERS[(colour + turn) % len(MARKERS)],
            DASHES[turn % len(DASHES)],
            turn % 2 == 1,
            1.3,
        )
        place += 1
    return styles


def topology_role(topology: str) -> str:
    """The role of a topology's colour; a name that this version does not know is grey."""
    role = f"topology-{topology}"
    return role if role in COLOURS else "topology-unknown"


def style_sheet() -> str:
    """The colours as CSS variables: light, dark where the system or the reader wants it, and light in print."""
    light = "".join(f"--{role}:{light};" for role, (light, _) in COLOURS.items())
    dark = "".join(f"--{role}:{dark};" for role, (_, dark) in COLOURS.items())
    return (
        f":root{{color-scheme:light;{light}}}\n@media screen and"
        f" (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n@media"
        f" screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}\n"
    )
