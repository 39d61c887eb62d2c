"""The rights of a member of staff, read in the transaction of the act, so that a role taken away counts at once (RC-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import Refusal
from idp.policy.staff import is_at_work, is_permitted, may_act_on
from idp.store import accounts

if TYPE_CHECKING:
    from idp.policy.staff import Permission
    from idp.store.accounts import Account
    from idp.store.database import Transaction


def check_permission(tx: Transaction, staff_id: str, permission: Permission) -> Account:
    """The member of staff, if they may do it now. Raises `Refusal("not_permitted")`."""
    staff = accounts.find_account(tx, staff_id)
    if staff is None or not has_permission(staff, permission):
        raise Refusal("not_permitted")
    return staff


def has_permission(staff: Account, permission: Permission) -> bool:
    """Whether a role of the account permits it and counts now."""
    return is_at_work(staff.access, staff.approval_status) and is_permitted(staff.roles, permission)


def get_account_for(tx: Transaction, staff_id: str, account_id: str, permission: Permission) -> Account:
    """The account that somebody may act on; with an empty `staff_id` that is the operator, who may act on every open one.

    Raises `Refusal`: `not_permitted`, `account_unknown`.
    """
    staff = check_permission(tx, staff_id, permission) if staff_id else None
    account = accounts.find_account(tx, account_id)
    if account is None or account.is_closed:
        raise Refusal("account_unknown")
    if staff and not may_act_on(staff_id, staff.roles, account_id, account.roles):
        raise Refusal("not_permitted")
    return account
