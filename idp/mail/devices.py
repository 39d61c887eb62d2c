"""Mails of a device that is handed on: to its next owner with the link, and to the giver, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.mail.outgoing import own_link, post

if TYPE_CHECKING:
    from idp.mail.recipient import Recipient
    from idp.provider import Provider
    from idp.store.database import Transaction


def device_offered(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    link: str,
    serial_number: str,
    giver: str,
    has_account: bool,
    expires_at: int,
    reference: str,
) -> int:
    """Ask the next owner to accept a device; without an account it says how to get one.

    `giver` is the confirmed address of who offers it; a name that strangers choose is not in mails to others (GO-4).
    """
    return post(
        provider,
        tx,
        "device_offered",
        to,
        not_after=expires_at,
        link=own_link(provider, link),
        serial_number=serial_number,
        giver=giver,
        has_account=has_account,
        expires_at=expires_at,
        lifetime=provider.settings.lifetimes.device_offer,
        reference=reference,
    )


def device_offer_ended(
    provider: Provider,
    tx: Transaction,
    *,
    to: Recipient,
    serial_number: str,
    email: str,
    outcome: str,
    reference: str,
) -> int:
    """Tell the giver how it ended: `outcome` is accepted, refused or expired."""
    return post(
        provider,
        tx,
        "device_offer_ended",
        to,
        at=provider.clock(),
        serial_number=serial_number,
        email=email,
        outcome=outcome,
        devices_link=own_link(provider, "/account/devices"),
        reference=reference,
    )


def device_moved(
    provider: Provider, tx: Transaction, *, to: Recipient, serial_number: str, gained: bool, reference: str
) -> int:
    """Tell an owner that customer care moved a device: to this account where it `gained` it, else away from it."""
    return post(
        provider,
        tx,
        "device_moved",
        to,
        at=provider.clock(),
        serial_number=serial_number,
        gained=gained,
        devices_link=own_link(provider, "/account/devices"),
        reference=reference,
    )


def device_checked(
    provider: Provider, tx: Transaction, *, to: Recipient, serial_number: str, accepted: bool, reason: str
) -> int:
    """Tell a customer what staff decided about a device that waited; a refusal has its reason."""
    return post(
        provider,
        tx,
        "device_checked",
        to,
        serial_number=serial_number,
        accepted=accepted,
        reason=reason,
        devices_link=own_link(provider, "/account/devices"),
    )
