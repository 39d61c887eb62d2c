"""axe-core in Chromium: a page as it is, light and dark, at a desk and on a phone, held against WCAG 2.2 A and AA."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Page

TABLE = Path(__file__).resolve().parents[2] / "docs" / "pages.md"

# Width and height, colours, and the rules that can differ there; the first rendering is held against all of them.
RENDERINGS: tuple[tuple[tuple[int, int], str, tuple[str, ...]], ...] = (
    ((1280, 800), "light", ()),
    ((1280, 800), "dark", ("color-contrast",)),
    ((360, 740), "light", ("color-contrast", "target-size", "scrollable-region-focusable", "reflow")),
    ((360, 740), "dark", ("color-contrast",)),
)


@cache
def read_axe() -> str:
    """The script of axe-core, as its package brings it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@cache
def read_table() -> dict[str, str]:
    """The states of all pages, each with the rule of the route that shows it: `docs/pages.md`."""
    states = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"\| `([^`]+)` \| (.+) \|", line)
        if match:
            states.update({f"{match[1]}: {state.strip()}": match[1] for state in match[2].split(";")})
    return states


def rules_of_pages(app: Flask, is_for_programs: Callable[[str], bool]) -> Iterator[str]:
    """The rules of the routes that people open."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not is_for_programs(rule.rule):
            yield rule.rule


@dataclass
class Eyes:
    """What was looked at, and what axe-core had to say."""

    app: Flask
    seen: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def look(self, page: Page, state: str) -> None:
        """Hold the page that is open against the rules, in each rendering, as one state of its route."""
        page.wait_for_load_state()  # a click may still be on its way to the page
        path = urlsplit(page.url).path
        rule = self.app.url_map.bind("localhost").match(path, return_rule=True)[0].rule
        self.seen.add(f"{rule}: {state}")
        for (width, height), colours, rules in RENDERINGS:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=colours, reduced_motion="reduce")  # type: ignore[arg-type]
            where = f"{rule} ({state}) at {width} px, {colours}"
            self.violations += [f"{where}: {fault}" for fault in _faults(page, rules)]
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                self.violations.append(f"{where}: the page is wider than the window")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")


def _faults(page: Page, rules: tuple[str, ...]) -> list[str]:
    page.evaluate(read_axe())
    chosen = [rule for rule in rules if page.evaluate("id => axe.getRules().some(rule => rule.ruleId === id)", rule)]
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": chosen}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{violation['id']}: {', '.join(' '.join(map(str, node['target'])) for node in violation['nodes'][:4])}"
        for violation in found["violations"]
    ]
