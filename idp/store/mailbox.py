"""Mails that the `mailbox:` transport kept; sealed, like the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_KEEP = Statement(
    "INSERT INTO mailbox (message_id, sealed, created_at) VALUES (:message_id, :sealed, :now)"
    " ON CONFLICT (message_id) DO UPDATE SET sealed = excluded.sealed"
)
_LIST = Statement(
    "SELECT message_id, sealed, created_at FROM mailbox ORDER BY created_at DESC, message_id LIMIT :limit"
)
_FIND = Statement("SELECT sealed, created_at FROM mailbox WHERE message_id = :message_id")
_PURGE = Statement("DELETE FROM mailbox WHERE created_at < :before")


def keep_message(tx: Transaction, *, message_id: str, sealed: bytes, now: int) -> None:
    """Keep one mail; the same one again replaces itself."""
    tx.run(_KEEP, message_id=message_id, sealed=sealed, now=now)


def list_messages(tx: Transaction, *, limit: int) -> Sequence[Row]:
    """The newest mails first."""
    return tx.all(_LIST, limit=limit)


def find_message(tx: Transaction, message_id: str) -> Row | None:
    """One mail."""
    return tx.one(_FIND, message_id=message_id)


def purge(tx: Transaction, *, before: int) -> int:
    """Forget mails from before this instant."""
    return tx.run(_PURGE, before=before)
