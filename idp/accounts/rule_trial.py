"""Trying rules before they are switched on: past registrations are held against the rules in use and against others.

What a rule sees is put together as it was when each address was confirmed: the device's owners of that time, the address and
country of the registration. The list of sold devices and what is blocked are those of today, and the limit of automatic
approvals an hour is left aside.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.approval_rules import rules_in_use
from idp.policy.approval import ownership_of
from idp.policy.rules import Application, RuleSet, Verdict, decide
from idp.store import blocked, rule_trials, rules

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.rule_trials import PastOwner, PastRegistration

DAYS = 90
"""How far a trial looks back."""

MOST = 20_000
"""How many registrations a trial holds at most; the newest ones."""

DAY = 86400


@dataclass(frozen=True, slots=True)
class Difference:
    """A registration that the two sets judge otherwise."""

    registration: PastRegistration
    before: Verdict
    after: Verdict

    @property
    def kind(self) -> str:
        """`opens`: now approved by rule; `closes`: now for staff; `other_rule`: the same by another rule."""
        if self.before.outcome == self.after.outcome:
            return "other_rule"
        return "opens" if self.after.outcome == "approve" else "closes"

    @property
    def was_refused(self) -> bool:
        """Whether staff said no to somebody whom these rules would approve."""
        refused = {self.registration.decided_as, self.registration.approval_status}
        return self.kind == "opens" and not refused.isdisjoint({"rejected", "suspended"})


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """What a trial gave: how many registrations were held against both, how many each approves, and all differences.

    `is_cut`: there were more than a trial holds. `days`: how far it looked back.
    """

    days: int
    count: int
    is_cut: bool
    approved_before: int
    approved_after: int
    differences: Sequence[Difference]

    def count_kind(self, kind: str) -> int:
        """How many differences are of a kind."""
        return sum(difference.kind == kind for difference in self.differences)

    @property
    def refused(self) -> int:
        """How many would be approved now whom staff refused."""
        return sum(difference.was_refused for difference in self.differences)


def try_rules(provider: Provider, wanted: RuleSet, *, days: int = DAYS) -> RuleTrial:
    """Hold the registrations of the last `days` against the rules in use and against these; changes nothing."""
    since = provider.clock() - days * DAY
    with provider.database.reading() as tx:
        in_use = rules_in_use(tx)
        past = rule_trials.list_past(tx, since, MOST + 1)
        owners = rule_trials.list_past_owners(tx, since)
        barred = frozenset(blocked.read_all(tx))
        has_list = rules.is_serial_sold(tx, "") is not None
    found, counts = [], [0, 0]
    for registration in past[:MOST]:
        application = _application_of(registration, owners.get(registration.serial_number, ()), barred, has_list)
        before, after = decide(in_use, application), decide(wanted, application)
        counts[0] += before.outcome == "approve"
        counts[1] += after.outcome == "approve"
        if (before.outcome, before.rule_key) != (after.outcome, after.rule_key):
            found.append(Difference(registration, before, after))
    found.sort(key=lambda difference: (not difference.was_refused, difference.kind == "other_rule"))
    return RuleTrial(days, min(len(past), MOST), len(past) > MOST, counts[0], counts[1], found)


def _application_of(
    registration: PastRegistration,
    owners: Sequence[PastOwner],
    barred: Collection[tuple[str, str]],
    has_list: bool,
) -> Application:
    domain = registration.email_key.rpartition("@")[2]
    earlier = (o for o in owners if o.account_id != registration.account_id and o.since < registration.confirmed_at)
    asked = (("serial", registration.serial_number), ("email", registration.email_key), ("domain", domain))
    return Application(
        email_domain=domain,
        country=registration.country,
        serial_number=registration.serial_number,
        ownership=ownership_of(registration.company, domain, ((o.company, o.email_domain) for o in earlier)),
        serial_is_sold=registration.is_sold if has_list else None,
        blocked=tuple(value for kind, value in asked if (kind, value) in barred),
    )
