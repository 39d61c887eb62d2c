"""Forgot password (F-2.1, F-2.5, F-2.6): a link to the stored address, and the new password that it allows.

Who asks learns nothing: every request goes into the outbox in the same way, and only the worker looks whether there is an
account (EN-3, EN-6). The mail goes to the address of the account that was found, never to what was typed (RS-3). Pending
and rejected customers get a working link; closed accounts get none (RS-7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.breached_passwords import check_chosen_password
from idp.accounts.endings import apply_ending
from idp.accounts.guessing import Caller, forget_failures, take_mail_request, take_mail_try
from idp.accounts.passwords import temporary_as_given
from idp.accounts.personal_words import personal_words
from idp.accounts.registration import send_open_registration
from idp.errors import Refusal
from idp.policy.endings import Act
from idp.store import accounts, audit, links, outbox, temporary_passwords

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.links import IssuedLink, Link, LinkState
    from idp.store.outbox import Item

PURPOSE = "reset"
DELIVERY = "reset_request"


@dataclass(frozen=True, slots=True)
class ResetLink:
    """What a reset page shows: the state of the link (None: no such link was ever sent) and its reference."""

    state: LinkState | None
    reference: str
    user_name: str


def request_reset(provider: Provider, email: str, caller: Caller) -> None:
    """Ask for a reset link; the same for every address. Raises `Refusal("mail.slowed_down")` per network (BF-7)."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        refusal = take_mail_request(provider, tx, caller, now)
        if refusal is None:
            payload = {"email": email[:320]}
            outbox.enqueue(tx, provider.master, kind=DELIVERY, name=DELIVERY, payload=payload, now=now, wakes=False)
    if refusal:
        raise refusal


def answer_reset_request(provider: Provider, item: Item) -> None:
    """The worker's half of `request_reset`: find the account and write the mail.

    Whoever registered and did not confirm yet gets the mail to confirm with: that is what keeps them out (F-1.6).
    """
    email = str(item.open(provider.master)["email"])
    with provider.database.transaction() as tx:
        account = accounts.find_by_identifier(tx, email)
        if account is None:
            send_open_registration(provider, tx, email)
        elif take_mail_try(provider, tx, account.email, provider.clock()) and not account.is_closed:
            send_reset_link(provider, tx, account)


def send_reset_link(
    provider: Provider,
    tx: Transaction,
    account: Account,
    *,
    staff_id: str = "",
    by_operator: bool = False,
    address: str = "",
) -> IssuedLink:
    """Issue a link, which replaces older ones, and write its mail; staff send one through here too (F-2.3)."""
    issued = links.issue_link(
        tx,
        purpose=PURPOSE,
        email=account.email,
        account_id=account.account_id,
        lifetime=provider.settings.lifetimes.reset,
        now=provider.clock(),
        master=provider.master,
    )
    audit.record(
        tx,
        "reset_link_sent",
        now=provider.clock(),
        actor_kind="staff" if staff_id else "operator" if by_operator else "system",
        actor=staff_id,
        account_id=account.account_id,
        reference=issued.reference,
        address=address,
    )
    mail.reset_password(
        provider,
        tx,
        to=mail.to_account(account),
        link=f"/reset/{issued.token}",
        expires_at=issued.expires_at,
        reference=issued.reference,
        user_name=account.user_name,
    )
    return issued


def look_at_reset_link(provider: Provider, token: str) -> ResetLink:
    """What a reset page says; looking changes nothing."""
    with provider.database.reading() as tx:
        link, account = _find(tx, token)
    if link is None:
        return ResetLink(None, "", "")
    return ResetLink(links.link_state(link, provider.clock()), link.reference, account.user_name if account else "")


def reset_password(provider: Provider, token: str, new_password: str) -> None:
    """Choose a new password with the token of a mail; everything that was signed in ends (RS-1, RS-2, RS-6).

    Raises `Refusal`: `link.expired`, `link.used`, `link.replaced`, `link.damaged`, or why the password cannot be chosen;
    the temporary one that staff gave cannot be (TP-4).
    The password is hashed only for a link that is open, and only the one who uses the link up sets it.
    """
    with provider.database.reading() as tx:
        link, account = _find(tx, token)
        words = personal_words(tx, account) if account else ()
        temporary = temporary_passwords.find_temporary_password(tx, account.account_id) if account else None
    if link is None or account is None or account.is_closed:
        raise Refusal("link.damaged")
    _check_open(link, provider.clock())
    check_chosen_password(provider, new_password, words)
    if temporary and provider.passwords.verify(temporary_as_given(new_password), temporary.password_hash):
        raise Refusal("password.temporary")
    password_hash = provider.passwords.hash(new_password)
    now = provider.clock()
    with provider.database.transaction() as tx:
        won = links.use_link(tx, link, now)
        if won:
            accounts.set_password(tx, account.account_id, password_hash, now)
            accounts.note_verified(tx, account.account_id, link.email, now)
            forget_failures(tx, account.account_id)
            apply_ending(provider, tx, Act.PASSWORD_RESET, account_id=account.account_id, now=now)
            _record(tx, "password_reset", account.account_id, link.reference, now)
            mail.password_was_reset(provider, tx, to=mail.to_account(account))
    if not won:
        _check_open(_find_again(provider, token) or link, now)
        raise Refusal("link.used")


def _record(tx: Transaction, act: str, account_id: str, reference: str, now: int) -> None:
    audit.record(tx, act, now=now, actor_kind="customer", actor=account_id, account_id=account_id, reference=reference)


def _check_open(link: Link, now: int) -> None:
    state = links.link_state(link, now)
    if state != "open":
        raise Refusal(f"link.{state}", reference=link.reference)


def _find(tx: Transaction, token: str) -> tuple[Link | None, Account | None]:
    link = links.find_link(tx, PURPOSE, token)
    account = accounts.find_account(tx, link.account_id) if link and link.account_id else None
    return link, account


def _find_again(provider: Provider, token: str) -> Link | None:
    with provider.database.reading() as tx:
        return links.find_link(tx, PURPOSE, token)
