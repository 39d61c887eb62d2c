"""Time: UTC seconds, no grace for what we made ourselves, and a clock that jumps makes nothing usable again."""

from __future__ import annotations

import pytest

from tests.support.tokens import House, claims_of


def test_our_own_tokens_end_on_the_second(house: House) -> None:
    """No tolerance for `exp` of what we issued (CR-6)."""
    tokens = house.tokens()
    ends = house.introspect(tokens["access_token"])["exp"]
    house.clock.now = ends - 1
    assert house.introspect(tokens["access_token"])["active"] is True
    assert house.userinfo(tokens["access_token"]).status_code == 200
    house.clock.now = ends
    assert house.introspect(tokens["access_token"]) == {"active": False}
    assert house.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize("jump", [-300, -30, 30, 300])
def test_a_clock_that_jumps_reopens_nothing(house: House, jump: int) -> None:
    """A used code and a used refresh token stay used on an instance whose clock is five minutes off (CR-6, RF-6, CO-2)."""
    code = house.code()
    first = house.redeem(code).get_json()
    second = house.refresh(first["refresh_token"]).get_json()
    third = house.refresh(second["refresh_token"]).get_json()
    house.clock.now += jump
    assert house.redeem(code).get_json()["error"] == "invalid_grant"
    assert house.refresh(first["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert house.refresh(third["refresh_token"]).get_json()["error"] == "invalid_grant"  # a replay ended the family


def test_tokens_tell_when_and_how_somebody_signed_in(house: House) -> None:
    """`auth_time` is that of the session, however late the tokens come; a password is told as one, and nothing more (JW-11)."""
    signed_in = house.session.auth_time
    house.clock.now += 3600
    tokens = house.tokens()
    house.clock.now += 60
    refreshed = house.refresh(tokens["refresh_token"]).get_json()
    for id_token in (tokens["id_token"], refreshed["id_token"]):
        claims = claims_of(id_token)
        assert claims["auth_time"] == signed_in
        assert claims["amr"] == ["pwd"]
        assert "acr" not in claims
    assert claims_of(refreshed["id_token"])["iat"] == house.clock.now
