"""Approval rules in the interface of staff tools."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.rules import add_past_registration
from tests.web.api.test_staff_api import House, add_applicant, call, set_roles, token_for

FAMILY = {"rule_key": "family-CD", "serial_families": ["CD"]}


def test_a_tool_tries_rules_and_switches_them_on(house: House) -> None:
    """The version in the address is the one that was seen; whoever comes second gets 409 (RC-2, RG-9)."""
    set_roles(house, "administrator")
    willi, token = add_applicant(house), token_for(house)
    with house.provider.database.transaction() as tx:
        add_past_registration(tx, willi, "CD123Z", house.provider.clock() - 86400)
    body: dict[str, Any] = {"content": {"rules": [FAMILY]}}
    tried = call(house, "POST", "/rules/trials", token, body).get_json()
    assert (tried["registrations"], tried["approved_before"], tried["approved_after"]) == (1, 0, 1)
    assert [(d["kind"], d["after"]) for d in tried["differences"]] == [("opens", "family-CD")]
    in_use = call(house, "GET", "/rules", token).get_json()["version"]
    switched = call(house, "POST", f"/rules/versions/{in_use}/next", token, {**body, "remark": "Known devices."})
    assert switched.status_code == 200, switched.text
    assert (switched.get_json()["version"], switched.get_json()["remark"]) == (in_use + 1, "Known devices.")
    again = call(house, "POST", f"/rules/versions/{in_use}/next", token, {**body, "remark": "Mine."})
    assert again.status_code == 409
    shown = call(house, "GET", "/rules", token).get_json()
    assert [rule["rule_key"] for rule in shown["content"]["rules"]] == ["family-CD"]
    assert call(house, "GET", f"/rules/versions/{in_use + 1}", token).get_json()["content"] == shown["content"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"rules": [{"rule_key": "all"}]}, "content.rules[1]: a rule needs a condition"),
        ({"rules": [{**FAMILY, "outcome": "reject"}]}, "content.rules.0.outcome"),
        ({"rules": [{**FAMILY, "serial_ranges": ["AB1"]}]}, "content.rules[1]: serial_ranges"),
        ({"rules": [FAMILY, FAMILY]}, "family-CD is there twice"),
        ({"other": []}, "content: Extra"),
    ],
)
def test_rules_that_cannot_be_meant_are_told_and_change_nothing(house: House, content: Any, place: str) -> None:
    """422 with the place."""
    set_roles(house, "administrator")
    token = token_for(house)
    for path, more in (("/rules/trials", {}), ("/rules/versions/0/next", {"remark": "x"})):
        answer = call(house, "POST", path, token, {"content": content, **more})
        assert answer.status_code == 422
        assert place in answer.get_json()["error_description"]
    assert house.count("rule_versions") == 0


def test_a_tool_blocks_and_unblocks(house: House) -> None:
    """Twice is the same as once; who did it stands there."""
    set_roles(house, "approver")
    token = token_for(house)
    body = {"value": "ab-123-z", "reason": "Stolen."}
    first = call(house, "POST", "/blocked", token, body).get_json()
    assert (first["kind"], first["value"], first["actor_kind"]) == ("serial", "AB123Z", "staff")
    assert call(house, "POST", "/blocked", token, {**body, "reason": "Again."}).get_json() == first
    assert call(house, "GET", "/blocked?q=ab1", token).get_json()["items"] == [first]
    assert call(house, "POST", "/blocked/removals", token, {"value": "AB123Z"}).get_json() == {"removed": True}
    assert call(house, "POST", "/blocked/removals", token, {"value": "AB123Z"}).get_json() == {"removed": False}
    assert call(house, "POST", "/blocked", token, {**body, "value": "x"}).status_code == 422
