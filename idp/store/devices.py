"""Ownership of devices: which accounts own which serial number; several may own one (colleagues share a device)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_ADD = Statement(
    "INSERT INTO devices (account_id, serial_number, nickname, created_at)"
    " VALUES (:account_id, :serial_number, :nickname, :now) ON CONFLICT DO NOTHING"
)
_RENAME = Statement(
    "UPDATE devices SET nickname = :nickname WHERE account_id = :account_id AND serial_number = :serial_number"
)
_REMOVE = Statement("DELETE FROM devices WHERE account_id = :account_id AND serial_number = :serial_number")
_LIST = Statement(
    "SELECT account_id, serial_number, nickname, created_at FROM devices WHERE account_id = :account_id"
    " ORDER BY created_at, serial_number"
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its owner calls it; two letters of the serial number are its family."""

    account_id: str
    serial_number: str
    nickname: str
    created_at: int

    @property
    def family(self) -> str:
        """The family letters (F-1.4)."""
        return self.serial_number[:2]

    @property
    def label(self) -> str:
        """Serial number and nickname, as staff read them."""
        return f"{self.serial_number} ({self.nickname})" if self.nickname else self.serial_number


def add_device(tx: Transaction, account_id: str, serial_number: str, now: int, *, nickname: str = "") -> bool:
    """Note that an account owns a device; out: whether that was new."""
    return tx.run(_ADD, account_id=account_id, serial_number=serial_number, nickname=nickname, now=now) == 1


def rename_device(tx: Transaction, account_id: str, serial_number: str, nickname: str) -> bool:
    """Give a device another nickname; out: whether the account owns it."""
    return tx.run(_RENAME, account_id=account_id, serial_number=serial_number, nickname=nickname) == 1


def remove_device(tx: Transaction, account_id: str, serial_number: str) -> bool:
    """End the ownership; out: whether this call did."""
    return tx.run(_REMOVE, account_id=account_id, serial_number=serial_number) == 1


def list_devices(tx: Transaction, account_id: str) -> list[Device]:
    """The devices of an account, oldest first."""
    return [Device(**row) for row in tx.all(_LIST, account_id=account_id)]
