"""Who is asked about when time is measured: one person for each request, so that no counter and no cache tells them apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attacks.people import LIFETIME, PASSWORD, add_account, add_registration, new_name
from attacks.volley import Request, form
from idp.accounts.guessing import Caller, take_sign_in_try
from idp.accounts.registration import send_confirmation
from idp.store import accounts
from idp.store.database import Statement
from idp.store.temporary_passwords import save_temporary_password

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.database import Transaction

WRONG = "not-the-right-password"
FORMS = ("sign-in", "last try", "forgot", "register", "resend", "resend by address", "wrong code")
CHECK_MAIL = "check mail"
KINDS = ("unknown", "known", "suspended", "pending", "closed", "unconfirmed")
TEMPORARY = "temporary"
"""A kind that may be asked for besides: an account whose password staff replaced by a temporary one."""

_STATUS = {
    "known": "approved",
    "suspended": "suspended",
    "pending": "pending",
    "closed": "approved",
    TEMPORARY: "approved",
}
_numbers = itertools.count(1)
_CLOSE = Statement("UPDATE accounts SET access = 'closed' WHERE account_id = :account_id")
_WITHOUT_PASSWORD = Statement("UPDATE accounts SET password_hash = NULL WHERE account_id = :account_id")
_DELIVERED = Statement("UPDATE outbox SET done_at = :now WHERE done_at IS NULL")


@dataclass(frozen=True)
class Probe:
    """A request of a form about a person of a kind; `next_form` measures the page that it leads to, in the same browser."""

    form: str
    kind: str
    name: str
    request: Request
    next_form: str = ""


@dataclass(frozen=True)
class Browser:
    """The form cookie and the token of a browser that has opened a form."""

    cookie: dict[str, str]
    token: str


def make_probes(
    provider: Provider, browser: Browser, count: int, *, forms: Sequence[str] = FORMS, kinds: Sequence[str] = KINDS
) -> list[list[Probe]]:
    """So many rounds; each has every form once for every kind. Mails of the preparation count as sent."""
    password_hash = provider.passwords.hash(PASSWORD)
    rounds = []
    for _number in range(count):
        with provider.database.transaction() as tx:
            rounds.append([_make(provider, tx, browser, name, kind, password_hash) for name in forms for kind in kinds])
    with provider.database.transaction() as tx:
        tx.run(_DELIVERED, now=provider.clock())
    return rounds


def _make(
    provider: Provider, tx: Transaction, browser: Browser, form_name: str, kind: str, password_hash: str
) -> Probe:
    name = f"{new_name():z<18}"
    email = f"{name}@lab.example"
    owner = None
    if kind in _STATUS:
        owner = add_account(provider, tx, name=name, status=_STATUS[kind], password_hash=password_hash)
        if kind == "closed":
            tx.run(_CLOSE, account_id=owner.account_id)
            owner = accounts.get_account(tx, owner.account_id)
        if kind == TEMPORARY:
            tx.run(_WITHOUT_PASSWORD, account_id=owner.account_id)
            save_temporary_password(
                tx, owner.account_id, password_hash, staff_id="", lifetime=LIFETIME, now=provider.clock()
            )
            owner = accounts.get_account(tx, owner.account_id)
    elif kind == "unconfirmed":
        registration, _cookie = add_registration(provider, tx, email=email, password_hash=password_hash)
        send_confirmation(provider, tx, registration, None, provider.clock())
    number = next(_numbers)
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    if form_name == "last try":  # with a window that stays open however long the measurement takes
        for _try in range(provider.settings.limits.account_tries - 1):
            take_sign_in_try(provider, tx, Caller(address), owner, email, provider.clock() + LIFETIME)
    cookies = {**browser.cookie, "idp_device": "d" * 43}  # of the attacker, who signed in to an account of his own
    if form_name in ("resend", "wrong code"):
        registration, cookie = add_registration(provider, tx, email=email, password_hash=password_hash)
        send_confirmation(provider, tx, registration, owner, provider.clock())
        cookies |= cookie
    request = _post(form_name, browser, email, cookies, address)
    return Probe(form_name, kind, name, request, CHECK_MAIL if form_name == "register" else "")


def _post(form_name: str, browser: Browser, email: str, cookies: dict[str, str], address: str) -> Request:
    path, values = {
        "sign-in": ("/sign-in", {"username": email, "password": WRONG}),
        "last try": ("/sign-in", {"username": email, "password": WRONG}),
        "forgot": ("/forgot-password", {"email": email}),
        "register": ("/register", _registration(email)),
        "resend": ("/register/again", {"status": ""}),
        "resend by address": ("/register/mail", {"email": email}),
        "wrong code": ("/register/code", {"code": "BCDFGHJK"}),
    }[form_name]
    return form(path, {**values, "csrf_token": browser.token}, cookies=cookies, headers={"X-Forwarded-For": address})


def _registration(email: str) -> dict[str, str]:
    return {
        "email": email,
        "given_name": "Nora",
        "family_name": "Newcomer",
        "company": "Waterworks Basel",
        "country": "CH",
        "serial_number": "CD123Z",
        "new_password": "seven quiet mountains",
        "user_name": "",
        "locale": "en",
    }
