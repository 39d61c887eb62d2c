"""Ownership of devices: which accounts own which serial number; several may own one (colleagues share a device)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_ADD = Statement(
    "INSERT INTO devices (account_id, serial_number, created_at) VALUES (:account_id, :serial_number, :now)"
    " ON CONFLICT DO NOTHING"
)


def add_device(tx: Transaction, account_id: str, serial_number: str, now: int) -> bool:
    """Note that an account owns a device; out: whether that was new."""
    return tx.run(_ADD, account_id=account_id, serial_number=serial_number, now=now) == 1
