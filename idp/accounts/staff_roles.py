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
from idp.keys.secrets import new_identifier
from idp.policy.staff import ROLES, Permission, is_permitted, may_act_on
from idp.store import account_list, accounts, approver_limits, audit, proposals, review_work

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.approver_limits import Limits
    from idp.store.database import Transaction
    from idp.store.proposals import Proposal


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
) -> Account | Proposal:
    """Give an account, named by e-mail address or user name, exactly these roles; out: the account before.

    With `[staff] four_eyes` this is a proposal first (`accounts/four_eyes`); out: that.

    `families` and `countries` limit what an approver decides about; empty means no limit. Raises `Refusal`:
    `not_permitted`, `account_unknown`, `own_account`, `role_unknown`, `limits.families`, `limits.countries`,
    `limits.not_for_roles`, `proposed_already` (with the proposal).
    """
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.GIVE_ROLES)
        found = accounts.find_by_identifier(tx, identifier)
        if found is None:
            raise Refusal("account_unknown")
        do = _propose_roles if "roles" in provider.settings.staff.four_eyes else change_roles
        return do(
            provider,
            tx,
            staff_id=staff_id,
            account_id=found.account_id,
            roles=roles,
            families=families,
            countries=countries,
            address=address,
        )


def change_roles(
    provider: Provider,
    tx: Transaction,
    *,
    staff_id: str,
    account_id: str,
    roles: Collection[str],
    families: Collection[str],
    countries: Collection[str],
    address: str,
) -> Account:
    """Give roles at once, in the caller's transaction; refusals are those of `give_roles`."""
    now = provider.clock()
    account, limits = _check_roles(tx, staff_id, account_id, roles, families, countries)
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


def _propose_roles(
    provider: Provider,
    tx: Transaction,
    *,
    staff_id: str,
    account_id: str,
    roles: Collection[str],
    families: Collection[str],
    countries: Collection[str],
    address: str,
) -> Proposal:
    """Keep for a second administrator what would be given."""
    now = provider.clock()
    account, limits = _check_roles(tx, staff_id, account_id, roles, families, countries)
    details = {"roles": sorted(roles), **limits.told}
    added = proposals.add(
        tx,
        kind=proposals.ROLES,
        account_id=account_id,
        proposal_id=new_identifier(),
        staff_id=staff_id,
        act="give_roles",
        details=details,
        now=now,
    )
    proposal = proposals.find_about(tx, proposals.ROLES, account_id)
    if not added or proposal is None:
        raise Refusal("proposed_already", proposal=proposal)
    audit.record(
        tx,
        "roles_proposed",
        now=now,
        actor_kind="staff",
        actor=staff_id,
        account_id=account_id,
        address=address,
        details={"old": sorted(account.roles), "new": details["roles"]}
        | ({"limits": limits.told} if limits.is_limited else {}),
    )
    return proposal


def _check_roles(
    tx: Transaction,
    staff_id: str,
    account_id: str,
    roles: Collection[str],
    families: Collection[str],
    countries: Collection[str],
) -> tuple[Account, Limits]:
    """The account, locked, and the limits, if this administrator may give it these roles."""
    limits = check_limited_roles(roles, families, countries)
    if not set(roles) <= ROLES.keys():
        raise Refusal("role_unknown")
    staff = check_permission(tx, staff_id, Permission.GIVE_ROLES)
    account = accounts.lock_account(tx, account_id)
    if account.is_closed:
        raise Refusal("account_unknown")
    if account.account_id == staff_id:
        raise Refusal("own_account")
    if not may_act_on(staff_id, staff.roles, account.account_id, account.roles):
        raise Refusal("not_permitted")
    return account, limits


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
    proposals.forget(tx, proposals.ROLES, account.account_id)
    if not is_permitted(roles, Permission.DECIDE):
        review_work.free_all(tx, account.account_id)
    save_limits(tx, replace(account, roles=roles), limits, now)
    details: dict[str, list[str] | dict[str, list[str]]] = {"old": sorted(account.roles), "new": sorted(roles)}
    if before.is_limited or limits.is_limited:
        details |= {"old_limits": before.told, "new_limits": limits.told}
    return details
