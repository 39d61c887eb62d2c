"""Registrations: sent, then confirmed (an account exists), replaced by a newer one, or expired; later purged (RG-1).

Nothing here binds an address, a name or a device before it is confirmed (RG-4): the same address may be registered again
at any time, and the newest registration is the one that counts. A registration of an address that has an account already
is kept like any other, so that its page looks the same (EN-3); it can never be confirmed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.keys.secrets import hash_secret, is_same
from idp.store.database import Statement
from idp.store.identifiers import email_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.store.database import Row, Transaction

SENT, CONFIRMED, REPLACED, EXPIRED = "sent", "confirmed", "replaced", "expired"

_INSERT = Statement(
    "INSERT INTO registrations (registration_id, reference, state, email, email_key, user_name, given_name, family_name,"
    " company, country, serial_number, locale, password_hash, address_taken, browser_hash, status_hash, client_id, target,"
    " sent_at, expires_at, claims, terms) VALUES (:registration_id, :reference, 'sent', :email, :email_key, :user_name, :given_name,"
    " :family_name, :company, :country, :serial_number, :locale, :password_hash, :address_taken, :browser_hash,"
    " :status_hash, :client_id, :target, :sent_at, :expires_at, :claims, :terms)"
)
_LOCK = Statement("SELECT pg_advisory_xact_lock(hashtextextended('registration:' || :email_key, 0))")
_FIND = Statement("SELECT * FROM registrations WHERE registration_id = :registration_id")
_FIND_BY_STATUS = Statement("SELECT * FROM registrations WHERE status_hash = :status_hash")
_FIND_OF_BROWSER = Statement(
    "SELECT * FROM registrations WHERE browser_hash = :browser_hash ORDER BY sent_at DESC, registration_id DESC LIMIT 1"
)
_FIND_OPEN = Statement(
    "SELECT * FROM registrations WHERE email_key = :email_key AND state = 'sent' AND expires_at > :now"
    " ORDER BY sent_at DESC, registration_id DESC LIMIT 1"
)
_CONFIRM = Statement(
    "UPDATE registrations SET state = 'confirmed', confirmed_at = :now, password_hash = '', account_id = :account_id,"
    " browser_hash = :browser_hash"
    " WHERE registration_id = :registration_id AND state = 'sent' AND expires_at > :now"
)
_REPLACE = Statement(
    "UPDATE registrations SET state = 'replaced' WHERE email_key = :email_key AND state = 'sent'"
    " AND registration_id <> :registration_id RETURNING registration_id"
)
_RENEW = Statement(
    "UPDATE registrations SET state = 'sent', expires_at = :expires_at WHERE registration_id = :registration_id"
    " AND state IN ('sent', 'expired') AND purged_at IS NULL AND expires_at <= :now"
)
_EXPIRE = Statement("UPDATE registrations SET state = 'expired' WHERE state = 'sent' AND expires_at <= :now")
_OLD = Statement(
    "SELECT registration_id FROM registrations WHERE state <> 'confirmed' AND purged_at IS NULL AND expires_at <= :before"
    " ORDER BY expires_at LIMIT :limit"
)
_PURGE = Statement(
    "UPDATE registrations SET email = '', email_key = '', user_name = NULL, given_name = '', family_name = '',"
    " company = '', country = '', serial_number = '', password_hash = '', client_id = NULL, target = NULL, claims = '{}',"
    " terms = '{}', purged_at = :now WHERE registration_id = :registration_id AND state <> 'confirmed'"
)
_DUE = Statement(
    "SELECT registration_id FROM registrations WHERE state = 'sent' AND expires_at > :now AND NOT address_taken"
    " AND reminders < :number AND sent_at <= :before ORDER BY sent_at LIMIT :limit"
)
_REMIND = Statement(
    "UPDATE registrations SET reminders = :number WHERE registration_id = :registration_id AND reminders < :number"
    " AND state = 'sent'"
)
_REPORT = Statement(
    "SELECT registration_id, reference, state, email, sent_at, expires_at, purged_at FROM registrations"
    " WHERE state <> 'confirmed' AND (purged_at IS NULL OR purged_at < :delete_before) AND expires_at <= :now"
    " ORDER BY expires_at, registration_id LIMIT :limit"
)
_PURGE_LINKS = Statement("UPDATE links SET email = '' WHERE registration_id = :registration_id")
_DELETE_PURGED = Statement("DELETE FROM registrations WHERE purged_at < :before")


@dataclass(frozen=True, slots=True)
class Ended:
    """A registration that was not confirmed in time, for the report of what goes."""

    registration_id: str
    reference: str
    state: str
    email: str
    sent_at: int
    expires_at: int
    purged_at: int | None


@dataclass(frozen=True, slots=True)
class Registration:
    """An application for an account, as the row said when it was read."""

    registration_id: str
    reference: str
    state: str
    email: str
    email_key: str
    user_name: str | None
    given_name: str
    family_name: str
    company: str
    country: str
    serial_number: str
    locale: str
    password_hash: str
    address_taken: bool
    browser_hash: bytes | None
    status_hash: bytes
    client_id: str | None
    target: str | None
    account_id: str | None
    sent_at: int
    expires_at: int
    confirmed_at: int | None
    purged_at: int | None
    claims: Mapping[str, Any] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Registration({self.reference!r}, {self.state})"

    def state_at(self, now: int) -> str:
        """The state by the clock at use, not by a clean-up that may be late (RG-5)."""
        return EXPIRED if self.state == SENT and self.expires_at <= now else self.state

    def is_from(self, browser_id: str) -> bool:
        """Whether this browser sent it, or took it over with a new password (RG-4)."""
        if not browser_id or self.browser_hash is None:
            return False
        return is_same(self.browser_hash, hash_secret("browser", browser_id))


def lock_address(tx: Transaction, email: str) -> None:
    """Let acts about one address come one after the other; on SQLite the writer lock does that already.

    They change links and registrations of each other, in both directions; without it two of them could wait for each other.
    """
    if not tx.is_sqlite:
        tx.one(_LOCK, email_key=email_key(email))


def insert_registration(tx: Transaction, registration: Registration) -> None:
    """Keep a registration that was just sent."""
    values = {name: getattr(registration, name) for name in Registration.__slots__}
    for name in ("state", "account_id", "confirmed_at", "purged_at"):
        del values[name]
    for name in ("claims", "terms"):
        values[name] = json.dumps(dict(values[name]), ensure_ascii=False, separators=(",", ":"))
    tx.run(_INSERT, **values)


def find_registration(tx: Transaction, registration_id: str) -> Registration | None:
    """The registration with this id."""
    return _parse(tx.one(_FIND, registration_id=registration_id))


def find_by_status_hash(tx: Transaction, status_hash: bytes) -> Registration | None:
    """The registration whose status link has this hash."""
    return _parse(tx.one(_FIND_BY_STATUS, status_hash=status_hash))


def find_of_browser(tx: Transaction, browser_hash: bytes) -> Registration | None:
    """The newest registration that this browser sent."""
    return _parse(tx.one(_FIND_OF_BROWSER, browser_hash=browser_hash))


def find_open_by_email(tx: Transaction, email: str, now: int) -> Registration | None:
    """The registration of an address that can still be confirmed."""
    return _parse(tx.one(_FIND_OPEN, email_key=email_key(email), now=now))


def confirm_registration(
    tx: Transaction, registration: Registration, *, account_id: str, browser_hash: bytes | None, now: int
) -> bool:
    """Mark it confirmed and tie it to its account; only one caller ever gets True. The password's hash moves away."""
    return (
        tx.run(
            _CONFIRM,
            registration_id=registration.registration_id,
            account_id=account_id,
            browser_hash=browser_hash,
            now=now,
        )
        == 1
    )


def replace_others(tx: Transaction, registration: Registration) -> list[str]:
    """Make all other unconfirmed registrations of the address worthless (RG-4); out: which they were."""
    rows = tx.all(_REPLACE, email_key=registration.email_key, registration_id=registration.registration_id)
    return [row["registration_id"] for row in rows]


def renew_registration(tx: Transaction, registration_id: str, *, expires_at: int, now: int) -> bool:
    """Let an expired registration that is not purged yet start its time again, for who can read its mail."""
    return tx.run(_RENEW, registration_id=registration_id, expires_at=expires_at, now=now) == 1


def list_due_reminders(tx: Transaction, *, number: int, before: int, now: int, limit: int = 200) -> list[str]:
    """Open registrations sent before an instant that have not got their reminder of this number."""
    return [row["registration_id"] for row in tx.all(_DUE, number=number, before=before, now=now, limit=limit)]


def note_reminder(tx: Transaction, registration_id: str, number: int) -> bool:
    """Note a reminder; True for the one who writes its mail."""
    return tx.run(_REMIND, registration_id=registration_id, number=number) == 1


def report_ended(tx: Transaction, *, now: int, delete_before: int, limit: int = 1000) -> list[Ended]:
    """What the next clean-ups mark, empty or delete: never a registration that was confirmed (RG-11)."""
    rows = tx.all(_REPORT, now=now, delete_before=delete_before, limit=limit)
    return [Ended(**{name: row[name] for name in Ended.__slots__}) for row in rows]


def expire_registrations(tx: Transaction, now: int) -> int:
    """Mark what was not confirmed in time (F-1.5)."""
    return tx.run(_EXPIRE, now=now)


def purge_registrations(tx: Transaction, *, before: int, now: int, limit: int = 500) -> int:
    """Blank what unconfirmed registrations said that ended before an instant; the reference stays for staff."""
    rows = tx.all(_OLD, before=before, limit=limit)
    for row in rows:
        tx.run(_PURGE, registration_id=row["registration_id"], now=now)
        tx.run(_PURGE_LINKS, registration_id=row["registration_id"])
    return len(rows)


def delete_purged(tx: Transaction, before: int) -> int:
    """Forget registrations altogether that were blanked before an instant."""
    return tx.run(_DELETE_PURGED, before=before)


def _parse(row: Row | None) -> Registration | None:
    if row is None:
        return None
    values = {name: row[name] for name in Registration.__slots__}
    values["address_taken"] = bool(row["address_taken"])
    values["claims"], values["terms"] = json.loads(row["claims"]), json.loads(row["terms"])
    for name in ("browser_hash", "status_hash"):
        values[name] = None if row[name] is None else bytes(row[name])
    return Registration(**values)
