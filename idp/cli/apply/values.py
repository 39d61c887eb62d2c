"""Reading the values of an apply file strictly: each fault names file, entry, key and what would be right."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SECTIONS = ("clients", "accounts", "approval_rules", "serial_numbers")
FILES = ("serial_number_file",)


class FileFault(Exception):
    """A file that cannot be applied; the text has a line for each fault."""


def read_file(path: Path) -> dict[str, Any]:
    """The file's tables. Raises `FileFault`."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise FileFault(f"{path}: is not valid TOML: {error}") from None
    unknown = sorted(set(content) - {*SECTIONS, *FILES})
    if unknown:
        raise FileFault(f"{path}: {unknown[0]}: is not known; known are: {', '.join((*SECTIONS, *FILES))}")
    for name in SECTIONS:
        entries = content.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise FileFault(f"{path}: {name}: must be tables, each under [[{name}]]")
    return content


class Values:
    """One entry's values; a key that is asked for twice, or never, is a fault of ours or of the file."""

    def __init__(self, entry: Mapping[str, Any], known: Iterable[str]) -> None:
        self._entry = entry
        unknown = sorted(set(entry) - set(known))
        if unknown:
            raise ValueError(f"{unknown[0]}: is not known; known are: {', '.join(sorted(known))}")

    def __contains__(self, key: object) -> bool:
        return key in self._entry

    def text(self, key: str, *, longest: int = 255) -> str:
        """A text without control characters; empty where it is absent."""
        value = self._entry.get(key, "")
        if not isinstance(value, str) or not value.isprintable():
            raise ValueError(f"{key}: must be a text on one line")
        if len(value) > longest:
            raise ValueError(f"{key}: must not have more than {longest} characters")
        return value.strip()

    def needed(self, key: str) -> str:
        """A text that must be there."""
        value = self.text(key)
        if not value:
            raise ValueError(f"{key}: is missing")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; one alone may stand without brackets."""
        value = self._entry.get(key, [])
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            raise ValueError(f"{key}: must be a list of texts")
        return tuple(found)

    def table(self, key: str, known: Iterable[str]) -> Values:
        """The values of a table within the entry, named with it in faults."""
        value = self._entry.get(key, {})
        if not isinstance(value, dict):
            raise ValueError(f"{key}: must be a table with {', '.join(sorted(known))}")
        try:
            return Values(value, known)
        except ValueError as fault:
            raise ValueError(f"{key}.{fault}") from None

    def lines(self, key: str, *, longest: int = 1000) -> str:
        """A text that may have several lines."""
        value = self._entry.get(key, "")
        if not isinstance(value, str) or not all(line.isprintable() for line in value.split("\n")):
            raise ValueError(f"{key}: must be a text")
        if len(value) > longest:
            raise ValueError(f"{key}: must not have more than {longest} characters")
        return value.strip()

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._entry.get(key, default)
        if not isinstance(value, bool):
            raise ValueError(f"{key}: must be true or false")
        return value
