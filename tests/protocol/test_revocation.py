"""Revocation: a client ends its own token and what came with it, and cannot touch or learn of anybody else's."""

from __future__ import annotations

import sqlite3

import pytest

from idp.store.database import Statement
from tests.support.tokens import CALLBACK, SECRET, VERIFIER, House, add_client


def is_active(house: House, token: str, client_id: str = "site") -> bool:
    """What introspection says."""
    return house.introspect(token, client_id)["active"] is True


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
def test_an_access_token_ends_alone(house: House, hint: str | None) -> None:
    """Whatever the hint says; the refresh token goes on (RFC 7009 §2.1)."""
    tokens = house.tokens()
    other = house.refresh(tokens["refresh_token"]).get_json()
    answer = house.revoke(tokens["access_token"], **({"token_type_hint": hint} if hint else {}))
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (200, b"", "no-store")
    assert not is_active(house, tokens["access_token"])
    assert house.userinfo(tokens["access_token"]).status_code == 401
    assert is_active(house, other["access_token"])
    assert house.refresh(other["refresh_token"]).status_code == 200


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
def test_with_a_refresh_token_everything_ends_that_came_with_it(house: House, hint: str | None) -> None:
    """All access tokens of the same authorization too (RFC 7009 §2.1); another authorization is not touched."""
    first, apart = house.tokens(), house.tokens()
    second = house.refresh(first["refresh_token"]).get_json()
    assert house.revoke(second["refresh_token"], **({"token_type_hint": hint} if hint else {})).status_code == 200
    for token in (first["access_token"], second["access_token"], second["refresh_token"]):
        assert not is_active(house, token)
    assert house.refresh(second["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert is_active(house, apart["access_token"])
    assert house.count("token_families", "revoke_reason = 'token_revoked'") == 1
    assert house.count("audit_events", "act = 'token_revoked' AND actor_kind = 'client' AND client_id = 'site'") == 1


def test_a_refresh_token_that_was_exchanged_counts_too(house: House) -> None:
    """The client lost the newer one; it wants an end all the same."""
    first = house.tokens()
    second = house.refresh(first["refresh_token"]).get_json()
    house.revoke(first["refresh_token"])
    assert house.refresh(second["refresh_token"]).get_json()["error"] == "invalid_grant"


def test_a_foreign_or_unknown_token_is_answered_alike(house: House) -> None:
    """200, and nothing happens (RFC 7009 §2.2): who asks learns nothing (IN-6, CO-12)."""
    tokens = house.tokens()
    theirs = [house.revoke(tokens[name], "other") for name in ("access_token", "refresh_token", "id_token")]
    unknown = [house.revoke(text) for text in ("unknown", tokens["access_token"][:-1], 'ü"')]
    assert {(answer.status_code, answer.data) for answer in theirs + unknown} == {(200, b"")}
    assert is_active(house, tokens["access_token"])
    assert is_active(house, tokens["refresh_token"])
    assert house.count("audit_events", "act = 'token_revoked'") == 0


def test_again_is_as_good_as_once(house: House) -> None:
    """A token that ended already is an invalid one (RFC 7009 §2.2)."""
    tokens = house.tokens()
    for _ in range(2):
        assert house.revoke(tokens["access_token"]).status_code == 200
        assert house.revoke(tokens["refresh_token"]).status_code == 200
    assert house.count("audit_events", "act = 'token_revoked'") == 1


def test_a_public_client_revokes_its_own(house: House) -> None:
    """It says who it is (RFC 7009 §2.1, RFC 6749 §2.3.1), and only its own tokens end (CA-9)."""
    add_client(house.provider, "public", token_endpoint_auth_method="none", require_approval=False)
    form = {"grant_type": "authorization_code", "code": house.code("public"), "redirect_uri": CALLBACK}
    answer = house.post("/oauth/token", {**form, "code_verifier": VERIFIER, "client_id": "public"}, None)
    tokens, foreign = answer.get_json(), house.tokens()
    for token in (tokens["access_token"], foreign["access_token"]):
        answer = house.post("/oauth/revoke", {"token": token, "client_id": "public"}, None)
        assert answer.status_code == 200
    assert house.userinfo(tokens["access_token"]).status_code == 401
    assert house.userinfo(foreign["access_token"]).status_code == 200


def test_a_client_ends_a_token_of_its_own(house: House) -> None:
    """One that it got for itself."""
    add_client(house.provider, "robot", redirect_uris=[], grant_types=["client_credentials"])
    token = house.post("/oauth/token", {"grant_type": "client_credentials"}, "robot").get_json()["access_token"]
    house.revoke(token, "other")
    assert is_active(house, token, "robot")
    house.revoke(token, "robot")
    assert not is_active(house, token, "robot")


@pytest.mark.parametrize(
    ("client_id", "form", "status", "error"),
    [
        ("site", {}, 400, "invalid_request"),
        ("site", {"token": ""}, 400, "invalid_request"),
        ("site", [("token", "a"), ("token", "b")], 400, "invalid_request"),
        ("site", {"token": "x" * 5000}, 400, "invalid_request"),
        ("site", {"token": "a\nb"}, 400, "invalid_request"),
        ("nobody", {"token": "x"}, 401, "invalid_client"),
        (None, {"token": "x"}, 401, "invalid_client"),
        (None, {"token": "x", "client_id": "site"}, 401, "invalid_client"),
        (None, {"token": "x", "client_id": "site", "client_secret": "wrong"}, 401, "invalid_client"),
        ("site", {"token": "x", "client_secret": SECRET}, 400, "invalid_request"),
    ],
)
def test_what_is_refused(still_house: House, client_id: str | None, form: object, status: int, error: str) -> None:
    """The token is required, and so is who asks (RFC 7009 §2.1, §2.2.1) (IN-6)."""
    answer = still_house.post("/oauth/revoke", form, client_id)
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_database_that_fails_is_no_success(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 and a living token, never the 200 that says it ended (IN-6, RL-10, CVE-2020-15223)."""
    token = house.tokens()["refresh_token"]

    def away(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr("idp.store.database.Transaction.run", away)
        broken.setattr("idp.store.database.Transaction.one", away)
        answer = house.revoke(token)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert house.refresh(token).status_code == 200


def test_not_from_the_query(house: House) -> None:
    """A token in an address is refused and lives on (IN-5)."""
    token = house.tokens()["access_token"]
    assert house.post(f"/oauth/revoke?token={token}", {"token": token}).status_code == 400
    assert is_active(house, token)


def test_the_family_is_what_ends(house: House) -> None:
    """Its row, whatever the tokens' own rows say."""
    tokens = house.tokens()
    house.revoke(tokens["refresh_token"])
    with house.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE access_tokens SET revoked_at = NULL"))
    assert not is_active(house, tokens["access_token"])
