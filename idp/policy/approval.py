"""Approval: which changes of status exist, and what the rules say about an application, with reasons.

Pure: an `Application` and the rules come in, a `Verdict` goes out. A rule approves, or sends to staff; only staff reject.
Two things always go to staff, whatever a rule says: a serial number that is not among those that were sold, and one that
others own where the rule does not speak of ownership (EN-4, RG-7). Rules see confirmed data only (RG-9).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import Enum, unique
from typing import Literal, cast


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


Outcome = Literal["approve", "review"]
OwnershipCondition = Literal["new", "same_company", "any"]

_ALLOWED: dict[str | None, frozenset[Ownership]] = {
    None: frozenset({Ownership.NEW}),
    "new": frozenset({Ownership.NEW}),
    "same_company": frozenset({Ownership.NEW, Ownership.SAME_COMPANY}),
    "any": frozenset(Ownership),
}


@dataclass(frozen=True, slots=True)
class Application:
    """What is known about an applicant when the e-mail address is confirmed; `serial_is_sold` is None without a list."""

    email_domain: str
    country: str
    serial_number: str
    ownership: Ownership
    serial_is_sold: bool | None = None
    automatic_is_allowed: bool = True

    @property
    def serial_family(self) -> str:
        """The family letters of the serial number (F-1.4)."""
        return self.serial_number[:2]


@dataclass(frozen=True, slots=True)
class Rule:
    """Every condition that is set must hold; the first rule whose conditions hold decides.

    `ownership` says who else may own the device: nobody (`new`, also where nothing is said), colleagues of the same company
    (`same_company`), anybody (`any`).
    """

    rule_key: str
    serial_families: frozenset[str] = frozenset()
    email_domains: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    ownership: OwnershipCondition | None = None
    outcome: Outcome = "approve"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a rule held against the application: which, what was wanted, what was found, whether it holds."""

    condition: Literal["serial_family", "email_domain", "country", "ownership", "serial_is_sold"]
    wanted: tuple[str, ...]
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule with all its checks."""

    rule: Rule
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether the rule decides."""
        return all(check.holds for check in self.checks)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in a stable key that pages say in the reader's language, and the value it speaks of."""

    key: Literal[
        "rule_holds",
        "no_rule_holds",
        "rule_wants_review",
        "serial_not_sold",
        "owned_by_colleague",
        "owned_by_others",
        "too_many_automatic",
    ]
    value: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say: the outcome, the rule that decided (None: no rule did), the reasons, and how each rule was tried."""

    outcome: Outcome
    rule_key: str | None
    reasons: tuple[Reason, ...]
    trials: tuple[Trial, ...] = ()


def decide(rules: Sequence[Rule], application: Application) -> Verdict:
    """Hold the rules, in their order, against an application; without a rule that holds, staff decide."""
    trials = tuple(try_rule(rule, application) for rule in rules)
    remarks = tuple(_remarks(application))
    first = next((trial for trial in trials if trial.holds), None)
    if first is None:
        return Verdict("review", None, (Reason("no_rule_holds"), *remarks), trials)
    key = first.rule.rule_key
    if first.rule.outcome == "review":
        return Verdict("review", key, (Reason("rule_wants_review", key), *remarks), trials)
    if not application.automatic_is_allowed:
        return Verdict("review", None, (Reason("too_many_automatic", key), *remarks), trials)
    return Verdict("approve", key, (Reason("rule_holds", key), *remarks), trials)


def try_rule(rule: Rule, application: Application) -> Trial:
    """Hold one rule's conditions against an application."""
    return Trial(rule, tuple(_checks(rule, application)))


def parse_rule(values: Mapping[str, object]) -> Rule:
    """A rule from an apply file. Raises `ValueError` with the key and what would be right."""
    unknown = set(values) - {field.name for field in fields(Rule)}
    if unknown:
        raise ValueError(f"{min(unknown)}: is not known; known are: {', '.join(sorted(f.name for f in fields(Rule)))}")
    rule_key = values.get("rule_key")
    if not isinstance(rule_key, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", rule_key):
        raise ValueError("rule_key: must be a short name of letters, digits, dots and dashes")
    ownership, outcome = values.get("ownership"), values.get("outcome", "approve")
    if ownership not in _ALLOWED:
        raise ValueError("ownership: must be new, same_company or any")
    if outcome not in ("approve", "review"):
        raise ValueError("outcome: must be approve or review; only staff reject")
    reason = values.get("reason", "")
    if not isinstance(reason, str):
        raise ValueError("reason: must be a text")
    rule = Rule(
        rule_key=rule_key,
        serial_families=_parse_set(values, "serial_families", r"[A-Z]{2}", "two capital letters each, such as AB"),
        email_domains=_parse_set(values, "email_domains", r"[a-z0-9.-]+\.[a-z0-9-]+", "domains in small letters"),
        countries=_parse_set(values, "countries", r"[A-Z]{2}", "two capital letters each, such as DE"),
        ownership=cast(OwnershipCondition | None, ownership),
        outcome=outcome,
        reason=reason,
    )
    if not (rule.serial_families or rule.email_domains or rule.countries or rule.ownership):
        raise ValueError("a rule needs a condition: serial_families, email_domains, countries or ownership")
    return rule


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


def _checks(rule: Rule, application: Application) -> Iterable[Check]:
    if rule.serial_families:
        family = application.serial_family
        yield Check("serial_family", _sorted(rule.serial_families), family, family in rule.serial_families)
    if rule.email_domains:
        domain = application.email_domain
        yield Check("email_domain", _sorted(rule.email_domains), domain, domain in rule.email_domains)
    if rule.countries:
        country = application.country
        yield Check("country", _sorted(rule.countries), country, country in rule.countries)
    if rule.outcome == "approve":
        found = application.ownership
        yield Check("ownership", (rule.ownership or "new",), found.value, found in _ALLOWED[rule.ownership])
        if application.serial_is_sold is not None:
            sold = application.serial_is_sold
            yield Check("serial_is_sold", ("yes",), "yes" if sold else "no", sold)
    elif rule.ownership:
        found = application.ownership
        yield Check("ownership", (rule.ownership,), found.value, found in _ALLOWED[rule.ownership])


def _remarks(application: Application) -> Iterable[Reason]:
    """What staff should know whatever the outcome is."""
    if application.serial_is_sold is False:
        yield Reason("serial_not_sold", application.serial_number)
    if application.ownership is Ownership.SAME_COMPANY:
        yield Reason("owned_by_colleague", application.serial_number)
    if application.ownership is Ownership.OTHER_COMPANY:
        yield Reason("owned_by_others", application.serial_number)


def _company_key(company: str) -> str:
    return "".join(letter for letter in company.casefold() if letter.isalnum())


def _parse_set(values: Mapping[str, object], key: str, pattern: str, right: str) -> frozenset[str]:
    found = values.get(key, [])
    if not isinstance(found, (list, tuple, set, frozenset)):
        raise ValueError(f"{key}: must be a list of {right}")
    if not all(isinstance(item, str) and re.fullmatch(pattern, item) for item in found):
        raise ValueError(f"{key}: must be {right}")
    return frozenset(found)


def _sorted(values: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(values))
