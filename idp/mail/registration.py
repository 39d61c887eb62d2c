"""Mails of a registration: confirm the address, the address is taken, the review goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.mail.outgoing import own_link, post
from idp.mail.recipient import shown_user_name

if TYPE_CHECKING:
    from idp.mail.recipient import Recipient
    from idp.provider import Provider
    from idp.store.database import Transaction


def confirm_registration(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    link: str,
    code: str,
    status_link: str,
    expires_at: int,
    reference: str,
    user_name: str = "",
) -> int:
    """Ask to confirm the e-mail address, by link or code, and say until when and why (F-1.5)."""
    return post(
        provider,
        tx,
        "confirm_registration",
        to,
        not_after=expires_at,
        link=own_link(provider, link),
        code=code,
        status_link=own_link(provider, status_link),
        expires_at=expires_at,
        lifetime=provider.settings.lifetimes.confirmation,
        reference=reference,
        user_name=shown_user_name(user_name),
    )


def remind_registration(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    link: str,
    code: str,
    status_link: str,
    expires_at: int,
    reference: str,
    user_name: str = "",
) -> int:
    """Remind of the confirmation, with a new link and code that take the place of the older ones."""
    return post(
        provider,
        tx,
        "remind_registration",
        to,
        not_after=expires_at,
        link=own_link(provider, link),
        code=code,
        status_link=own_link(provider, status_link),
        expires_at=expires_at,
        lifetime=expires_at - provider.clock(),
        reference=reference,
        user_name=shown_user_name(user_name),
    )


def address_taken(provider: Provider, tx: Transaction, *, to: Recipient, reference: str = "") -> int:
    """Tell the owner of an address that it has an account already (EN-3, F-1.3)."""
    return post(
        provider,
        tx,
        "address_taken",
        to,
        sign_in_link=own_link(provider, "/sign-in"),
        reset_link=own_link(provider, "/forgot-password"),
        reference=reference,
    )


def move_account(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    link: str,
    expires_at: int,
    reference: str,
    user_name: str,
) -> int:
    """Lead the owner of an account of the old portal over, after the address was typed into the form (F-1.9)."""
    return post(
        provider,
        tx,
        "move_account",
        to,
        not_after=expires_at,
        link=own_link(provider, link),
        expires_at=expires_at,
        lifetime=provider.settings.lifetimes.confirmation,
        reference=reference,
        user_name=user_name,
    )


def registration_waiting(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    status_link: str,
    reference: str,
    user_name: str,
) -> int:
    """The address is confirmed; staff review the registration, and this is how long it takes (F-1.8)."""
    return post(
        provider,
        tx,
        "registration_waiting",
        to,
        status_link=own_link(provider, status_link),
        reference=reference,
        user_name=user_name,
        review_working_days=provider.settings.registration.review_working_days,
    )
