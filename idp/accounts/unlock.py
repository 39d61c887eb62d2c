"""Unlock by mail (BF-4): the owner of a mailbox gives one browser the allowance of a known one, while an attack goes on.

The link signs nobody in, shows no name, and lifts no limit for anybody else: it says of one browser that it is the owner's,
as a sign-in there would have done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.guessing import Caller, forget_failures_here
from idp.errors import Refusal
from idp.store import accounts, audit, links
from idp.store.identifiers import email_key
from idp.store.known_browsers import remember_browser

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.links import IssuedLink, Link, LinkState

PURPOSE = "unlock"


@dataclass(frozen=True, slots=True)
class UnlockLink:
    """What its page shows; `state` is None where no such link was ever sent."""

    state: LinkState | None
    reference: str = ""


def issue_unlock_link(provider: Provider, tx: Transaction, account: Account, now: int) -> IssuedLink:
    """A link for the mail about the lock-out; those of earlier mails go on working beside it."""
    return links.issue_link(
        tx,
        purpose=PURPOSE,
        email=account.email,
        lifetime=provider.settings.lifetimes.unlock,
        now=now,
        master=provider.master,
        account_id=account.account_id,
        replaces=False,
    )


def look_at_unlock_link(provider: Provider, token: str) -> UnlockLink:
    """What the link's page says; looking changes nothing, as mail scanners do."""
    with provider.database.reading() as tx:
        link, account = _find(tx, token)
    if link is None:
        return UnlockLink(None)
    return UnlockLink(links.link_state(link, provider.clock()) if account else "replaced", link.reference)


def unlock_browser(provider: Provider, token: str, caller: Caller) -> None:
    """Count the caller's browser as one of the owner's, with an allowance of its own that is not used up.

    Raises `Refusal`: `link.damaged`, `link.used`, `link.expired`, and `link.replaced` where the account was closed or has
    another address now.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        link, account = _find(tx, token)
        if link is None:
            raise Refusal("link.damaged")
        if account is None:
            raise Refusal("link.replaced")
        if not links.use_link(tx, link, now):
            raise Refusal(f"link.{links.why_not_used(link, now)}")
        remember_browser(tx, account.account_id, caller.device, now)
        forget_failures_here(tx, account.account_id, caller)
        audit.record(
            tx,
            "browser_unlocked",
            now=now,
            actor_kind="customer",
            actor=account.account_id,
            account_id=account.account_id,
            reference=link.reference,
            address=caller.address,
        )


def _find(tx: Transaction, token: str) -> tuple[Link | None, Account | None]:
    """The link, and its account where that can be unlocked with it: open, with the address that the mail went to."""
    link = links.find_link(tx, PURPOSE, token)
    account = accounts.find_account(tx, link.account_id) if link and link.account_id else None
    if link is None or account is None or account.is_closed or account.email_key != email_key(link.email):
        return link, None
    return link, account
