"""How long reviews really take, from what staff decided lately; nothing is said where that is too little (F-1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store import review_queue

if TYPE_CHECKING:
    from idp.provider import Provider

WINDOW = 30 * 86400
FEWEST = 5


@dataclass(frozen=True, slots=True)
class WaitingTimes:
    """Seconds within which half, and nine of ten, of the last month's applications were decided."""

    half: int
    most: int


def measure_waiting(provider: Provider) -> WaitingTimes | None:
    """The waiting times of the last 30 days; None where staff decided fewer than five."""
    with provider.database.reading() as tx:
        waited = sorted(review_queue.decided_since(tx, provider.clock() - WINDOW))
    if len(waited) < FEWEST:
        return None
    half, most = waited[(len(waited) - 1) // 2], waited[-(-len(waited) * 9 // 10) - 1]
    return WaitingTimes(_round_up(half), _round_up(most))


def _round_up(seconds: int) -> int:
    """To the unit that it is told in, so that nothing is promised too short."""
    unit = 86400 if seconds > 86400 else 3600 if seconds > 3600 else 60
    return max(1, -(-seconds // unit)) * unit
