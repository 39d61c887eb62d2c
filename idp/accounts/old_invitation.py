"""The mail that leads the owner of an account of the old portal over, after the address was typed into the form (F-1.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import mail
from idp.store import links, old_portal

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.registrations import Registration

PURPOSE = "migrate"


def is_still_to_come(tx: Transaction, owner: Account | None) -> bool:
    """Whether the account still has to come over; looked up for nobody too, so that the time says nothing (EN-3)."""
    old = old_portal.find_old_account(tx, owner.account_id if owner else "")
    return old is not None and old.is_waiting and owner is not None and not owner.is_closed


def invite_owner(
    provider: Provider, tx: Transaction, registration: Registration, owner: Account, to: mail.Recipient, now: int
) -> None:
    """Issue a link and write the mail."""
    issued = links.issue_link(
        tx,
        purpose=PURPOSE,
        email=owner.email,
        account_id=owner.account_id,
        registration_id=registration.registration_id,
        lifetime=registration.expires_at - now,
        now=now,
        master=provider.master,
    )
    mail.move_account(
        provider,
        tx,
        to=to,
        link=f"/migrate/{issued.token}",
        expires_at=issued.expires_at,
        reference=registration.reference,
        user_name=owner.user_name,
    )
