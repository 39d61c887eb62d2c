"""Sharing the queue: who takes which application, and notes that colleagues leave each other (never the customer)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.staff_limits import check_limits, may_decide_about
from idp.accounts.staff_rights import check_permission, has_permission
from idp.errors import Refusal
from idp.policy.staff import Permission
from idp.store import account_list, accounts, audit, review_work

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.audit import ActorKind
    from idp.store.database import Transaction
    from idp.store.review_work import Assignment, ReviewNote

LONGEST_NOTE = 2000


def assign(
    provider: Provider,
    *,
    staff_id: str | None,
    account_id: str,
    to: str,
    seen: str | None = None,
    address: str = "",
) -> Assignment | None:
    """Give an application to a member of staff, or with `to=""` to nobody; out: who has it now.

    `staff_id` None is the operator. `seen`: who had it when it was looked at ("": nobody; None: whoever has it now). Raises
    `Refusal`: `not_permitted`, `account_unknown`, `own_account`, `not_waiting`, `assignee_unknown`, `assigned_already`
    (with the assignment that stands), `beyond_limits` where a limited approver would take away what a colleague has.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        staff = check_permission(tx, staff_id, Permission.DECIDE) if staff_id is not None else None
        account = _get_waiting(tx, account_id)
        if staff_id == account_id:
            raise Refusal("own_account")
        before = review_work.find_assignment(tx, account_id)
        if staff and before and before.staff_id != staff_id:
            check_limits(tx, staff, account)
        expected = (before.staff_id if before else "") if seen is None else seen
        if to:
            _check_assignee(tx, to, account)
            if before and before.staff_id == to:
                return before
            done = review_work.take(tx, account_id, to, seen=expected, given_by=staff_id or "", now=now)
        elif before is None:
            return None
        else:
            done = review_work.let_go(tx, account_id, seen=expected)
        after = review_work.find_assignment(tx, account_id)
        if not done:
            raise Refusal("assigned_already", assignment=after)
        _record(tx, "review_assigned" if to else "review_let_go", staff_id, account, now, address, {"to": to})
    return after


def list_deciders(provider: Provider, account_id: str = "") -> list[Account]:
    """Everybody who may decide, by name; with an account, everybody who may decide about it."""
    with provider.database.reading() as tx:
        found = [staff for staff in account_list.list_with_roles(tx) if has_permission(staff, Permission.DECIDE)]
        account = accounts.find_account(tx, account_id) if account_id else None
        if account is not None:
            found = [
                staff for staff in found if staff.account_id != account_id and may_decide_about(tx, staff, account)
            ]
    return sorted(found, key=lambda staff: staff.name.casefold())


def read_work(provider: Provider, account_id: str) -> tuple[Assignment | None, list[ReviewNote]]:
    """Who has an application, and the notes about it."""
    with provider.database.reading() as tx:
        return review_work.find_assignment(tx, account_id), review_work.list_notes(tx, account_id)


def write_note(
    provider: Provider, *, staff_id: str | None, account_id: str, text: str, operator: str = "", address: str = ""
) -> None:
    """Leave colleagues a note about an account. `staff_id` None is the operator.

    Raises `Refusal`: `not_permitted`, `account_unknown`, `note_missing`, `note_too_long`.
    """
    text, now = text.strip(), provider.clock()
    if not text:
        raise Refusal("note_missing")
    if len(text) > LONGEST_NOTE:
        raise Refusal("note_too_long", limit=LONGEST_NOTE)
    with provider.database.transaction() as tx:
        account = _get_noted(tx, staff_id, account_id)
        kind = "operator" if staff_id is None else "staff"
        review_work.add_note(tx, account_id, actor_kind=kind, actor=staff_id or operator, text=text, now=now)
        _record(tx, "review_note_written", staff_id, account, now, address, {})


def remove_note(
    provider: Provider, *, staff_id: str | None, account_id: str, note_id: int, operator: str = "", address: str = ""
) -> None:
    """Take one's own note back; the operator (`staff_id` None) takes any away, such as one that should not have been written.

    Raises `Refusal`: `not_permitted`, `account_unknown`, `note_unknown`.
    """
    with provider.database.transaction() as tx:
        account = _get_noted(tx, staff_id, account_id)
        if not review_work.remove_note(tx, account_id, note_id, staff_id):
            raise Refusal("note_unknown")
        told = {"note": str(note_id), "operator": operator} if staff_id is None else {}
        _record(tx, "review_note_removed", staff_id, account, provider.clock(), address, told)


def _get_waiting(tx: Transaction, account_id: str) -> Account:
    """The account, locked so that it is not decided meanwhile."""
    if accounts.find_account(tx, account_id) is None:
        raise Refusal("account_unknown")
    account = accounts.lock_account(tx, account_id)
    if account.is_closed:
        raise Refusal("account_unknown")
    if account.approval_status != "pending":
        raise Refusal("not_waiting")
    return account


def _get_noted(tx: Transaction, staff_id: str | None, account_id: str) -> Account:
    """The account that a note is about; nobody writes about themselves."""
    if staff_id is not None:
        check_permission(tx, staff_id, Permission.WRITE_NOTES)
    account = accounts.find_account(tx, account_id)
    if account is None or account.is_closed:
        raise Refusal("account_unknown")
    if account.account_id == staff_id:
        raise Refusal("own_account")
    return account


def _check_assignee(tx: Transaction, to: str, account: Account) -> None:
    """Only somebody who may decide about it gets an application."""
    assignee = accounts.find_account(tx, to)
    if assignee is None or not has_permission(assignee, Permission.DECIDE) or to == account.account_id:
        raise Refusal("assignee_unknown")
    if not may_decide_about(tx, assignee, account):
        raise Refusal("assignee_unknown")


def _record(
    tx: Transaction,
    what: str,
    staff_id: str | None,
    account: Account,
    now: int,
    address: str,
    details: dict[str, str],
) -> None:
    kind: ActorKind = "operator" if staff_id is None else "staff"
    audit.record(
        tx,
        what,
        now=now,
        actor_kind=kind,
        actor=staff_id or "",
        account_id=account.account_id,
        registration_id=account.registration_id,
        address=address,
        details=details,
    )
