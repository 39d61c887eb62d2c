"""Passwords that guessers try first: the 30,000 most common ones of breaches, as the package `zxcvbn` lists them (PW-4).

A password is one of these when one of them with a few characters, or two of them with hardly any, make it up. Sentences of
common words are not: with three words and more there are too many to try.
"""

from __future__ import annotations

import runpy
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SHORTEST = 5
_LONGEST = 20


BESIDE_ONE, BESIDE_TWO = 6, 3
"""So many other characters are enough beside one listed password, and beside two."""


def is_guessed_early(folded: str) -> bool:
    """Whether a folded password (no blanks, no capitals) is made of one or two listed ones and hardly anything else."""
    listed = _listed()
    ends = [
        (start, start + size)
        for start in range(len(folded))
        for size in range(_SHORTEST, min(_LONGEST, len(folded) - start) + 1)
        if folded[start : start + size] in listed
    ]
    longest_from = [0] * (len(folded) + 1)
    for start, end in ends:
        longest_from[start] = max(longest_from[start], end - start)
    for start in reversed(range(len(folded))):
        longest_from[start] = max(longest_from[start], longest_from[start + 1])
    one = max((end - start for start, end in ends), default=0)
    two = max((end - start + longest_from[end] for start, end in ends), default=0)
    return len(folded) - one < BESIDE_ONE or len(folded) - two < BESIDE_TWO


@cache
def _listed() -> frozenset[str]:
    """The list, read from the package's file alone: importing the package would load its other dictionaries for good."""
    package = find_spec("zxcvbn")
    assert package is not None
    assert package.submodule_search_locations is not None
    tables = runpy.run_path(str(Path(package.submodule_search_locations[0]) / "frequency_lists.py"))
    return frozenset(word for word in tables["FREQUENCY_LISTS"]["passwords"] if _SHORTEST <= len(word) <= _LONGEST)
