"""Introspection: who may know what, and that the answer follows the database at once."""

from __future__ import annotations

from typing import Any

import jwt as pyjwt
import pytest

from idp.protocol.id_token_hint import read_hint
from idp.store import clients, closings, endings
from idp.store.database import Statement
from tests.support.tokens import ISSUER, NOW, House, add_client

INACTIVE = b'{"active":false}'


def test_a_service_learns_about_tokens_for_its_audiences(house: House) -> None:
    """Everything a service needs to decide (RFC 7662 §2.2, IN-9)."""
    told = house.introspect(house.tokens()["access_token"], "service")
    assert told == {
        "active": True,
        "iss": "http://localhost",
        "sub": house.anna.account_id,
        "client_id": "site",
        "scope": "approval email openid profile session",
        "iat": NOW,
        "exp": NOW + 600,
        "token_type": "Bearer",
        "aud": "site",
        "approval_status": "approved",
        "approval_updated_at": house.anna.approval_updated_at,
    }


def test_who_is_not_meant_learns_nothing(house: House) -> None:
    """Unknown, foreign, expired, revoked, malformed: the same bytes (IN-2, IN-3, IN-1)."""
    body = house.tokens()
    token, foreign = body["access_token"], house.tokens("other")["access_token"]
    revoked = house.tokens("portal")["access_token"]
    with house.provider.database.transaction() as tx:
        endings.end_families_at_clients(tx, house.anna.account_id, ["portal"], reason="consent_withdrawn", now=NOW)
    cases = [
        ("service", text) for text in (foreign, revoked, "unknown", token[:-1], token + "A", token.swapcase(), 'ü"\\')
    ]
    cases += [("other", token), ("other", body["refresh_token"]), ("service", body["refresh_token"])]
    for client_id, text in cases:
        answer = house.post("/oauth/introspect", {"token": text}, client_id)
        assert (answer.status_code, answer.data) == (200, INACTIVE)
    house.clock.now = NOW + 600
    assert house.post("/oauth/introspect", {"token": token}).data == INACTIVE


def test_a_client_may_ask_about_its_own(house: House) -> None:
    """Access and refresh token, whatever the hint says (RFC 7662 §2.1)."""
    body = house.tokens()
    for hint in ("access_token", "refresh_token", "nonsense"):
        for token in (body["access_token"], body["refresh_token"]):
            answer = house.post("/oauth/introspect", {"token": token, "token_type_hint": hint})
            assert answer.get_json()["active"] is True
    assert "aud" not in house.introspect(body["refresh_token"])
    assert house.introspect(body["refresh_token"])["exp"] == house.session.expires_at


@pytest.mark.parametrize("status", ["pending", "rejected", "suspended"])
def test_a_suspension_shows_at_once(house: House, status: str) -> None:
    """Inactive where the site requires approval, the new value where it does not ("What ends what", IN-4)."""
    site, portal = house.tokens()["access_token"], house.tokens("portal")["access_token"]
    house.set_approval(status)
    assert house.introspect(site, "service") == {"active": False}
    assert house.introspect(portal, "service")["approval_status"] == status


def test_ended_accounts_and_clients_show_at_once(house: House) -> None:
    """Even where nobody ended the tokens (IN-4)."""
    token, other = house.tokens("portal")["access_token"], house.tokens("other")["access_token"]
    with house.provider.database.transaction() as tx:
        clients.set_client_disabled(tx, "other", True, NOW)
    add_client(house.provider, "wide", may_introspect=["other", "portal"])
    assert house.introspect(other, "wide") == {"active": False}
    assert house.introspect(token, "wide")["active"] is True
    with house.provider.database.transaction() as tx:
        closings.close(tx, house.anna.account_id, by_kind="staff", erase_at=NOW + 86400, now=NOW)
    assert house.introspect(token, "wide") == {"active": False}


def test_several_audiences_are_a_list(house: House) -> None:
    """One of them is enough for a service (RFC 7662 §2.2)."""
    add_client(house.provider, "other", resources=["portal", "https://api.example/"])
    told = house.introspect(house.tokens("other")["access_token"], "service")
    assert told["aud"] == ["portal", "https://api.example/"]


def test_without_resources_the_client_is_the_audience(house: House) -> None:
    """A token always has one (IN-9)."""
    add_client(house.provider, "nosy", may_introspect=["other"])
    assert house.introspect(house.tokens("other")["access_token"], "nosy")["aud"] == "other"


def test_a_family_that_ended_alone_is_enough(house: House) -> None:
    """The token's own mark is not the only one that counts."""
    token = house.tokens()["access_token"]
    with house.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE token_families SET revoked_at = :now"), now=NOW)
    assert house.introspect(token) == {"active": False}


def test_the_token_is_required(still_house: House) -> None:
    """`invalid_request` (RFC 7662 §2.3)."""
    answer = still_house.post("/oauth/introspect", {"token_type_hint": "access_token"})
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_only_services_that_we_know_may_ask(house: House) -> None:
    """Some authorization is required, so that nobody can try tokens out (RFC 7662 §2.1, §4, CA-9, IN-1)."""
    token = house.tokens()["access_token"]
    for form, client_id in (
        ({"token": token}, None),
        ({"token": token}, "nobody"),
        ({"token": token, "client_id": "public"}, None),
        ({"token": token, "client_id": "site"}, None),
    ):
        answer = house.post("/oauth/introspect", form, client_id)
        assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    bearer = house.post("/oauth/introspect", {"token": token}, None, Authorization=f"Bearer {token}")
    assert bearer.status_code == 401


def test_other_parameters_are_passed_over(house: House) -> None:
    """Extensions that we do not know (RFC 7662 §2.1)."""
    form = {"token": house.tokens()["access_token"], "resource": "https://api.example/", "unknown": "x"}
    assert house.post("/oauth/introspect", form, "service").get_json()["active"] is True


def test_nobody_keeps_an_answer(house: House) -> None:
    """What a token says now may be different in a second (RFC 7662 §4: no cache, so no window)."""
    for token in (house.tokens()["access_token"], "unknown"):
        answer = house.post("/oauth/introspect", {"token": token}, "service")
        assert (answer.headers["Cache-Control"], answer.headers["Content-Type"]) == ("no-store", "application/json")


def test_not_from_the_query(still_house: House) -> None:
    """A token in an address is refused (IN-5)."""
    answer = still_house.post("/oauth/introspect?token=x", {"token": "x"})
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


JWT = "application/token-introspection+jwt"


def read(house: House, text: str, alg: str, audience: str = "service") -> dict[str, Any]:
    """The claims, verified with the published keys by a library that knows nothing of us."""
    header = pyjwt.get_unverified_header(text)
    keys = house.app.test_client().get("/oauth/jwks").get_json()["keys"]
    (key,) = [key for key in keys if key["kid"] == header["kid"]]
    assert (header["typ"], header["alg"]) == ("token-introspection+jwt", alg)
    options: Any = {"verify_iat": False}
    return pyjwt.decode(text, pyjwt.PyJWK(key).key, algorithms=[alg], audience=audience, issuer=ISSUER, options=options)


@pytest.mark.parametrize("accept", [JWT, f"{JWT}, application/json;q=0.5", f"*/*, {JWT.upper()};q=0.9"])
def test_a_signed_answer_for_whoever_asks_for_it(house: House, accept: str) -> None:
    """The same members, in one of a JWT for this caller (RFC 9701 §4, §5)."""
    token = house.tokens()["access_token"]
    answer = house.post("/oauth/introspect", {"token": token}, "service", Accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (
        200,
        JWT,
        "no-store",
    )
    assert read(house, answer.get_data(as_text=True), "RS256") == {
        "iss": ISSUER,
        "aud": "service",
        "iat": NOW,
        "token_introspection": house.introspect(token, "service"),
    }


def test_a_signed_answer_says_inactive_too(house: House) -> None:
    """And nothing else (RFC 9701 §5)."""
    answer = house.post("/oauth/introspect", {"token": "unknown"}, "service", Accept=JWT)
    assert read(house, answer.get_data(as_text=True), "RS256")["token_introspection"] == {"active": False}


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA"])
def test_a_registered_algorithm(house: House, alg: str) -> None:
    """Whoever registered `introspection_signed_response_alg` need not ask; who names JSON gets JSON (RFC 9701 §6)."""
    add_client(
        house.provider, "service", may_introspect=["site"], introspection_signed_response_alg=alg, grant_types=[]
    )
    form = {"token": house.tokens()["access_token"]}
    for accept in ("", "*/*", JWT):
        answer = house.post("/oauth/introspect", form, "service", Accept=accept)
        assert read(house, answer.get_data(as_text=True), alg)["token_introspection"]["active"] is True
    assert house.post("/oauth/introspect", form, "service", Accept="application/json").get_json()["active"] is True


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html", "application/jwt", ", ;q", "\xff"])
def test_others_get_json(house: House, accept: str) -> None:
    """Whatever else they name."""
    answer = house.post("/oauth/introspect", {"token": "x"}, "service", Accept=accept)
    assert (answer.headers["Content-Type"], answer.data) == ("application/json", INACTIVE)


def test_a_signed_answer_is_no_other_token(house: House) -> None:
    """Neither a hint nor an access token (RFC 9701 §8.1, JW-4)."""
    token = house.tokens()["access_token"]
    answer = house.post("/oauth/introspect", {"token": token}, "site", Accept=JWT).get_data(as_text=True)
    assert read_hint(answer, house.provider.keyring, issuer=ISSUER) is None
    assert house.userinfo(answer).status_code == 401


def test_errors_stay_json(house: House) -> None:
    """Whatever was asked for (RFC 7662 §2.3)."""
    answer = house.post("/oauth/introspect", {}, "service", Accept=JWT)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
