"""How well a number tells two kinds of things apart: the area under the ROC curve, by ranks (Mann and Whitney 1947).

0.5 is guessing, 1 is certainty. Whether the greater or the smaller number means the one kind is left to the attacker, so
nothing is below 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby


def measure_separation(ones: Sequence[float], others: Sequence[float]) -> float:
    """The AUC of a threshold on this number, in the better direction (0.5 to 1); ties count half. Both must have values."""
    if not (ones and others):
        raise ValueError("both kinds need samples")
    ranked = sorted([(value, True) for value in ones] + [(value, False) for value in others])
    rank, ranks_of_ones = 1, 0.0
    for _value, group in groupby(ranked, key=lambda pair: pair[0]):
        tied = [is_one for _same, is_one in group]
        ranks_of_ones += sum(tied) * (rank + (len(tied) - 1) / 2)
        rank += len(tied)
    wins = ranks_of_ones - len(ones) * (len(ones) + 1) / 2
    area = wins / (len(ones) * len(others))
    return max(area, 1 - area)


def chance_of(ones: int, others: int) -> float:
    """The standard deviation of the AUC of so many samples that cannot be told apart."""
    return math.sqrt((ones + others + 1) / (12 * ones * others))


def fastest_of(values: Sequence[float], size: int) -> list[float]:
    """The least of each group of neighbours: what an attacker keeps who asks several times, so that noise falls away."""
    return [min(values[start : start + size]) for start in range(0, len(values) - size + 1, size)]
