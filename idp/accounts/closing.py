"""Closing an account, the way back within the waiting time, and the erasure after it (DESIGN, "What ends what": closed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.approval import Actor, check_reason_given
from idp.accounts.endings import apply_ending
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.policy.endings import Act
from idp.policy.staff import Permission, is_staff, may_act_on
from idp.store import accounts, audit, closings, device_transfers, links
from idp.store.audit_chain import ERASED

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.closings import Closing
    from idp.store.database import Transaction

REOPEN = "reopen"
REOPEN_SECONDS = 1800
"""So long the page with the way back waits, after somebody signed in to a closed account."""


def close_own_account(provider: Provider, account_id: str) -> Closing:
    """Close one's own account. Raises `Refusal`: `closing.staff` for who works at the desk, `closing.closed`."""
    with provider.database.transaction() as tx:
        account = accounts.lock_account(tx, account_id)
        if is_staff(account.roles):
            raise Refusal("closing.staff")
        return close_within(provider, tx, account, Actor("customer", account_id))


def close_by_staff(provider: Provider, *, staff_id: str, account_id: str, reason: str, address: str = "") -> Closing:
    """Close a customer's account; `reason` is for colleagues and stays in the audit trail.

    Raises `Refusal`: `reason_missing`, `reason_too_long`, `not_permitted`, `account_unknown`, `closing.closed`.
    """
    check_reason_given(reason)
    with provider.database.transaction() as tx:
        account = _check_may_close(tx, staff_id, account_id)
        return close_within(provider, tx, account, Actor("staff", staff_id), reason=reason, address=address)


def close_by_operator(provider: Provider, account: Account, *, reason: str) -> Closing:
    """The same at the command line, for any account. Raises `Refusal`: `reason_missing`, `reason_too_long`, `closing.closed`."""
    check_reason_given(reason)
    with provider.database.transaction() as tx:
        return close_within(provider, tx, account, Actor("operator", ""), reason=reason)


def close_within(
    provider: Provider, tx: Transaction, account: Account, actor: Actor, *, reason: str = "", address: str = ""
) -> Closing:
    """Close, end everything, and write the owner until when there is a way back; in the caller's transaction."""
    now = provider.clock()
    erase_at = now + provider.settings.lifetimes.closing
    if not closings.close(tx, account.account_id, by_kind=actor.kind, erase_at=erase_at, now=now):
        raise Refusal("closing.closed")
    apply_ending(provider, tx, Act.ACCOUNT_CLOSED, account_id=account.account_id, now=now)
    device_transfers.void_transfers(tx, account.account_id, now)
    # An earlier closing's way back is not this one's.
    links.replace_links(tx, REOPEN, account_id=account.account_id, now=now)
    _record(tx, "closing_begun", account.account_id, actor, now, address, {"reason": reason} if reason else None)
    mail.account_closed(
        provider, tx, to=mail.to_account(account), expires_at=erase_at, by_staff=actor.kind != "customer"
    )
    closing = closings.find_closing(tx, account.account_id)
    assert closing is not None
    return closing


def refuse_closed(provider: Provider, tx: Transaction, account: Account, now: int) -> Refusal:
    """What whoever gave the right password of a closed account is told: the way back, where the owner closed it."""
    if find_own_closing(tx, account.account_id, now) is None:
        return Refusal("sign_in.closed")
    issued = links.issue_link(
        tx,
        purpose=REOPEN,
        email=account.email,
        account_id=account.account_id,
        lifetime=REOPEN_SECONDS,
        now=now,
        master=provider.master,
    )
    return Refusal("sign_in.closing", token=issued.token)


def find_own_closing(tx: Transaction, account_id: str, now: int) -> Closing | None:
    """The closing that the owner may take back: their own, in its waiting time; what staff closed only staff open."""
    closing = closings.find_closing(tx, account_id)
    return closing if closing and closing.by_kind == "customer" and closing.erase_at > now else None


def find_way_back(provider: Provider, token: str) -> Closing:
    """The closing that a page of the way back is about. Raises `Refusal("closing.no_way_back")`."""
    now = provider.clock()
    with provider.database.reading() as tx:
        link = links.find_link(tx, REOPEN, token)
        closing = find_own_closing(tx, link.account_id or "", now) if link else None
    if link is None or links.link_state(link, now) != "open" or closing is None:
        raise Refusal("closing.no_way_back")
    return closing


def reopen_own_account(provider: Provider, token: str) -> None:
    """Open one's account again. Raises `Refusal("closing.no_way_back")`."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        link = links.find_link(tx, REOPEN, token)
        if link is None or link.account_id is None or not links.use_link(tx, link, now):
            raise Refusal("closing.no_way_back")
        if find_own_closing(tx, link.account_id, now) is None:
            raise Refusal("closing.no_way_back")
        reopen_within(provider, tx, link.account_id, Actor("customer", link.account_id))


def reopen_by_staff(provider: Provider, *, staff_id: str, account_id: str, address: str = "") -> None:
    """Open a customer's account again. Raises `Refusal`: `not_permitted`, `account_unknown`, `closing.no_way_back`."""
    with provider.database.transaction() as tx:
        _check_may_close(tx, staff_id, account_id)
        reopen_within(provider, tx, account_id, Actor("staff", staff_id), address=address)


def reopen_within(
    provider: Provider, tx: Transaction, account_id: str, actor: Actor, *, address: str = "", told: bool = True
) -> None:
    """Open it again, if its waiting time is not over; in the caller's transaction. `told`: with the mail about it."""
    now = provider.clock()
    if not closings.reopen(tx, account_id, now):
        raise Refusal("closing.no_way_back")
    _record(tx, "account_reopened", account_id, actor, now, address)
    if told:
        mail.account_reopened(provider, tx, to=mail.to_account(accounts.get_account(tx, account_id)))


def erase_closed(provider: Provider) -> int:
    """Erase the accounts whose waiting time is over, each in a transaction of its own; out: how many."""
    with provider.database.reading() as tx:
        due = closings.list_due(tx, provider.clock())
    return sum(erase_one(provider, account_id) for account_id in due)


def erase_closed_accounts(provider: Provider) -> None:
    """Erase what is due (housekeeping)."""
    erase_closed(provider)


def erase_one(provider: Provider, account_id: str) -> bool:
    """Erase one account whose waiting time is over; False where it was reopened or erased meanwhile."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        erased = closings.erase(tx, account_id, now)
        if erased:
            audit.record(tx, ERASED, now=now, account_id=account_id)
    return erased


def _check_may_close(tx: Transaction, staff_id: str, account_id: str) -> Account:
    staff, account = check_permission(tx, staff_id, Permission.CLOSE_ACCOUNT), accounts.find_account(tx, account_id)
    if account is None:
        raise Refusal("account_unknown")
    if not may_act_on(staff_id, staff.roles, account_id, account.roles):
        raise Refusal("not_permitted")
    return account


def _record(
    tx: Transaction,
    act: str,
    account_id: str,
    actor: Actor,
    now: int,
    address: str,
    details: dict[str, str] | None = None,
) -> None:
    audit.record(
        tx,
        act,
        now=now,
        actor_kind=actor.kind,
        actor=actor.name,
        account_id=account_id,
        address=address,
        details=details,
    )
