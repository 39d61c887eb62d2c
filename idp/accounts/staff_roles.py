"""Who works at the desk and with which roles: read by administrators, given and taken by them (AD-2).

Nobody changes their own roles, and an administrator's roles are changed on the command line only (`idp accounts roles`):
so the desk never loses its last one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from idp.accounts.staff_limits import parse_limits, save_limits
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.policy.staff import ROLES, Permission, is_permitted, may_act_on
from idp.store import account_list, accounts, approver_limits, audit, review_work

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.approver_limits import Limits
    from idp.store.database import Transaction


def list_staff(provider: Provider) -> list[Account]:
    """Everybody with a role, by name."""
    with provider.database.reading() as tx:
        return sorted(account_list.list_with_roles(tx), key=lambda account: account.name.casefold())


def list_limits(provider: Provider) -> Mapping[str, Limits]:
    """The limits of everybody who has some."""
    with provider.database.reading() as tx:
        return approver_limits.list_limits(tx)


def give_roles(
    provider: Provider,
    *,
    staff_id: str,
    identifier: str,
    roles: Collection[str],
    families: Collection[str] = (),
    countries: Collection[str] = (),
    address: str = "",
) -> Account:
    """Give an account, named by e-mail address or user name, exactly these roles; out: the account before.

    `families` and `countries` limit what an approver decides about; empty means no limit. Raises `Refusal`:
    `not_permitted`, `account_unknown`, `own_account`, `role_unknown`, `limits.families`, `limits.countries`,
    `limits.not_for_roles`.
    """
    limits = check_limited_roles(roles, families, countries)
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
        details = set_roles(tx, account, frozenset(roles), limits, now)
        audit.record(
            tx,
            "roles_changed",
            now=now,
            actor_kind="staff",
            actor=staff_id,
            account_id=account.account_id,
            address=address,
            details=details,
        )
    return account


def check_limited_roles(roles: Collection[str], families: Collection[str], countries: Collection[str]) -> Limits:
    """The limits that go with roles. Raises `Refusal`: `limits.families`, `limits.countries`, `limits.not_for_roles`."""
    limits = parse_limits(families, countries)
    if limits.is_limited and ("approver" not in roles or "administrator" in roles):
        raise Refusal("limits.not_for_roles")
    return limits


def set_roles(
    tx: Transaction, account: Account, roles: frozenset[str], limits: Limits, now: int
) -> dict[str, list[str] | dict[str, list[str]]]:
    """Give an account exactly these roles and limits; out: what the audit trail says about it.

    Who may not decide any more lets go of the applications they have.
    """
    before = approver_limits.find_limits(tx, account.account_id)
    account_list.set_roles(tx, account.account_id, roles, now)
    if not is_permitted(roles, Permission.DECIDE):
        review_work.free_all(tx, account.account_id)
    save_limits(tx, replace(account, roles=roles), limits, now)
    details: dict[str, list[str] | dict[str, list[str]]] = {"old": sorted(account.roles), "new": sorted(roles)}
    if before.is_limited or limits.is_limited:
        details |= {"old_limits": before.told, "new_limits": limits.told}
    return details
