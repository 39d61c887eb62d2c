"""The serial number of a measuring device as people type it from the name plate (F-1.4): `ab 123-z` means `AB123Z`."""

from __future__ import annotations

import re
import unicodedata
from string import ascii_lowercase, ascii_uppercase

from idp.errors import Refusal

LONGEST_TYPED = 40

_SHAPE = re.compile(r"[A-Z]{2}[0-9]{3}[A-Z]")
_CAPITALS = str.maketrans(ascii_lowercase, ascii_uppercase)


def parse_serial_number(text: str) -> str:
    """Six characters: two letters, three digits, a letter. Raises `Refusal("serial_number.invalid")`.

    Case, blanks and dashes of any kind are forgiven; letters and digits of other scripts are not guessed at (IV-5). Only
    the shape is told: whether such a device was ever sold, or who owns it, never is (EN-4).
    """
    if len(text) > LONGEST_TYPED:
        raise Refusal("serial_number.invalid")
    kept = "".join(letter for letter in text if not _is_forgiven(letter)).translate(_CAPITALS)
    if not _SHAPE.fullmatch(kept):
        raise Refusal("serial_number.invalid")
    return kept


def _is_forgiven(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in ("Pd", "Zs", "Cf") or letter in "\u2212_"
