"""Approval rules: what they say about an application, with reasons.

Pure: an `Application` and a `RuleSet` come in, a `Verdict` goes out. A rule approves, or sends to staff; only staff reject.
Three things always go to staff, whatever a rule says: what is blocked, a serial number that is not among those that were
sold, and one that others own where the rule does not speak of ownership (EN-4, RG-7). Rules see confirmed data only (RG-9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from idp.policy.approval import Ownership
from idp.policy.free_mail import is_free_mail

Outcome = Literal["approve", "review"]
OwnershipCondition = Literal["new", "same_company", "any"]
SerialRange = tuple[str, str]
"""First and last serial number of a range, of one family; both belong to it."""

ALLOWED_OWNERS: dict[str | None, frozenset[Ownership]] = {
    None: frozenset({Ownership.NEW}),
    "new": frozenset({Ownership.NEW}),
    "same_company": frozenset({Ownership.NEW, Ownership.SAME_COMPANY}),
    "any": frozenset(Ownership),
}


@dataclass(frozen=True, slots=True)
class Application:
    """What is known about an applicant when the e-mail address is confirmed; `serial_is_sold` is None without a list.

    `blocked` has what of it is blocked: the serial number, the address, its domain.
    """

    email_domain: str
    country: str
    serial_number: str
    ownership: Ownership
    serial_is_sold: bool | None = None
    automatic_is_allowed: bool = True
    blocked: tuple[str, ...] = ()

    @property
    def serial_family(self) -> str:
        """The family letters of the serial number (F-1.4)."""
        return self.serial_number[:2]


@dataclass(frozen=True, slots=True)
class Rule:
    """Every condition that is set must hold; the first rule whose conditions hold decides.

    `ownership` says who else may own the device: nobody (`new`, also where nothing is said), colleagues of the same company
    (`same_company`), anybody (`any`). `company_mail`: the address must not be one of a free-mail service.
    """

    rule_key: str
    serial_families: frozenset[str] = frozenset()
    serial_ranges: tuple[SerialRange, ...] = ()
    email_domains: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    company_mail: bool = False
    ownership: OwnershipCondition | None = None
    outcome: Outcome = "approve"
    reason: str = ""
    enabled: bool = True

    @property
    def has_condition(self) -> bool:
        """Whether it asks for anything; one that asks for nothing would decide about everybody."""
        return bool(
            self.serial_families
            or self.serial_ranges
            or self.email_domains
            or self.countries
            or self.company_mail
            or self.ownership
        )


@dataclass(frozen=True, slots=True)
class Family:
    """The devices whose serial numbers begin with two letters.

    `check_letters`: the last letter is the one at the place (digits modulo how many there are), counted from 0; where it is
    empty, every last letter may be.
    """

    letters: str
    product: str = ""
    check_letters: str = ""

    def has_right_letter(self, serial_number: str) -> bool:
        """Whether the last letter fits the digits."""
        letters = self.check_letters
        return not letters or serial_number[5] == letters[int(serial_number[2:5]) % len(letters)]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A version of everything that rules need: the rules in their order, the families, domains that are free-mail besides.

    `version` is 0 where nobody has made rules yet, and None for a set that is not one in use (a draft, a file).
    """

    version: int | None = None
    rules: tuple[Rule, ...] = ()
    families: tuple[Family, ...] = ()
    free_mail_domains: frozenset[str] = frozenset()

    def find_rule(self, rule_key: str) -> Rule | None:
        """The rule with this key."""
        return next((rule for rule in self.rules if rule.rule_key == rule_key), None)

    def find_family(self, serial_number: str) -> Family | None:
        """The family of a serial number; None where it is not among those that are known."""
        return next((family for family in self.families if family.letters == serial_number[:2]), None)

    def fault_of(self, serial_number: str) -> Literal["family", "check_letter"] | None:
        """What is wrong with a well-formed serial number; without families, nothing ever is."""
        if not self.families:
            return None
        family = self.find_family(serial_number)
        if family is None:
            return "family"
        return None if family.has_right_letter(serial_number) else "check_letter"


Condition = Literal[
    "serial_family", "serial_range", "email_domain", "country", "company_mail", "ownership", "serial_is_sold"
]


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a rule held against the application: which, what was wanted, what was found, whether it holds."""

    condition: Condition
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
        "blocked",
        "serial_not_sold",
        "owned_by_colleague",
        "owned_by_others",
        "free_mail",
        "too_many_automatic",
    ]
    value: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say: the outcome, the rule that decided (None: no rule did), the reasons, and how each rule was tried.

    `version`: of the rules that said it.
    """

    outcome: Outcome
    rule_key: str | None
    reasons: tuple[Reason, ...]
    trials: tuple[Trial, ...] = ()
    version: int | None = None


def decide(rule_set: RuleSet, application: Application) -> Verdict:
    """Hold the rules, in their order, against an application; without a rule that holds, staff decide."""
    free_mail = is_free_mail(application.email_domain, rule_set.free_mail_domains)
    trials = tuple(try_rule(rule, application, free_mail=free_mail) for rule in rule_set.rules if rule.enabled)
    outcome, rule_key, reason = _judge(trials, application)
    reasons = ((reason,) if reason else ()) + tuple(_remarks(application, free_mail=free_mail))
    return Verdict(outcome, rule_key, reasons, trials, rule_set.version)


def try_rule(rule: Rule, application: Application, *, free_mail: bool = False) -> Trial:
    """Hold one rule's conditions against an application."""
    return Trial(rule, tuple(_checks(rule, application, free_mail)))


def is_in_range(serial_number: str, ranges: Iterable[SerialRange]) -> bool:
    """Whether a serial number lies in one of these; all are six characters, so the order of texts is theirs."""
    return any(first <= serial_number <= last and first[:2] == serial_number[:2] for first, last in ranges)


def effects(rules: Sequence[Rule]) -> Mapping[str, str]:
    """Rules that can never decide, by key, with the key of the rule before them that always decides first."""
    found: dict[str, str] = {}
    earlier: list[Rule] = []
    for rule in (rule for rule in rules if rule.enabled):
        wider = next((before for before in earlier if _covers(before, rule)), None)
        if wider:
            found[rule.rule_key] = wider.rule_key
        earlier.append(rule)
    return found


def find_doubts(application: Application) -> tuple[Reason, ...]:
    """Why staff look at a device first: it is blocked, not among those that were sold, or owned by another company."""
    doubts = {"blocked", "serial_not_sold", "owned_by_others"}
    return tuple(reason for reason in _remarks(application, free_mail=False) if reason.key in doubts)


def _judge(trials: Sequence[Trial], application: Application) -> tuple[Outcome, str | None, Reason | None]:
    if application.blocked:
        return "review", None, None
    first = next((trial for trial in trials if trial.holds), None)
    if first is None:
        return "review", None, Reason("no_rule_holds")
    key = first.rule.rule_key
    if first.rule.outcome == "review":
        return "review", key, Reason("rule_wants_review", key)
    if not application.automatic_is_allowed:
        return "review", None, Reason("too_many_automatic", key)
    return "approve", key, Reason("rule_holds", key)


def _checks(rule: Rule, application: Application, free_mail: bool) -> Iterable[Check]:
    if rule.serial_families:
        family = application.serial_family
        yield Check("serial_family", _sorted(rule.serial_families), family, family in rule.serial_families)
    if rule.serial_ranges:
        serial = application.serial_number
        wanted = tuple(f"{first}–{last}" for first, last in rule.serial_ranges)
        yield Check("serial_range", wanted, serial, is_in_range(serial, rule.serial_ranges))
    if rule.email_domains:
        domain = application.email_domain
        yield Check("email_domain", _sorted(rule.email_domains), domain, domain in rule.email_domains)
    if rule.countries:
        country = application.country
        yield Check("country", _sorted(rule.countries), country, country in rule.countries)
    if rule.company_mail:
        yield Check("company_mail", ("yes",), "no" if free_mail else "yes", not free_mail)
    if rule.outcome == "approve":
        found = application.ownership
        yield Check("ownership", (rule.ownership or "new",), found.value, found in ALLOWED_OWNERS[rule.ownership])
        if application.serial_is_sold is not None:
            sold = application.serial_is_sold
            yield Check("serial_is_sold", ("yes",), "yes" if sold else "no", sold)
    elif rule.ownership:
        found = application.ownership
        yield Check("ownership", (rule.ownership,), found.value, found in ALLOWED_OWNERS[rule.ownership])


def _remarks(application: Application, *, free_mail: bool) -> Iterable[Reason]:
    """What staff should know whatever the outcome is."""
    for value in application.blocked:
        yield Reason("blocked", value)
    if application.serial_is_sold is False:
        yield Reason("serial_not_sold", application.serial_number)
    if application.ownership is Ownership.SAME_COMPANY:
        yield Reason("owned_by_colleague", application.serial_number)
    if application.ownership is Ownership.OTHER_COMPANY:
        yield Reason("owned_by_others", application.serial_number)
    if free_mail:
        yield Reason("free_mail", application.email_domain)


def _covers(wide: Rule, narrow: Rule) -> bool:
    """Whether the first holds wherever the second does; where that is not certain, it is not said."""
    if wide.outcome == "approve" or wide.ownership:
        # What an approval asks besides is asked of a rule that sends to staff only where it says so.
        asks = wide.ownership or "new"
        also = narrow.ownership or ("new" if narrow.outcome == "approve" else "any")
        if not ALLOWED_OWNERS[also] <= ALLOWED_OWNERS[asks] or (wide.outcome, narrow.outcome) == ("approve", "review"):
            return False
    sets = (
        (wide.serial_families, narrow.serial_families),
        (wide.email_domains, narrow.email_domains),
        (wide.countries, narrow.countries),
    )
    if any(asked and not (given and given <= asked) for asked, given in sets):
        return False
    if wide.company_mail and not narrow.company_mail:
        return False
    return not wide.serial_ranges or (
        bool(narrow.serial_ranges)
        and all(any(w[0] <= n[0] and n[1] <= w[1] for w in wide.serial_ranges) for n in narrow.serial_ranges)
    )


def _sorted(values: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(values))
