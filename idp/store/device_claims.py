"""Devices that wait for staff before their account owns them; a claim ends by one conditional delete, so one answer wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_ADD = Statement(
    "INSERT INTO device_claims (account_id, serial_number, nickname, created_at)"
    " VALUES (:account_id, :serial_number, :nickname, :now) ON CONFLICT DO NOTHING"
)
_END = Statement("DELETE FROM device_claims WHERE account_id = :account_id AND serial_number = :serial_number")
_SELECT = (
    "SELECT c.*, a.given_name, a.family_name, a.user_name, a.company, a.country FROM device_claims c"
    " JOIN accounts a ON a.account_id = c.account_id AND a.access <> 'closed'"
)
_LIST_OWN = Statement(_SELECT + " WHERE c.account_id = :account_id ORDER BY c.created_at, c.serial_number")
_LIST = Statement(_SELECT + " ORDER BY c.created_at, c.account_id, c.serial_number LIMIT :limit")
_FIND = Statement(_SELECT + " WHERE c.account_id = :account_id AND c.serial_number = :serial_number")
_COUNT = Statement(
    "SELECT COUNT(*) AS count FROM device_claims c JOIN accounts a ON a.account_id = c.account_id AND a.access <> 'closed'"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A device that waits, and for whom."""

    account_id: str
    serial_number: str
    nickname: str
    created_at: int
    name: str
    company: str
    country: str

    @property
    def family(self) -> str:
        """The family letters (F-1.4)."""
        return self.serial_number[:2]


def add_claim(tx: Transaction, account_id: str, serial_number: str, now: int, *, nickname: str = "") -> bool:
    """Note that an account wants to own a device; out: whether that was new."""
    return tx.run(_ADD, account_id=account_id, serial_number=serial_number, nickname=nickname, now=now) == 1


def end_claim(tx: Transaction, account_id: str, serial_number: str) -> bool:
    """End a claim, however it was answered; only one caller gets True."""
    return tx.run(_END, account_id=account_id, serial_number=serial_number) == 1


def find_claim(tx: Transaction, account_id: str, serial_number: str) -> Claim | None:
    """The claim of an account that is not closed, or None."""
    row = tx.one(_FIND, account_id=account_id, serial_number=serial_number)
    return _parse(row) if row else None


def list_own_claims(tx: Transaction, account_id: str) -> list[Claim]:
    """What waits for one account, oldest first."""
    return [_parse(row) for row in tx.all(_LIST_OWN, account_id=account_id)]


def list_claims(tx: Transaction, limit: int) -> list[Claim]:
    """What waits for staff, oldest first."""
    return [_parse(row) for row in tx.all(_LIST, limit=limit)]


def count_claims(tx: Transaction) -> int:
    """How many devices wait for staff."""
    row = tx.one(_COUNT)
    return int(row["count"]) if row else 0


def _parse(row: Row) -> Claim:
    name = f"{row['given_name']} {row['family_name']}".strip() or row["user_name"]
    values = {field: row[field] for field in Claim.__slots__ if field != "name"}
    return Claim(**values, name=name)
