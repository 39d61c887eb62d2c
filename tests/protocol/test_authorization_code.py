"""Redeeming a code: bound to everything it was issued for, once, and a replay ends what came from it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.protocol import authorization_code
from idp.store import endings
from tests.support.tokens import NOW, VERIFIER, House, make_app

TRIES = 16


def error_of(answer: TestResponse) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.get_json()["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://site.example/cb/"},
        {"redirect_uri": "https://site.example/CB"},
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"code_verifier": "v" * 42},
        {"code_verifier": VERIFIER + "v"},
    ],
    ids=str,
)
def test_a_mismatch_is_refused_and_the_code_is_spent(house: House, changes: dict[str, str]) -> None:
    """Redirect URI and verifier must be the ones of the request; there is no second guess (CO-4, CO-6)."""
    code = house.code()
    assert error_of(house.redeem(code, **changes)) == (400, "invalid_grant")
    assert house.count("codes", "spent_at IS NOT NULL") == 1
    assert error_of(house.redeem(code)) == (400, "invalid_grant")
    assert (house.count("access_tokens"), house.count("refresh_tokens")) == (0, 0)


def test_a_verifier_without_a_challenge_is_refused(house: House) -> None:
    """No downgrade in either direction (CO-6)."""
    assert error_of(house.redeem(house.code(code_challenge=None))) == (400, "invalid_grant")
    assert house.redeem(house.code(code_challenge=None), code_verifier="").status_code == 200


def test_another_clients_code_is_refused_and_stays_good(house: House) -> None:
    """Who is not meant learns nothing and spoils nothing (CO-4)."""
    code = house.code()
    assert error_of(house.redeem(code, "other")) == (400, "invalid_grant")
    assert house.redeem(code).status_code == 200


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + "A", lambda c: c.swapcase(), lambda c: " " + c])
def test_a_changed_code_is_refused(house: House, change: Any) -> None:
    """Cut, added to, re-cased, padded (CO-12)."""
    assert error_of(house.redeem(change(house.code()))) == (400, "invalid_grant")


def test_no_other_secret_serves_as_a_code(house: House) -> None:
    """The purpose is part of what is looked up (CO-13)."""
    body = house.tokens()
    assert error_of(house.redeem(body["refresh_token"])) == (400, "invalid_grant")
    assert error_of(house.refresh(body["access_token"])) == (400, "invalid_grant")
    assert house.introspect(house.code()) == {"active": False}


def test_a_code_lives_for_a_minute(house: House) -> None:
    """At 60 seconds it is over (CO-3)."""
    first, second = house.code(), house.code()
    house.clock.now = NOW + 59
    assert house.redeem(first).status_code == 200
    house.clock.now = NOW + 60
    assert error_of(house.redeem(second)) == (400, "invalid_grant")


def test_a_code_of_an_ended_family_is_refused(house: House) -> None:
    """Sign-out, reset, withdrawn consent between issue and redemption (CO-10)."""
    code = house.code()
    with house.provider.database.transaction() as tx:
        endings.end_families_of_sessions(tx, house.anna.account_id, [house.session.sid], reason="sign_out", now=NOW)
    assert error_of(house.redeem(code)) == (400, "invalid_grant")


@pytest.mark.parametrize("status", ["pending", "rejected", "suspended"])
def test_approval_is_looked_at_again(house: House, status: str) -> None:
    """The client's policy decides at redemption too (RF-9)."""
    site, portal = house.code(), house.code("portal")
    house.set_approval(status)
    assert error_of(house.redeem(site)) == (400, "invalid_grant")
    assert house.redeem(portal, "portal").status_code == 200


def test_a_replay_ends_what_came_from_the_code(house: House) -> None:
    """Also long after the code expired; the trail has one line and the site is told once (CO-2)."""
    code = house.code()
    body = house.redeem(code).get_json()
    assert house.introspect(body["access_token"])["active"]
    house.clock.now = NOW + 300
    for _ in range(3):
        assert error_of(house.redeem(code)) == (400, "invalid_grant")
    assert house.introspect(body["access_token"]) == {"active": False}
    assert house.introspect(body["refresh_token"]) == {"active": False}
    assert house.userinfo(body["access_token"]).status_code == 401
    assert error_of(house.refresh(body["refresh_token"])) == (400, "invalid_grant")
    assert house.count("audit_events", "act = 'code_replay'") == 1
    assert house.count("token_incidents", "kind = 'code_replay' AND count = 3") == 1


def test_parallel_redemptions_have_one_winner_and_end_its_tokens(
    house: House, house_url: str, house_keys: Path
) -> None:
    """Sixteen at once on two instances: one 200, and its tokens are inactive afterwards (CO-1, CO-2)."""
    second = House(make_app(house_url, house_keys, house.clock), house.provider, house.clock, house.anna, house.session)
    houses = [house, second] if not house.provider.database.is_sqlite else [house]
    for _ in range(3):
        code = house.code()
        barrier = threading.Barrier(TRIES)

        def attempt(number: int, code: str = code, barrier: threading.Barrier = barrier) -> TestResponse:
            barrier.wait()
            return houses[number % len(houses)].redeem(code)

        with ThreadPoolExecutor(TRIES) as pool:
            answers = list(pool.map(attempt, range(TRIES)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * (TRIES - 1)
        body = next(answer.get_json() for answer in answers if answer.status_code == 200)
        assert house.introspect(body["access_token"]) == {"active": False}
        assert error_of(house.refresh(body["refresh_token"])) == (400, "invalid_grant")


def test_a_replay_between_spending_and_minting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The replay waits for the winner, then ends what it minted: nothing slips through (CO-2, RF-7)."""
    code = house.code()
    mint = authorization_code._mint
    answers: list[TestResponse] = []
    replay = threading.Thread(target=lambda: answers.append(house.redeem(code)))

    def slow_mint(*values: Any) -> Any:
        monkeypatch.setattr(authorization_code, "_mint", mint)
        replay.start()
        replay.join(0.5)
        assert not answers
        return mint(*values)

    monkeypatch.setattr(authorization_code, "_mint", slow_mint)
    body = house.redeem(code).get_json()
    replay.join()
    assert error_of(answers[0]) == (400, "invalid_grant")
    assert house.introspect(body["access_token"]) == {"active": False}
    assert error_of(house.refresh(body["refresh_token"])) == (400, "invalid_grant")


def test_an_ending_between_spending_and_minting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign-out that comes in the middle finds what was minted (RF-7, RC-3)."""
    code = house.code()
    mint = authorization_code._mint

    def sign_out() -> None:
        with house.provider.database.transaction() as tx:
            endings.end_families_of_sessions(tx, house.anna.account_id, [house.session.sid], reason="sign_out", now=NOW)

    ending = threading.Thread(target=sign_out)

    def slow_mint(*values: Any) -> Any:
        ending.start()
        ending.join(0.3)
        return mint(*values)

    monkeypatch.setattr(authorization_code, "_mint", slow_mint)
    body = house.redeem(code).get_json()
    ending.join()
    assert house.introspect(body["access_token"]) == {"active": False}


def test_what_cannot_be_signed_was_not_issued(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault while signing leaves the code good and no token behind (C5 of the notes on Authlib, GO-9)."""
    code = house.code()

    def fail(*_: Any, **__: Any) -> str:
        raise RuntimeError("no key")

    with monkeypatch.context() as broken:
        broken.setattr("idp.keys.keyring.Keyring.sign_jwt", fail)
        assert error_of(house.redeem(code)) == (500, "server_error")
    assert house.count("access_tokens") == 0
    assert house.redeem(code).status_code == 200


def test_only_hashes_are_kept(house: House) -> None:
    """No code or token can be read from the database (CO-9, GO-7)."""
    code = house.code()
    body = house.redeem(code).get_json()
    secrets = {code, body["access_token"], body["refresh_token"]}
    kept: set[str] = set()
    with house.provider.database.engine.connect() as connection:
        for table in ("codes", "access_tokens", "refresh_tokens", "token_families"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):  # noqa: S608
                kept.update(str(value) for value in row)
    assert kept
    assert not any(secret in value for secret in secrets for value in kept)
