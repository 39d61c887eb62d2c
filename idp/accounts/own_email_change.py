"""A customer's own change of the e-mail address: asked for, confirmed at the new address, shown and cancelled meanwhile.

Whoever asks does not learn whether the address has an account: the owner of a taken one is told by mail, and the change
waits for a confirmation that cannot come (EN-3). Confirming needs the session of the account as well as the link, so that
a mistyped address gives a stranger nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.approval import Actor, would_review_again
from idp.accounts.email_change import CONFIRM, apply_change, find_link
from idp.accounts.guessing import Caller, take_mail_request, take_mail_try
from idp.errors import Refusal
from idp.store import accounts, audit, links
from idp.store.database import Conflict
from idp.store.identifiers import email_key

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that waits for its confirmation."""

    email: str
    expires_at: int
    reference: str


def find_pending_change(tx: Transaction, account_id: str, now: int) -> PendingChange | None:
    """The change that waits, or None."""
    link = links.find_newest_open(tx, CONFIRM, account_id=account_id, now=now)
    return PendingChange(link.email, link.expires_at, link.reference) if link else None


def is_reviewed_again_with(provider: Provider, account_id: str, email: str) -> bool:
    """Whether the account would go back into review with this address, because no rule approves it."""
    with provider.database.reading() as tx:
        account = accounts.get_account(tx, account_id)
        return would_review_again(provider, tx, _with(account, email)) is not None


def request_email_change(provider: Provider, account_id: str, email: str, caller: Caller) -> None:
    """Send a link to the new address; it takes the place of an earlier one.

    Raises `Refusal`: `email.same`, `mail.slowed_down`, `mail.mailbox_slowed_down`.
    """
    with provider.database.transaction() as tx:
        account = accounts.get_account(tx, account_id)
        if email_key(email) == account.email_key and account.email_verified_at is not None:
            raise Refusal("email.same")
        refusal = _send(provider, tx, account, email, caller)
    if refusal:
        raise refusal


def send_email_change_again(provider: Provider, account_id: str, caller: Caller) -> None:
    """Send the mail of the change that waits once more. Raises `Refusal`: `email.no_change`, and as asking does."""
    with provider.database.transaction() as tx:
        pending = find_pending_change(tx, account_id, provider.clock())
        if pending is None:
            raise Refusal("email.no_change")
        refusal = _send(provider, tx, accounts.get_account(tx, account_id), pending.email, caller)
    if refusal:
        raise refusal


def cancel_email_change(provider: Provider, account_id: str) -> bool:
    """Void the link of the change that waits; out: whether there was one."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        cancelled = links.replace_links(tx, CONFIRM, account_id=account_id, now=now) > 0
        if cancelled:
            _record(tx, "email_change_cancelled", account_id, now, None, "")
    return cancelled


def confirm_email_change(provider: Provider, token: str, account_id: str, *, address: str = "") -> None:
    """Make the new address the account's, for the one who is signed in with it.

    Raises `Refusal`: `link.expired`, `link.used`, `link.replaced`, `link.damaged` (also for anybody else's), `email.taken`.
    """
    now = provider.clock()
    try:
        with provider.database.transaction() as tx:
            link, account = find_link(tx, CONFIRM, token)
            if link is None or account is None or account.is_closed or account.account_id != account_id:
                raise Refusal("link.damaged")
            if not links.use_link(tx, link, now):
                raise Refusal(f"link.{links.why_not_used(link, now)}", reference=link.reference)
            if email_key(link.email) == account.email_key:
                accounts.note_verified(tx, account_id, link.email, now)
                _record(tx, "email_verified", account_id, now, link.reference, address)
                return
            actor = Actor("customer", account_id)
            apply_change(provider, tx, account, link.email, actor, verified_at=now, address=address)
    except Conflict:
        raise Refusal("email.taken") from None


def _send(provider: Provider, tx: Transaction, account: Account, email: str, caller: Caller) -> Refusal | None:
    """The same for every address but for which mail goes out; out: the refusal to raise once this has committed (EN-3)."""
    now = provider.clock()
    refusal = take_mail_request(provider, tx, caller, now)
    if refusal:
        return refusal
    if not take_mail_try(provider, tx, email, now):
        return Refusal("mail.mailbox_slowed_down")
    issued = links.issue_link(
        tx,
        purpose=CONFIRM,
        email=email,
        account_id=account.account_id,
        lifetime=provider.settings.lifetimes.email_change,
        now=now,
        master=provider.master,
    )
    _record(tx, "email_change_requested", account.account_id, now, issued.reference, caller.address)
    owner = accounts.find_by_email(tx, email)
    if owner is None or owner.account_id == account.account_id:
        mail.confirm_email_change(
            provider,
            tx,
            to=mail.to_account(_with(account, email)),
            link=f"/email/{issued.token}",
            expires_at=issued.expires_at,
            reference=issued.reference,
        )
    elif not owner.is_closed:
        mail.email_in_use(provider, tx, to=mail.to_account(owner))
    return None


def _with(account: Account, email: str) -> Account:
    return replace(account, email=email, email_key=email_key(email))


def _record(tx: Transaction, act: str, account_id: str, now: int, reference: str | None, address: str) -> None:
    audit.record(
        tx,
        act,
        now=now,
        actor_kind="customer",
        actor=account_id,
        account_id=account_id,
        reference=reference,
        address=address,
    )
