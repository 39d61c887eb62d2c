"""Which commits wait for the disk on SQLite: the pragma is read in each step's transaction (DESIGN, "The hot path")."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import has_request_context, request

from idp.store.database import Database, Transaction
from tests.support.lobby import CALLBACK, VERIFIER, Browser, Lobby, answer_of, hidden_fields, request_parameters

NORMAL, FULL = 1, 2
Steps = list[tuple[str, int]]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Method, path and pragma of each transaction that a request writes in."""
    seen: Steps = []
    begin = Database.transaction

    @contextmanager
    def watched(self: Database, *, durable: bool = True) -> Iterator[Transaction]:
        with begin(self, durable=durable) as tx:
            driver: sqlite3.Connection = tx._driver
            if has_request_context():
                where = "/".join(request.path.split("/")[:3])
                seen.append((f"{request.method} {where}", driver.execute("PRAGMA synchronous").fetchone()[0]))
            yield tx

    monkeypatch.setattr(Database, "transaction", watched)
    return seen


def walk(lobby: Lobby) -> None:
    """A request that a site posts, a consent, its code and tokens, a visit later, a change of the profile, sign-out."""
    lobby.add_client("site", require_approval=False, details={"token_endpoint_auth_method": "none"})
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    parked = browser.post("/oauth/authorize", request_parameters())
    waiting = browser.get(parked.headers["Location"])
    consent = browser.get(waiting.headers["Location"])
    approval = {**hidden_fields(consent.text), "wish": "approve"}
    code = answer_of(browser.post(waiting.headers["Location"], approval))["code"]
    tokens = redeem(browser, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER)
    assert "code" in answer_of(browser.authorize())  # consent is remembered: the code comes at once
    redeem(browser, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    lobby.now += 120
    profile = browser.get("/account")
    changed = {"given_name": "Ada", "family_name": "Lovelace", "company": "", "country": "GB", "locale": "en"}
    assert browser.post("/account", {**hidden_fields(profile.text), **changed}).status_code == 303
    sign_out = {"csrf_token": hidden_fields(profile.text)["csrf_token"]}
    assert browser.post("/sign-out", sign_out).status_code == 303


def redeem(browser: Browser, **form: str) -> dict[str, str]:
    """What the token endpoint answers."""
    answer = browser.post("/oauth/token", {"client_id": "site", **form})
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


@pytest.mark.parametrize("durability", ["balanced", "full"])
def test_only_token_steps_do_not_wait_for_the_disk(
    tmp_path: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch, durability: str
) -> None:
    """`balanced`: issue, code and refresh commit with NORMAL, everything else with FULL; `full`: all with FULL."""
    lobby = Lobby(f"sqlite:///{tmp_path}/idp.sqlite3", tmp_path / "keys")
    monkeypatch.setattr(lobby.provider.database, "durability", durability)
    walk(lobby)
    seen = {level: {step for step, level_ in steps if level_ == level} for level in (NORMAL, FULL)}
    token_steps = {"GET /oauth/authorize", "GET /oauth/continue", "POST /oauth/token"}
    others = {"POST /oauth/authorize", "POST /oauth/continue", "GET /account", "POST /account", "POST /sign-out"}
    expected = {"balanced": {NORMAL: token_steps, FULL: others}, "full": {NORMAL: set(), FULL: token_steps | others}}
    assert seen == expected[durability]
