"""Mails of the house itself: the test mail of whoever looks after it, and messages to customer care."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.mail.outgoing import own_link, post

if TYPE_CHECKING:
    from idp.mail.recipient import Recipient
    from idp.provider import Provider
    from idp.store.database import Transaction


def test_mail(provider: Provider, tx: Transaction, *, to: Recipient, not_before: int = 0) -> int:  # noqa: PT028 - no test
    """A mail that says nothing but that mails arrive."""
    return post(provider, tx, "test_mail", to, not_before=not_before, at=provider.clock(), link=own_link(provider, "/"))


def promise_ends(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    applications: list[dict[str, Any]],
    devices: list[dict[str, Any]],
    count: int,
) -> int:
    """To somebody who decides: what is promised to be answered soon, with `name`, `company` and `due_at` each.

    Devices that customers added have their `serial_number` as well. `count`: how many there are of both, with those that
    are not listed.
    """
    return post(
        provider,
        tx,
        "promise_ends",
        to,
        applications=applications,
        devices=devices,
        count=count,
        queue_link=own_link(provider, "/staff"),
        devices_link=own_link(provider, "/staff/devices"),
    )


def contact_message(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    topic: str,
    reply_to: str,
    text: str,
    writer: str,
    language: str,
    reference: str = "",
) -> int:
    """What somebody wrote on the contact page, to customer care; an answer goes to the writer."""
    return post(
        provider,
        tx,
        "contact_message",
        to,
        reply_to=reply_to,
        topic=topic,
        email=reply_to,
        text=text,
        writer=writer,
        language=language,
        reference=reference,
    )
