"""Past registrations as rules would see them, for trying rules that are not in use yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_PAST = Statement(
    "SELECT r.registration_id, r.reference, r.account_id, r.email_key, r.country, r.company, r.serial_number,"
    " r.given_name, r.family_name, r.confirmed_at, a.approval_status,"
    " (SELECT d.actor_kind FROM approval_decisions d WHERE d.account_id = r.account_id AND d.old_status = 'pending'"
    " ORDER BY d.decision_id LIMIT 1) AS decided_by,"
    " (SELECT d.new_status FROM approval_decisions d WHERE d.account_id = r.account_id AND d.old_status = 'pending'"
    " ORDER BY d.decision_id LIMIT 1) AS decided_as,"
    " EXISTS (SELECT 1 FROM serial_numbers n WHERE n.serial_number = r.serial_number) AS is_sold"
    " FROM registrations r JOIN accounts a ON a.account_id = r.account_id"
    " WHERE r.confirmed_at >= :since AND a.access <> 'closed' ORDER BY r.confirmed_at DESC, r.registration_id LIMIT :limit"
)
_OWNERS = Statement(
    "SELECT d.serial_number, d.account_id, d.created_at, a.company, a.email_key FROM devices d"
    " JOIN accounts a ON a.account_id = d.account_id"
    " WHERE a.access <> 'closed' AND a.approval_status <> 'rejected'"
    " AND d.serial_number IN (SELECT serial_number FROM registrations WHERE confirmed_at >= :since)"
)


@dataclass(frozen=True, slots=True)
class PastRegistration:
    """A registration that was confirmed; `decided_by` and `decided_as` are the first decision's, empty while it waits."""

    registration_id: str
    reference: str
    account_id: str
    email_key: str
    country: str
    company: str
    serial_number: str
    name: str
    confirmed_at: int
    approval_status: str
    decided_by: str
    decided_as: str
    is_sold: bool


@dataclass(frozen=True, slots=True)
class PastOwner:
    """Who had a device, and since when."""

    account_id: str
    company: str
    email_domain: str
    since: int


def list_past(tx: Transaction, since: int, limit: int) -> Sequence[PastRegistration]:
    """Registrations confirmed since an instant, newest first."""
    return [
        PastRegistration(
            registration_id=row["registration_id"],
            reference=row["reference"],
            account_id=row["account_id"],
            email_key=row["email_key"],
            country=row["country"],
            company=row["company"],
            serial_number=row["serial_number"],
            name=f"{row['given_name']} {row['family_name']}".strip(),
            confirmed_at=row["confirmed_at"],
            approval_status=row["approval_status"],
            decided_by=row["decided_by"] or "",
            decided_as=row["decided_as"] or "",
            is_sold=bool(row["is_sold"]),
        )
        for row in tx.all(_PAST, since=since, limit=limit)
    ]


def list_past_owners(tx: Transaction, since: int) -> Mapping[str, Sequence[PastOwner]]:
    """The owners of every device that these registrations name, by serial number."""
    found: dict[str, list[PastOwner]] = {}
    for row in tx.all(_OWNERS, since=since):
        owner = PastOwner(row["account_id"], row["company"], row["email_key"].rpartition("@")[2], row["created_at"])
        found.setdefault(row["serial_number"], []).append(owner)
    return found
