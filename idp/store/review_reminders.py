"""Which applications staff were reminded of: each waiting once, whichever instance comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement
from idp.store.review_queue import PENDING

if TYPE_CHECKING:
    from idp.store.database import Transaction

_DUE = Statement(
    "SELECT a.account_id, a.given_name, a.family_name, a.email, a.company, a.country, a.approval_updated_at AS waiting_since"
    " FROM accounts a WHERE "
    + PENDING
    + " AND a.approval_updated_at < :before AND NOT EXISTS (SELECT 1 FROM review_reminders m"
    " WHERE m.account_id = a.account_id AND m.waiting_since = a.approval_updated_at)"
    " ORDER BY a.approval_updated_at, a.account_id LIMIT :limit"
)
_CLAIM = Statement(
    "INSERT INTO review_reminders (account_id, waiting_since, sent_at) SELECT a.account_id, a.approval_updated_at, :now"
    " FROM accounts a WHERE a.account_id = :account_id AND a.approval_status = 'pending'"
    " AND a.approval_updated_at = :waiting_since ON CONFLICT (account_id) DO UPDATE SET"
    " waiting_since = excluded.waiting_since, sent_at = excluded.sent_at"
    " WHERE review_reminders.waiting_since <> excluded.waiting_since"
)


@dataclass(frozen=True, slots=True)
class DueApplication:
    """An application whose promise ends soon, or has ended."""

    account_id: str
    given_name: str
    family_name: str
    email: str
    company: str
    country: str
    waiting_since: int

    @property
    def name(self) -> str:
        """Given and family name, or the address."""
        return f"{self.given_name} {self.family_name}".strip() or self.email


def list_due(tx: Transaction, *, before: int, limit: int = 500) -> list[DueApplication]:
    """What has waited since before an instant and nobody was reminded of, oldest first."""
    rows = tx.all(_DUE, before=before, limit=limit)
    return [DueApplication(**{name: row[name] for name in DueApplication.__slots__}) for row in rows]


def claim(tx: Transaction, due: DueApplication, now: int) -> bool:
    """Say that staff are reminded of it now; exactly one caller gets True, and none once it is decided."""
    return tx.run(_CLAIM, account_id=due.account_id, waiting_since=due.waiting_since, now=now) == 1
