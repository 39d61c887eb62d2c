"""Rules, ownership, promises and changes of status: what comes in decides what goes out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from idp.policy.approval import (
    TRANSITIONS,
    Application,
    Ownership,
    Rule,
    Status,
    decide,
    is_allowed,
    late_before,
    ownership_of,
    parse_rule,
    promised_until,
)

ANNA = Application("lab.example", "DE", "AB123Z", Ownership.NEW)
FAMILY = Rule("family", serial_families=frozenset({"AB", "CD"}))
DOMAIN = Rule("domain", email_domains=frozenset({"lab.example"}), ownership="any")


def changed(**values: Any) -> Application:
    """Anna's application, changed."""
    return Application(**{**{name: getattr(ANNA, name) for name in ANNA.__slots__}, **values})


@pytest.mark.parametrize(
    ("rules", "application", "outcome", "key"),
    [
        ([], ANNA, "review", None),
        ([FAMILY], ANNA, "approve", "family"),
        ([FAMILY], changed(serial_number="XY123Z"), "review", None),
        ([FAMILY], changed(serial_number=""), "review", None),
        ([FAMILY], changed(ownership=Ownership.SAME_COMPANY), "review", None),
        ([FAMILY], changed(ownership=Ownership.OTHER_COMPANY), "review", None),
        ([FAMILY], changed(serial_is_sold=True), "approve", "family"),
        ([FAMILY], changed(serial_is_sold=False), "review", None),
        ([FAMILY], changed(automatic_is_allowed=False), "review", None),
        ([DOMAIN], changed(ownership=Ownership.OTHER_COMPANY), "approve", "domain"),
        ([DOMAIN], changed(serial_is_sold=False), "review", None),
        ([DOMAIN], changed(email_domain="evil-lab.example"), "review", None),
        ([DOMAIN], changed(email_domain="sub.lab.example"), "review", None),
        ([Rule("both", countries=frozenset({"FR"}), email_domains=frozenset({"lab.example"}))], ANNA, "review", None),
        ([Rule("land", countries=frozenset({"DE"}))], ANNA, "approve", "land"),
        (
            [Rule("colleagues", ownership="same_company")],
            changed(ownership=Ownership.SAME_COMPANY),
            "approve",
            "colleagues",
        ),
        ([Rule("colleagues", ownership="same_company")], ANNA, "approve", "colleagues"),
        ([Rule("colleagues", ownership="same_company")], changed(ownership=Ownership.OTHER_COMPANY), "review", None),
        ([Rule("stop", countries=frozenset({"DE"}), outcome="review"), FAMILY], ANNA, "review", "stop"),
        ([FAMILY, Rule("stop", countries=frozenset({"DE"}), outcome="review")], ANNA, "approve", "family"),
        ([FAMILY, DOMAIN], changed(serial_number="XY123Z"), "approve", "domain"),
    ],
)
def test_the_first_rule_that_holds_decides(
    rules: list[Rule], application: Application, outcome: str, key: str | None
) -> None:
    """Unknown and owned devices go to staff whatever a rule says, unless it speaks of ownership (EN-4, RG-7, RG-9)."""
    verdict = decide(rules, application)
    assert (verdict.outcome, verdict.rule_key) == (outcome, key)
    assert verdict.reasons
    assert len(verdict.trials) == len(rules)


def test_reasons_name_every_remark() -> None:
    """Staff read all of it at once."""
    verdict = decide([FAMILY], changed(serial_is_sold=False, ownership=Ownership.OTHER_COMPANY))
    assert [reason.key for reason in verdict.reasons] == ["no_rule_holds", "serial_not_sold", "owned_by_others"]
    failed = [check.condition for check in verdict.trials[0].checks if not check.holds]
    assert failed == ["ownership", "serial_is_sold"]


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ([], Ownership.NEW),
        ([("Lab GmbH", "lab.example")], Ownership.SAME_COMPANY),
        ([("LAB  GmbH.", "lab.example")], Ownership.SAME_COMPANY),
        ([("Lab GmbH", "mail.example")], Ownership.OTHER_COMPANY),
        ([("Other", "lab.example")], Ownership.OTHER_COMPANY),
        ([("Lab GmbH", "lab.example"), ("Other", "other.example")], Ownership.OTHER_COMPANY),
    ],
)
def test_colleagues_share_company_and_domain(owners: list[tuple[str, str]], expected: Ownership) -> None:
    """What somebody typed as their company is no proof by itself (RG-9)."""
    assert ownership_of("Lab GmbH", "lab.example", owners) is expected


def test_two_without_a_company_are_no_colleagues() -> None:
    """An empty company equals nobody's."""
    assert ownership_of("", "lab.example", [("", "lab.example")]) is Ownership.OTHER_COMPANY


@pytest.mark.parametrize("old", Status)
@pytest.mark.parametrize("new", Status)
def test_only_listed_changes_exist(old: Status, new: Status) -> None:
    """The state machine cell by cell (RG-1)."""
    allowed = {
        ("pending", "approved"),
        ("pending", "rejected"),
        ("approved", "suspended"),
        ("approved", "pending"),
        ("suspended", "approved"),
        ("rejected", "pending"),
    }
    assert is_allowed(old, new) is ((old.value, new.value) in allowed)
    assert len(TRANSITIONS) == len(allowed)


def at(text: str) -> int:
    """An instant."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("since", "days", "until"),
    [
        ("2026-11-23T10:00", 2, "2026-11-25T10:00"),
        ("2026-11-26T10:00", 2, "2026-11-30T10:00"),
        ("2026-11-27T10:00", 1, "2026-11-30T10:00"),
        ("2026-11-28T10:00", 1, "2026-12-01T00:00"),
        ("2026-11-29T23:00", 2, "2026-12-02T00:00"),
    ],
)
def test_the_promise_counts_working_days(since: str, days: int, until: str) -> None:
    """Weekends do not count."""
    assert promised_until(at(since), days) == at(until)


@pytest.mark.parametrize("hour", range(0, 24 * 9, 5))
@pytest.mark.parametrize("days", [1, 2, 5])
def test_late_is_where_the_promise_is_over(hour: int, days: int) -> None:
    """The queue's filter and the words at the row never differ."""
    now = at("2026-11-23T00:30") + hour * 3600
    edge = late_before(now, days)
    assert promised_until(edge - 1, days) < now <= promised_until(edge, days)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, "rule_key"),
        ({"rule_key": "a b"}, "rule_key"),
        ({"rule_key": "a"}, "needs a condition"),
        ({"rule_key": "a", "serial_family": ["AB"]}, "serial_family"),
        ({"rule_key": "a", "serial_families": ["ABC"]}, "serial_families"),
        ({"rule_key": "a", "serial_families": "AB"}, "serial_families"),
        ({"rule_key": "a", "email_domains": ["LAB.example"]}, "email_domains"),
        ({"rule_key": "a", "countries": [1]}, "countries"),
        ({"rule_key": "a", "ownership": "mine"}, "ownership"),
        ({"rule_key": "a", "countries": ["DE"], "outcome": "reject"}, "outcome"),
        ({"rule_key": "a", "countries": ["DE"], "reason": 1}, "reason"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(values: dict[str, Any], fault: str) -> None:
    """The sentence names the key and what would be right."""
    with pytest.raises(ValueError, match=fault):
        parse_rule(values)


def test_a_rule_is_read() -> None:
    """As an apply file has it."""
    rule = parse_rule({"rule_key": "family-AB", "serial_families": ["AB"], "ownership": "new", "reason": "Known."})
    assert rule == Rule("family-AB", serial_families=frozenset({"AB"}), ownership="new", reason="Known.")
