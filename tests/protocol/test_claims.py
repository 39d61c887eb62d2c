"""The approval is one row, said alike in ID token, userinfo and introspection; our claims come with their scopes only."""

from __future__ import annotations

import pytest

from tests.support.tokens import NOW, House, claims_of

APPROVAL = {"approval_status", "approval_updated_at"}
SESSION = {"session_expiry", "session_kept"}


@pytest.mark.parametrize("status", ["pending", "approved", "rejected", "suspended"])
def test_the_approval_is_the_same_everywhere(house: House, status: str) -> None:
    """Status and instant of the row, also after a change while tokens live (RF-9)."""
    tokens = house.tokens("portal")
    house.clock.now += 5
    house.set_approval(status)
    renewed = house.refresh(tokens["refresh_token"], "portal").get_json()
    told = (
        claims_of(renewed["id_token"]),
        house.userinfo(renewed["access_token"]).get_json(),
        house.introspect(renewed["access_token"], "service"),
        house.introspect(tokens["access_token"], "portal"),
    )
    for answer in told:
        assert {name: answer[name] for name in APPROVAL} == {"approval_status": status, "approval_updated_at": NOW + 5}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("openid", set()),
        ("openid profile email", set()),
        ("openid approval", APPROVAL),
        ("openid session", SESSION),
        ("openid approval session", APPROVAL | SESSION),
    ],
)
def test_our_claims_come_with_their_scopes(house: House, scope: str, expected: set[str]) -> None:
    """In the ID token of a code and of a refresh, and in userinfo."""
    tokens = house.tokens(scope=scope)
    renewed = house.refresh(tokens["refresh_token"]).get_json()
    answers = (
        claims_of(tokens["id_token"]),
        claims_of(renewed["id_token"]),
        house.userinfo(renewed["access_token"]).get_json(),
    )
    for answer in answers:
        assert (APPROVAL | SESSION) & answer.keys() == expected
