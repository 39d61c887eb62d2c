"""Mails of a decision: approved, rejected, suspended, reinstated, under review again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.mail.outgoing import own_link, post

if TYPE_CHECKING:
    from idp.mail.recipient import Recipient
    from idp.provider import Provider
    from idp.store.database import Transaction


def approved(
    provider: Provider, tx: Transaction, *, to: Recipient, user_name: str, link: str = "/", site_name: str = ""
) -> int:
    """The registration is approved: sign in, or go on to the site that one came from (`link`, `site_name`)."""
    return post(provider, tx, "approved", to, user_name=user_name, link=own_link(provider, link), site_name=site_name)


def rejected(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    reason: str,
    status_link: str = "/register/status",
    reference: str = "",
) -> int:
    """The registration is rejected: why, and the way to answer (F-1.8)."""
    return post(
        provider, tx, "rejected", to, reason=reason, status_link=own_link(provider, status_link), reference=reference
    )


def suspended(provider: Provider, tx: Transaction, *, to: Recipient, reason: str, reference: str = "") -> int:
    """The approval is suspended: why, and whom to ask."""
    return post(provider, tx, "suspended", to, reason=reason, status_link=own_link(provider, "/"), reference=reference)


def reinstated(provider: Provider, tx: Transaction, *, to: Recipient) -> int:
    """A suspended approval holds again."""
    return post(provider, tx, "reinstated", to, link=own_link(provider, "/"))


def review_again(provider: Provider, tx: Transaction, *, to: Recipient, reason: str = "") -> int:
    """An approved account is under review again, because what it was approved for has changed."""
    return post(
        provider,
        tx,
        "review_again",
        to,
        reason=reason,
        status_link=own_link(provider, "/"),
        review_working_days=provider.settings.registration.review_working_days,
    )
