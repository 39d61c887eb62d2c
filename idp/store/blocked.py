"""What is blocked: serial numbers, e-mail addresses and domains that no rule approves, with why and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idp.store.database import Row, Transaction

_BLOCK = Statement(
    "INSERT INTO blocked_values (kind, value, reason, actor_kind, actor, created_at)"
    " VALUES (:kind, :value, :reason, :actor_kind, :actor, :now) ON CONFLICT (kind, value) DO NOTHING"
)
_UNBLOCK = Statement("DELETE FROM blocked_values WHERE kind = :kind AND value = :value")
_LIST = Statement(
    "SELECT b.*, s.given_name, s.family_name, s.user_name FROM blocked_values b"
    " LEFT JOIN accounts s ON b.actor_kind = 'staff' AND s.account_id = b.actor"
    " WHERE b.value LIKE :pattern ESCAPE '!' ORDER BY b.created_at DESC, b.kind, b.value LIMIT :limit"
)
_MATCH = Statement(
    "SELECT value FROM blocked_values WHERE (kind = 'serial' AND value = :serial_number)"
    " OR (kind = 'email' AND value = :email_key) OR (kind = 'domain' AND value = :domain) ORDER BY kind DESC, value"
)
_ALL = Statement("SELECT kind, value FROM blocked_values")


@dataclass(frozen=True, slots=True)
class Blocked:
    """A blocked value; `kind` is `serial`, `email` or `domain`."""

    kind: str
    value: str
    reason: str
    actor_kind: str
    actor: str
    actor_name: str
    created_at: int


def block(tx: Transaction, kind: str, value: str, *, reason: str, actor_kind: str, actor: str, now: int) -> bool:
    """Block a value; False where it is blocked already."""
    values = {"kind": kind, "value": value, "reason": reason, "actor_kind": actor_kind, "actor": actor, "now": now}
    return tx.run(_BLOCK, **values) == 1


def unblock(tx: Transaction, kind: str, value: str) -> bool:
    """Let a value be judged by the rules again; False where it is not blocked."""
    return tx.run(_UNBLOCK, kind=kind, value=value) == 1


def list_blocked(tx: Transaction, part: str = "", limit: int = 500) -> list[Blocked]:
    """What is blocked, the latest first; `part` is a piece of the value."""
    pattern = "%" + part.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
    return [_parse(row) for row in tx.all(_LIST, pattern=pattern, limit=limit)]


def match_blocked(tx: Transaction, *, serial_number: str, email_key: str) -> tuple[str, ...]:
    """What of an applicant is blocked: serial number, address, domain."""
    domain = email_key.rpartition("@")[2]
    return tuple(
        row["value"] for row in tx.all(_MATCH, serial_number=serial_number, email_key=email_key, domain=domain)
    )


def read_all(tx: Transaction) -> Sequence[tuple[str, str]]:
    """Kind and value of everything that is blocked."""
    return [(row["kind"], row["value"]) for row in tx.all(_ALL)]


def _parse(row: Row) -> Blocked:
    name = f"{row['given_name'] or ''} {row['family_name'] or ''}".strip() or row["user_name"] or ""
    values = {field: row[field] for field in Blocked.__slots__ if field != "actor_name"}
    return Blocked(**values, actor_name=name)
