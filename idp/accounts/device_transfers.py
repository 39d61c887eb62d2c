"""A customer hands a device on to another one: offered by mail, accepted or refused, taken back, run out.

The ownership passes in one transaction, at the moment of accepting; one conditional update decides between accepting,
refusing, taking back and the end of the time. Whether an address has an account is never told to the giver (EN-3): the mail
alone differs. Only the account with the address that the giver named can accept, and only who is approved hands on: what an
account has that waits for its review, nobody has looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.approval import Actor, assess, review, review_again, would_review_again
from idp.accounts.guessing import Caller, take_mail_request, take_mail_try
from idp.accounts.own_devices import MOST_DEVICES
from idp.errors import Refusal
from idp.store import accounts, approvals, audit, device_claims, device_transfers, devices
from idp.store.identifiers import email_key

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.device_transfers import NamedTransfer, OfferedTransfer, Transfer


@dataclass(frozen=True, slots=True)
class Offer:
    """What the page of a mail's link shows; `state` is "damaged" where no such link was ever sent."""

    state: str
    reference: str = ""
    email: str = ""
    email_key: str = ""
    serial_number: str = ""
    giver_name: str = ""
    giver_company: str = ""
    giver_email: str = ""
    expires_at: int = 0


def list_offered(provider: Provider, account_id: str) -> dict[str, Transfer]:
    """One's devices that wait for their next owner's answer, by serial number."""
    with provider.database.reading() as tx:
        return device_transfers.list_waiting(tx, account_id, provider.clock())


def list_offered_to(provider: Provider, account_id: str) -> list[NamedTransfer]:
    """Devices that others offer to this account's confirmed address and that wait for its answer, oldest first."""
    with provider.database.reading() as tx:
        return device_transfers.list_offered_to(tx, account_id, provider.clock())


def may_hand_on(provider: Provider, account_id: str) -> bool:
    """Whether an account may hand its devices on: it is approved now."""
    with provider.database.reading() as tx:
        return accounts.get_account(tx, account_id).approval_status == "approved"


def offer_device(
    provider: Provider, account_id: str, serial_number: str, email: str, caller: Caller, *, may_review: bool = True
) -> None:
    """Write to the next owner, with a link that works once; the giver owns the device until it is accepted.

    Raises `Refusal`: `transfer.not_approved`, `device.unknown`, `transfer.own_address`, `transfer.waits`,
    `device.approval_rests` where the end of the own approval was not said to be understood, `mail.slowed_down`,
    `mail.mailbox_slowed_down`.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        giver = accounts.lock_account(tx, account_id)
        if giver.approval_status != "approved":
            raise Refusal("transfer.not_approved")
        left = [serial for serial in approvals.list_serial_numbers(tx, account_id) if serial != serial_number]
        if len(left) == len(devices.list_devices(tx, account_id)):
            raise Refusal("device.unknown")
        if email_key(email) == giver.email_key:
            raise Refusal("transfer.own_address")
        if serial_number in device_transfers.list_waiting(tx, account_id, now):
            raise Refusal("transfer.waits")
        if not may_review and would_review_again(provider, tx, giver, serial_numbers=left) is not None:
            raise Refusal("device.approval_rests")
        refusal = take_mail_request(provider, tx, caller, now)
        if refusal is None and not take_mail_try(provider, tx, email, now):
            refusal = Refusal("mail.mailbox_slowed_down")
        if refusal is None:
            offered = device_transfers.insert_transfer(
                tx,
                account_id=account_id,
                serial_number=serial_number,
                email=email,
                lifetime=provider.settings.lifetimes.device_offer,
                now=now,
            )
            _record(tx, "device_offered", account_id, now, serial_number, offered.reference, caller.address)
            _write_offer(provider, tx, giver, serial_number, email, offered)
    if refusal:
        raise refusal


def take_back_device(provider: Provider, account_id: str, serial_number: str) -> None:
    """Keep a device that was offered. Raises `Refusal("transfer.over")` where it was answered first, or nothing waits."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        accounts.lock_account(tx, account_id)
        transfer = device_transfers.list_waiting(tx, account_id, now).get(serial_number)
        if transfer is None or not device_transfers.end_transfer(tx, transfer.transfer_id, "taken_back", now):
            raise Refusal("transfer.over")
        _record(tx, "device_offer_taken_back", account_id, now, serial_number, transfer.reference)


def look_at_offer(provider: Provider, token: str) -> Offer:
    """What the page of a mail's link says; looking changes nothing."""
    with provider.database.reading() as tx:
        transfer = device_transfers.find_transfer(tx, token)
        giver = accounts.find_account(tx, transfer.account_id) if transfer else None
    if transfer is None or giver is None:
        return Offer("damaged")
    return Offer(
        state=transfer.state_at(provider.clock()),
        reference=transfer.reference,
        email=transfer.email,
        email_key=transfer.email_key,
        serial_number=transfer.serial_number,
        giver_name=f"{giver.given_name} {giver.family_name}".strip(),
        giver_company=giver.company,
        giver_email=giver.email,
        expires_at=transfer.expires_at,
    )


def is_offered_to(provider: Provider, offer: Offer, account_id: str) -> bool:
    """Whether an account has the address that the giver named."""
    with provider.database.reading() as tx:
        return accounts.get_account(tx, account_id).email_key == offer.email_key


def accept_device(provider: Provider, token: str, account_id: str, *, address: str = "") -> str:
    """Take the device over: the giver loses it as the receiver gets it; out: its serial number.

    A giver whose approval rested on it goes back to the rules; a receiver who waits is looked at by them again.
    Raises `Refusal`: `transfer.damaged`, `transfer.other_account`, `transfer.not_approved` where the giver is not approved any more,
    `transfer.over`, `device.too_many`.
    """
    with provider.database.transaction() as tx:
        return _accept(provider, tx, _get_transfer(tx, token), account_id, address)


def accept_offered(provider: Provider, transfer_id: str, account_id: str, *, address: str = "") -> str:
    """The same without the mail, for the account with the address that the giver named; raises what `accept_device` raises."""
    with provider.database.transaction() as tx:
        return _accept(provider, tx, _get_own_offer(tx, transfer_id, account_id), account_id, address)


def refuse_device(provider: Provider, token: str) -> str:
    """Decline the device, for whoever has the mail; out: its serial number. Raises `Refusal`: `transfer.damaged`, `transfer.over`."""
    with provider.database.transaction() as tx:
        return _refuse(provider, tx, _get_transfer(tx, token))


def refuse_offered(provider: Provider, transfer_id: str, account_id: str) -> str:
    """The same without the mail, for the account with the address that the giver named.

    Raises `Refusal`: `transfer.damaged`, `transfer.other_account`, `transfer.over`.
    """
    with provider.database.transaction() as tx:
        return _refuse(provider, tx, _get_own_offer(tx, transfer_id, account_id))


def _accept(provider: Provider, tx: Transaction, transfer: Transfer, account_id: str, address: str) -> str:
    now = provider.clock()
    locked = {one: accounts.lock_account(tx, one) for one in sorted({transfer.account_id, account_id})}
    giver, receiver = locked[transfer.account_id], locked[account_id]
    if receiver.email_key != transfer.email_key or receiver.is_closed:
        raise Refusal("transfer.other_account")
    if transfer.state_at(now) == "waiting" and not giver.is_closed and giver.approval_status != "approved":
        raise Refusal("transfer.not_approved")
    if giver.is_closed or not device_transfers.end_transfer(
        tx, transfer.transfer_id, "accepted", now, receiver_id=account_id
    ):
        raise Refusal("transfer.over")
    pass_device_on(provider, tx, giver, receiver, transfer.serial_number, Actor("customer", account_id))
    for act, owner in (("device_handed_on", giver), ("device_received", receiver)):
        _record(
            tx,
            act,
            owner.account_id,
            now,
            transfer.serial_number,
            transfer.reference,
            address if owner is receiver else "",
            actor=account_id,
        )
    _tell_giver(provider, tx, giver, transfer, "accepted")
    return transfer.serial_number


def _refuse(provider: Provider, tx: Transaction, transfer: Transfer) -> str:
    now = provider.clock()
    giver = accounts.lock_account(tx, transfer.account_id)
    if not device_transfers.end_transfer(tx, transfer.transfer_id, "refused", now):
        raise Refusal("transfer.over")
    _record(tx, "device_refused", giver.account_id, now, transfer.serial_number, transfer.reference, actor="")
    _tell_giver(provider, tx, giver, transfer, "refused")
    return transfer.serial_number


def expire_offers(provider: Provider) -> None:
    """Tell the givers of offers that nobody answered in their time (housekeeping)."""
    with provider.database.reading() as tx:
        due = device_transfers.list_due(tx, provider.clock())
    for transfer_id, account_id in due:
        now = provider.clock()
        with provider.database.transaction() as tx:
            giver = accounts.lock_account(tx, account_id)
            transfer = device_transfers.find_by_id(tx, transfer_id)
            if transfer is None or not device_transfers.expire_transfer(tx, transfer_id, now):
                continue
            _record(tx, "device_offer_expired", account_id, now, transfer.serial_number, transfer.reference, actor="")
            _tell_giver(provider, tx, giver, transfer, "expired")


def pass_device_on(
    provider: Provider, tx: Transaction, giver: Account, receiver: Account, serial_number: str, actor: Actor
) -> None:
    """Move the ownership between two accounts that the caller has locked, and let the rules look at both.

    A receiver who owns the device with others already keeps it. Raises `Refusal`: `transfer.over`, `device.too_many`.
    """
    now = provider.clock()
    approvals.lock_serial_number(tx, serial_number)
    if not devices.remove_device(tx, giver.account_id, serial_number):
        raise Refusal("transfer.over")
    owned = {device.serial_number for device in devices.list_devices(tx, receiver.account_id)}
    if serial_number not in owned and len(owned) >= MOST_DEVICES:
        raise Refusal("device.too_many", most=MOST_DEVICES)
    devices.add_device(tx, receiver.account_id, serial_number, now)
    device_claims.end_claim(tx, receiver.account_id, serial_number)
    review_again(provider, tx, giver, actor, now)
    review_again(provider, tx, receiver, actor, now)
    _review_waiting(provider, tx, receiver, serial_number)


def _review_waiting(provider: Provider, tx: Transaction, receiver: Account, serial_number: str) -> None:
    """Who waits because the device had another owner is approved now, if a rule says so and no person decided before."""
    if receiver.approval_status != "pending" or approvals.latest_decision(tx, receiver.account_id) is not None:
        return
    if assess(provider, tx, receiver, serial_number=serial_number).outcome == "approve":
        review(provider, tx, receiver.account_id, serial_number=serial_number)


def _write_offer(
    provider: Provider, tx: Transaction, giver: Account, serial_number: str, email: str, offered: OfferedTransfer
) -> None:
    owner = accounts.find_by_email(tx, email)
    mail.device_offered(
        provider,
        tx,
        to=mail.to_account(owner) if owner else mail.Recipient(email=email, name="", locale=giver.locale),
        link=f"/devices/offer/{offered.token}",
        serial_number=serial_number,
        giver=giver.email,
        has_account=owner is not None,
        expires_at=offered.expires_at,
        reference=offered.reference,
    )


def _tell_giver(provider: Provider, tx: Transaction, giver: Account, transfer: Transfer, outcome: str) -> None:
    if giver.is_closed:
        return
    mail.device_offer_ended(
        provider,
        tx,
        to=mail.to_account(giver),
        serial_number=transfer.serial_number,
        email=transfer.email,
        outcome=outcome,
        reference=transfer.reference,
    )


def _get_transfer(tx: Transaction, token: str) -> Transfer:
    transfer = device_transfers.find_transfer(tx, token)
    if transfer is None:
        raise Refusal("transfer.damaged")
    return transfer


def _get_own_offer(tx: Transaction, transfer_id: str, account_id: str) -> Transfer:
    """An offer to the address that the account has now; of others it is not told whether there are any.

    Who has the mail has shown whose address it is. Without it, the address must be confirmed: an import or staff may have
    written one that belongs to somebody else.
    """
    transfer, account = device_transfers.find_by_id(tx, transfer_id), accounts.get_account(tx, account_id)
    if transfer is None or transfer.email_key != account.email_key or account.email_verified_at is None:
        raise Refusal("transfer.damaged")
    return transfer


def _record(
    tx: Transaction,
    act: str,
    account_id: str,
    now: int,
    serial_number: str,
    reference: str,
    address: str = "",
    *,
    actor: str | None = None,
) -> None:
    """A line at one of the two accounts; no address of the other, so that an erasure leaves nothing behind.

    `actor`: whose act it is; "" for somebody who was not signed in, or the end of the time.
    """
    name = account_id if actor is None else actor
    audit.record(
        tx,
        act,
        now=now,
        actor_kind="customer" if name else "system",
        actor=name,
        account_id=account_id,
        reference=reference,
        address=address,
        details={"serial_number": serial_number},
    )
