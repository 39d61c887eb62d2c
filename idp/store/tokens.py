"""Access and refresh tokens, kept as hashes; families and the order of locks are in `store.codes`.

A refresh token has room for one successor, which is derived from it: asking again gives the same one and writes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from idp.keys.secrets import hash_secret
from idp.store.codes import Family, family_from_row
from idp.store.database import Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.store.database import Row, Transaction

ACCESS = "access"
REFRESH = "refresh"

_INSERT_ACCESS = Statement(
    "INSERT INTO access_tokens (token_hash, family_id, client_id, account_id, sid, scope, audience, issued_at, expires_at)"
    " VALUES (:token_hash, :family_id, :client_id, :account_id, :sid, :scope, :audience, :now, :expires_at)"
)
_FIND_ACCESS = Statement(
    "SELECT t.client_id, t.account_id, t.sid, t.scope, t.audience, t.issued_at, t.expires_at, a.access AS account_access,"
    " a.approval_status, a.approval_updated_at, f.session_expires_at, f.kept, f.claims,"
    " a.claims AS account_claims"
    " FROM access_tokens t LEFT JOIN accounts a ON a.account_id = t.account_id"
    " LEFT JOIN token_families f ON f.family_id = t.family_id"
    " WHERE t.token_hash = :token_hash AND t.revoked_at IS NULL AND t.expires_at > :now"
    " AND (t.family_id IS NULL OR (f.family_id IS NOT NULL AND f.revoked_at IS NULL AND a.account_id IS NOT NULL))"
)
_REVOKE_ACCESS = Statement(
    "UPDATE access_tokens SET revoked_at = :now WHERE token_hash = :token_hash AND client_id = :client_id"
    " AND revoked_at IS NULL"
)
_FIND_REFRESH = Statement(
    "SELECT t.client_id, f.account_id, f.sid, f.scope, '' AS audience, t.issued_at, t.expires_at,"
    " a.access AS account_access, a.approval_status, a.approval_updated_at, f.session_expires_at, f.kept, f.claims,"
    " a.claims AS account_claims"
    " FROM refresh_tokens t JOIN token_families f ON f.family_id = t.family_id"
    " JOIN accounts a ON a.account_id = f.account_id"
    " WHERE t.token_hash = :token_hash AND t.rotated_at IS NULL AND t.expires_at > :now AND f.revoked_at IS NULL"
    " AND f.expires_at > :now"
)
_LOCK_FAMILY = Statement(
    "UPDATE token_families SET kept = kept WHERE family_id ="
    " (SELECT family_id FROM refresh_tokens WHERE token_hash = :token_hash AND client_id = :client_id) RETURNING *"
)
_FIND_ROTATION = Statement(
    "SELECT r.expires_at, r.rotated_at, s.rotated_at AS successor_rotated_at FROM refresh_tokens r"
    " LEFT JOIN refresh_tokens s ON s.predecessor_hash = r.token_hash WHERE r.token_hash = :token_hash"
)
_INSERT_REFRESH = Statement(
    "INSERT INTO refresh_tokens (token_hash, family_id, client_id, predecessor_hash, issued_at, expires_at)"
    " VALUES (:token_hash, :family_id, :client_id, :predecessor_hash, :now, :expires_at)"
)
_ROTATE = Statement("UPDATE refresh_tokens SET rotated_at = :now WHERE token_hash = :token_hash AND rotated_at IS NULL")
_HAS_FAMILY = Statement(
    "SELECT 1 AS found FROM token_families WHERE account_id = :account_id AND client_id = :client_id LIMIT 1"
)
_COUNT = Statement(
    "INSERT INTO token_incidents (family_id, kind, count, last_at) VALUES (:family_id, :kind, 1, :now)"
    " ON CONFLICT (family_id, kind) DO UPDATE SET count = token_incidents.count + 1, last_at = excluded.last_at"
)
_DELETE_FAMILIES = (
    "DELETE FROM token_families WHERE family_id IN"
    " (SELECT family_id FROM token_families WHERE expires_at < :before LIMIT 200{skip}) RETURNING family_id"
)
_DELETE_ACCESS = (
    "DELETE FROM access_tokens WHERE token_hash IN"
    " (SELECT token_hash FROM access_tokens WHERE expires_at < :before LIMIT 1000{skip})"
)
# Housekeeping steps aside for whoever holds a row, so that it never waits in a circle with them; SQLite has one writer.
_SKIP = " FOR UPDATE SKIP LOCKED"
_DELETE_OLD_FAMILIES = (Statement(_DELETE_FAMILIES.format(skip="")), Statement(_DELETE_FAMILIES.format(skip=_SKIP)))
_DELETE_OLD_ACCESS = (Statement(_DELETE_ACCESS.format(skip="")), Statement(_DELETE_ACCESS.format(skip=_SKIP)))
_DELETE_OF_FAMILY = tuple(
    Statement(f"DELETE FROM {table} WHERE family_id = :family_id")  # names of our tables
    for table in ("codes", "access_tokens", "refresh_tokens")
)


class TokenFacts(NamedTuple):
    """What the rows say about a token that is neither expired nor revoked, and about its end-user now.

    A token that a client got for itself has no end-user.
    """

    client_id: str
    account_id: str | None
    sid: str | None
    scopes: frozenset[str]
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int
    account_access: str | None
    approval_status: str | None
    approval_updated_at: int | None
    session_expires_at: int | None
    kept: bool
    claims: str | None
    account_claims: Mapping[str, Any]

    def session_end(self, now: int) -> int | None:
        """When the session ends; None where it is over and the token, of an offline family, goes on without it."""
        end = self.session_expires_at
        return end if end is not None and end > now else None


@dataclass(frozen=True, slots=True)
class Rotation:
    """Where a refresh token stands: when it was exchanged, and whether its successor was used since."""

    expires_at: int
    rotated_at: int | None
    is_successor_used: bool


def insert_access_token(
    tx: Transaction,
    token: str,
    *,
    client_id: str,
    family: Family | None,
    scope: str,
    audience: tuple[str, ...],
    now: int,
    expires_at: int,
) -> None:
    """Keep an access token of this family; without one it is the client's own."""
    tx.run(
        _INSERT_ACCESS,
        token_hash=hash_secret(ACCESS, token),
        family_id=family.family_id if family else None,
        client_id=client_id,
        account_id=family.account_id if family else None,
        sid=family.sid if family else None,
        scope=scope,
        audience=" ".join(audience),
        now=now,
        expires_at=expires_at,
    )


def revoke_access_token(tx: Transaction, token: str, client_id: str, now: int) -> bool:
    """End this client's access token and nothing else; False where it has none like this that is not ended."""
    return tx.run(_REVOKE_ACCESS, token_hash=hash_secret(ACCESS, token), client_id=client_id, now=now) == 1


def find_access_token(tx: Transaction, token: str, now: int) -> TokenFacts | None:
    """What an access token says now; None if it is unknown, expired or revoked."""
    return _facts(tx.one(_FIND_ACCESS, token_hash=hash_secret(ACCESS, token), now=now))


def find_refresh_token(tx: Transaction, token: str, now: int) -> TokenFacts | None:
    """What a refresh token says now; None if it is unknown, expired, revoked or was exchanged."""
    return _facts(tx.one(_FIND_REFRESH, token_hash=hash_secret(REFRESH, token), now=now))


def lock_family_of_refresh_token(tx: Transaction, token: str, client_id: str) -> Family | None:
    """The family of this client's refresh token, live or not, locked until the transaction ends."""
    row = tx.one(_LOCK_FAMILY, token_hash=hash_secret(REFRESH, token), client_id=client_id)
    return None if row is None else family_from_row(row)


def has_family(tx: Transaction, account_id: str, client_id: str) -> bool:
    """Whether the account has been at this client, as far back as families are kept."""
    return tx.one(_HAS_FAMILY, account_id=account_id, client_id=client_id) is not None


def get_rotation(tx: Transaction, token: str) -> Rotation:
    """Where the token stands, asked after its family was locked."""
    row = tx.one(_FIND_ROTATION, token_hash=hash_secret(REFRESH, token))
    if row is None:
        raise LookupError("no such refresh token")
    return Rotation(row["expires_at"], row["rotated_at"], row["successor_rotated_at"] is not None)


def insert_refresh_token(
    tx: Transaction, family: Family, token: str, *, predecessor: str | None, now: int, expires_at: int
) -> None:
    """Keep a refresh token. Raises `Conflict` where the predecessor has a successor already."""
    tx.run(
        _INSERT_REFRESH,
        token_hash=hash_secret(REFRESH, token),
        family_id=family.family_id,
        client_id=family.client_id,
        predecessor_hash=None if predecessor is None else hash_secret(REFRESH, predecessor),
        now=now,
        expires_at=expires_at,
    )


def mark_rotated(tx: Transaction, token: str, now: int) -> bool:
    """Note that the token was exchanged; True for the one who did it."""
    return tx.run(_ROTATE, token_hash=hash_secret(REFRESH, token), now=now) == 1


def count_incident(tx: Transaction, family_id: str, kind: str, now: int) -> None:
    """Count an honest race (`refresh_race`) or a replay (`code_replay`, `refresh_replay`) apart."""
    tx.run(_COUNT, family_id=family_id, kind=kind, now=now)


def delete_old_tokens(tx: Transaction, before: int) -> int:
    """Forget some families, with all that is theirs, and access tokens that ended before that instant (housekeeping).

    Out: how much went; nothing is left when it is 0. A spent code stays with its family, so that a replay is known.
    """
    families = tx.all(_DELETE_OLD_FAMILIES[not tx.is_sqlite], before=before)
    for row in families:
        for statement in _DELETE_OF_FAMILY:
            tx.run(statement, family_id=row["family_id"])
    return len(families) + tx.run(_DELETE_OLD_ACCESS[not tx.is_sqlite], before=before)


def _facts(row: Row | None) -> TokenFacts | None:
    if row is None:
        return None
    scopes, audience, claims = row["scope"], row["audience"], row["account_claims"]
    return TokenFacts(
        row["client_id"],
        row["account_id"],
        row["sid"],
        frozenset(scopes.split()),
        tuple(audience.split()),
        row["issued_at"],
        row["expires_at"],
        row["account_access"],
        row["approval_status"],
        row["approval_updated_at"],
        row["session_expires_at"],
        bool(row["kept"]),
        row["claims"],
        json.loads(claims) if claims and claims != "{}" else {},
    )
