"""Browsers in which an account signed in before: they keep an allowance of tries that strangers cannot use up (BF-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.keys.secrets import hash_secret
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_FIND = Statement("SELECT 1 AS known FROM known_browsers WHERE device_hash = :device_hash AND account_id = :account_id")
_REMEMBER = Statement(
    "INSERT INTO known_browsers (device_hash, account_id, last_at) VALUES (:device_hash, :account_id, :now)"
    " ON CONFLICT (device_hash, account_id) DO UPDATE SET last_at = :now"
)
_DELETE_OLD = Statement("DELETE FROM known_browsers WHERE last_at < :before")


def is_known_browser(tx: Transaction, account_id: str, device: str) -> bool:
    """Whether this account signed in with the browser that holds this secret."""
    return bool(device) and tx.one(_FIND, device_hash=hash_secret("device", device), account_id=account_id) is not None


def remember_browser(tx: Transaction, account_id: str, device: str, now: int) -> None:
    """Note that the account signed in here."""
    if device:
        tx.run(_REMEMBER, device_hash=hash_secret("device", device), account_id=account_id, now=now)


def delete_old_browsers(tx: Transaction, before: int) -> int:
    """Forget browsers that were not used since an instant (housekeeping)."""
    return tx.run(_DELETE_OLD, before=before)
