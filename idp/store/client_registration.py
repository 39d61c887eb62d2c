"""Clients that register themselves: initial access tokens, the token that each client manages itself with, deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.keys.secrets import hash_secret, is_same
from idp.store import clients
from idp.store.database import Statement
from idp.store.notes import CLIENTS_VERSION, change_version

if TYPE_CHECKING:
    from idp.store.clients import RegisteredClient
    from idp.store.database import Row, Transaction

_GOOD = (
    " token_hash = :token_hash AND (expires_at IS NULL OR expires_at > :now) AND (uses_left IS NULL OR uses_left > 0)"
)
_FIND_INITIAL = Statement("SELECT label FROM initial_access_tokens WHERE" + _GOOD)
_USE_INITIAL = Statement(
    "UPDATE initial_access_tokens SET uses_left = uses_left - 1 WHERE" + _GOOD + " RETURNING label"
)
_ADD_INITIAL = Statement(
    "INSERT INTO initial_access_tokens (token_hash, label, uses_left, created_at, expires_at)"
    " VALUES (:token_hash, :label, :uses_left, :now, :expires_at)"
)
_LIST_INITIAL = Statement(
    "SELECT label, uses_left, created_at, expires_at FROM initial_access_tokens ORDER BY created_at, label"
)
_REVOKE_INITIAL = Statement("DELETE FROM initial_access_tokens WHERE label = :label")
_SET_REGISTRATION = Statement(
    "UPDATE clients SET registration_hash = :registration_hash, initial_hash = :initial_hash WHERE client_id = :client_id"
)
_LOCK = {
    True: Statement("SELECT registration_hash FROM clients WHERE client_id = :client_id"),
    False: Statement("SELECT registration_hash FROM clients WHERE client_id = :client_id FOR UPDATE"),
}
# Nobody let them in, and nobody has used them: no consent, no session at them, no tokens.
_LIST_UNUSED = Statement(
    "SELECT c.client_id FROM clients c WHERE c.registration_hash IS NOT NULL AND c.initial_hash IS NULL"
    " AND c.updated_at < :before"
    + "".join(
        f" AND NOT EXISTS (SELECT 1 FROM {table} u WHERE u.client_id = c.client_id)"  # names of our tables
        for table in ("grants", "session_clients", "token_families", "access_tokens")
    )
    + " ORDER BY c.client_id LIMIT :limit"
)
_DROP_SECRETS = Statement("DELETE FROM client_secrets WHERE client_id = :client_id")
_DELETE = tuple(
    Statement(f"DELETE FROM {table} WHERE client_id = :client_id")  # names of our tables, the row itself last
    for table in ("client_secrets", "grants", "session_clients", "clients")
)
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class InitialToken:
    """What lets a developer register a client, without the token itself."""

    label: str
    uses_left: int | None
    created_at: int
    expires_at: int | None


def add_initial_token(
    tx: Transaction, token: str, label: str, *, uses: int | None, expires_at: int | None, now: int
) -> None:
    """Keep a new initial access token, as a hash; `uses` None means any number."""
    tx.run(_ADD_INITIAL, token_hash=_hash(token), label=label, uses_left=uses, expires_at=expires_at, now=now)


def list_initial_tokens(tx: Transaction) -> list[InitialToken]:
    """All of them, the used up and expired ones too."""
    return [InitialToken(**{name: row[name] for name in InitialToken.__slots__}) for row in tx.all(_LIST_INITIAL)]


def revoke_initial_tokens(tx: Transaction, label: str) -> int:
    """Delete those of this label; out: how many. Clients that came with one stay."""
    return tx.run(_REVOKE_INITIAL, label=label)


def is_initial_token(tx: Transaction, token: str, now: int) -> bool:
    """Whether it would let a client in now; it is not used up by asking."""
    return tx.one(_FIND_INITIAL, token_hash=_hash(token), now=now) is not None


def use_initial_token(tx: Transaction, token: str, now: int) -> str | None:
    """Use it once; out: its label, or None where it lets nobody in (any more)."""
    row: Row | None = tx.one(_USE_INITIAL, token_hash=_hash(token), now=now)
    return None if row is None else str(row["label"])


def set_registration(tx: Transaction, client_id: str, token: str, initial_token: str | None) -> None:
    """Let a client read and change its registration with this token (RFC 7592 §3)."""
    tx.run(
        _SET_REGISTRATION,
        client_id=client_id,
        registration_hash=hash_secret("registration", token),
        initial_hash=None if initial_token is None else _hash(initial_token),
    )
    change_version(tx, CLIENTS_VERSION)


def find_registered(tx: Transaction, client_id: str, token: str, *, lock: bool = False) -> RegisteredClient | None:
    """The client that this token is of; `lock` keeps others from changing it until the transaction ends."""
    row = tx.one(_LOCK[tx.is_sqlite or not lock], client_id=client_id)
    kept = row["registration_hash"] if row else None
    # Compared for unknown clients too, so that both take the same time.
    if not is_same(hash_secret("registration", token), bytes(kept or _NOBODY)) or not kept:
        return None
    return clients.find_client(tx, client_id)


def list_unused(tx: Transaction, before: int, limit: int) -> list[str]:
    """Clients that registered themselves without a token before an instant, and that nobody uses."""
    return [row["client_id"] for row in tx.all(_LIST_UNUSED, before=before, limit=limit)]


def drop_secrets(tx: Transaction, client_id: str) -> None:
    """A client that has a key now, or is public, has no secret any more."""
    tx.run(_DROP_SECRETS, client_id=client_id)
    change_version(tx, CLIENTS_VERSION)


def delete_client(tx: Transaction, client_id: str) -> bool:
    """Delete a client with its secrets and what was permitted it; whoever does so also applies the ending. False: no such."""
    deleted = [tx.run(statement, client_id=client_id) for statement in _DELETE]
    change_version(tx, CLIENTS_VERSION)
    return deleted[-1] == 1


def _hash(token: str) -> bytes:
    return hash_secret("initial-access", token)
