"""A customer's own devices: add, rename, remove. Whether a device was sold, or who else owns it, is never told (EN-4).

An automatic approval rests on what the rules saw. It holds as long as the rules approve with one of the devices that are
left; when they do not, it goes back into review, and `is_reviewed_without` says so beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.approval import Actor, review_again, would_review_again
from idp.accounts.device_claims import has_to_wait
from idp.errors import Refusal
from idp.store import accounts, approvals, audit, device_claims, device_transfers, devices

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.database import Transaction
    from idp.store.devices import Device

MOST_DEVICES = 100
LONGEST_NICKNAME = 60


def list_own_devices(provider: Provider, account_id: str) -> list[Device]:
    """The devices of an account, oldest first."""
    with provider.database.reading() as tx:
        return devices.list_devices(tx, account_id)


def find_own_device(provider: Provider, account_id: str, serial_number: str) -> Device:
    """One of one's own devices. Raises `Refusal("device.unknown")`, also for anybody else's."""
    found = next((d for d in list_own_devices(provider, account_id) if d.serial_number == serial_number), None)
    if found is None:
        raise Refusal("device.unknown")
    return found


def is_reviewed_without(provider: Provider, account_id: str, serial_number: str) -> bool:
    """Whether the account would go back into review without this device, because no rule approves the rest."""
    with provider.database.reading() as tx:
        account = accounts.get_account(tx, account_id)
        left = [serial for serial in approvals.list_serial_numbers(tx, account_id) if serial != serial_number]
        return would_review_again(provider, tx, account, serial_numbers=left) is not None


def add_own_device(provider: Provider, account_id: str, serial_number: str, nickname: str = "") -> bool:
    """Note a device; out: whether it is owned now, or waits for staff (`device_claims`). Approval stays as it is either way.

    Raises `Refusal`: `device.owned_already`, `device.waits_already`, `device.too_many`.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        return add_within(provider, tx, account_id, serial_number, nickname, now=now)


def add_within(
    provider: Provider, tx: Transaction, account_id: str, serial_number: str, nickname: str = "", *, now: int
) -> bool:
    """What `add_own_device` does, in the caller's transaction."""
    account = accounts.lock_account(tx, account_id)
    approvals.lock_serial_number(tx, serial_number)
    owned = {device.serial_number for device in devices.list_devices(tx, account_id)}
    waiting = device_claims.list_own_claims(tx, account_id)
    if len(owned) + len(waiting) >= MOST_DEVICES:
        raise Refusal("device.too_many", most=MOST_DEVICES)
    if serial_number not in owned and has_to_wait(provider, tx, account, serial_number):
        if not device_claims.add_claim(tx, account_id, serial_number, now, nickname=nickname):
            raise Refusal("device.waits_already")
        _record(tx, "device_claimed", account_id, now, serial_number)
        return False
    if not devices.add_device(tx, account_id, serial_number, now, nickname=nickname):
        raise Refusal("device.owned_already")
    device_claims.end_claim(tx, account_id, serial_number)
    _record(tx, "device_added", account_id, now, serial_number)
    return True


def rename_own_device(provider: Provider, account_id: str, serial_number: str, nickname: str) -> None:
    """Call a device something else. Raises `Refusal("device.unknown")`."""
    with provider.database.transaction() as tx:
        if not devices.rename_device(tx, account_id, serial_number, nickname):
            raise Refusal("device.unknown")
        _record(tx, "device_renamed", account_id, provider.clock(), serial_number)


def remove_own_device(provider: Provider, account_id: str, serial_number: str, *, may_review: bool = True) -> None:
    """End the ownership, and an offer to hand it on; where the approval rested on the device alone, it goes back into review.

    Raises `Refusal`: `device.unknown`, and `device.approval_rests` where that was not said to be understood.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        account = accounts.lock_account(tx, account_id)
        if not devices.remove_device(tx, account_id, serial_number):
            raise Refusal("device.unknown")
        if not may_review and would_review_again(provider, tx, account) is not None:
            raise Refusal("device.approval_rests")
        device_transfers.void_transfers(tx, account_id, now, serial_number=serial_number)
        _record(tx, "device_removed", account_id, now, serial_number)
        review_again(provider, tx, account, Actor("customer", account_id), now)


def _record(tx: Transaction, act: str, account_id: str, now: int, serial_number: str) -> None:
    audit.record(
        tx,
        act,
        now=now,
        actor_kind="customer",
        actor=account_id,
        account_id=account_id,
        details={"serial_number": serial_number},
    )
