"""Approval in the database: the status of an account changes by one conditional update, and each change leaves a row.

Whoever loses a race gets False from `change_status` and can read who won with `latest_decision` (RG-8, RC-2).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_CHANGE = Statement(
    "UPDATE accounts SET approval_status = :new_status, approval_updated_at = :now, updated_at = :now"
    " WHERE account_id = :account_id AND approval_status = :old_status AND access <> 'closed'"
    " AND (:seen_at = 0 OR approval_updated_at = :seen_at)"
)
_INSERT = Statement(
    "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark, facts, rule_version,"
    " created_at) VALUES (:account_id, :old_status, :new_status, :actor_kind, :actor, :reason, :remark, :facts,"
    " :rule_version, :now)"
)
_DECISIONS = Statement(
    "SELECT d.*, s.given_name, s.family_name, s.user_name FROM approval_decisions d"
    " LEFT JOIN accounts s ON d.actor_kind = 'staff' AND s.account_id = d.actor"
    " WHERE d.account_id = :account_id ORDER BY d.decision_id DESC LIMIT :limit"
)
_COUNT_BY_RULES = Statement(
    "SELECT COUNT(*) AS count FROM approval_decisions WHERE actor_kind = 'rule' AND new_status = 'approved'"
    " AND created_at > :since"
)
_LOCK_SERIAL = Statement("SELECT pg_advisory_xact_lock(7246015, hashtext(:serial_number))")
_SERIALS = Statement(
    "SELECT serial_number FROM devices WHERE account_id = :account_id ORDER BY created_at, serial_number"
)
_OTHER_OWNERS = Statement(
    "SELECT a.account_id, a.company, a.email_key, a.given_name, a.family_name, a.approval_status FROM devices d"
    " JOIN accounts a ON a.account_id = d.account_id WHERE d.serial_number = :serial_number"
    " AND a.account_id <> :account_id AND a.access <> 'closed' AND a.approval_status <> 'rejected'"
    " ORDER BY d.created_at, a.account_id"
)
_APPLIED = Statement(
    "SELECT r.registration_id, r.reference, r.serial_number, r.client_id, r.target, r.sent_at, r.confirmed_at,"
    " c.details AS client_details FROM registrations r LEFT JOIN clients c ON c.client_id = r.client_id"
    " WHERE r.registration_id = :registration_id"
)
_OPEN_SITES = Statement(
    "SELECT c.client_id, c.details, c.require_approval, COUNT(*) AS count FROM token_families f"
    " JOIN clients c ON c.client_id = f.client_id WHERE f.account_id = :account_id AND f.revoked_at IS NULL"
    " AND f.expires_at > :now GROUP BY c.client_id, c.details, c.require_approval ORDER BY c.client_id"
)


@dataclass(frozen=True, slots=True)
class OpenSite:
    """A site at which the account is signed in now; `ends` says whether that ends with the approval."""

    client_id: str
    name: str
    ends: bool
    count: int


@dataclass(frozen=True, slots=True)
class Decision:
    """A change of status: who or which rule, when, why, old, new. `actor_name` is the name of a member of staff.

    `rule_version`: of the rules that decided, or that had their say before staff did.
    """

    decision_id: int
    account_id: str
    old_status: str
    new_status: str
    actor_kind: str
    actor: str
    actor_name: str
    reason: str
    remark: str
    facts: Sequence[Mapping[str, Any]]
    rule_version: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Another account that owns the same device."""

    account_id: str
    name: str
    company: str
    email_domain: str
    approval_status: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The registration that an account came from, as far as a decision needs it; `site_name` is where it began."""

    registration_id: str
    reference: str
    serial_number: str
    client_id: str | None
    site_name: str
    target: str | None
    sent_at: int
    confirmed_at: int | None


def change_status(
    tx: Transaction, account_id: str, *, old: str, new: str, now: int, seen_at: int | None = None
) -> bool:
    """Change the status if it is still `old` (and unchanged since `seen_at`); exactly one caller gets True."""
    changed = tx.run(_CHANGE, account_id=account_id, old_status=old, new_status=new, seen_at=seen_at or 0, now=now)
    return changed == 1


def insert_decision(
    tx: Transaction,
    *,
    account_id: str,
    old: str,
    new: str,
    actor_kind: str,
    actor: str,
    reason: str,
    remark: str,
    facts: Iterable[Mapping[str, Any]],
    rule_version: int | None = None,
    now: int,
) -> None:
    """Leave the row of a change."""
    tx.run(
        _INSERT,
        account_id=account_id,
        old_status=old,
        new_status=new,
        actor_kind=actor_kind,
        actor=actor,
        reason=reason,
        remark=remark,
        facts=json.dumps(list(facts), ensure_ascii=True, separators=(",", ":")),
        rule_version=rule_version,
        now=now,
    )


def list_decisions(tx: Transaction, account_id: str, limit: int = 50) -> list[Decision]:
    """The changes of an account's status, newest first."""
    return [_decision(row) for row in tx.all(_DECISIONS, account_id=account_id, limit=limit)]


def latest_decision(tx: Transaction, account_id: str) -> Decision | None:
    """The last change, which says who decided and why."""
    return next(iter(list_decisions(tx, account_id, 1)), None)


def count_by_rules(tx: Transaction, since: int) -> int:
    """How many registrations rules approved after an instant (RG-9)."""
    row = tx.one(_COUNT_BY_RULES, since=since)
    return int(row["count"]) if row else 0


def lock_serial_number(tx: Transaction, serial_number: str) -> None:
    """Let reviews of one device come one after the other; on SQLite the writer lock does that already."""
    if not tx.is_sqlite:
        tx.one(_LOCK_SERIAL, serial_number=serial_number)


def list_serial_numbers(tx: Transaction, account_id: str) -> list[str]:
    """The devices of an account, oldest first."""
    return [row["serial_number"] for row in tx.all(_SERIALS, account_id=account_id)]


def list_other_owners(tx: Transaction, serial_number: str, account_id: str) -> list[Owner]:
    """Who else owns a device; rejected and closed accounts bind nothing (RG-11)."""
    rows = tx.all(_OTHER_OWNERS, serial_number=serial_number, account_id=account_id)
    return [
        Owner(
            account_id=row["account_id"],
            name=f"{row['given_name']} {row['family_name']}".strip(),
            company=row["company"],
            email_domain=row["email_key"].rpartition("@")[2],
            approval_status=row["approval_status"],
        )
        for row in rows
    ]


def find_applied(tx: Transaction, registration_id: str | None) -> Applied | None:
    """The registration behind an account; accounts that `idp apply` made have none."""
    row = tx.one(_APPLIED, registration_id=registration_id) if registration_id else None
    if row is None:
        return None
    details = json.loads(row["client_details"] or "{}")
    values = {name: row[name] for name in Applied.__slots__ if name != "site_name"}
    return Applied(**values, site_name=str(details.get("client_name") or ""))


def find_reference(tx: Transaction, registration_id: str | None) -> str:
    """The number that the applicant can name and staff find; "" for accounts that `idp apply` made."""
    applied = find_applied(tx, registration_id)
    return applied.reference if applied else ""


def list_open_sites(tx: Transaction, account_id: str, now: int) -> list[OpenSite]:
    """Where the account is signed in now (UX: before harm, say what will happen)."""
    return [
        OpenSite(
            client_id=row["client_id"],
            name=str(json.loads(row["details"]).get("client_name") or row["client_id"]),
            ends=bool(row["require_approval"]),
            count=row["count"],
        )
        for row in tx.all(_OPEN_SITES, account_id=account_id, now=now)
    ]


def _decision(row: Row) -> Decision:
    name = f"{row['given_name'] or ''} {row['family_name'] or ''}".strip() or row["user_name"] or ""
    values = {field: row[field] for field in Decision.__slots__ if field not in ("actor_name", "facts")}
    return Decision(**values, actor_name=name, facts=json.loads(row["facts"]))
