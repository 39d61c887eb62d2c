"""What stands between Authlib and us: the seams that we override, and that its log shows nothing."""

from __future__ import annotations

import inspect
import logging
import sqlite3
from typing import Any

import pytest
from authlib.oauth2.rfc6749 import AuthorizationServer, grants

from idp.protocol import access_token
from idp.protocol.authorization_server import ClientGrant, CodeGrant, RefreshGrant, TokenServer
from tests.support.tokens import SECRET, VERIFIER, House, basic


@pytest.mark.parametrize(
    ("ours", "theirs", "name"),
    [
        (TokenServer, AuthorizationServer, "create_oauth2_request"),
        (TokenServer, AuthorizationServer, "get_token_grant"),
        (TokenServer, AuthorizationServer, "authenticate_client"),
        (TokenServer, AuthorizationServer, "send_signal"),
        (TokenServer, AuthorizationServer, "handle_response"),
        (CodeGrant, grants.AuthorizationCodeGrant, "validate_token_request"),
        (CodeGrant, grants.AuthorizationCodeGrant, "create_token_response"),
        (RefreshGrant, grants.RefreshTokenGrant, "validate_token_request"),
        (RefreshGrant, grants.RefreshTokenGrant, "create_token_response"),
        (ClientGrant, grants.ClientCredentialsGrant, "validate_token_request"),
        (ClientGrant, grants.ClientCredentialsGrant, "create_token_response"),
    ],
)
def test_the_seams_are_where_they_were(ours: Any, theirs: Any, name: str) -> None:
    """An upgrade that renames a method would bring Authlib's own behaviour back; it fails here first."""
    assert getattr(ours, name) is not getattr(theirs, name)
    signature = inspect.signature(getattr(theirs, name))
    if not any(item.kind is item.VAR_POSITIONAL for item in signature.parameters.values()):
        assert list(inspect.signature(getattr(ours, name)).parameters) == list(signature.parameters)


def test_no_secret_is_logged_at_any_level(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Codes, tokens, verifiers and client secrets, in answers and in refusals (GO-7, LG-4)."""
    caplog.set_level(logging.DEBUG)
    for name in ("authlib", "idp", "sqlalchemy", "joserfc"):
        caplog.set_level(logging.DEBUG, logger=name)
    code = house.code()
    first = house.redeem(code).get_json()
    second = house.refresh(first["refresh_token"]).get_json()
    house.introspect(second["access_token"], "service")
    house.userinfo(second["access_token"])
    house.redeem(code)
    house.refresh(second["refresh_token"])
    secrets = {code, SECRET, VERIFIER}
    for body in (first, second):
        secrets |= {body["access_token"], body["refresh_token"], body["id_token"]}
    assert "refused" in caplog.text
    assert not [secret for secret in secrets if secret in caplog.text]


def test_a_refusal_is_one_line(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Who, where and why; the answer says less than the log (GO-8)."""
    house.redeem("x" * 43)
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(lines) == 1
    for word in ("token", "invalid_grant", "site", "unknown code"):
        assert word in lines[0]


def test_a_guess_names_whose_secret_it_was_about(still_house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The log says which client was tried, never with what (GO-8, CA-4)."""
    guess = "guess" * 9
    still_house.post("/oauth/introspect", {"token": "x"}, None, Authorization=basic("site", guess))
    assert "wrong secret for 'site'" in caplog.text.replace("\\", "")
    assert guess not in caplog.text


@pytest.mark.parametrize(("durability", "level"), [("balanced", 1), ("full", 2)])
def test_token_steps_are_as_durable_as_configured(
    still_house: House, monkeypatch: pytest.MonkeyPatch, durability: str, level: int
) -> None:
    """`balanced` commits token steps with synchronous=NORMAL, `full` with FULL."""
    seen = []
    issue = access_token.issue_tokens

    def spy(tx: Any, *values: Any, **named: Any) -> Any:
        driver: sqlite3.Connection = tx._driver
        seen.append(driver.execute("PRAGMA synchronous").fetchone()[0])
        return issue(tx, *values, **named)

    monkeypatch.setattr("idp.protocol.authorization_code.issue_tokens", spy)
    monkeypatch.setattr(still_house.provider.database, "durability", durability)
    still_house.tokens()
    assert seen == [level]
