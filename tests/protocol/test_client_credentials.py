"""The client credentials grant: a service acts for itself, with its own scopes and nobody's claims."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from idp.protocol.client import check_client_metadata
from idp.store import clients
from tests.support.tokens import NOW, House, add_client

GRANT = {"grant_type": "client_credentials"}


def ask(house: House, client_id: str | None = "robot", /, **form: str) -> TestResponse:
    """One request."""
    return house.post("/oauth/token", {**GRANT, **form}, client_id)


@pytest.fixture
def robots(house: House) -> House:
    """A service with scopes of its own, beside some that are about end-users."""
    add_robot(house, "robot", scope="openid profile reports:read reports:write")
    return house


def add_robot(house: House, client_id: str, **changes: Any) -> None:
    """A client with this grant."""
    add_client(house.provider, client_id, redirect_uris=[], grant_types=["client_credentials"], **changes)


def test_the_answer(robots: House) -> None:
    """An access token and what is said beside it; neither refresh nor ID token (RFC 6749 §4.4.3)."""
    answer = ask(robots, scope="reports:read")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "reports:read")


def test_no_scope_means_all_that_is_its_own(robots: House) -> None:
    """What is about an end-user is none of it; with no scope at all the answer names none (RFC 6749 §3.3, §5.1)."""
    assert ask(robots).get_json()["scope"] == "reports:read reports:write"
    add_robot(robots, "plain")
    body = ask(robots, "plain").get_json()
    assert "scope" not in body
    assert "scope" not in robots.introspect(body["access_token"], "plain")


@pytest.mark.parametrize("scope", ["openid", "profile reports:read", "reports:delete", "offline_access"])
def test_other_scopes_are_refused(robots: House, scope: str) -> None:
    """`invalid_scope` (RFC 6749 §5.2)."""
    answer = ask(robots, scope=scope)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")


def test_introspection_tells_the_client(robots: House) -> None:
    """The subject is the client, and there is no approval to tell (RFC 7662 §2.2, RFC 9068 §2.2)."""
    add_robot(robots, "sender", resources=["https://api.example/"], scope="reports:read")
    add_client(robots.provider, "api", may_introspect=["https://api.example/"], grant_types=[])
    assert robots.introspect(ask(robots, "sender").get_json()["access_token"], "api") == {
        "active": True,
        "iss": "http://localhost",
        "sub": "sender",
        "client_id": "sender",
        "scope": "reports:read",
        "iat": NOW,
        "exp": NOW + 600,
        "token_type": "Bearer",
        "aud": "https://api.example/",
    }
    robots.clock.now += 600
    assert robots.introspect(ask(robots, "sender").get_json()["access_token"], "robot") == {"active": False}


def test_userinfo_has_nothing_to_say(robots: House) -> None:
    """The token is good, and not for this (RFC 6750 §3.1)."""
    answer = robots.userinfo(ask(robots).get_json()["access_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (403, "insufficient_scope")


def test_who_may_not(robots: House) -> None:
    """Clients without the grant, clients that do not authenticate, wrong secrets (RFC 6749 §4.4)."""
    assert ask(robots, "site").get_json()["error"] == "unauthorized_client"
    add_robot(robots, "open", token_endpoint_auth_method="none")
    answer = ask(robots, None, client_id="open")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
    assert ask(robots, None, client_id="robot").status_code == 401
    with pytest.raises(ValueError, match="grant_types"):
        check_client_metadata({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}, ["RS256"])
    assert check_client_metadata({"grant_types": ["client_credentials"]}, ["RS256"])["response_types"] == []


def test_a_disabled_client_has_no_tokens_any_more(robots: House) -> None:
    """At once, and also when it is switched on again ("client disabled", IN-4)."""
    token = ask(robots).get_json()["access_token"]
    assert robots.introspect(token, "robot")["active"] is True
    with robots.provider.database.transaction() as tx:
        apply_ending(robots.provider, tx, Act.CLIENT_DISABLED, account_id=None, client_id="robot", now=NOW)
        clients.set_client_disabled(tx, "robot", True, NOW)
    assert ask(robots).status_code == 401
    with robots.provider.database.transaction() as tx:
        clients.set_client_disabled(tx, "robot", False, NOW)
    assert robots.introspect(token, "robot") == {"active": False}
