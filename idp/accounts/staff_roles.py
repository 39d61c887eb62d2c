"""Who works at the desk and with which roles: read by administrators, given and taken by them (AD-2).

Nobody changes their own roles, and an administrator's roles are changed on the command line only (`idp accounts roles`):
so the desk never loses its last one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.policy.staff import ROLES, Permission, is_permitted, may_act_on
from idp.store import account_list, accounts, audit, review_work

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction


def list_staff(provider: Provider) -> list[Account]:
    """Everybody with a role, by name."""
    with provider.database.reading() as tx:
        return sorted(account_list.list_with_roles(tx), key=lambda account: account.name.casefold())


def give_roles(
    provider: Provider, *, staff_id: str, identifier: str, roles: Collection[str], address: str = ""
) -> Account:
    """Give an account, named by e-mail address or user name, exactly these roles; out: the account before.

    Raises `Refusal`: `not_permitted`, `account_unknown`, `own_account`, `role_unknown`.
    """
    if not set(roles) <= ROLES.keys():
        raise Refusal("role_unknown")
    now = provider.clock()
    with provider.database.transaction() as tx:
        staff = check_permission(tx, staff_id, Permission.GIVE_ROLES)
        found = accounts.find_by_identifier(tx, identifier)
        if found is None or found.is_closed:
            raise Refusal("account_unknown")
        account = accounts.lock_account(tx, found.account_id)
        if account.account_id == staff_id:
            raise Refusal("own_account")
        if not may_act_on(staff_id, staff.roles, account.account_id, account.roles):
            raise Refusal("not_permitted")
        set_roles(tx, account.account_id, frozenset(roles), now)
        audit.record(
            tx,
            "roles_changed",
            now=now,
            actor_kind="staff",
            actor=staff_id,
            account_id=account.account_id,
            address=address,
            details={"old": sorted(account.roles), "new": sorted(roles)},
        )
    return account


def set_roles(tx: Transaction, account_id: str, roles: frozenset[str], now: int) -> None:
    """Give an account exactly these roles; who may not decide any more lets go of the applications they have."""
    account_list.set_roles(tx, account_id, roles, now)
    if not is_permitted(roles, Permission.DECIDE):
        review_work.free_all(tx, account_id)
