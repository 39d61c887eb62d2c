"""Passwords that guessers try first: the 30,000 most common ones of breaches, as the package `zxcvbn` lists them (PW-4).

A password is one of these when at most two of them, and hardly anything else, make it up. Sentences of common words are not:
with three words and more there are too many to try.
"""

from __future__ import annotations

import runpy
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SHORTEST = 5
_LONGEST = 20


def count_unguessed(folded: str) -> int:
    """How many characters of a folded password remain when two listed passwords, the best to leave out, are left out."""
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
    covered = max((end - start + longest_from[end] for start, end in ends), default=0)
    return len(folded) - covered


@cache
def _listed() -> frozenset[str]:
    """The list, read from the package's file alone: importing the package would load its other dictionaries for good."""
    package = find_spec("zxcvbn")
    assert package is not None
    assert package.submodule_search_locations is not None
    tables = runpy.run_path(str(Path(package.submodule_search_locations[0]) / "frequency_lists.py"))
    return frozenset(word for word in tables["FREQUENCY_LISTS"]["passwords"] if _SHORTEST <= len(word) <= _LONGEST)
