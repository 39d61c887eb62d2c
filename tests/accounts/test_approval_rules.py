"""Versions and the draft of the rules: what is refused, and what a refusal leaves as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from idp.accounts import approval_rules
from idp.errors import Refusal
from idp.policy.rules import Family, Rule, RuleSet
from idp.provider import Provider
from tests.support.lobby import Lobby

RULE = Rule("de", countries=frozenset({"DE"}))
OTHER = Rule("fr", countries=frozenset({"FR"}))
FAMILIES = (Family("AB"),)


@pytest.fixture
def staff_id(lobby: Lobby) -> str:
    """Somebody who may change the rules, with a draft of one rule."""
    boss = lobby.add_account("boss", roles="administrator").account_id
    approval_rules.open_draft(lobby.provider, staff_id=boss)
    approval_rules.put_rule(lobby.provider, RULE, staff_id=boss, revision=revision(lobby))
    return boss


def draft_of(provider: Provider) -> approval_rules.Draft:
    """The draft as it is now; there is one."""
    draft = approval_rules.find_draft(provider)
    assert draft is not None
    return draft


def revision(lobby: Lobby) -> int:
    """Of the draft as it is now."""
    return draft_of(lobby.provider).revision


def refused(key: str, act: Callable[[], object]) -> None:
    """The act is refused with this key."""
    with pytest.raises(Refusal) as caught:
        act()
    assert caught.value.key == key


def test_a_draft_takes_only_what_fits_it(lobby: Lobby, staff_id: str) -> None:
    """Each key once, nothing in the place of a rule that is not there, and no word over a colleague's (RG-7)."""
    house, now = lobby.provider, revision(lobby)
    refused("rule_key_taken", lambda: approval_rules.put_rule(house, RULE, staff_id=staff_id, revision=now))
    refused(
        "rule_unknown", lambda: approval_rules.put_rule(house, OTHER, staff_id=staff_id, revision=now, old_key="gone")
    )
    refused("rule_unknown", lambda: approval_rules.remove_rule(house, "gone", staff_id=staff_id, revision=now))
    refused("draft_changed", lambda: approval_rules.put_rule(house, OTHER, staff_id=staff_id, revision=now - 1))
    refused("draft_changed", lambda: approval_rules.drop_draft(house, staff_id=staff_id, revision=now - 1))
    assert draft_of(house).rule_set.rules == (RULE,)
    approval_rules.put_rule(house, OTHER, staff_id=staff_id, revision=now, old_key="de")
    assert draft_of(house).rule_set.rules == (OTHER,)


@pytest.mark.parametrize(
    ("remark", "key"),
    [(" \n", "remark_missing"), ("x" * (approval_rules.LONGEST_REMARK + 1), "remark_too_long")],
)
def test_nothing_is_switched_on_without_a_word_why(lobby: Lobby, staff_id: str, remark: str, key: str) -> None:
    """The draft stays, and so do the rules in use."""
    now = revision(lobby)
    refused(key, lambda: approval_rules.switch_on(lobby.provider, staff_id=staff_id, revision=now, remark=remark))
    assert revision(lobby) == now
    assert lobby.rows("SELECT version FROM rule_versions WHERE version > 0") == []


def test_a_draft_is_switched_on_once(lobby: Lobby, staff_id: str) -> None:
    """Whoever comes second is told, and there is no draft any more."""
    house, now = lobby.provider, revision(lobby)
    version = approval_rules.switch_on(house, staff_id=staff_id, revision=now, remark="Germany.")
    refused("draft_changed", lambda: approval_rules.switch_on(house, staff_id=staff_id, revision=now, remark="Again."))
    assert approval_rules.find_draft(house) is None
    assert approval_rules.get_version(house, version)[1].rules == (RULE,)
    refused("version_unknown", lambda: approval_rules.get_version(house, version + 1))


def test_a_draft_from_an_earlier_version_takes_no_open_ones_place(lobby: Lobby, staff_id: str) -> None:
    """What a colleague wrote is not lost; nor does a version that never was begin one."""
    house = lobby.provider
    version = approval_rules.switch_on(house, staff_id=staff_id, revision=revision(lobby), remark="Germany.")
    refused("version_unknown", lambda: approval_rules.open_draft(house, staff_id=staff_id, version=version + 1))
    approval_rules.open_draft(house, staff_id=staff_id, version=version)
    refused("draft_exists", lambda: approval_rules.open_draft(house, staff_id=staff_id, version=version))
    now = revision(lobby)
    approval_rules.open_draft(house, staff_id=staff_id)
    assert revision(lobby) == now


@pytest.mark.parametrize(
    ("remark", "base", "key"),
    [
        (" ", 0, "remark_missing"),
        ("x" * (approval_rules.LONGEST_REMARK + 1), 0, "remark_too_long"),
        ("Why.", 99, "version_unknown"),
    ],
)
def test_a_tool_cannot_put_rules_upon_nothing(lobby: Lobby, staff_id: str, remark: str, base: int, key: str) -> None:
    """It names the version that it knows, and says why."""
    rule_set = RuleSet(rules=(OTHER,), families=FAMILIES)
    refused(
        key,
        lambda: approval_rules.replace_rules(lobby.provider, rule_set, base=base, staff_id=staff_id, remark=remark),
    )
