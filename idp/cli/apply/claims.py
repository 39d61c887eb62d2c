"""The standard claims of an account that have no column of their own (OpenID Connect Core §5.1), as an apply file gives them."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from idp.cli.apply.values import Values

ADDRESS = ("formatted", "street_address", "locality", "region", "postal_code", "country")

_BIRTHDATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2}))?")
_PHONE_NUMBER = re.compile(r"\+[0-9][0-9 ().-]{4,30}(?:;ext=[0-9]{1,10})?")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")


def parse_claims(values: Values) -> dict[str, Any]:
    """Those that the entry has. Raises `ValueError` with the key and what would be right."""
    claims = {name: parse(values, name) for name, parse in _PARSERS.items() if name in values}
    if claims.get("phone_number_verified") and not claims.get("phone_number"):
        raise ValueError("phone_number_verified: needs phone_number beside it")
    return claims


def _text(values: Values, name: str) -> str:
    return values.text(name)


def _page(values: Values, name: str) -> str:
    text = values.text(name, longest=2000)
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or " " in text):
        raise ValueError(f"{name}: must be an address of the web, such as https://example.com/anna")
    return text


def _birthdate(values: Values, name: str) -> str:
    """A date; a year that nobody is told is 0000, and the year may stand alone."""
    text = values.text(name)
    match = _BIRTHDATE.fullmatch(text)
    try:
        if text and not match:
            raise ValueError
        if match and match[2]:
            date(int(match[1]) or 2000, int(match[2]), int(match[3]))
    except ValueError:
        raise ValueError(f"{name}: must be a date such as 1990-05-17, 0000-05-17 or 1990") from None
    return text


def _zone(values: Values, name: str) -> str:
    text = values.text(name)
    # Where a machine has no table of zones, the form alone counts.
    known = zoneinfo.available_timezones()
    if text and (not _ZONE.fullmatch(text) or (known and text not in known)):
        raise ValueError(f"{name}: must be a time zone such as Europe/Zurich")
    return text


def _phone_number(values: Values, name: str) -> str:
    text = values.text(name)
    if text and not _PHONE_NUMBER.fullmatch(text):
        raise ValueError(f"{name}: must be an international number such as +41 61 555 01 00")
    return text


def _flag(values: Values, name: str) -> bool:
    return values.flag(name, False)


def _address(values: Values, name: str) -> dict[str, str]:
    """Its parts (§5.1.1); an empty one is left out."""
    table = values.table(name, ADDRESS)
    parts = {part: table.lines(part) for part in ADDRESS}
    return {part: text for part, text in parts.items() if text}


_PARSERS: Mapping[str, Callable[[Values, str], Any]] = {
    "middle_name": _text,
    "nickname": _text,
    "profile": _page,
    "picture": _page,
    "website": _page,
    "gender": _text,
    "birthdate": _birthdate,
    "zoneinfo": _zone,
    "phone_number": _phone_number,
    "phone_number_verified": _flag,
    "address": _address,
}
CLAIMS = tuple(_PARSERS)
