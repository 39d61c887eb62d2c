"""Everything held about one account, table by table: what its owner gets, and what is left out and why.

No secret, hash or sealed payload is among the columns.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

EXPORTED: dict[str, tuple[str, ...]] = {
    "accounts": (
        "account_id",
        "email",
        "email_verified_at",
        "user_name",
        "given_name",
        "family_name",
        "company",
        "country",
        "locale",
        "claims",
        "access",
        "approval_status",
        "approval_updated_at",
        "roles",
        "password_changed_at",
        "last_sign_in_at",
        "created_at",
        "updated_at",
    ),
    "devices": ("serial_number", "nickname", "created_at"),
    "device_claims": ("serial_number", "nickname", "created_at"),
    "device_transfers": ("serial_number", "email", "reference", "state", "created_at", "expires_at", "ended_at"),
    "registrations": (
        "reference",
        "state",
        "email",
        "user_name",
        "given_name",
        "family_name",
        "company",
        "country",
        "serial_number",
        "locale",
        "claims",
        "client_id",
        "sent_at",
        "confirmed_at",
    ),
    "approval_decisions": ("old_status", "new_status", "actor_kind", "reason", "facts", "created_at"),
    "sessions": ("started_at", "last_seen_at", "expires_at", "ended_at", "end_reason", "user_agent", "address", "kept"),
    "known_browsers": ("last_at",),
    "grants": ("client_id", "scope", "granted_at"),
    "token_families": ("client_id", "created_at", "expires_at", "revoked_at"),
    "links": ("purpose", "reference", "email", "created_at", "expires_at", "used_at"),
    "outbox": ("kind", "name", "client_id", "created_at", "done_at", "dead_at"),
    "temporary_passwords": ("made_at", "expires_at", "used_at"),
    "terms_acceptances": ("version", "language", "text_hash", "accepted_at"),
    "old_accounts": ("source", "row_id", "imported_at", "moved_at", "completed_at"),
    "account_closings": ("closed_at", "erase_at"),
    "audit_events": ("at", "act", "actor_kind", "client_id", "reference", "address", "details"),
}
"""Table → the columns that the owner gets."""

LEFT_OUT: dict[str, str] = {
    "access_tokens": "keys of minutes for sites; their families are told",
    "approver_limits": "which applications a member of staff decides about; their roles are told",
    "kept_inputs": "what was typed into a form before a sign-in: sealed, and forgotten within the hour",
    "pending_authorizations": "a sign-in at a site that is under way, for half an hour",
    "proposals": "a decision that a second colleague has still to confirm; afterwards it is among the decisions",
    "review_assignments": "who of our staff looks after the application",
    "review_looks": "who of our staff has the application open right now",
    "review_notes": "what colleagues remark among themselves, like the remark of a decision; it goes with the account",
    "review_reminders": "that our staff were reminded of the application",
    "scheduled_decisions": "a decision of the next 30 seconds; afterwards it is among the decisions",
}
"""Tables with an account's identifier that hold nothing more for its owner, and why."""

_JSON = frozenset({"claims", "facts", "details"})
_STAFF = frozenset({"address", "details"})
"""Columns of the trail that say something about a member of staff where one acted."""

_UNDECIDED = frozenset({"blocked", "owned_by_colleague", "owned_by_others", "serial_not_sold"})
"""Why somebody waits for staff; told to nobody who waits, or whoever types a serial number learned about it (EN-4)."""

_TO_TYPED_ADDRESSES = frozenset({"confirm_email_change"})
"""Mails to an address that was typed: that there is none told that somebody has it (EN-3). Their links are told for all."""


def collect(tx: Transaction, account_id: str) -> dict[str, list[dict[str, Any]]]:
    """Every row about the account, by table."""
    return {
        table: [
            _told(row, columns)
            for row in tx.all(Statement(f"SELECT * FROM {table} WHERE account_id = :account_id"), account_id=account_id)
            if table != "outbox" or row["name"] not in _TO_TYPED_ADDRESSES
        ]
        for table, columns in EXPORTED.items()
    }


def _told(row: Row, columns: tuple[str, ...]) -> dict[str, Any]:
    by_staff = "actor_kind" in columns and row["actor_kind"] == "staff"
    told = {
        name: json.loads(row[name] or "null") if name in _JSON else row[name]
        for name in columns
        if not (by_staff and name in _STAFF)
    }
    if told.get("act") == "review_waits_for_staff":
        told["details"] = {name: value for name, value in told["details"].items() if name != "reasons"}
    if told.get("new_status") == "pending":
        told["facts"] = [fact for fact in told["facts"] or () if fact.get("key") not in _UNDECIDED]
    return told
