"""Temporary passwords that staff gave (F-2.5): one for an account, used once, kept as a hash until it is replaced or forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_SAVE = Statement(
    "INSERT INTO temporary_passwords (account_id, password_hash, staff_id, made_at, expires_at)"
    " VALUES (:account_id, :password_hash, :staff_id, :now, :expires_at) ON CONFLICT (account_id) DO UPDATE SET"
    " password_hash = excluded.password_hash, staff_id = excluded.staff_id, made_at = excluded.made_at,"
    " expires_at = excluded.expires_at, used_at = NULL"
)
_FIND = Statement("SELECT password_hash, expires_at, used_at FROM temporary_passwords WHERE account_id = :account_id")
_USE = Statement(
    "UPDATE temporary_passwords SET used_at = :now WHERE account_id = :account_id AND password_hash = :password_hash"
    " AND used_at IS NULL AND expires_at > :now"
)
_VOID = Statement("UPDATE temporary_passwords SET used_at = :now WHERE account_id = :account_id AND used_at IS NULL")
_PURGE = Statement("DELETE FROM temporary_passwords WHERE expires_at < :before")


@dataclass(frozen=True, slots=True)
class TemporaryPassword:
    """What is kept of one; it works while it was not used and has not expired."""

    password_hash: str
    expires_at: int
    used_at: int | None


def save_temporary_password(
    tx: Transaction, account_id: str, password_hash: str, *, staff_id: str, lifetime: int, now: int
) -> int:
    """Keep a new one in place of an older one; out: until when it works."""
    tx.run(
        _SAVE, account_id=account_id, password_hash=password_hash, staff_id=staff_id, now=now, expires_at=now + lifetime
    )
    return now + lifetime


def find_temporary_password(tx: Transaction, account_id: str) -> TemporaryPassword | None:
    """The newest one of an account, whether it works or not."""
    row = tx.one(_FIND, account_id=account_id)
    return None if row is None else TemporaryPassword(row["password_hash"], row["expires_at"], row["used_at"])


def use_temporary_password(tx: Transaction, account_id: str, password_hash: str, now: int) -> bool:
    """Use it up; of many at once one wins (RC-1)."""
    return tx.run(_USE, account_id=account_id, password_hash=password_hash, now=now) == 1


def void_temporary_password(tx: Transaction, account_id: str, now: int) -> None:
    """Make the one of an account void, whoever was told it."""
    tx.run(_VOID, account_id=account_id, now=now)


def purge_temporary_passwords(tx: Transaction, *, before: int) -> int:
    """Forget those that expired before this instant."""
    return tx.run(_PURGE, before=before)
