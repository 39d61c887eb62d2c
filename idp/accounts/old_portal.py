"""Customers of the old portal come over (F-1.9): by their old password, or by the mail that the registration form sends them.

Whoever signs in with the old password has moved, and is asked for what is missing; once nothing is, the rules decide (if the
old portal did not). Whoever types the old address into the registration form gets a mail whose link leads to the same
questions, with what was typed filled in, and the choice of a password. Until then a link proves the mailbox and nothing
else does, so a password that a stranger typed into the form is offered in that browser only (RG-4).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from idp.accounts import approval
from idp.accounts.breached_passwords import check_chosen_password
from idp.accounts.endings import apply_ending
from idp.accounts.guessing import forget_failures
from idp.accounts.old_invitation import PURPOSE
from idp.accounts.old_passwords import is_weak
from idp.accounts.own_devices import add_within
from idp.accounts.personal_words import personal_words
from idp.accounts.terms import record_acceptance
from idp.errors import Refusal
from idp.keys.secrets import hash_secret
from idp.policy.approval import Status
from idp.policy.endings import Act
from idp.store import accounts, audit, links, old_portal, registrations

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.links import Link, LinkState
    from idp.store.registrations import Registration

WEEKS = 26
PasswordWay = Literal["typed", "old", "new"]


@dataclass(frozen=True, slots=True)
class Details:
    """What the profile of a customer who comes over says in the end."""

    given_name: str
    family_name: str
    company: str
    country: str
    locale: str
    serial_number: str


@dataclass(frozen=True, slots=True)
class Passage:
    """What the page behind a link shows: its state (None: no such link was ever sent), whose it is, what is known."""

    state: LinkState | None
    reference: str = ""
    account: Account | None = None
    registration: Registration | None = None
    details: Details | None = None
    password_ways: tuple[PasswordWay, ...] = ()


@dataclass(frozen=True, slots=True)
class PassageWish:
    """What that page was sent with; `password` is the new one where `password_way` says so."""

    details: Details
    password_way: str
    password: str = field(default="", repr=False)
    browser_id: str = field(default="", repr=False)
    address: str = ""
    terms: Mapping[str, Any] = field(default_factory=dict)


def note_first_sign_in(provider: Provider, tx: Transaction, account: Account, now: int) -> None:
    """In the transaction of a sign-in: a customer of the old portal is here; with nothing missing the rules decide."""
    if not old_portal.move_account(tx, account.account_id, by="sign_in", now=now):
        return
    _record(tx, account.account_id, "sign_in", now)
    if not _missing(known_details(tx, account)):
        _complete(provider, tx, account.account_id, now)


def find_incomplete(provider: Provider, account_id: str) -> Details | None:
    """What is known of a customer of the old portal from whom something is missing; None for everybody else."""
    with provider.database.reading() as tx:
        old = old_portal.find_old_account(tx, account_id)
        if old is None or old.completed_at is not None:
            return None
        return known_details(tx, accounts.get_account(tx, account_id))


def complete_profile(
    provider: Provider, account_id: str, details: Details, terms: Mapping[str, Any] | None = None
) -> None:
    """Keep what was missing, and the accepted terms; then the rules decide where the old portal did not."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        _keep(provider, tx, account_id, details, now)
        record_acceptance(tx, account_id, terms or {})
        audit.record(tx, "profile_completed", now=now, actor_kind="customer", actor=account_id, account_id=account_id)
        _complete(provider, tx, account_id, now)


def look_at_passage(provider: Provider, token: str, browser_id: str) -> Passage:
    """What the page behind the link says; looking changes nothing (RG-6)."""
    with provider.database.reading() as tx:
        link, account, registration = _find(tx, token)
        if link is None or account is None or registration is None:
            return Passage(None)
        state = _state(tx, link, account, registration, provider.clock())
        if state != "open":
            return Passage(state, registration.reference)
        return Passage(
            state,
            registration.reference,
            account,
            registration,
            _merged(registration, known_details(tx, account)),
            _ways(provider, account, registration, browser_id),
        )


def move_by_mail(provider: Provider, token: str, wish: PassageWish) -> str:
    """Move the account with the link of the mail; out: the registration that shows how it goes on.

    Raises `Refusal`: `link.expired`, `link.used`, `link.replaced`, `link.damaged`, or why the password cannot be chosen.
    """
    passage = look_at_passage(provider, token, wish.browser_id)
    account, registration = passage.account, passage.registration
    if account is None or registration is None:
        raise Refusal(f"link.{passage.state or 'damaged'}")
    if wish.password_way not in passage.password_ways:
        raise Refusal("password.way_missing")
    password_hash = _new_hash(provider, passage, wish)
    now = provider.clock()
    with provider.database.transaction() as tx:
        registrations.lock_address(tx, registration.email)
        link, current, registration_now = _find(tx, token)
        if link is None or current is None or registration_now is None or not links.use_link(tx, link, now):
            raise Refusal("link.used")
        _keep(provider, tx, account.account_id, wish.details, now)
        record_acceptance(tx, account.account_id, wish.terms, address=wish.address)
        if password_hash:
            accounts.set_password(tx, account.account_id, password_hash, now)
            forget_failures(tx, account.account_id)
            links.replace_links(tx, "reset", account_id=account.account_id, now=now)
            apply_ending(provider, tx, Act.PASSWORD_RESET, account_id=account.account_id, now=now)
        old_portal.adopt_registration(tx, account.account_id, registration.registration_id, now)
        # The page of the registration is now this account's: a stranger's browser that sent it loses it (RG-4).
        registrations.confirm_registration(
            tx,
            registration_now,
            account_id=account.account_id,
            browser_hash=hash_secret("browser", wish.browser_id) if wish.browser_id else None,
            now=now,
        )
        if old_portal.move_account(tx, account.account_id, by="mail", now=now):
            _record(tx, account.account_id, "mail", now, reference=registration.reference, address=wish.address)
        _complete(provider, tx, account.account_id, now)
    return registration.registration_id


def is_in_use(provider: Provider) -> bool:
    """Whether there are customers of an old portal, so that pages speak to them."""
    with provider.database.reading() as tx:
        return old_portal.has_old_accounts(tx)


def report_progress(provider: Provider) -> old_portal.Progress:
    """How far the customers of the old portal have come over: per format, and by week of the last half year."""
    with provider.database.reading() as tx:
        return old_portal.read_progress(tx, since=provider.clock() - WEEKS * old_portal.WEEK)


def known_details(tx: Transaction, account: Account) -> Details:
    """What an account says now."""
    return Details(
        given_name=account.given_name,
        family_name=account.family_name,
        company=account.company,
        country=account.country,
        locale=account.locale,
        serial_number=next(iter(accounts.list_serial_numbers(tx, account.account_id)), ""),
    )


def _missing(details: Details) -> bool:
    return not all(getattr(details, name) for name in Details.__slots__)


def _merged(registration: Registration, known: Details) -> Details:
    """What was just typed, and where that is empty what the old portal knew."""
    return Details(**{name: getattr(registration, name) or getattr(known, name) for name in Details.__slots__})


def _ways(provider: Provider, account: Account, registration: Registration, browser_id: str) -> tuple[PasswordWay, ...]:
    ways: list[PasswordWay] = ["typed"] if registration.password_hash and registration.is_from(browser_id) else []
    if account.password_hash and not has_ended(provider, account.password_hash):
        ways.append("old")
    return (*ways, "new")


def has_ended(provider: Provider, password_hash: str) -> bool:
    """Whether a stored hash is one of the weak ones that the operator no longer accepts."""
    return provider.settings.old_portal.has_ended(provider.clock()) and is_weak(password_hash)


def _new_hash(provider: Provider, passage: Passage, wish: PassageWish) -> str | None:
    """The hash to store; None where the old password stays."""
    if wish.password_way == "typed" and passage.registration:
        return passage.registration.password_hash
    if wish.password_way == "old" or passage.account is None:
        return None
    with provider.database.reading() as tx:
        words = personal_words(tx, passage.account)
    details = wish.details
    own = (*words, details.given_name, details.family_name, details.company, details.serial_number)
    check_chosen_password(provider, wish.password, filter(None, own))
    return provider.passwords.hash(wish.password)


def _keep(provider: Provider, tx: Transaction, account_id: str, details: Details, now: int) -> None:
    """Keep what was typed. A device that staff look at first waits for them here too, whatever the old portal decided."""
    accounts.set_profile(
        tx,
        account_id,
        given_name=details.given_name,
        family_name=details.family_name,
        company=details.company,
        country=details.country,
        locale=details.locale,
        now=now,
    )
    with suppress(Refusal):  # owned or waiting already, or as many as there can be: nothing to add
        add_within(provider, tx, account_id, details.serial_number, now=now)


def _complete(provider: Provider, tx: Transaction, account_id: str, now: int) -> None:
    """Only who is first lets the rules decide; they are asked only where the old portal's word is not known."""
    if not old_portal.complete_account(tx, account_id, now):
        return
    if accounts.get_account(tx, account_id).approval_status == Status.PENDING.value:
        old_portal.wait_from_now(tx, account_id, now)
        approval.review(provider, tx, account_id)


def _record(
    tx: Transaction, account_id: str, by: str, now: int, *, reference: str | None = None, address: str = ""
) -> None:
    audit.record(
        tx,
        "old_account_moved",
        now=now,
        actor_kind="customer",
        actor=account_id,
        account_id=account_id,
        reference=reference,
        address=address,
        details={"by": by},
    )


def _find(tx: Transaction, token: str) -> tuple[Link | None, Account | None, Registration | None]:
    link = links.find_link(tx, PURPOSE, token)
    account = accounts.find_account(tx, link.account_id) if link and link.account_id else None
    found = registrations.find_registration(tx, link.registration_id) if link and link.registration_id else None
    return link, None if account and account.is_closed else account, found


def _state(tx: Transaction, link: Link, account: Account, registration: Registration, now: int) -> LinkState:
    """A link's state; of no use any more once the account is complete, or once the address has a newer registration."""
    old = old_portal.find_old_account(tx, account.account_id)
    if old is None or old.completed_at is not None:
        return "used"
    if registration.state == registrations.REPLACED:
        return "replaced"
    return links.link_state(link, now)
