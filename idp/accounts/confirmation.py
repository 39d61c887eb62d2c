"""Confirming the address of a registration, by the link or by the short code of its mail; then the review begins.

Opening a link changes nothing, a button does (RG-6). In the browser that registered the button is enough, or the code.
Elsewhere it takes the registration's password, or the code together with a newly chosen password: whoever registered
somebody else's address then knows no password of the account (RG-4). Confirming signs nobody in (RG-5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

from idp.accounts import approval
from idp.accounts.breached_passwords import check_chosen_password
from idp.accounts.guessing import Caller, take_confirmation_try, take_note
from idp.accounts.identifiers import made_user_names
from idp.accounts.registration import PURPOSE
from idp.accounts.terms import record_acceptance
from idp.errors import Refusal
from idp.keys.secrets import hash_secret, new_reference
from idp.store import accounts, audit, devices, links, registrations
from idp.store.database import Conflict
from idp.store.registrations import SENT, Registration

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.links import Link, LinkState

NAMES_TO_TRY = 40


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What the page behind a link shows: its state (None: no such link was ever sent) and whose registration it is."""

    state: LinkState | None
    reference: str
    registration: Registration | None
    is_same_browser: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows besides the link: the browser, the registration's password, or code and new password."""

    browser_id: str = field(repr=False)
    caller: Caller
    password: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    new_password: str = field(default="", repr=False)


def open_link(provider: Provider, token: str, browser_id: str) -> OpenedLink:
    """Look at a link; looking changes nothing (RG-6)."""
    now = provider.clock()
    with provider.database.reading() as tx:
        link = links.find_link(tx, PURPOSE, token)
        registration = _registration_of(tx, link)
    if link is None or registration is None:
        return OpenedLink(None, "", None, is_same_browser=False)
    # One number for all pages and mails of a registration; staff find the link's own too.
    reference, is_same_browser = registration.reference, registration.is_from(browser_id)
    return OpenedLink(_state(link, registration, now), reference, registration, is_same_browser)


def confirm_by_link(provider: Provider, token: str, proof: Proof) -> Account:
    """Confirm with the link of the mail, and what the browser that opened it must show besides.

    Raises `Refusal`: `link.expired`, `link.used`, `link.replaced`, `link.damaged`; `confirmation.proof_missing`,
    `confirmation.password_wrong`, `code.wrong`, `code.spent`, why the new password cannot be chosen; `email.taken`.
    """
    link, registration = _get_open(provider, token)
    if registration.is_from(proof.browser_id):
        return _confirm(provider, link, registration, proof)
    if proof.code or proof.new_password:
        return _confirm_by_code_and_new_password(provider, link, registration, proof)
    if not proof.password:
        raise Refusal("confirmation.proof_missing")
    _check_password(provider, registration, proof)
    return _confirm(provider, link, registration, proof)


def confirm_by_code(provider: Provider, code: str, proof: Proof) -> Account:
    """Confirm with the code, typed into the browser that registered. Raises `Refusal` like `confirm_by_link`."""
    now = provider.clock()
    browser_hash = hash_secret("browser", proof.browser_id)
    with provider.database.reading() as tx:
        registration = registrations.find_of_browser(tx, browser_hash) if proof.browser_id else None
        link = _newest_link(tx, registration, now) if registration else None
    if registration is None or registration.state_at(now) != SENT:
        raise Refusal("link.used" if registration and registration.confirmed_at else "link.expired")
    if link is None:
        raise Refusal("link.replaced")
    _check_code(provider, link, code, proof.caller)
    return _confirm(provider, link, registration, proof)


def _confirm_by_code_and_new_password(
    provider: Provider, link: Link, registration: Registration, proof: Proof
) -> Account:
    """The new password is looked at first, so that a typing error there costs no try of the code."""
    if not (proof.code and proof.new_password):
        raise Refusal("confirmation.code_missing" if proof.new_password else "confirmation.new_password_missing")
    check_chosen_password(provider, proof.new_password, _words_of(registration))
    _check_code(provider, link, proof.code, proof.caller)
    password_hash = provider.passwords.hash(proof.new_password)
    return _confirm(provider, link, registration, proof, password_hash=password_hash)


def _check_password(provider: Provider, registration: Registration, proof: Proof) -> None:
    with provider.database.transaction() as tx:  # commits by itself: the count outlives the refusal
        refusal = take_confirmation_try(tx, registration.registration_id, provider.clock())
    if refusal is None and not provider.passwords.verify(proof.password, registration.password_hash or None):
        refusal = Refusal("confirmation.password_wrong")
    if refusal:
        _record_refusal(provider, registration, refusal, proof.caller)
        raise refusal


def _check_code(provider: Provider, link: Link, code: str, caller: Caller) -> None:
    now, limit = provider.clock(), provider.settings.limits.code_tries
    with provider.database.transaction() as tx:  # commits by itself: the count outlives the refusal
        answer = links.try_code(tx, link, code, master=provider.master, limit=limit, now=now)
        if answer != "right":
            _audit_refusal(tx, link.registration_id, link.reference, f"code.{answer}", caller, now)
    if answer == "right":
        return
    state = _state_now(provider, link)
    if state != "open":
        raise Refusal(f"link.{state}", reference=link.reference)
    raise Refusal(f"code.{answer}", left=max(0, limit - link.code_tries - 1))


def _confirm(
    provider: Provider, link: Link, registration: Registration, proof: Proof, *, password_hash: str | None = None
) -> Account:
    """Use the link up, make the account with its device, and let the rules decide: all of it or nothing (RG-1)."""
    now = provider.clock()
    try:
        with provider.database.transaction() as tx:
            registrations.lock_address(tx, registration.email)
            if not links.use_link(tx, link, now):
                raise Refusal("link.used")
            account = _make_account(tx, registration, password_hash or registration.password_hash, now)
            # Whoever chose a new password owns the status page from now on; the browser that registered does not (RG-4).
            browser_hash = hash_secret("browser", proof.browser_id) if password_hash else registration.browser_hash
            if not registrations.confirm_registration(
                tx, registration, account_id=account.account_id, browser_hash=browser_hash, now=now
            ):
                raise Refusal("link.replaced")
            links.replace_links_of(tx, PURPOSE, registrations.replace_others(tx, registration), now=now)
            devices.add_device(tx, account.account_id, registration.serial_number, now)
            record_acceptance(tx, account.account_id, registration.terms, address=proof.caller.address)
            audit.record(
                tx,
                "registration_confirmed",
                now=now,
                actor_kind="customer",
                actor=account.account_id,
                account_id=account.account_id,
                registration_id=registration.registration_id,
                reference=registration.reference,
                address=proof.caller.address,
            )
            approval.review(provider, tx, account.account_id, serial_number=registration.serial_number)
            return accounts.get_account(tx, account.account_id)
    except Conflict:
        raise Refusal("email.taken") from None
    except Refusal:
        state = _state_now(provider, link)
        raise Refusal(f"link.{'used' if state == 'open' else state}", reference=link.reference) from None


def _make_account(tx: Transaction, registration: Registration, password_hash: str, now: int) -> Account:
    """Insert until a user name is free; raises `Conflict` where the address has an account (RG-7, EN-5)."""
    names = islice(made_user_names(registration.given_name, registration.family_name), NAMES_TO_TRY)
    wished = [registration.user_name] if registration.user_name else []
    for user_name in chain(wished, names):
        try:
            return accounts.insert_account(
                tx,
                email=registration.email,
                user_name=user_name,
                now=now,
                password_hash=password_hash,
                given_name=registration.given_name,
                family_name=registration.family_name,
                company=registration.company,
                country=registration.country,
                locale=registration.locale,
                claims=registration.claims,
                email_verified_at=now,
                registration_id=registration.registration_id,
            )
        except Conflict as conflict:
            if conflict.args[0] != "user_name":
                raise
    raise Conflict("user_name")


def _get_open(provider: Provider, token: str) -> tuple[Link, Registration]:
    now = provider.clock()
    with provider.database.reading() as tx:
        link = links.find_link(tx, PURPOSE, token)
        registration = _registration_of(tx, link)
    if link is None or registration is None:
        raise Refusal("link.damaged")
    state = _state(link, registration, now)
    if state != "open":
        raise Refusal(f"link.{state}", reference=link.reference)
    return link, registration


def _state(link: Link, registration: Registration, now: int) -> LinkState:
    """A link's state, and its registration's: a registration that a newer one replaced takes its links along."""
    if registration.state == registrations.CONFIRMED:
        return "used"
    if registration.state == registrations.REPLACED:
        return "replaced"
    return links.link_state(link, now)


def _state_now(provider: Provider, link: Link) -> LinkState:
    with provider.database.reading() as tx:
        registration = _registration_of(tx, link)
        newest = links.find_by_reference(tx, link.reference)
    if registration is None or newest is None:
        return "expired"
    return _state(newest, registration, provider.clock())


def _registration_of(tx: Transaction, link: Link | None) -> Registration | None:
    if link is None or link.registration_id is None:
        return None
    return registrations.find_registration(tx, link.registration_id)


def _newest_link(tx: Transaction, registration: Registration, now: int) -> Link | None:
    return links.find_newest_open(tx, PURPOSE, registration_id=registration.registration_id, now=now)


def _words_of(registration: Registration) -> tuple[str, ...]:
    own = (
        registration.email,
        registration.given_name,
        registration.family_name,
        registration.company,
        registration.serial_number,
        registration.user_name or "",
    )
    return tuple(text for text in own if text)


def _record_refusal(provider: Provider, registration: Registration, refusal: Refusal, caller: Caller) -> None:
    now = provider.clock()
    with provider.database.transaction() as tx:
        _audit_refusal(tx, registration.registration_id, registration.reference, refusal.key, caller, now)


def _audit_refusal(
    tx: Transaction, registration_id: str | None, reference: str, key: str, caller: Caller, now: int
) -> None:
    audit.record(
        tx,
        "confirmation_refused",
        now=now,
        registration_id=registration_id,
        reference=reference,
        address=caller.address,
        details={"reason": key},
    )


def note_damaged_link(provider: Provider, caller: Caller) -> str:
    """A reference for somebody whose link we never sent, which staff find again (F-1.7); few of them per network."""
    now, reference = provider.clock(), new_reference()
    with provider.database.transaction() as tx:
        if take_note(tx, caller, now):
            audit.record(tx, "confirmation_link_damaged", now=now, reference=reference, address=caller.address)
    return reference
