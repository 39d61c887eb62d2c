"""Request parameters: bytes in, sound values and named faults out (RFC 6749 §3.1, Appendix B).

A parameter without a value counts as absent. A value that was sent twice, is not UTF-8, holds control characters or is
too long never becomes a value; it becomes a fault with its name, so that the caller decides where the answer may go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from idp.errors import ProtocolError

LONGEST_REQUEST = 16_384
LONGEST_VALUE = 4_000
MOST_PARAMETERS = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

REPEATABLE = frozenset({"resource"})
"""Values of several are kept as one, with blanks between them, which no address has."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by name, and what was wrong with the others; several of a repeatable one stand with blanks between them."""

    values: Mapping[str, str] = field(repr=False)
    faults: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """The value, if it was sent, once, and soundly."""
        return self.values.get(name)

    @property
    def too_long(self) -> bool:
        """Whether any value, known or not, was oversized (RD-8)."""
        return "too long" in self.faults.values()


def parse_parameters(*sources: bytes) -> Parameters:
    """Parse urlencoded query and body together; what is in both was sent twice (RD-7).

    Raises `ProtocolError`, which may not travel by redirect, where the whole is too large to look at.
    """
    if sum(map(len, sources)) > LONGEST_REQUEST:
        raise ProtocolError("invalid_request", "the request is too large", status=413, may_redirect=False)
    pairs = [pair for source in sources for pair in source.split(b"&") if pair]
    if len(pairs) > MOST_PARAMETERS:
        raise ProtocolError("invalid_request", "the request has too many parameters", may_redirect=False)
    values: dict[str, str] = {}
    faults: dict[str, str] = {}
    seen: set[str] = set()
    for pair in pairs:
        raw_name, _, raw_value = pair.partition(b"=")
        name = _unquote(raw_name).decode("utf-8", "replace")
        encoded = _unquote(raw_value)
        if not encoded:
            continue
        if name in seen and name not in REPEATABLE:
            faults.setdefault(name, "sent more than once")
        seen.add(name)
        value, fault = _read_value(encoded)
        if fault:
            faults.setdefault(name, fault)
        values[name] = f"{values[name]} {value}" if name in REPEATABLE and name in values else values.get(name, value)
    if faults:
        values = {name: value for name, value in values.items() if name not in faults}
    return Parameters(values, faults)


def _unquote(text: bytes) -> bytes:
    if b"+" in text:
        text = text.replace(b"+", b" ")
    return unquote_to_bytes(text) if b"%" in text else text


def _read_value(encoded: bytes) -> tuple[str, str]:
    try:
        value = encoded.decode("utf-8")
    except UnicodeDecodeError:
        return "", "not UTF-8"
    if len(value) > LONGEST_VALUE:
        return "", "too long"
    if _CONTROL.search(value):
        return "", "has control characters"
    return value, ""
