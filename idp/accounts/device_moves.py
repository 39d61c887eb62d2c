"""Staff, or the operator, move a device from one account to another, with a reason; both owners are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.approval import Actor, check_reason_given
from idp.accounts.device_transfers import pass_device_on
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.policy.staff import Permission, may_act_on
from idp.store import accounts, audit, device_transfers

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction


def move_device_by_staff(
    provider: Provider,
    *,
    staff_id: str,
    account_id: str,
    serial_number: str,
    receiver: str,
    reason: str,
    address: str = "",
) -> str:
    """Give a device of one account to another, after checking who asks; out: the reference that both histories have.

    `receiver`: e-mail address or user name of the next owner. An offer of the device that waits is void.
    Raises `Refusal`: `not_permitted`, `account_unknown`, `own_account`, `reason_missing`, `reason_too_long`,
    `transfer.receiver_unknown`, `transfer.same_account`, `transfer.over` where the giver does not own the device (any
    more), `device.too_many`.
    """
    check_reason_given(reason)
    with provider.database.transaction() as tx:
        staff = check_permission(tx, staff_id, Permission.CHANGE_EMAIL)
        giver, taker = _find_both(tx, account_id, receiver)
        for one in (giver, taker):
            if one.account_id == staff_id:
                raise Refusal("own_account")
            if not may_act_on(staff_id, staff.roles, one.account_id, one.roles):
                raise Refusal("not_permitted")
        return _move(provider, tx, giver, taker, serial_number, Actor("staff", staff_id), reason, address)


def move_device_by_operator(
    provider: Provider, account_id: str, serial_number: str, *, receiver: str, reason: str
) -> str:
    """The same at the command line. Raises `Refusal` as `move_device_by_staff` does."""
    check_reason_given(reason)
    with provider.database.transaction() as tx:
        giver, taker = _find_both(tx, account_id, receiver)
        return _move(provider, tx, giver, taker, serial_number, Actor("operator", ""), reason, "")


def _find_both(tx: Transaction, account_id: str, receiver: str) -> tuple[Account, Account]:
    """Both owners, locked in the same order as everywhere."""
    found = accounts.find_account(tx, account_id)
    if found is None or found.is_closed:
        raise Refusal("account_unknown")
    named = accounts.find_by_identifier(tx, receiver.strip())
    if named is None or named.is_closed:
        raise Refusal("transfer.receiver_unknown")
    if named.account_id == account_id:
        raise Refusal("transfer.same_account")
    locked = {one: accounts.lock_account(tx, one) for one in sorted((account_id, named.account_id))}
    if any(one.is_closed for one in locked.values()):
        raise Refusal("account_unknown" if locked[account_id].is_closed else "transfer.receiver_unknown")
    return locked[account_id], locked[named.account_id]


def _move(
    provider: Provider,
    tx: Transaction,
    giver: Account,
    taker: Account,
    serial_number: str,
    actor: Actor,
    reason: str,
    address: str,
) -> str:
    now = provider.clock()
    device_transfers.void_transfers(tx, giver.account_id, now, serial_number=serial_number)
    pass_device_on(provider, tx, giver, taker, serial_number, actor)
    reference = device_transfers.insert_accepted(
        tx,
        account_id=giver.account_id,
        receiver_id=taker.account_id,
        serial_number=serial_number,
        email=taker.email,
        now=now,
    )
    for act, owner in (("device_handed_on", giver), ("device_received", taker)):
        audit.record(
            tx,
            act,
            now=now,
            actor_kind=actor.kind,
            actor=actor.name,
            account_id=owner.account_id,
            reference=reference,
            address=address,
            details={"serial_number": serial_number, "reason": reason.strip()},
        )
        mail.device_moved(
            provider,
            tx,
            to=mail.to_account(owner),
            serial_number=serial_number,
            gained=owner is taker,
            reference=reference,
        )
    return reference
