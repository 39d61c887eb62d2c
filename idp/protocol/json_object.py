"""JSON objects that strangers sent, read strictly: UTF-8, every member once, no constants that JSON lacks (RFC 8259 §4, §8.1)."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 20
"""Objects and lists within each other; nothing that the standards define needs more (JW-5, IV-6)."""


def parse_json_object(data: bytes) -> dict[str, Any]:
    """The object. Raises `ValueError`, also for what is nested more than 20 deep."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    _check_depth(value)
    return value


def _check_depth(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for members in inner for one in members if isinstance(one, (dict, list))]
    if level:
        raise ValueError("nested too deeply")


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member comes twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
