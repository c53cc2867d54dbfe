#!/usr/bin/env python3
"""The page in a real browser: light and dark, wide and narrow, printed. Skipped (77) where there is no
Chromium."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import unittest
from importlib.util import find_spec
from pathlib import Path
from typing import Callable

if find_spec("matplotlib") is None:
    print("SKIPPED: Matplotlib is not here; the package python3-matplotlib brings it")
    sys.exit(77)

from chromium_pipe import Browser, find_browser
from synthetic_study import Plan, write_study

HERE = Path(__file__).resolve().parent
WIDE, LAPTOP, TABLET, PHONE = 1400, 1280, 820, 390
PLAN = Plan(
    scenarios=12,
    policies=10,
    widths=4,
    thresholds=3,
    seeds=2,
    backends=("sim", "cuda"),
    failed=0.01,
    missing=0.01,
    rename={
        "gap": "a-policy-with-quite-a-long-name-of-its-own",
        "quickstart/road": "a-file-with-a-long-name/and-a-run-with-a-longer-one",
        "around-sparse/across-the-band": "searches-of-the-field/social-slashdot-5-undirected",
    },
)

# What is wider than the window, unless it scrolls by itself: in a box that stands in the window.
TOO_WIDE = """
[...document.body.querySelectorAll("*")].filter(element => {
  if (element.closest("svg") && element.tagName !== "svg") return false;
  if (element.parentElement.closest(".scroll, .panel, pre")) return false;
  if (element.className === "skip") return false;
  const box = element.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
}).map(element => element.outerHTML.slice(0, 120))"""

# How far the table under "The answer in numbers" and the figures are to be scrolled.
SCROLLS = """
[document.querySelector("section .scroll"), ...document.querySelectorAll(".panel")]
  .map(box => box.scrollWidth - box.clientWidth).filter(distance => distance > 0)"""

# Figures and pictures that are not there to be seen.
UNSEEN = """
[...document.querySelectorAll("figure, .panel, .progress")].filter(element => {
  const box = element.getBoundingClientRect();
  return box.width < 200 || box.height < 8;
}).map(element => element.outerHTML.slice(0, 120)).concat(
[...document.querySelectorAll(".panel")].filter(panel =>
  [...panel.querySelectorAll("svg")].filter(picture => picture.getBoundingClientRect().height > 40).length !== 1
).map(panel => "not one picture in " + panel.outerHTML.slice(0, 120)))"""

# Level texts of a picture that lie on each other, or outside of it.
TANGLED = """
[...document.querySelectorAll("svg.plot")].flatMap(picture => {
  const frame = picture.getBoundingClientRect();
  if (!frame.width) return [];
  const texts = [...picture.querySelectorAll("text")]
    .filter(text => !/rotate\\((?!-?0 )/.test(text.getAttribute("transform") || ""))
    .map(text => [text.textContent, text.getBoundingClientRect()]);
  const found = [];
  texts.forEach(([name, box], at) => {
    if (box.left < frame.left - 4 || box.right > frame.right + 4 || box.bottom > frame.bottom + 3)
      found.push(picture.getAttribute("aria-label").slice(0, 50) + ": outside: " + name);
    texts.slice(0, at).forEach(([other, beside]) => {
      const wide = Math.min(box.right, beside.right) - Math.max(box.left, beside.left);
      const high = Math.min(box.bottom, beside.bottom) - Math.max(box.top, beside.top);
      if (wide > 1 && high > 0.35 * Math.min(box.height, beside.height))
        found.push(picture.getAttribute("aria-label").slice(0, 50) + ": " + name + " on " + other);
    });
  });
  return found;
})"""

# Texts with less than 4.5 to 1 between them and the page behind, as WCAG 2.1 computes it.
PALE = """
(() => {
  const parts = colour => (colour.match(/[0-9.]+/g) || []).map(Number);
  const light = ([red, green, blue]) => [red, green, blue].map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = light(parts(getComputedStyle(document.body).backgroundColor));
  return [...document.querySelectorAll("body *")].filter(element => {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) return false;
    if (!element.getBoundingClientRect().width || element.closest("script, style")) return false;
    const style = getComputedStyle(element);
    const text = light(parts(element.closest("svg") ? style.fill : style.color));
    return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05) < 4.5;
  }).map(element => element.textContent.slice(0, 60));
})()"""

SMALLEST_TEXT = """
Math.min(...[...document.querySelectorAll("svg.plot text")].filter(text => text.getBoundingClientRect().width)
  .map(text => [text.getScreenCTM(), parseFloat(getComputedStyle(text).fontSize)])
  .map(([place, size]) => size * Math.hypot(place.a, place.b)))"""


def start() -> Browser:
    """A browser; the test is skipped where there is none that runs."""
    program = find_browser()
    if program is None:
        print("SKIPPED: no chromium or google-chrome is here")
        sys.exit(77)
    try:
        return Browser(program)
    except (OSError, RuntimeError, TimeoutError) as error:
        print(f"SKIPPED: {program} does not run here: {error}")
        sys.exit(77)


class InBrowser(unittest.TestCase):
    browser: Browser
    page: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        database = Path(cls.folder.name) / "study.db"
        cls.page = Path(cls.folder.name) / "report.html"
        write_study(database, PLAN)
        subprocess.run(
            [sys.executable, HERE / "report.py", database, "--out", cls.page, "--json"],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def in_every_view(self, check: Callable[[int, str], None]) -> None:
        """Opens the page at every width in both themes for a check."""
        for width in (WIDE, LAPTOP, TABLET, PHONE):
            for theme in ("light", "dark"):
                with self.subTest(width=width, theme=theme):
                    self.browser.open(self.page, width, theme=theme)
                    check(width, theme)

    def test_nothing_goes_wrong_and_nothing_is_asked_for(self) -> None:
        self.in_every_view(lambda *_: self.assertEqual(self.browser.complaints(), []))

    def test_nothing_is_wider_than_the_window(self) -> None:
        def check(width: int, _: str) -> None:
            self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), width)
            self.assertEqual(self.browser.evaluate(TOO_WIDE), [])

        self.in_every_view(check)

    def test_answer_and_figures_are_seen_without_scrolling_on_a_laptop(self) -> None:
        for width in (WIDE, LAPTOP):
            self.browser.open(self.page, width)
            self.assertEqual(self.browser.evaluate(SCROLLS), [], width)

    def test_every_figure_is_seen(self) -> None:
        def check(*_: object) -> None:
            self.assertEqual(self.browser.evaluate("document.querySelectorAll('figure').length"), 17)
            self.assertEqual(self.browser.evaluate(UNSEEN), [])

        self.in_every_view(check)

    def test_texts_do_not_lie_on_each_other(self) -> None:
        self.in_every_view(lambda *_: self.assertEqual(self.browser.evaluate(TANGLED), []))

    def test_texts_can_be_read(self) -> None:
        def check(width: int, theme: str) -> None:
            self.assertEqual(self.browser.evaluate(PALE), [])
            self.assertGreater(self.browser.evaluate(SMALLEST_TEXT), 6.5 if width == PHONE else 7.5)
            surface = self.browser.evaluate("getComputedStyle(document.body).backgroundColor")
            self.assertEqual(surface, "rgb(255, 255, 255)" if theme == "light" else "rgb(18, 22, 28)")

        self.in_every_view(check)

    def test_numbers_open_without_widening_the_page(self) -> None:
        self.browser.open(self.page, PHONE)
        self.browser.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), PHONE)
        self.assertEqual(self.browser.evaluate(TOO_WIDE), [])

    def test_the_theme_is_chosen_and_remembered(self) -> None:
        theme = "document.documentElement.getAttribute('data-theme')"
        press = "document.getElementById('theme').click()"
        self.browser.open(self.page, WIDE, theme="dark")
        self.assertIsNone(self.browser.evaluate(theme))
        self.browser.evaluate(press)
        self.assertEqual(self.browser.evaluate(theme), "light")
        surface = self.browser.evaluate("getComputedStyle(document.body).backgroundColor")
        self.assertEqual(surface, "rgb(255, 255, 255)")
        self.browser.evaluate(press)
        self.browser.open(self.page, WIDE, theme="light")
        self.assertEqual(self.browser.evaluate(theme), "dark")
        self.assertEqual(self.browser.evaluate("document.getElementById('theme').textContent"), "dark")
        self.browser.evaluate(press)
        self.browser.open(self.page, WIDE, theme="light")
        self.assertIsNone(self.browser.evaluate(theme))

    def test_it_prints_in_the_light_theme_without_cutting_figures(self) -> None:
        self.browser.open(self.page, WIDE, theme="dark", media="print")
        self.assertEqual(
            self.browser.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)"
        )
        for name in ("#theme", "#contents"):
            shown = self.browser.evaluate(f"getComputedStyle(document.querySelector('{name}')).display")
            self.assertEqual(shown, "none", name)
        rules = (
            "[...new Set([...document.querySelectorAll('.panel')].map(panel =>"
            " getComputedStyle(panel).breakInside))]"
        )
        self.assertEqual(self.browser.evaluate(rules), ["avoid"])
        printed = Path(self.folder.name) / "report.pdf"
        self.browser.print_pdf(printed)
        pages = len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))
        self.assertTrue(8 <= pages <= 60, pages)


if __name__ == "__main__":
    with start() as InBrowser.browser:
        unittest.main()
