"""Mails of an account's safety: reset link, password changed or reset, locked by guessing (LG-6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.mail.outgoing import own_link, post

if TYPE_CHECKING:
    from idp.mail.recipient import Recipient
    from idp.provider import Provider
    from idp.store.database import Transaction


def reset_password(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    link: str,
    expires_at: int,
    reference: str,
    user_name: str = "",
) -> int:
    """The link to a new password, with its lifetime below it (F-2.1, F-2.6)."""
    return post(
        provider,
        tx,
        "reset_password",
        to,
        not_after=expires_at,
        link=own_link(provider, link),
        expires_at=expires_at,
        lifetime=provider.settings.lifetimes.reset,
        reference=reference,
        user_name=user_name,
    )


def password_changed(provider: Provider, tx: Transaction, *, to: Recipient) -> int:
    """Tell that the owner changed the password, and that other devices were signed out."""
    return post(
        provider, tx, "password_changed", to, at=provider.clock(), reset_link=own_link(provider, "/forgot-password")
    )


def user_name_changed(provider: Provider, tx: Transaction, *, to: Recipient, user_name: str) -> int:
    """Tell that the owner chose another user name, and which."""
    return post(
        provider,
        tx,
        "user_name_changed",
        to,
        at=provider.clock(),
        user_name=user_name,
        reset_link=own_link(provider, "/forgot-password"),
    )


def site_permitted(provider: Provider, tx: Transaction, *, to: Recipient, site_name: str) -> int:
    """Tell that a site was permitted something for the first time (LG-6)."""
    return post(
        provider,
        tx,
        "site_permitted",
        to,
        at=provider.clock(),
        site_name=site_name,
        sites_link=own_link(provider, "/account/sites"),
        reset_link=own_link(provider, "/forgot-password"),
    )


def password_was_reset(provider: Provider, tx: Transaction, *, to: Recipient) -> int:
    """Tell that the password was reset through a mail, and that everything was signed out."""
    return post(
        provider, tx, "password_was_reset", to, at=provider.clock(), reset_link=own_link(provider, "/forgot-password")
    )


def temporary_password_given(provider: Provider, tx: Transaction, *, to: Recipient, expires_at: int) -> int:
    """Tell that customer care gave a temporary password, never which one; and what to do if nobody asked (F-2.5)."""
    return post(
        provider,
        tx,
        "temporary_password_given",
        to,
        expires_at=expires_at,
        sign_in_link=own_link(provider, "/sign-in"),
        reset_link=own_link(provider, "/forgot-password"),
    )


def account_locked(
    provider: Provider, tx: Transaction, *, to: Recipient, until: int, link: str, expires_at: int, reference: str
) -> int:
    """Tell that too many wrong passwords slow down the next sign-in, until when, and what helps; the link unlocks a browser."""
    return post(
        provider,
        tx,
        "account_locked",
        to,
        not_after=until,
        until=until,
        link=own_link(provider, link),
        expires_at=expires_at,
        reference=reference,
        reset_link=own_link(provider, "/forgot-password"),
    )


def account_closed(provider: Provider, tx: Transaction, *, to: Recipient, expires_at: int, by_staff: bool) -> int:
    """Tell that the account is closed, when it is erased, and the way back until then."""
    return post(
        provider,
        tx,
        "account_closed",
        to,
        expires_at=expires_at,
        by_staff=by_staff,
        sign_in_link=own_link(provider, "/sign-in"),
    )


def account_reopened(provider: Provider, tx: Transaction, *, to: Recipient) -> int:
    """Tell that a closed account is open again, and what to do if nobody asked."""
    return post(
        provider,
        tx,
        "account_reopened",
        to,
        at=provider.clock(),
        sign_in_link=own_link(provider, "/sign-in"),
        reset_link=own_link(provider, "/forgot-password"),
    )
