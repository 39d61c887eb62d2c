"""Assertions of clients that were accepted: each once, kept while they could be accepted again (RFC 7523 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.keys.secrets import hash_secret
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_USE = Statement(
    "INSERT INTO used_assertions (assertion_hash, expires_at) VALUES (:assertion_hash, :expires_at)"
    " ON CONFLICT (assertion_hash) DO NOTHING"
)
_DELETE = Statement("DELETE FROM used_assertions WHERE expires_at < :before")


def use_assertion(tx: Transaction, client_id: str, jti: str, expires_at: int) -> bool:
    """Use an assertion up. False: somebody was first."""
    # A client_id has no blank, so that no other pair has this text.
    assertion_hash = hash_secret("assertion", f"{client_id} {jti}")
    return tx.run(_USE, assertion_hash=assertion_hash, expires_at=expires_at) == 1


def forget_assertions(tx: Transaction, before: int) -> int:
    """Delete those that nobody accepts any more; out: how many."""
    return tx.run(_DELETE, before=before)
