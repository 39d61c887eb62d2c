"""Devices that wait for staff before their account owns them; a claim ends by one conditional delete, so one answer wins."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from idp.store.approver_limits import NO_LIMITS, Limits
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
_LIST = _SELECT + " WHERE 1 = 1{limits} ORDER BY c.created_at, c.account_id, c.serial_number LIMIT :limit"
_FIND = Statement(_SELECT + " WHERE c.account_id = :account_id AND c.serial_number = :serial_number")
_COUNT = (
    "SELECT COUNT(*) AS count FROM device_claims c JOIN accounts a ON a.account_id = c.account_id AND a.access <> 'closed'"
    " WHERE 1 = 1{limits}"
)
_LIMITS = {
    "countries": " AND a.country IN {texts(countries)}",
    "families": " AND SUBSTR(c.serial_number, 1, 2) IN {texts(families)}"
    " AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.account_id = a.account_id"
    " AND SUBSTR(d.serial_number, 1, 2) NOT IN {texts(families)})",
}
"""What an approver with limits does not decide about is left out, as `policy.staff.is_within_limits` says."""

_DUE = Statement(
    _SELECT
    + " WHERE c.created_at < :before AND c.reminded_at IS NULL ORDER BY c.created_at, c.account_id, c.serial_number LIMIT 500"
)
_REMIND = Statement(
    "UPDATE device_claims SET reminded_at = :now WHERE account_id = :account_id AND serial_number = :serial_number"
    " AND reminded_at IS NULL"
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


def list_claims(tx: Transaction, limit: int, limits: Limits = NO_LIMITS) -> list[Claim]:
    """What waits for staff with these limits, oldest first."""
    statement, values = _within(_LIST, limits)
    return [_parse(row) for row in tx.all(statement, **values, limit=limit)]


def count_claims(tx: Transaction, limits: Limits = NO_LIMITS) -> int:
    """How many devices wait for staff with these limits."""
    statement, values = _within(_COUNT, limits)
    row = tx.one(statement, **values)
    return int(row["count"]) if row else 0


def list_due(tx: Transaction, *, before: int) -> list[Claim]:
    """What has waited since before an instant and nobody was reminded of, oldest first."""
    return [_parse(row) for row in tx.all(_DUE, before=before)]


def note_reminder(tx: Transaction, claim: Claim, now: int) -> bool:
    """Say that staff are reminded of it now; exactly one caller gets True, and none once it was answered."""
    return tx.run(_REMIND, account_id=claim.account_id, serial_number=claim.serial_number, now=now) == 1


def _within(sql: str, limits: Limits) -> tuple[Statement, dict[str, str]]:
    values = {name: json.dumps(told) for name, told in limits.told.items() if told}
    return _statement(sql.replace("{limits}", "".join(_LIMITS[name] for name in _LIMITS if name in values))), values


@lru_cache(maxsize=8)
def _statement(sql: str) -> Statement:
    return Statement(sql)


def _parse(row: Row) -> Claim:
    name = f"{row['given_name']} {row['family_name']}".strip() or row["user_name"]
    values = {field: row[field] for field in Claim.__slots__ if field != "name"}
    return Claim(**values, name=name)
