"""Counted tries: a try is taken before it is made, so that parallel guesses count exactly (BF-1).

A counter has a window in which so many tries are free. With the last of them comes a wait, which doubles with every
further round that fails; a success gives back the try, or clears the counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_TAKE = Statement(
    "INSERT INTO try_counters (counter_key, tries, consecutive, window_started_at, blocked_until, updated_at)"
    " VALUES (:key, 1, 1, :now, 0, :now) ON CONFLICT (counter_key) DO UPDATE SET"
    " tries = CASE WHEN try_counters.window_started_at <= :window_start OR try_counters.blocked_until > 0"
    " THEN 1 ELSE try_counters.tries + 1 END,"
    " window_started_at = CASE WHEN try_counters.window_started_at <= :window_start OR try_counters.blocked_until > 0"
    " THEN :now ELSE try_counters.window_started_at END,"
    " consecutive = try_counters.consecutive + 1, blocked_until = 0, updated_at = :now"
    " WHERE try_counters.blocked_until <= :now RETURNING tries, consecutive"
)
_BLOCK = Statement("UPDATE try_counters SET blocked_until = :until WHERE counter_key = :key")
_FIND = Statement("SELECT blocked_until FROM try_counters WHERE counter_key = :key")
_GIVE_BACK = Statement(
    "UPDATE try_counters SET tries = tries - 1, consecutive = consecutive - 1, blocked_until = 0"
    " WHERE counter_key = :key AND tries > 0"
)
_CLEAR = Statement("DELETE FROM try_counters WHERE counter_key = :key OR counter_key LIKE :below")
_DELETE_OLD = Statement("DELETE FROM try_counters WHERE updated_at < :before AND blocked_until < :before")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many tries are free in a window (seconds), and the longest wait behind them."""

    tries: int
    window: int
    longest_wait: int
    ceiling: int | None = None
    """After so many tries in a row only another path helps (BF-2)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether the try may be made, and until when the next one waits (None: it need not)."""

    may_try: bool
    waits_until: int | None = None


def take_try(tx: Transaction, key: str, allowance: Allowance, now: int) -> Taken:
    """Take one try, if this counter does not wait."""
    taken = tx.one(_TAKE, key=key, now=now, window_start=now - allowance.window)
    if taken is None:
        row = tx.one(_FIND, key=key)
        return Taken(False, now + 1 if row is None else int(row["blocked_until"]))
    if taken["tries"] < allowance.tries and not _is_at_ceiling(taken["consecutive"], allowance):
        return Taken(True)
    until = now + _wait(taken["consecutive"], allowance)
    tx.run(_BLOCK, key=key, until=until)
    return Taken(True, until)


def give_back_try(tx: Transaction, key: str) -> None:
    """Uncount a try that was right; others that were counted stay counted (BF-5)."""
    tx.run(_GIVE_BACK, key=key)


def clear_tries(tx: Transaction, key: str) -> None:
    """Forget a counter and those below it (`key:…`): the right person was here."""
    tx.run(_CLEAR, key=key, below=key + ":%")


def delete_old_counters(tx: Transaction, before: int) -> int:
    """Forget counters that nobody touched since an instant (housekeeping)."""
    return tx.run(_DELETE_OLD, before=before)


def _is_at_ceiling(consecutive: int, allowance: Allowance) -> bool:
    return allowance.ceiling is not None and consecutive >= allowance.ceiling


def _wait(consecutive: int, allowance: Allowance) -> int:
    if _is_at_ceiling(consecutive, allowance):
        return 10 * 365 * 86400
    rounds = max(0, consecutive // allowance.tries - 1)
    return int(min(allowance.longest_wait, allowance.window * 2 ** min(rounds, 20)))
