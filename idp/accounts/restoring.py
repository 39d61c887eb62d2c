"""Making a copy of the database, and what has to be done when an older one was put back: both leave a line in the trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store import audit, restored

if TYPE_CHECKING:
    from idp.provider import Provider


@dataclass(frozen=True, slots=True)
class Restored:
    """What ended, by kind, and how many mails and signals wait that may have been sent before."""

    ended: dict[str, int]
    waiting: int


def note_backup(provider: Provider, actor: str) -> None:
    """Write down that somebody takes a copy of everything; the copy has this line as its newest or nearly so."""
    with provider.database.transaction() as tx:
        audit.record(tx, "backup_made", now=provider.clock(), actor_kind="operator", actor=actor)


def finish_restoring(provider: Provider, actor: str) -> Restored:
    """End everything that was open in the copy, so that nothing used since can be used again (RL-8).

    Accounts, approvals, passwords, sites and keys stay as they were in the copy. Repeating it ends what was issued since.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        ended = restored.end_everything_open(tx, now)
        audit.record(tx, "backup_restored", now=now, actor_kind="operator", actor=actor, details=ended)
        return Restored(ended, restored.count_waiting(tx))
