"""Accounts, sessions and registrations, put straight into the database for the tries."""

from __future__ import annotations

import itertools
import uuid
from typing import TYPE_CHECKING

from idp.accounts.registration import status_token
from idp.keys.secrets import hash_secret, new_identifier, new_reference, new_secret
from idp.store import accounts, registrations, sessions
from idp.store.identifiers import email_key
from idp.store.registrations import SENT, Registration

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction

LIFETIME = 12 * 3600
PASSWORD = "nineteen-green-bottles"

_run = uuid.uuid4().hex[:6]
_numbers = itertools.count(1)


def new_name(kind: str = "p") -> str:
    """A name that nothing in this database has."""
    return f"{kind}{_run}x{next(_numbers)}"


def add_account(
    provider: Provider, tx: Transaction, *, name: str = "", status: str = "approved", **more: str
) -> Account:
    """A customer."""
    name, now = name or new_name(), provider.clock()
    return accounts.insert_account(
        tx,
        email=f"{name}@lab.example",
        user_name=name,
        given_name="Pat",
        family_name="Person",
        company=more.pop("company", "Works"),
        country="DE",
        approval_status=status,
        email_verified_at=now,
        now=now,
        **more,  # type: ignore[arg-type]
    )


def start_session(provider: Provider, tx: Transaction, account_id: str) -> dict[str, str]:
    """The cookie of a browser in which the account is signed in."""
    now = provider.clock()
    started = sessions.start_session(tx, account_id=account_id, kept=True, lifetime=LIFETIME, now=now)
    return {"idp_session": started.secret}


def add_registration(
    provider: Provider,
    tx: Transaction,
    *,
    email: str,
    password_hash: str,
    serial_number: str = "CD123Z",
    company: str = "Works",
) -> tuple[Registration, dict[str, str]]:
    """A registration whose mail has gone, and the cookie of the browser that sent it."""
    now, browser, registration_id = provider.clock(), new_secret(), new_identifier()
    registration = Registration(
        registration_id=registration_id,
        reference=new_reference(),
        state=SENT,
        email=email,
        email_key=email_key(email),
        user_name=None,
        given_name="Pat",
        family_name=new_name("Person"),
        company=company,
        country="DE",
        serial_number=serial_number,
        locale="en",
        password_hash=password_hash,
        address_taken=False,
        browser_hash=hash_secret("browser", browser),
        status_hash=hash_secret("status", status_token(provider, registration_id)),
        client_id=None,
        target=None,
        account_id=None,
        sent_at=now,
        expires_at=now + LIFETIME,
        confirmed_at=None,
        purged_at=None,
    )
    registrations.insert_registration(tx, registration)
    return registration, {"idp_browser": browser}
