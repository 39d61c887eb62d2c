"""Approval: which changes of status exist, who owns a device that an application names, and how long a review may take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum, unique


@unique
class Status(Enum):
    """The approval status of a confirmed account; the value is the claim `approval_status`."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


TRANSITIONS: frozenset[tuple[Status, Status]] = frozenset(
    {
        (Status.PENDING, Status.APPROVED),
        (Status.PENDING, Status.REJECTED),
        (Status.APPROVED, Status.SUSPENDED),
        (Status.SUSPENDED, Status.APPROVED),
        (Status.REJECTED, Status.PENDING),
        (Status.APPROVED, Status.PENDING),
    }
)
"""The changes that exist (RG-1); everything else is refused."""

NEEDS_REASON = frozenset({Status.REJECTED, Status.SUSPENDED})
"""Statuses that are told with a reason the customer reads."""


_SATURDAY = 5


@unique
class Ownership(Enum):
    """Who else owns the device that an application names."""

    NEW = "new"
    SAME_COMPANY = "same_company"
    OTHER_COMPANY = "other_company"


def ownership_of(company: str, email_domain: str, owners: Iterable[tuple[str, str]]) -> Ownership:
    """Who else owns the device, from company and e-mail domain of each other owner.

    Colleagues have the company and the e-mail domain in common: the company's name alone is only what somebody typed.
    """
    others = set(owners)
    if not others:
        return Ownership.NEW
    own = (_company_key(company), email_domain)
    if own[0] and all((_company_key(name), domain) == own for name, domain in others):
        return Ownership.SAME_COMPANY
    return Ownership.OTHER_COMPANY


def promised_until(since: int, working_days: int) -> int:
    """The end of the review's promise: that many working days (Monday to Friday, UTC) after an instant."""
    moment = datetime.fromtimestamp(since, UTC)
    while moment.weekday() >= _SATURDAY:
        moment = moment.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    for _day in range(working_days):
        moment += timedelta(days=3 if moment.weekday() == _SATURDAY - 1 else 1)
    return int(moment.timestamp())


def late_before(now: int, working_days: int) -> int:
    """Applications that have waited since before this instant are late (the inverse of `promised_until`)."""
    earliest, latest = now - (3 * working_days + 7) * 86400, now
    while earliest < latest:
        middle = (earliest + latest) // 2
        if promised_until(middle, working_days) < now:
            earliest = middle + 1
        else:
            latest = middle
    return earliest


def is_allowed(old: Status, new: Status) -> bool:
    """Whether this change of status exists."""
    return (old, new) in TRANSITIONS


def _company_key(company: str) -> str:
    return "".join(letter for letter in company.casefold() if letter.isalnum())
