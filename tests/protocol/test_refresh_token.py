"""Refresh: the same successor inside the grace, the end of the family outside it, and never a second longer than the session."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from idp.store import clients, closings, endings
from tests.support.tokens import NOW, SCOPE, House, add_client, claims_of, make_app

TRIES = 16
DAY = 86400


def error_of(answer: TestResponse) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.get_json()["error"]


def all_at_once(houses: list[House], token: str) -> list[TestResponse]:
    """Sixteen tries at the same moment."""
    barrier = threading.Barrier(TRIES)

    def attempt(number: int) -> TestResponse:
        barrier.wait()
        return houses[number % len(houses)].refresh(token)

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(attempt, range(TRIES)))


@pytest.fixture
def houses(house: House, house_url: str, house_keys: Path) -> list[House]:
    """Two instances on PostgreSQL, one on SQLite."""
    if house.provider.database.is_sqlite:
        return [house]
    app = make_app(house_url, house_keys, house.clock)
    return [house, House(app, app.extensions["idp"], house.clock, house.anna, house.session)]


def test_a_refresh_rotates(house: House) -> None:
    """New access token, new refresh token, an ID token without nonce and with the time of the sign-in (Core §12.2).

    RF-1.
    """
    first = house.tokens()
    house.clock.now = NOW + 1000
    second = house.refresh(first["refresh_token"]).get_json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    claims = claims_of(second["id_token"])
    assert "nonce" not in claims
    assert (claims["auth_time"], claims["iat"], claims["sid"]) == (NOW, NOW + 1000, house.session.sid)
    assert house.introspect(second["access_token"])["active"]


def test_parallel_refreshes_inside_the_grace_get_one_successor(house: House, houses: list[House]) -> None:
    """All sixteen get the same token, and there is one row for it (RF-3, RF-5)."""
    token = house.tokens()["refresh_token"]
    answers = all_at_once(houses, token)
    assert [answer.status_code for answer in answers] == [200] * TRIES
    assert len({answer.get_json()["refresh_token"] for answer in answers}) == 1
    assert house.count("refresh_tokens") == 2
    assert house.count("token_incidents", f"kind = 'refresh_race' AND count = {TRIES - 1}") == 1
    assert house.count("token_incidents", "kind = 'refresh_replay'") == 0
    house.clock.now += 29
    assert house.refresh(token).get_json()["refresh_token"] == answers[0].get_json()["refresh_token"]


def test_parallel_refreshes_outside_the_grace_end_the_family(house: House, houses: list[House]) -> None:
    """None succeeds, and nothing of the family is left (RF-2, RF-5)."""
    token = house.tokens()["refresh_token"]
    successor = house.refresh(token).get_json()
    house.clock.now += 30
    answers = all_at_once(houses, token)
    assert {error_of(answer) for answer in answers} == {(400, "invalid_grant")}
    assert house.introspect(successor["access_token"]) == {"active": False}
    assert error_of(house.refresh(successor["refresh_token"])) == (400, "invalid_grant")
    assert house.count("audit_events", "act = 'refresh_replay'") == 1


def test_the_grace_ends_when_the_successor_is_used(house: House) -> None:
    """Whoever still holds the old one afterwards is not the honest customer (RF-3)."""
    token = house.tokens()["refresh_token"]
    second = house.refresh(token).get_json()["refresh_token"]
    third = house.refresh(second).get_json()["refresh_token"]
    assert error_of(house.refresh(token)) == (400, "invalid_grant")
    assert error_of(house.refresh(third)) == (400, "invalid_grant")


def test_reuse_is_known_after_a_restart(house: House, house_url: str, house_keys: Path) -> None:
    """It hangs on rows, not on memory; so does the same successor (RF-6)."""
    token = house.tokens()["refresh_token"]
    second = house.refresh(token).get_json()["refresh_token"]
    app = make_app(house_url, house_keys, house.clock)
    again = House(app, app.extensions["idp"], house.clock, house.anna, house.session)
    assert again.refresh(token).get_json()["refresh_token"] == second
    house.clock.now += 31
    assert error_of(again.refresh(token)) == (400, "invalid_grant")
    assert error_of(again.refresh(second)) == (400, "invalid_grant")


def test_a_refresh_never_moves_the_end(house: House) -> None:
    """Every hour until the twelfth; no token is good past the session's end (RF-8, SE-3)."""
    body = house.tokens()
    end = house.session.expires_at
    for hour in range(1, 12):
        house.clock.now = NOW + hour * 3600
        body = house.refresh(body["refresh_token"]).get_json()
        assert claims_of(body["id_token"])["session_expiry"] == end
    house.clock.now = end - 10
    body = house.refresh(body["refresh_token"]).get_json()
    assert body["expires_in"] == 10
    assert claims_of(body["id_token"])["exp"] == end
    assert house.introspect(body["access_token"])["exp"] == end
    house.clock.now = end
    assert error_of(house.refresh(body["refresh_token"])) == (400, "invalid_grant")
    assert house.introspect(body["access_token"]) == {"active": False}
    assert house.introspect(body["refresh_token"]) == {"active": False}


def test_no_token_outlives_the_session_from_the_start(house: House) -> None:
    """A code redeemed in the last seconds gives tokens for seconds."""
    house.clock.now = house.session.expires_at - 5
    body = house.tokens()
    assert (body["expires_in"], claims_of(body["id_token"])["exp"]) == (5, house.session.expires_at)


def test_offline_access_outlives_the_session(house: House) -> None:
    """30 days idle, 180 in all; without a session there is no `sid` and no `session_expiry` (RF-8)."""
    body = house.tokens(offline=True, scope=SCOPE + " offline_access", expires_at=NOW + 180 * DAY)
    assert claims_of(body["id_token"])["session_expiry"] == house.session.expires_at
    house.clock.now = NOW + DAY
    body = house.refresh(body["refresh_token"]).get_json()
    claims = claims_of(body["id_token"])
    assert not {"sid", "session_expiry", "session_kept"} & set(claims)
    assert body["expires_in"] == 600
    for _ in range(6):
        house.clock.now += 29 * DAY
        body = house.refresh(body["refresh_token"]).get_json()
    assert house.clock.now < NOW + 180 * DAY
    house.clock.now = NOW + 180 * DAY
    assert error_of(house.refresh(body["refresh_token"])) == (400, "invalid_grant")


def test_offline_access_says_nothing_of_a_session_that_was_signed_out(house: House) -> None:
    """DESIGN, "sign-out": offline families stay, but neither ID token nor userinfo claims that the session goes on."""
    body = house.tokens(offline=True, scope=SCOPE + " offline_access", expires_at=NOW + 180 * DAY)
    before = house.userinfo(body["access_token"]).get_json()
    assert before["session_expiry"] == house.session.expires_at
    house.clock.now += 60
    with house.provider.database.transaction() as tx:
        values = {"account_id": house.anna.account_id, "sid": house.session.sid, "now": house.clock.now}
        assert apply_ending(house.provider, tx, Act.SIGN_OUT, **values).family_ids == ()
    told = {"sid", "session_expiry", "session_kept"}
    after = house.userinfo(body["access_token"]).get_json()
    assert after == {name: value for name, value in before.items() if name not in told}
    renewed = house.refresh(body["refresh_token"]).get_json()
    assert not told & set(claims_of(renewed["id_token"]))
    assert house.userinfo(renewed["access_token"]).get_json() == after


def test_offline_access_ends_when_it_is_not_used(house: House) -> None:
    """After 30 idle days."""
    body = house.tokens(offline=True, scope="openid offline_access", expires_at=NOW + 180 * DAY)
    house.clock.now = NOW + 30 * DAY
    assert error_of(house.refresh(body["refresh_token"])) == (400, "invalid_grant")


def test_scope_is_narrowed_for_the_access_token_only(house: House) -> None:
    """Never wider; the next refresh has all of it again (RF-4, RF-11, RFC 6749 §6)."""
    body = house.tokens(scope="openid email")
    token = body["refresh_token"]
    assert error_of(house.refresh(token, scope="openid email profile")) == (400, "invalid_scope")
    narrow = house.refresh(token, scope="email").get_json()
    assert (narrow["scope"], "id_token" in narrow) == ("email", False)
    assert house.userinfo(narrow["access_token"]).status_code == 403
    wide = house.refresh(narrow["refresh_token"]).get_json()
    assert wide["scope"] == "email openid"


def test_scope_that_the_client_lost_is_lost(house: House) -> None:
    """Each refresh looks at what the client may still ask for (RF-9, RF-11)."""
    token = house.tokens()["refresh_token"]
    add_client(house.provider, "site", scope="openid approval")
    assert house.refresh(token).get_json()["scope"] == "approval openid"


def test_a_client_that_lost_every_scope_gets_nothing_and_loses_nothing(house: House) -> None:
    """Nothing is rotated by a refusal: once the scope is back, the same token works (RF-11, RFC 6749 §5.2)."""
    token = house.tokens(scope="openid email")["refresh_token"]
    add_client(house.provider, "site", scope="approval")
    assert error_of(house.refresh(token)) == (400, "invalid_scope")
    add_client(house.provider, "site", scope="openid email")
    assert house.refresh(token).get_json()["scope"] == "email openid"


def test_another_clients_refresh_token_is_refused(house: House) -> None:
    """Bound to the client, and a stranger cannot end the family (RF-1, RF-4)."""
    token = house.tokens()["refresh_token"]
    assert error_of(house.refresh(token, "other")) == (400, "invalid_grant")
    assert house.refresh(token).status_code == 200
    house.clock.now += 60
    assert error_of(house.refresh(token, "other")) == (400, "invalid_grant")
    assert house.count("token_families", "revoked_at IS NOT NULL") == 0


@pytest.mark.parametrize("status", ["pending", "rejected", "suspended"])
def test_approval_follows_the_clients_policy(house: House, status: str) -> None:
    """A site that requires approval gets nothing; another the claim that tells the truth (RF-9)."""
    site, portal = house.tokens(), house.tokens("portal")
    house.set_approval(status)
    assert error_of(house.refresh(site["refresh_token"])) == (400, "invalid_grant")
    body = house.refresh(portal["refresh_token"], "portal").get_json()
    assert claims_of(body["id_token"])["approval_status"] == status


def test_a_closed_account_refreshes_nothing(house: House) -> None:
    """Even if nobody had ended its families (RF-9)."""
    token = house.tokens("portal")["refresh_token"]
    with house.provider.database.transaction() as tx:
        closings.close(tx, house.anna.account_id, by_kind="staff", erase_at=NOW + 86400, now=NOW)
    assert error_of(house.refresh(token, "portal")) == (400, "invalid_grant")


def test_a_locked_account_stays(house: House) -> None:
    """Locked by guessing: new sign-ins wait, tokens stay ("What ends what")."""
    token = house.tokens()["refresh_token"]
    with house.provider.database.transaction() as tx:
        apply_ending(house.provider, tx, Act.ACCOUNT_LOCKED, account_id=house.anna.account_id, now=NOW)
    assert house.refresh(token).status_code == 200


def test_a_disabled_client_refreshes_nothing(house: House) -> None:
    """It cannot authenticate any more (CA-1, RF-9)."""
    token = house.tokens()["refresh_token"]
    with house.provider.database.transaction() as tx:
        clients.set_client_disabled(tx, "site", True, NOW)
    assert error_of(house.refresh(token)) == (401, "invalid_client")


def test_once_revoked_nothing_comes_from_the_family(house: House, houses: list[House]) -> None:
    """Refresh and ending exclude each other: whatever was minted in parallel is inactive (RF-7, RF-10)."""
    token = house.tokens()["refresh_token"]
    start = threading.Barrier(TRIES + 1)

    def attempt(number: int) -> TestResponse:
        start.wait()
        return houses[number % len(houses)].refresh(token)

    def end() -> None:
        start.wait()
        with house.provider.database.transaction() as tx:
            endings.end_families_of_account(tx, house.anna.account_id, reason="sign_out_everywhere", now=NOW)

    with ThreadPoolExecutor(TRIES + 1) as pool:
        ending = pool.submit(end)
        answers = list(pool.map(attempt, range(TRIES)))
        ending.result()
    for answer in answers:
        if answer.status_code == 200:
            assert house.introspect(answer.get_json()["access_token"]) == {"active": False}
        else:
            assert error_of(answer) == (400, "invalid_grant")
    assert error_of(house.refresh(token)) == (400, "invalid_grant")


def test_a_client_without_the_grant_gets_no_refresh_token(house: House) -> None:
    """Only who is registered for it."""
    add_client(house.provider, "other", grant_types=["authorization_code"])
    assert "refresh_token" not in house.tokens("other")
