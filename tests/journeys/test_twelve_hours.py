"""Twelve hours, kept and not kept: session, site cookie and refresh family end at the same minute (F-2.7)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from tests.support.flow import TestClient, authorize, introspect, redeem, refresh, sign_in
from tests.support.visitor import Page, Visitor
from tests.support.world import PASSWORD, SECRETS, World

HOURS = 3600


def rows(world: World, sql: str) -> list[dict[str, Any]]:
    """What the database holds."""
    with world.provider.database.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(sql)).mappings()]


def enter_library(world: World, *, keep: bool) -> Visitor:
    """A customer in the library's exclusive part."""
    visitor = world.visitor()
    visitor.get(world.library_url + "/exclusive")
    page = visitor.submit("login-submit", username="anna", password=PASSWORD, **({"keep": "y"} if keep else {}))
    assert "exclusive-title" in page.ids, page.text[:800]
    return visitor


def is_inside(page: Page) -> bool:
    """Whether the exclusive part was shown without a question."""
    return "exclusive-title" in page.ids


def is_asked(page: Page) -> bool:
    """Whether the sign-in page was shown."""
    return "login-submit" in page.ids


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "not-kept"])
def test_everything_ends_at_the_same_minute(world: World, keep: bool) -> None:
    """A refresh in between never moves the end; one second before it all is open, at it nothing."""
    visitor = enter_library(world, keep=keep)
    [session] = rows(world, "SELECT * FROM sessions WHERE ended_at IS NULL")
    end = session["started_at"] + 12 * HOURS
    assert session["expires_at"] == end
    assert bool(session["kept"]) is keep
    for _ in range(5):
        world.clock.move(hours=2)
        assert is_inside(visitor.get(world.library_url + "/exclusive"))
    assert {row["expires_at"] for row in rows(world, "SELECT expires_at FROM token_families")} == {end}
    assert {row["expires_at"] for row in rows(world, "SELECT expires_at FROM refresh_tokens")} == {end}
    assert len(rows(world, "SELECT token_hash FROM refresh_tokens")) > 3
    assert all(row["expires_at"] <= end for row in rows(world, "SELECT expires_at FROM access_tokens"))

    world.clock.move(seconds=end - world.clock() - 2)
    assert is_inside(visitor.get(world.library_url + "/exclusive"))
    world.clock.move(seconds=3)
    assert is_asked(visitor.get(world.library_url + "/exclusive"))
    assert is_asked(visitor.get(world.provider_url + "/account"))


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "not-kept"])
def test_the_refresh_family_is_dead_at_the_end_and_alive_before(world: World, keep: bool) -> None:
    """The token endpoint itself says so, whatever a site does with its cookie."""
    client = TestClient("download-library", SECRETS["library"], world.library_url + "/account/sign-in/callback")
    visitor = world.visitor()
    sign_in(visitor, "anna", PASSWORD, keep=keep)
    endpoint = world.provider_url + "/oauth/token"
    tokens = redeem(endpoint, client, authorize(visitor, client)).json()
    [session] = rows(world, "SELECT * FROM sessions WHERE ended_at IS NULL")
    world.clock.move(seconds=session["expires_at"] - world.clock() - 5)
    answer = refresh(endpoint, client, tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["expires_in"] <= 5
    world.clock.move(seconds=6)
    last = refresh(endpoint, client, answer.json()["refresh_token"])
    assert (last.status_code, last.json()["error"]) == (400, "invalid_grant")
    assert introspect(world.provider_url, client, answer.json()["access_token"]) == {"active": False}


def test_cookies_persist_only_where_the_customer_asked(world: World) -> None:
    """Kept: both cookies have the session's end; not kept: both end with the browser."""
    for keep in (True, False):
        visitor = enter_library(world, keep=keep)
        names = {"idp_session", "download_library_session"}
        cookies = {cookie.name: cookie for cookie in visitor.session.cookies if cookie.name in names}
        assert set(cookies) == names
        for cookie in cookies.values():
            assert (cookie.expires is not None) is keep
            if keep:
                assert abs((cookie.expires or 0) - (world.clock() + 12 * HOURS)) < 60
            assert cookie.has_nonstandard_attr("HttpOnly")


def test_three_idle_hours_at_a_site_ask_for_nothing_until_the_provider_is_visited(world: World) -> None:
    """Not kept: the provider asks for the password after two idle hours; nothing else ends, and the end stays."""
    visitor = enter_library(world, keep=False)
    [before] = rows(world, "SELECT * FROM sessions WHERE ended_at IS NULL")
    world.clock.move(hours=3)
    assert is_inside(visitor.get(world.library_url + "/exclusive"))
    assert is_asked(visitor.get(world.provider_url + "/account"))
    visitor.submit("login-submit", username="anna", password=PASSWORD)
    [after] = rows(world, "SELECT * FROM sessions WHERE ended_at IS NULL")
    assert (after["sid"], after["expires_at"]) == (before["sid"], before["expires_at"])
    assert after["auth_time"] >= before["auth_time"] + 3 * HOURS
    assert after["secret_hash"] != before["secret_hash"]
    assert is_inside(visitor.get(world.library_url + "/exclusive"))


def test_a_kept_session_is_not_asked_after_idle_hours(world: World) -> None:
    """Kept means kept: three idle hours later the provider opens without a question."""
    visitor = enter_library(world, keep=True)
    world.clock.move(hours=3)
    page = visitor.get(world.provider_url + "/account")
    assert not is_asked(page)
    assert "anna" in page.text
