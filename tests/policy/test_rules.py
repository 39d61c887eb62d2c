"""Rules: what they say about an application, how they are written, which of them can never decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from idp.policy.approval import Ownership
from idp.policy.free_mail import is_free_mail
from idp.policy.rule_parsing import MOST, dump_rule_set, parse_rule, parse_rule_set
from idp.policy.rules import Application, Check, Family, Rule, RuleSet, decide, effects, find_doubts

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
    verdict = decide(RuleSet(rules=tuple(rules)), application)
    assert (verdict.outcome, verdict.rule_key) == (outcome, key)
    assert verdict.reasons
    assert len(verdict.trials) == len(rules)


def test_reasons_name_every_remark() -> None:
    """Staff read all of it at once."""
    verdict = decide(RuleSet(rules=(FAMILY,)), changed(serial_is_sold=False, ownership=Ownership.OTHER_COMPANY))
    assert [reason.key for reason in verdict.reasons] == ["no_rule_holds", "serial_not_sold", "owned_by_others"]
    failed = [check.condition for check in verdict.trials[0].checks if not check.holds]
    assert failed == ["ownership", "serial_is_sold"]


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
        ({"rule_key": "a", "serial_ranges": "AB100A-AB199Z"}, "serial_ranges: must be a list"),
        (
            {"rule_key": "a", "serial_ranges": ["AB100A-AB199Z"] * (MOST + 1)},
            "serial_ranges: must be a list of at most",
        ),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(values: dict[str, Any], fault: str) -> None:
    """The sentence names the key and what would be right."""
    with pytest.raises(ValueError, match=fault):
        parse_rule(values)


@pytest.mark.parametrize(
    ("ownership", "holds"),
    [(Ownership.NEW, True), (Ownership.SAME_COMPANY, True), (Ownership.OTHER_COMPANY, False)],
)
def test_a_rule_that_wants_review_can_ask_for_the_owner_too(ownership: Ownership, holds: bool) -> None:
    """It names itself only where the owner fits; for a device that others own, no rule has spoken (EN-4)."""
    rule = Rule("colleagues", ownership="same_company", outcome="review")
    verdict = decide(RuleSet(rules=(rule,)), changed(ownership=ownership))
    assert verdict.trials[0].checks == (Check("ownership", ("same_company",), ownership.value, holds),)
    assert (verdict.outcome, verdict.rule_key) == ("review", "colleagues" if holds else None)


@pytest.mark.parametrize(
    ("application", "doubts"),
    [
        (ANNA, []),
        (changed(ownership=Ownership.SAME_COMPANY), []),
        (changed(email_domain="gmail.com"), []),
        (changed(ownership=Ownership.OTHER_COMPANY), ["owned_by_others"]),
        (changed(serial_is_sold=False), ["serial_not_sold"]),
        (changed(blocked=("AB123Z", "lab.example")), ["blocked", "blocked"]),
    ],
)
def test_staff_look_first_at_devices_that_are_in_doubt(application: Application, doubts: list[str]) -> None:
    """Colleagues and free-mail addresses are remarks, but no doubt about the device (EN-4)."""
    assert [reason.key for reason in find_doubts(application)] == doubts


def test_a_rule_is_found_by_its_key() -> None:
    """One that is switched off as well; none where the key is of no rule."""
    off = Rule("off", countries=frozenset({"DE"}), enabled=False)
    rule_set = RuleSet(rules=(FAMILY, off))
    assert (rule_set.find_rule("off"), rule_set.find_rule("other")) == (off, None)


def test_a_rule_is_read() -> None:
    """As an apply file has it."""
    rule = parse_rule({"rule_key": "family-AB", "serial_families": ["AB"], "ownership": "new", "reason": "Known."})
    assert rule == Rule("family-AB", serial_families=frozenset({"AB"}), ownership="new", reason="Known.")


RANGED = Rule("ranged", serial_ranges=(("AB100A", "AB199Z"), ("CD500A", "CD500C")))


@pytest.mark.parametrize(
    ("serial", "outcome"),
    [
        ("AB100A", "approve"),
        ("AB199Z", "approve"),
        ("AB099Z", "review"),
        ("AB200A", "review"),
        ("CD500B", "approve"),
        ("CD500D", "review"),
        ("BC150A", "review"),
        ("", "review"),
    ],
)
def test_a_range_holds_from_its_first_to_its_last_number(serial: str, outcome: str) -> None:
    """Both ends belong to it; other families never do."""
    assert decide(RuleSet(rules=(RANGED,)), changed(serial_number=serial)).outcome == outcome


def test_what_is_blocked_goes_to_staff_whatever_a_rule_says() -> None:
    """The first thing staff read is that it is blocked."""
    verdict = decide(RuleSet(rules=(FAMILY,)), changed(blocked=("AB123Z",)))
    assert (verdict.outcome, verdict.rule_key, verdict.reasons[0].key) == ("review", None, "blocked")


@pytest.mark.parametrize(
    ("domain", "outcome"), [("lab.example", "approve"), ("gmail.com", "review"), ("gmx.de", "review")]
)
def test_a_rule_can_want_an_address_of_a_company(domain: str, outcome: str) -> None:
    """Free-mail services give an address to anybody; staff are told."""
    rule = Rule("work", serial_families=frozenset({"AB"}), company_mail=True)
    verdict = decide(RuleSet(rules=(rule,)), changed(email_domain=domain))
    assert verdict.outcome == outcome
    assert ("free_mail" in {reason.key for reason in verdict.reasons}) is (outcome == "review")


def test_domains_can_be_free_mail_besides_the_known_ones() -> None:
    """A list of one's own in the same version."""
    rule_set = RuleSet(rules=(Rule("work", company_mail=True),), free_mail_domains=frozenset({"lab.example"}))
    assert decide(rule_set, ANNA).outcome == "review"


@pytest.mark.parametrize(
    ("domain", "free"),
    [
        ("gmail.com", True),
        ("hotmail.co.uk", True),
        ("t-online.de", True),
        ("gmx.lab.example.com", False),
        ("mygmail.com", False),
        ("lab.example", False),
        ("", False),
    ],
)
def test_free_mail_services_are_known(domain: str, free: bool) -> None:
    """By their domains, and by their names where they have domains in many countries."""
    assert is_free_mail(domain) is free


def test_a_rule_that_is_switched_off_is_not_tried() -> None:
    """It stays in the set."""
    verdict = decide(RuleSet(7, (replace(FAMILY, enabled=False),)), ANNA)
    assert (verdict.outcome, verdict.trials, verdict.version) == ("review", (), 7)


FAMILIES = (Family("AB", "Torque meter"), Family("CD", "Gauge", "TRWAGMYFPDXBNJZSQVHLCKE"))


@pytest.mark.parametrize(
    ("serial", "fault"),
    [("AB123Z", None), ("XY123Z", "family"), ("CD123A", "check_letter"), ("CD123P", None), ("CD000T", None)],
)
def test_family_and_last_letter_are_told_at_once(serial: str, fault: str | None) -> None:
    """123 modulo 23 is 8, and the letter at that place, counted from 0, is P (F-1.4)."""
    assert RuleSet(families=FAMILIES).fault_of(serial) == fault


def test_without_families_every_well_formed_number_may_be() -> None:
    """As before anybody wrote any."""
    assert RuleSet().fault_of("XY123Z") is None


def test_a_set_is_written_and_read_again() -> None:
    """Plain values in the database and in files."""
    full = Rule(
        "full",
        frozenset({"AB"}),
        (("AB100A", "AB199Z"),),
        frozenset({"lab.example"}),
        frozenset({"DE"}),
        company_mail=True,
        ownership="any",
        outcome="review",
        reason="Why.",
        enabled=False,
    )
    rule_set = RuleSet(3, (full, FAMILY), FAMILIES, frozenset({"mail.example"}))
    assert parse_rule_set(dump_rule_set(rule_set), 3) == rule_set


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"rules": [{"rule_key": "a", "countries": ["DE"]}] * 2}, "a is there twice"),
        ({"rules": [{"rule_key": "a", "serial_ranges": ["AB199Z-AB100A"]}]}, r"rules\[1\]: serial_ranges"),
        ({"rules": [{"rule_key": "a", "serial_ranges": ["AB100A-CD100A"]}]}, r"rules\[1\]: serial_ranges"),
        ({"rules": [{"rule_key": "a", "company_mail": "yes"}]}, "company_mail: must be true or false"),
        ({"rules": {}}, "rules: must be a list"),
        ({"rules": [1]}, r"rules\[1\]: must have names"),
        ({"families": [{"letters": "A"}]}, "letters: must be two"),
        ({"families": [{"letters": "AB", "check_letters": "a"}]}, "check_letters"),
        ({"families": [{"letters": "AB"}, {"letters": "AB"}]}, "AB is there twice"),
        ({"other": 1}, "other: is not known"),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused(values: dict[str, Any], fault: str) -> None:
    """The sentence names the place."""
    with pytest.raises(ValueError, match=fault):
        parse_rule_set(values)


@pytest.mark.parametrize(
    ("rules", "hidden"),
    [
        ([FAMILY, Rule("one", serial_families=frozenset({"AB"}))], {"one": "family"}),
        ([FAMILY, Rule("one", serial_families=frozenset({"AB"}), countries=frozenset({"DE"}))], {"one": "family"}),
        ([Rule("one", serial_families=frozenset({"AB"})), FAMILY], {}),
        ([FAMILY, Rule("any", serial_families=frozenset({"AB"}), ownership="any")], {}),
        ([FAMILY, Rule("stop", serial_families=frozenset({"AB"}), outcome="review")], {}),
        (
            [Rule("stop", countries=frozenset({"DE"}), outcome="review"), Rule("de", countries=frozenset({"DE"}))],
            {"de": "stop"},
        ),
        ([replace(FAMILY, enabled=False), Rule("one", serial_families=frozenset({"AB"}))], {}),
        ([Rule("work", company_mail=True), Rule("all", countries=frozenset({"DE"}))], {}),
        ([RANGED, Rule("narrow", serial_ranges=(("AB110A", "AB120Z"),))], {"narrow": "ranged"}),
        ([RANGED, Rule("wide", serial_ranges=(("AB100A", "AB999Z"),))], {}),
    ],
)
def test_a_rule_that_never_decides_is_named(rules: list[Rule], hidden: dict[str, str]) -> None:
    """One before it always decides first; where that is not certain, nothing is said."""
    assert effects(rules) == hidden
