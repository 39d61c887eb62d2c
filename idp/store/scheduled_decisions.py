"""Decisions that take effect a little later, many at once: who wins between undoing and taking effect is one update each.

A row ends once, with an outcome: `done`, `undone`, or the key of the refusal that it met (`decided_already`, ...).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_ADD = Statement(
    "INSERT INTO scheduled_decisions (batch_id, account_id, staff_id, act, reason, remark, address, seen_at, due_at,"
    " outcome, created_at) VALUES (:batch_id, :account_id, :staff_id, :act, :reason, :remark, :address, :seen_at, :due_at,"
    " '', :now)"
)
_SELECT = (
    "SELECT s.*, a.given_name, a.family_name, a.email, a.company FROM scheduled_decisions s"
    " JOIN accounts a ON a.account_id = s.account_id"
)
_BATCH = Statement(_SELECT + " WHERE s.batch_id = :batch_id ORDER BY s.seen_at, s.account_id")
_WAITING = Statement(
    "SELECT batch_id, act, MIN(due_at) AS due_at, COUNT(*) AS count FROM scheduled_decisions"
    " WHERE staff_id = :staff_id AND created_at > :since AND outcome = '' GROUP BY batch_id, act ORDER BY 3"
)
_CLAIM = Statement(
    "UPDATE scheduled_decisions SET outcome = :outcome, settled_at = :now"
    " WHERE batch_id = :batch_id AND account_id = :account_id AND outcome = '' AND due_at <= :now"
)
_UNDO = Statement(
    "UPDATE scheduled_decisions SET outcome = 'undone', settled_at = :now"
    " WHERE batch_id = :batch_id AND staff_id = :staff_id AND outcome = '' AND due_at > :now"
)
_FORGET = Statement("DELETE FROM scheduled_decisions WHERE created_at < :before AND outcome <> ''")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A decision about one account that was put off; `outcome` is empty as long as it waits."""

    batch_id: str
    account_id: str
    staff_id: str
    act: str
    reason: str
    remark: str
    address: str
    seen_at: int
    due_at: int
    outcome: str
    created_at: int
    settled_at: int | None
    given_name: str
    family_name: str
    email: str
    company: str

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}".strip() or self.email


@dataclass(frozen=True, slots=True)
class Batch:
    """What a member of staff has put off and what still waits: for the banner of the queue."""

    batch_id: str
    act: str
    due_at: int
    count: int


def add(
    tx: Transaction,
    *,
    batch_id: str,
    staff_id: str,
    act: str,
    chosen: Iterable[tuple[int, str, str]],
    remark: str,
    address: str,
    due_at: int,
    now: int,
) -> None:
    """Put off one act about several accounts; `chosen`: since when the status stood, account, reason."""
    for seen_at, account_id, reason in chosen:
        tx.run(
            _ADD,
            batch_id=batch_id,
            account_id=account_id,
            staff_id=staff_id,
            act=act,
            reason=reason,
            remark=remark,
            address=address[:64],
            seen_at=seen_at,
            due_at=due_at,
            now=now,
        )


def list_batch(tx: Transaction, batch_id: str) -> list[Scheduled]:
    """The rows of one batch, oldest application first."""
    rows = tx.all(_BATCH, batch_id=batch_id)
    return [Scheduled(**{name: row[name] for name in Scheduled.__slots__}) for row in rows]


def list_waiting(tx: Transaction, staff_id: str, since: int) -> list[Batch]:
    """What a member of staff has put off since an instant and what has not taken effect."""
    rows = tx.all(_WAITING, staff_id=staff_id, since=since)
    return [Batch(**{name: row[name] for name in Batch.__slots__}) for row in rows]


def settle(tx: Transaction, batch_id: str, account_id: str, *, outcome: str, now: int) -> bool:
    """End one row that is due; exactly one caller gets True."""
    return tx.run(_CLAIM, batch_id=batch_id, account_id=account_id, outcome=outcome, now=now) == 1


def undo(tx: Transaction, batch_id: str, staff_id: str, now: int) -> int:
    """Take back what is not due yet; out: how many rows."""
    return tx.run(_UNDO, batch_id=batch_id, staff_id=staff_id, now=now)


def forget(tx: Transaction, before: int) -> None:
    """Forget what has ended long ago; the decisions themselves stay in the history."""
    tx.run(_FORGET, before=before)
