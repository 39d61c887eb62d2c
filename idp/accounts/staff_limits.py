"""Approvers who decide only about some serial families or countries: read in the transaction of the act."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idp.errors import Refusal
from idp.policy.staff import is_within_limits
from idp.store import accounts, approvals, approver_limits, review_work
from idp.store.approver_limits import Limits

if TYPE_CHECKING:
    from collections.abc import Collection

    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction


MOST = 100
"""So many families or countries a limit may name."""


def limits_of(tx: Transaction, staff: Account) -> Limits:
    """What a member of staff decides about; an administrator about all."""
    return Limits() if "administrator" in staff.roles else approver_limits.find_limits(tx, staff.account_id)


def limits_of_person(provider: Provider, staff: Account) -> Limits:
    """The same, outside an act: for reports."""
    with provider.database.reading() as tx:
        return limits_of(tx, staff)


def may_decide_about(tx: Transaction, staff: Account, account: Account, added: Collection[str] = ()) -> bool:
    """Whether an account is within the limits of a member of staff, with all its devices and those that would be added."""
    limits = limits_of(tx, staff)
    if not limits.is_limited:
        return True
    serials = [*approvals.list_serial_numbers(tx, account.account_id), *added]
    return is_within_limits(limits.families, limits.countries, serials=serials, country=account.country)


def check_limits(tx: Transaction, staff: Account, account: Account, added: Collection[str] = ()) -> None:
    """Raises `Refusal("beyond_limits")`, with the limits, for an account that somebody else decides about."""
    if not may_decide_about(tx, staff, account, added):
        raise Refusal("beyond_limits", limits=limits_of(tx, staff))


def parse_limits(families: Collection[str], countries: Collection[str]) -> Limits:
    """Limits as somebody typed them. Raises `Refusal`: `limits.families`, `limits.countries`, with what is wrong."""
    typed = {
        "families": [text.strip().upper() for text in families],
        "countries": [t.strip().upper() for t in countries],
    }
    for name, values in typed.items():
        wrong = [value for value in values if not re.fullmatch("[A-Z]{2}", value)]
        if wrong or len(set(values)) > MOST:
            raise Refusal(f"limits.{name}", value=wrong[0][:20] if wrong else "")
    return Limits(frozenset(typed["families"]), frozenset(typed["countries"]))


def save_limits(tx: Transaction, staff: Account, limits: Limits, now: int) -> None:
    """Give a member of staff these limits; they let go of the applications that are beyond them now."""
    approver_limits.save_limits(tx, staff.account_id, limits, now)
    for account_id in review_work.list_of(tx, staff.account_id):
        account = accounts.get_account(tx, account_id)
        if not may_decide_about(tx, staff, account):
            review_work.let_go(tx, account_id, seen=staff.account_id)
