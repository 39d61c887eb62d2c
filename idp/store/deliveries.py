"""What staff see of the outbox and do about it: lists by kind and state, and another try for a dead letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.store import announcements
from idp.store.database import Statement
from idp.store.outbox import CLAIMED, MAIL, read_fate, read_item

if TYPE_CHECKING:
    from idp.store.database import Transaction
    from idp.store.outbox import Fate, Item

STATES = ("waiting", "done", "dead")
"""What a list can be narrowed to; a row that is being sent counts as waiting."""

_COLUMNS = (
    "outbox_id, kind, name, account_id, registration_id, client_id, sid, created_at, attempts, available_at,"
    " claimed_until, done_at, dead_at, last_error"
)
_PAGE = (
    f"SELECT {_COLUMNS} FROM outbox WHERE (:kind = '' OR (:kind = 'mail' AND kind = 'mail') OR (:kind <> 'mail' AND"
    " kind <> 'mail')) AND outbox_id < :before AND %s ORDER BY outbox_id DESC LIMIT :limit"
)
_PAGES = {
    "": Statement(_PAGE % "1 = 1"),
    "waiting": Statement(_PAGE % "done_at IS NULL AND dead_at IS NULL"),
    "done": Statement(_PAGE % "done_at IS NOT NULL"),
    "dead": Statement(_PAGE % "dead_at IS NOT NULL"),
}
_FIND = Statement(f"SELECT {_COLUMNS} FROM outbox WHERE outbox_id = :outbox_id")
_COUNT_DEAD = Statement("SELECT COUNT(*) AS count FROM outbox WHERE kind = 'mail' AND dead_at IS NOT NULL")
_LIST_DEAD = Statement("SELECT outbox_id FROM outbox WHERE dead_at IS NOT NULL ORDER BY outbox_id")
_REVIVE = Statement(
    "UPDATE outbox SET dead_at = NULL, attempts = 0, available_at = :now, claimed_by = NULL, claimed_until = NULL"
    " WHERE outbox_id = :outbox_id AND dead_at IS NOT NULL AND done_at IS NULL AND sealed IS NOT NULL"
)
_CLAIM_ONE = Statement(
    "UPDATE outbox SET claimed_by = :worker, claimed_until = :until, attempts = attempts + 1 WHERE outbox_id = :outbox_id"
    " AND done_at IS NULL AND dead_at IS NULL AND (claimed_until IS NULL OR claimed_until <= :now)"
    f" RETURNING {CLAIMED}"
)
_NEWEST = 2**62


def page_deliveries(
    tx: Transaction, *, now: int, kind: str = MAIL, state: str = "", before: int | None = None, limit: int = 50
) -> list[Fate]:
    """Rows of the outbox, newest first: mails, with another `kind` what is no mail, with an empty one both."""
    rows = tx.all(_PAGES[state], kind=kind, before=before or _NEWEST, limit=limit)
    return [read_fate(row, now) for row in rows]


def find_delivery(tx: Transaction, outbox_id: int, now: int) -> Fate | None:
    """What became of one row."""
    row = tx.one(_FIND, outbox_id=outbox_id)
    return None if row is None else read_fate(row, now)


def count_dead_mails(tx: Transaction) -> int:
    """How many mails were given up."""
    row = tx.one(_COUNT_DEAD)
    return int(row["count"]) if row else 0


def list_dead(tx: Transaction) -> list[int]:
    """The numbers of all dead letters, oldest first."""
    return [int(row["outbox_id"]) for row in tx.all(_LIST_DEAD)]


def revive(tx: Transaction, outbox_id: int, now: int) -> bool:
    """Put a dead letter back, due now and with all its tries. False: it is none, or somebody else was first."""
    if tx.run(_REVIVE, outbox_id=outbox_id, now=now) != 1:
        return False
    announcements.announce(tx, announcements.OUTBOX)
    return True


def claim_one(tx: Transaction, outbox_id: int, *, worker: str, lease: int, now: int) -> Item | None:
    """Take this one row, due or not; None where another worker has it or it is over."""
    row = tx.one(_CLAIM_ONE, outbox_id=outbox_id, worker=worker, until=now + lease, now=now)
    return None if row is None else read_item(row)
