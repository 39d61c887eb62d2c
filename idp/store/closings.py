"""Closed accounts and their waiting time; one conditional statement decides between reopening and erasing.

Erasing takes everything personal: the account's row stays as an empty shell under its identifier, so that the audit trail
and the decisions keep whom they speak of without saying who it was. E-mail address, user name and devices are free again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.audit_chain import blank_personal
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_CLOSE = Statement(
    "UPDATE accounts SET access = 'closed', updated_at = :now WHERE account_id = :account_id AND access <> 'closed'"
)
_INSERT = Statement(
    "INSERT INTO account_closings (account_id, closed_at, erase_at, by_kind) VALUES (:account_id, :now, :erase_at, :by_kind)"
    " ON CONFLICT (account_id) DO UPDATE SET closed_at = :now, erase_at = :erase_at, by_kind = :by_kind"
)
_FIND = Statement("SELECT * FROM account_closings WHERE account_id = :account_id")
_TAKE_BACK = Statement(
    "DELETE FROM account_closings WHERE account_id = :account_id AND erased_at IS NULL AND erase_at > :now"
)
_OPEN = Statement(
    "UPDATE accounts SET access = 'active', updated_at = :now WHERE account_id = :account_id AND access = 'closed'"
)
_DUE = Statement(
    "SELECT account_id FROM account_closings WHERE erased_at IS NULL AND erase_at <= :now ORDER BY erase_at LIMIT :limit"
)
_TAKE = Statement(
    "UPDATE account_closings SET erased_at = :now WHERE account_id = :account_id AND erased_at IS NULL AND erase_at <= :now"
)
_BRING_FORWARD = Statement(
    "UPDATE account_closings SET erase_at = :now WHERE account_id = :account_id AND erased_at IS NULL AND erase_at > :now"
)
_SHELL = Statement(
    "UPDATE accounts SET email = :email, email_key = :email, email_verified_at = NULL, user_name = :name,"
    " user_name_key = :name, given_name = '', family_name = '', company = '', country = '', claims = '{}',"
    " password_hash = NULL, password_changed_at = NULL, roles = '', terms_version = '', last_sign_in_at = NULL, updated_at = :now"
    " WHERE account_id = :account_id"
)
_OF_SESSIONS = Statement(
    "DELETE FROM session_clients WHERE sid IN (SELECT sid FROM sessions WHERE account_id = :account_id)"
)
_FORGET = tuple(
    Statement(f"DELETE FROM {table} WHERE account_id = :account_id")
    for table in (
        "approver_limits",
        "device_claims",
        "device_transfers",
        "devices",
        "grants",
        "kept_inputs",
        "known_browsers",
        "links",
        "old_accounts",
        "pending_authorizations",
        "proposals",
        "review_assignments",
        "review_looks",
        "review_notes",
        "review_reminders",
        "sessions",
        "temporary_passwords",
        "terms_acceptances",
    )
)
_OFFERED = Statement(
    "UPDATE device_transfers SET state = CASE WHEN state = 'waiting' THEN 'void' ELSE state END, email = '', email_key = '',"
    " receiver_id = NULL WHERE receiver_id = :account_id OR email_key IN"
    " (SELECT email_key FROM accounts WHERE account_id = :account_id)"
)
"""What others offered or handed on to the account: their list keeps the device, not the address."""
_MAILS = Statement(
    "DELETE FROM outbox WHERE kind = 'mail' AND (account_id = :account_id OR registration_id IN"
    " (SELECT registration_id FROM registrations WHERE account_id = :account_id))"
)
_REGISTRATION_LINKS = Statement(
    "DELETE FROM links WHERE registration_id IN (SELECT registration_id FROM registrations WHERE account_id = :account_id)"
)
_REGISTRATIONS = Statement(
    "UPDATE registrations SET email = '', email_key = '', user_name = NULL, given_name = '', family_name = '',"
    " company = '', country = '', serial_number = '', password_hash = '', browser_hash = NULL, client_id = NULL,"
    " target = NULL, claims = '{}', purged_at = :now WHERE account_id = :account_id"
)
_DECISIONS = Statement(
    "UPDATE approval_decisions SET reason = '', remark = '', facts = '[]' WHERE account_id = :account_id"
)
_SCHEDULED = Statement("UPDATE scheduled_decisions SET reason = '', remark = '' WHERE account_id = :account_id")


@dataclass(frozen=True, slots=True)
class Closing:
    """Since when an account is closed, by whom, and when it is erased."""

    account_id: str
    closed_at: int
    erase_at: int
    by_kind: str
    erased_at: int | None


def close(tx: Transaction, account_id: str, *, by_kind: str, erase_at: int, now: int) -> bool:
    """Close an account until it is erased; only one caller gets True."""
    if tx.run(_CLOSE, account_id=account_id, now=now) != 1:
        return False
    tx.run(_INSERT, account_id=account_id, now=now, erase_at=erase_at, by_kind=by_kind)
    return True


def find_closing(tx: Transaction, account_id: str) -> Closing | None:
    """The closing of an account, or None."""
    row: Row | None = tx.one(_FIND, account_id=account_id)
    return Closing(**row) if row else None


def reopen(tx: Transaction, account_id: str, now: int) -> bool:
    """Open a closed account again within its waiting time; only one caller gets True."""
    return (
        tx.run(_TAKE_BACK, account_id=account_id, now=now) == 1 and tx.run(_OPEN, account_id=account_id, now=now) == 1
    )


def list_due(tx: Transaction, now: int, limit: int = 100) -> list[str]:
    """Accounts whose waiting time is over."""
    return [row["account_id"] for row in tx.all(_DUE, now=now, limit=limit)]


def bring_forward(tx: Transaction, account_id: str, now: int) -> bool:
    """End the waiting time now."""
    return tx.run(_BRING_FORWARD, account_id=account_id, now=now) == 1


def erase(tx: Transaction, account_id: str, now: int) -> bool:
    """Forget everything personal; only one caller gets True, and none who came before the waiting time was over.

    The caller writes the `account_erased` line in the same transaction.
    """
    if tx.run(_TAKE, account_id=account_id, now=now) != 1:
        return False
    shell = f"erased-{account_id}".lower()
    tx.run(_OF_SESSIONS, account_id=account_id)
    tx.run(_REGISTRATION_LINKS, account_id=account_id)
    tx.run(_MAILS, account_id=account_id)
    tx.run(_OFFERED, account_id=account_id)
    for statement in _FORGET:
        tx.run(statement, account_id=account_id)
    tx.run(_REGISTRATIONS, account_id=account_id, now=now)
    tx.run(_DECISIONS, account_id=account_id)
    tx.run(_SCHEDULED, account_id=account_id)
    tx.run(_SHELL, account_id=account_id, email=f"{shell}@erased.invalid", name=shell, now=now)
    blank_personal(tx, account_id)
    return True
