"""Registering (F-1.2 to F-1.6): send the form, get the mail, get it again, and be forgotten after 14 days.

Who asks learns nothing about an address: a taken one is kept, answered and mailed like any other, only that its owner's
mail says so (EN-3). Nothing binds before the address is confirmed (RG-4): a later registration of the same address makes
the earlier ones, with their links, worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp import mail
from idp.accounts.guessing import Caller, take_mail_request, take_mail_try, take_telling
from idp.accounts.interests import build_choice
from idp.accounts.old_invitation import invite_owner, is_still_to_come
from idp.accounts.passwords import check_new_password
from idp.errors import Refusal
from idp.keys.secrets import hash_secret, new_identifier, new_reference
from idp.store import accounts, audit, links, outbox, registrations
from idp.store.identifiers import email_key
from idp.store.registrations import SENT, Registration

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.outbox import Item

PURPOSE = "confirm"
DELIVERY = "confirmation_request"
PAUSE = 60
"""Seconds between two mails of one registration."""

DAY = 86400
KEPT_AFTER_PURGE = 90 * DAY
"""So long the empty row stays, so that its reference tells staff what became of it."""

KEPT_AFTER_EXPIRY = DAY
"""So long a late link can still ask for a new mail; then what the form said is deleted."""


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """What the form said, parsed; `client_id` and `target` are the way back to the site one came from."""

    email: str
    given_name: str
    family_name: str
    company: str
    country: str
    serial_number: str
    user_name: str | None
    locale: str
    password: str = field(repr=False)
    browser_id: str = field(repr=False)
    caller: Caller
    client_id: str | None = None
    target: str | None = None
    interests: tuple[str, ...] = ()
    region: str = ""
    terms: Mapping[str, Any] = field(default_factory=dict)

    @property
    def personal_words(self) -> tuple[str, ...]:
        """What others know of this person, and a password must not be made of (PW-4)."""
        own = (self.email, self.given_name, self.family_name, self.company, self.serial_number, self.user_name)
        return tuple(text for text in own if text)


def register(provider: Provider, wish: RegistrationRequest) -> Registration:
    """Keep the registration and write its mail, or the mail that tells an owner of a taken address.

    Raises `Refusal`: `registration.closed`, why the password cannot be chosen, `mail.slowed_down`, and where the operator
    wants it told `email.taken`.
    """
    if not provider.settings.registration.open:
        raise Refusal("registration.closed")
    check_new_password(wish.password, minimum=provider.settings.passwords.minimum_length, personal=wish.personal_words)
    _take_request(provider, wish)
    if provider.breaches.knows(wish.password):
        raise Refusal("password.breached")
    password_hash = provider.passwords.hash(wish.password)
    now = provider.clock()
    with provider.database.transaction() as tx:
        registrations.lock_address(tx, wish.email)
        owner = accounts.find_by_email(tx, wish.email)
        registration = _make(provider, wish, password_hash, is_taken=owner is not None, now=now)
        registrations.insert_registration(tx, registration)
        links.replace_links_of(tx, PURPOSE, registrations.replace_others(tx, registration), now=now)
        audit.record(
            tx,
            "registration_sent",
            now=now,
            actor_kind="customer",
            registration_id=registration.registration_id,
            reference=registration.reference,
            client_id=wish.client_id,
            address=wish.caller.address,
        )
        _post(provider, tx, registration, owner, now)
    return registration


def send_again(provider: Provider, registration_id: str, caller: Caller, *, renew: bool = False) -> Registration:
    """Send a registration's mail once more, with a new link; the older links say that they were replaced (F-1.6, F-1.7).

    `renew`: who asks holds a link of its mail, so that one that expired a short while ago starts its 14 days again. Raises
    `Refusal`: `registration.gone`, `registration.confirmed`, `mail.too_soon` (until), `mail.slowed_down` (until).
    """
    now = provider.clock()
    with provider.database.transaction() as tx:  # commits by itself: the count outlives the refusal
        refusal = _refuse_to_send(provider, tx, registration_id, caller, now, renew=renew)
    if refusal:
        raise refusal
    with provider.database.transaction() as tx:
        _lock_address_of(tx, registration_id)
        if renew:
            lifetime = provider.settings.lifetimes.confirmation
            registrations.renew_registration(tx, registration_id, expires_at=now + lifetime, now=now)
        registration = _find_newest(tx, registration_id, now)
        if registration is None or registration.state_at(now) != SENT:
            raise Refusal("registration.gone")
        _post(provider, tx, registration, accounts.find_by_email(tx, registration.email), now)
    return registration


def send_again_by_staff(provider: Provider, tx: Transaction, registration_id: str) -> bool:
    """Send the mail once more for a customer who called (F-1.6); False where the registration cannot be confirmed."""
    now = provider.clock()
    _lock_address_of(tx, registration_id)
    registration = registrations.find_registration(tx, registration_id)
    if registration is None or registration.state_at(now) != SENT:
        return False
    send_confirmation(provider, tx, registration, accounts.find_by_email(tx, registration.email), now)
    return True


def request_mail(provider: Provider, email: str, caller: Caller) -> None:
    """Ask for a new mail by address, where a link is too damaged to say whose it was; the same for every address.

    Raises `Refusal("mail.slowed_down")` per network (BF-7).
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        refusal = take_mail_request(provider, tx, caller, now)
        if refusal is None:
            payload = {"email": email[:320]}
            outbox.enqueue(tx, provider.master, kind=DELIVERY, name=DELIVERY, payload=payload, now=now, wakes=False)
    if refusal:
        raise refusal


def answer_mail_request(provider: Provider, item: Item) -> None:
    """The worker's half of `request_mail`: find the open registration and write its mail (EN-6)."""
    email = str(item.open(provider.master)["email"])
    with provider.database.transaction() as tx:
        send_open_registration(provider, tx, email)


def send_open_registration(provider: Provider, tx: Transaction, email: str) -> None:
    """Write the mail of the registration that an address has not confirmed yet, once more; nothing where there is none.

    It counts at the mailbox either way, as for addresses that have an account (EN-3).
    """
    now = provider.clock()
    registrations.lock_address(tx, email)
    may_send = take_mail_try(provider, tx, email, now)
    registration = registrations.find_open_by_email(tx, email, now)
    if may_send and registration is not None and mail_pause(tx, registration, now) == 0:
        send_confirmation(provider, tx, registration, accounts.find_by_email(tx, registration.email), now)


def send_confirmation(
    provider: Provider,
    tx: Transaction,
    registration: Registration,
    owner: Account | None,
    now: int,
    *,
    is_reminder: bool = False,
) -> None:
    """Issue a link and code and write the mail; the owner of a taken address is told that instead, or led over from the
    old portal.

    The link of a taken address goes nowhere; it is there so that a wrong code is counted alike (EN-3).
    """
    issued = links.issue_link(
        tx,
        purpose=PURPOSE,
        email=registration.email,
        registration_id=registration.registration_id,
        lifetime=registration.expires_at - now,
        now=now,
        master=provider.master,
        with_code=True,
    )
    is_invited = is_still_to_come(tx, owner)
    if owner is not None:
        to = _to_owner(owner, registration.registration_id)
        if is_invited:
            invite_owner(provider, tx, registration, owner, to, now)
        else:
            mail.address_taken(provider, tx, to=to, reference=registration.reference)
        return
    write = mail.remind_registration if is_reminder else mail.confirm_registration
    write(
        provider,
        tx,
        to=mail.to_registration(registration),
        link=f"/confirm/{issued.token}",
        code=issued.code or "",
        status_link=f"/register/status/{status_token(provider, registration.registration_id)}",
        expires_at=issued.expires_at,
        reference=registration.reference,
        user_name=registration.user_name or "",
    )


def status_token(provider: Provider, registration_id: str) -> str:
    """The secret of the status page, made again for every mail; only its hash is stored."""
    return provider.master.derive_token("status", registration_id)


def mail_pause(tx: Transaction, registration: Registration, now: int) -> int:
    """Seconds until the mail may be sent again."""
    newest = links.find_newest_open(tx, PURPOSE, registration_id=registration.registration_id, now=now)
    return 0 if newest is None else max(0, newest.created_at + PAUSE - now)


def forget_unconfirmed(provider: Provider) -> None:
    """Housekeeping: mark what was not confirmed in time, and later delete what it said (F-1.5, RG-11)."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        registrations.expire_registrations(tx, now)
        registrations.purge_registrations(tx, before=now - KEPT_AFTER_EXPIRY, now=now)
        registrations.delete_purged(tx, now - KEPT_AFTER_PURGE)


def _take_request(provider: Provider, wish: RegistrationRequest) -> None:
    """Count the form per network (BF-7), and tell a taken address where the operator decided so."""
    now = provider.clock()
    with provider.database.transaction() as tx:  # commits by itself: the count outlives the refusal
        refusal = take_mail_request(provider, tx, wish.caller, now)
        if refusal is None and provider.settings.registration.tell_taken_address:
            is_taken = accounts.find_by_email(tx, wish.email) is not None
            if is_taken and take_telling(tx, wish.caller, now):
                refusal = Refusal("email.taken")
    if refusal:
        raise refusal


def _make(
    provider: Provider, wish: RegistrationRequest, password_hash: str, *, is_taken: bool, now: int
) -> Registration:
    registration_id = new_identifier()
    return Registration(
        registration_id=registration_id,
        reference=new_reference(),
        state=SENT,
        email=wish.email,
        email_key=email_key(wish.email),
        user_name=wish.user_name,
        given_name=wish.given_name,
        family_name=wish.family_name,
        company=wish.company,
        country=wish.country,
        serial_number=wish.serial_number,
        locale=wish.locale,
        password_hash=password_hash,
        address_taken=is_taken,
        browser_hash=hash_secret("browser", wish.browser_id),
        status_hash=hash_secret("status", status_token(provider, registration_id)),
        client_id=wish.client_id,
        target=wish.target,
        account_id=None,
        sent_at=now,
        expires_at=now + provider.settings.lifetimes.confirmation,
        confirmed_at=None,
        purged_at=None,
        claims=build_choice(wish.interests, wish.region),
        terms=wish.terms,
    )


def _post(provider: Provider, tx: Transaction, registration: Registration, owner: Account | None, now: int) -> None:
    """Write the mail, unless this mailbox got enough of them within the hour (BF-7); the page is the same (EN-3)."""
    if take_mail_try(provider, tx, registration.email, now):
        send_confirmation(provider, tx, registration, owner, now)


def _refuse_to_send(
    provider: Provider, tx: Transaction, registration_id: str, caller: Caller, now: int, *, renew: bool
) -> Refusal | None:
    registration = _find_newest(tx, registration_id, now)
    if registration is None or registration.purged_at is not None:
        return Refusal("registration.gone")
    if registration.state == registrations.CONFIRMED:
        return Refusal("registration.confirmed")
    if registration.state_at(now) != SENT and not (renew and registration.state_at(now) == registrations.EXPIRED):
        return Refusal("registration.gone")
    left = mail_pause(tx, registration, now)
    if left:
        return Refusal("mail.too_soon", until=now + left, seconds=left)
    return take_mail_request(provider, tx, caller, now)


def _lock_address_of(tx: Transaction, registration_id: str) -> None:
    registration = registrations.find_registration(tx, registration_id)
    if registration is not None:
        registrations.lock_address(tx, registration.email)


def _find_newest(tx: Transaction, registration_id: str, now: int) -> Registration | None:
    """The registration; where a newer one of its address took its place, that one."""
    registration = registrations.find_registration(tx, registration_id)
    if registration is not None and registration.state == registrations.REPLACED and registration.email:
        return registrations.find_open_by_email(tx, registration.email, now) or registration
    return registration


def _to_owner(owner: Account, registration_id: str) -> mail.Recipient:
    """The stored address of the owner (RS-3); the mail's fate is told on the page of this registration."""
    return mail.Recipient(
        email=owner.email,
        name=owner.name,
        locale=owner.locale,
        account_id=owner.account_id,
        registration_id=registration_id,
    )
