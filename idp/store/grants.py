"""What an end-user permitted a client: remembered, so that it is asked once (RD-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_FIND = Statement("SELECT scope FROM grants WHERE account_id = :account_id AND client_id = :client_id")
_SAVE = Statement(
    "INSERT INTO grants (account_id, client_id, scope, granted_at, updated_at)"
    " VALUES (:account_id, :client_id, :scope, :now, :now)"
    " ON CONFLICT (account_id, client_id) DO UPDATE SET scope = excluded.scope, updated_at = excluded.updated_at"
)
_LIST = Statement("SELECT client_id, scope, granted_at FROM grants WHERE account_id = :account_id ORDER BY client_id")
_DELETE = Statement("DELETE FROM grants WHERE account_id = :account_id AND client_id = :client_id")


def find_granted_scope(tx: Transaction, account_id: str, client_id: str) -> frozenset[str]:
    """The scopes that the end-user permitted this client; empty where nothing was."""
    row = tx.one(_FIND, account_id=account_id, client_id=client_id)
    return frozenset(row["scope"].split()) if row else frozenset()


def list_grants(tx: Transaction, account_id: str) -> list[tuple[str, frozenset[str], int]]:
    """What the end-user permitted: client, scopes, since when."""
    rows = tx.all(_LIST, account_id=account_id)
    return [(row["client_id"], frozenset(row["scope"].split()), row["granted_at"]) for row in rows]


def save_grant(tx: Transaction, account_id: str, client_id: str, scope: frozenset[str], now: int) -> None:
    """Remember a permission; what was permitted before stays permitted."""
    both = scope | find_granted_scope(tx, account_id, client_id)
    tx.run(_SAVE, account_id=account_id, client_id=client_id, scope=" ".join(sorted(both)), now=now)


def delete_grant(tx: Transaction, account_id: str, client_id: str) -> bool:
    """Forget a permission; True where there was one."""
    return tx.run(_DELETE, account_id=account_id, client_id=client_id) == 1
