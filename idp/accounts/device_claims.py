"""Devices that staff look at before an account owns them: blocked, not sold by us, or owned by another company.

As at registration, whoever adds such a device is told that it waits, never why (EN-4, RG-7). The approval of the account
stays as it is meanwhile, and a device that waits counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.approval import LONGEST_REASON, check_may_decide
from idp.accounts.approval_rules import read_application, rules_in_use
from idp.accounts.staff_limits import limits_of
from idp.errors import Refusal
from idp.policy.approval import Status, promised_until
from idp.policy.rules import Reason, decide, find_doubts
from idp.store import accounts, approvals, audit, device_claims, devices
from idp.store.approver_limits import NO_LIMITS

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.approvals import Owner
    from idp.store.approver_limits import Limits
    from idp.store.database import Transaction
    from idp.store.device_claims import Claim

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """A device that waits, with why, who owns it already, and what else the account has.

    `why_not`: why this member of staff does not decide about it, as `decide_claim` refuses it; "" where they may.
    """

    claim: Claim
    account: Account
    reasons: tuple[Reason, ...]
    owners: tuple[Owner, ...]
    devices: tuple[str, ...]
    why_not: str


def has_to_wait(provider: Provider, tx: Transaction, account: Account, serial_number: str) -> bool:
    """Whether staff look first: where a rule would not approve with this device, and there is a doubt about it.

    An account whose registration still waits is looked at with all its devices anyway.
    """
    if account.approval_status == Status.PENDING.value:
        return False
    application = read_application(provider, tx, account, serial_number)
    return bool(find_doubts(application)) and decide(rules_in_use(tx), application).outcome != "approve"


def list_own_claims(provider: Provider, account_id: str) -> list[Claim]:
    """One's devices that wait for staff, oldest first."""
    with provider.database.reading() as tx:
        return device_claims.list_own_claims(tx, account_id)


def withdraw_claim(provider: Provider, account_id: str, serial_number: str) -> None:
    """Take back the wish for a device. Raises `Refusal("claim.over")` where it was answered meanwhile."""
    with provider.database.transaction() as tx:
        if not device_claims.end_claim(tx, account_id, serial_number):
            raise Refusal("claim.over")
        audit.record(
            tx,
            "device_claim_withdrawn",
            now=provider.clock(),
            actor_kind="customer",
            actor=account_id,
            account_id=account_id,
            details={"serial_number": serial_number},
        )


def list_claims(provider: Provider, staff_id: str | None = None) -> tuple[list[Claim], int]:
    """What waits for a member of staff (None: the operator), oldest first, up to 200; and how many there are."""
    with provider.database.reading() as tx:
        limits = _limits(tx, staff_id)
        return device_claims.list_claims(tx, MOST_SHOWN, limits), device_claims.count_claims(tx, limits)


def count_claims(provider: Provider, staff_id: str) -> int:
    """How many devices wait for a member of staff."""
    with provider.database.reading() as tx:
        return device_claims.count_claims(tx, _limits(tx, staff_id))


def promised_by(provider: Provider, claim: Claim) -> int:
    """By when the customer has an answer: the promise of a review holds for a device as well."""
    return promised_until(claim.created_at, provider.settings.registration.review_working_days)


def open_claim(provider: Provider, account_id: str, serial_number: str, staff_id: str) -> ClaimPage:
    """One device that waits, as it is now, for a member of staff. Raises `Refusal("claim.over")`."""
    with provider.database.reading() as tx:
        claim = device_claims.find_claim(tx, account_id, serial_number)
        if claim is None:
            raise Refusal("claim.over")
        account = accounts.get_account(tx, account_id)
        return ClaimPage(
            claim=claim,
            account=account,
            reasons=find_doubts(read_application(provider, tx, account, serial_number)),
            owners=tuple(approvals.list_other_owners(tx, serial_number, account_id)),
            devices=tuple(device.label for device in devices.list_devices(tx, account_id)),
            why_not=_find_why_not(tx, staff_id, account_id, serial_number),
        )


def decide_claim(
    provider: Provider,
    *,
    staff_id: str | None,
    account_id: str,
    serial_number: str,
    accepts: bool,
    reason: str = "",
    address: str = "",
) -> None:
    """Let an account own the device, or not; the customer is told, with the reason. Without `staff_id` the operator does.

    Raises `Refusal`: `not_permitted`, `account_unknown`, `own_account`, `beyond_limits`, `reason_missing` where it is
    refused without one, `reason_too_long`, `claim.over` where somebody was first or the customer took it back.
    """
    reason = reason.strip()
    if not accepts and not reason:
        raise Refusal("reason_missing")
    if len(reason) > LONGEST_REASON:
        raise Refusal("reason_too_long", limit=LONGEST_REASON)
    now = provider.clock()
    with provider.database.transaction() as tx:
        if staff_id is not None:
            check_may_decide(tx, staff_id, account_id, (serial_number,))
        account = accounts.lock_account(tx, account_id)
        approvals.lock_serial_number(tx, serial_number)
        claim = device_claims.find_claim(tx, account_id, serial_number)
        if claim is None or not device_claims.end_claim(tx, account_id, serial_number):
            raise Refusal("claim.over")
        if accepts:
            devices.add_device(tx, account_id, serial_number, now, nickname=claim.nickname)
        audit.record(
            tx,
            "device_claim_accepted" if accepts else "device_claim_refused",
            now=now,
            actor_kind="staff" if staff_id else "operator",
            actor=staff_id or "",
            account_id=account_id,
            address=address,
            details={"serial_number": serial_number, "reason": reason},
        )
        mail.device_checked(
            provider, tx, to=mail.to_account(account), serial_number=serial_number, accepted=accepts, reason=reason
        )


def _limits(tx: Transaction, staff_id: str | None) -> Limits:
    staff = accounts.find_account(tx, staff_id) if staff_id else None
    return limits_of(tx, staff) if staff else NO_LIMITS


def _find_why_not(tx: Transaction, staff_id: str, account_id: str, serial_number: str) -> str:
    try:
        check_may_decide(tx, staff_id, account_id, (serial_number,))
    except Refusal as refusal:
        return refusal.key
    return ""
