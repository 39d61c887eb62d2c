"""The ratios of the hot path as a picture: a bar for each scenario, a line where its goal is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape

from benchmarks.report import GOALS, Measured

_LEFT, _WIDTH, _ROW, _HEAD = 220, 420, 22, 40
_LARGEST = 6.0
_REACHED, _SHORT, _NO_GOAL = "#2e7d32", "#b26a00", "#607d8b"


def draw(measured: Sequence[Measured]) -> str:
    """An SVG; each bar's length is our rate over the peer's, `_LARGEST` fills the width."""
    parts: list[str] = []
    top = 10
    for one in measured:
        parts.append(_text(10, top + 22, f"{one.store}: our rate over the peer's", "bold"))
        top += _HEAD
        for name, row in one.rows.items():
            parts += _bar(top, name, statistics.median(row.ratios), GOALS[one.store].get(name))
            top += _ROW
    width, height = _LEFT + _WIDTH + 80, top + 10
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    title = "<title>The hot path: our rate over the peer's, with the goals</title>"
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head, title, ground, *parts, "</svg>"]) + "\n"


def _bar(top: int, name: str, ratio: float, goal: float | None) -> list[str]:
    colour = _NO_GOAL if goal is None else _REACHED if ratio >= goal else _SHORT
    length = _x(ratio)
    parts = [
        _text(10, top + 14, name),
        f'<rect x="{_LEFT}" y="{top + 2}" width="{length:.0f}" height="{_ROW - 8}" fill="{colour}"/>',
        _text(_LEFT + length + 6, top + 14, f"{ratio:.2f}"),
    ]
    if goal is not None:
        at = _LEFT + _x(goal)
        parts.append(f'<path d="M{at:.0f} {top}v{_ROW - 4}" stroke="black" stroke-width="2"/>')
    return parts


def _x(ratio: float) -> float:
    return min(ratio, _LARGEST) / _LARGEST * _WIDTH


def _text(x: float, y: float, words: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-family="sans-serif" font-size="13" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )
