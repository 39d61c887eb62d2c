"""Mails of a changed e-mail address: to the old one with the way back, to the new one, and that it was undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.mail.outgoing import own_link, post

if TYPE_CHECKING:
    from idp.mail.recipient import Recipient
    from idp.provider import Provider
    from idp.store.database import Transaction


def confirm_email_change(
    provider: Provider, tx: Transaction, *, to: Recipient, link: str, expires_at: int, reference: str
) -> int:
    """Ask the new address to confirm that it is to be the account's."""
    return post(
        provider,
        tx,
        "confirm_email_change",
        to,
        not_after=expires_at,
        link=own_link(provider, link),
        expires_at=expires_at,
        lifetime=provider.settings.lifetimes.email_change,
        reference=reference,
    )


def email_in_use(provider: Provider, tx: Transaction, *, to: Recipient) -> int:
    """Tell the owner of an address that somebody wanted to give it to another account (EN-3)."""
    return post(
        provider,
        tx,
        "email_in_use",
        to,
        sign_in_link=own_link(provider, "/sign-in"),
        reset_link=own_link(provider, "/forgot-password"),
    )


def email_changed(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    undo_link: str,
    expires_at: int,
    reference: str,
    by_staff: bool,
) -> int:
    """Tell the old address that it is no longer the account's, with the link that undoes it; never the new address."""
    return post(
        provider,
        tx,
        "email_changed",
        to,
        not_after=expires_at,
        at=provider.clock(),
        link=own_link(provider, undo_link),
        expires_at=expires_at,
        lifetime=provider.settings.lifetimes.email_undo,
        reference=reference,
        by_staff=by_staff,
    )


def email_is_new(provider: Provider, tx: Transaction, *, to: Recipient, reference: str, by_staff: bool) -> int:
    """Tell the new address that it is the account's now, and how to sign in with it (F-2.4)."""
    return post(
        provider,
        tx,
        "email_is_new",
        to,
        sign_in_link=own_link(provider, "/sign-in"),
        reset_link=own_link(provider, "/forgot-password"),
        reference=reference,
        by_staff=by_staff,
    )


def email_change_undone(provider: Provider, tx: Transaction, *, to: Recipient, reference: str) -> int:
    """Tell both addresses that the change was undone, that all was signed out, and that a new password is needed."""
    return post(
        provider,
        tx,
        "email_change_undone",
        to,
        at=provider.clock(),
        reset_link=own_link(provider, "/forgot-password"),
        reference=reference,
    )
