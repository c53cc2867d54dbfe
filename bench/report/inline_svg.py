"""Makes of Matplotlib's SVG a picture inside a page: colours follow the page's theme, texts its font;
identifiers are those that something refers to and begin with the figure's name; coordinates have two
decimals."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

from palette import ROLE_OF

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
COMMAND = re.compile(r"([MLCQz])([^MLCQz]*)")
REFERENCE = re.compile(r"url\(#([^)]+)\)")
DROPPED = {SVG + "metadata", SVG + "style", SVG + "title"}
# The page says it once for all pictures.
OF_THE_PAGE = {"font-family", "font-style", "font-variant", "font-stretch"}
# What SVG does anyway.
IMPLIED = {("stroke-linejoin", "round"), ("stroke-linecap", "butt"), ("stroke", "none"), ("opacity", "1")}


def inline(text: str, prefix: str, label: str, kind: str = "") -> str:
    """The picture as an element for a page, with `label` for those who do not see it and one more class."""
    root = ElementTree.fromstring(text)
    used = referred(root)
    box = root.get("viewBox", "0 0 1 1")
    width = float(box.split()[2]) * 4 / 3  # points to CSS pixels
    body = "".join(element_text(child, prefix, used) for child in root)
    return (
        f'<svg class="{f"plot {kind}".strip()}" role="img" aria-label="{html.escape(label)}"'
        f' viewBox="{rounded(box)}" style="--native:{width:.0f}px">{body}</svg>'
    )


def referred(root: ElementTree.Element) -> set[str]:
    """Identifiers that something in the picture refers to."""
    found = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == HREF:
                found.add(value.lstrip("#"))
            found.update(REFERENCE.findall(value))
    return found


def element_text(element: ElementTree.Element, prefix: str, used: set[str]) -> str:
    """The element and what is in it; groups that say nothing are left out."""
    if element.tag in DROPPED:
        return ""
    name = element.tag.removeprefix(SVG)
    inside = html.escape(element.text, quote=False) if name in ("text", "tspan") and element.text else ""
    inside += "".join(element_text(child, prefix, used) for child in element)
    attributes = attribute_texts(element, name, prefix, used)
    if name in ("g", "defs") and (not inside or name == "g" and not attributes):
        return inside
    opened = " ".join([name, *(f'{key}="{html.escape(value)}"' for key, value in attributes)])
    return f"<{opened}>{inside}</{name}>" if inside else f"<{opened}/>"


def attribute_texts(
    element: ElementTree.Element, name: str, prefix: str, used: set[str]
) -> list[tuple[str, str]]:
    """Names and values of the element's attributes, those of the page put in."""
    kept = []
    for key, value in element.attrib.items():
        if key == "id":
            if value in used:
                kept.append(("id", f"{prefix}-{value}"))
        elif key == HREF:
            kept.append(("href", f"#{prefix}-{value[1:]}"))
        elif key == "clip-path":
            kept.append((key, REFERENCE.sub(rf"url(#{prefix}-\1)", value)))
        elif key == "d":
            kept.append((key, compact_path(value)))
        elif key == "style":
            styled = themed_style(value)
            if styled:
                kept.append((key, styled))
            if "--topology" in styled and "fill" in styled:
                kept.append(("shape-rendering", "crispEdges"))
        else:
            kept.append((key, rounded(value)))
    return kept


def themed_style(style: str) -> str:
    """Declarations with the roles' variables for colours, and the font's size and weight alone."""
    kept = []
    for declaration in style.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            kept.extend(font_declarations(value))
        elif key and key not in OF_THE_PAGE and (key, value) not in IMPLIED:
            kept.append(f"{key}:{rounded(COLOUR.sub(variable_of, value))}")
    return ";".join(kept)


def font_declarations(value: str) -> list[str]:
    """Of "bold 8px 'DejaVu Sans', ...": what the page's own font does not say."""
    size = re.search(r"([\d.]+)px", value)
    declarations = [f"font-size:{rounded(size.group(1))}px"] if size else []
    weight = re.match(r"(?:italic )?(bold|[1-9]00)\b", value)
    if weight and weight.group(1) != "400":
        declarations.append(f"font-weight:{weight.group(1)}")
    return declarations


def variable_of(match: re.Match[str]) -> str:
    """The variable of a colour's role; colours without a role stay."""
    role = ROLE_OF.get(match.group().lower())
    return f"var(--{role})" if role else match.group()


def rounded(text: str) -> str:
    """Decimal fractions to two places."""
    return NUMBER.sub(lambda match: short(float(match.group())), text)


def short(value: float) -> str:
    """A coordinate to a hundredth of a point, without what is not needed."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def compact_path(path: str) -> str:
    """The path with level and upright lines as H and V."""
    parts = []
    x = y = ""
    for command, rest in COMMAND.findall(path):
        numbers = [short(float(number)) for number in rest.split()]
        if command == "L" and numbers[1] == y:
            parts.append("" if numbers[0] == x else f"H{numbers[0]}")
        elif command == "L" and numbers[0] == x:
            parts.append(f"V{numbers[1]}")
        else:
            parts.append(command + " ".join(numbers))
        if len(numbers) >= 2:
            x, y = numbers[-2:]
    return "".join(parts)
