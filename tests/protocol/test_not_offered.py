"""What the provider does not offer is refused cleanly: the device grant, pushed requests, sender-constrained tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.lobby import Lobby, answer_of
from tests.support.tokens import House, add_client, basic

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
PUSHED = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"
PROOF = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2In0.eyJodG0iOiJQT1NUIn0.c2ln"


def metadata(house: House) -> dict[str, Any]:
    """What discovery says."""
    return dict(house.app.test_client().get("/.well-known/openid-configuration").get_json())


@pytest.mark.parametrize("path", ["/oauth/device_authorization", "/oauth/backchannel_authentication", "/oauth/par"])
@pytest.mark.parametrize("client_id", ["site", None])
def test_an_endpoint_that_is_not_there_is_not_found(still_house: House, path: str, client_id: str | None) -> None:
    """As JSON, with and without credentials (DV-1, DV-5, PA-1): no code, no handle, nothing to guess or to poll."""
    answer = still_house.post(path, {"client_id": "other", "scope": "openid"}, client_id)
    assert (answer.status_code, answer.get_json()["error"]) == (404, "invalid_request")
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_for_device_codes_is_not_there(lobby: Lobby) -> None:
    """A complete link of somebody else's device opens nothing, also for who is signed in (DV-2)."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    for path in ("/device", "/device?user_code=WDJB-MJHT"):
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"user_code": "WDJB-MJHT"}).status_code in (400, 404)


@pytest.mark.parametrize("grant_type", [DEVICE, CIBA])
def test_its_grant_types_are_refused(still_house: House, grant_type: str) -> None:
    """However often somebody polls, and whoever registered it (DV-3, DV-4)."""
    form = {"grant_type": grant_type, "device_code": "x" * 43, "client_id": "site"}
    answers = [still_house.post("/oauth/token", {**form, "client_id": "site"}) for _ in range(3)]
    assert {answer.get_json()["error"] for answer in answers} <= {"unsupported_grant_type", "invalid_request"}
    answers = [still_house.post("/oauth/token", {"grant_type": grant_type, "device_code": "x" * 43}) for _ in range(3)]
    assert {(answer.status_code, answer.get_json()["error"]) for answer in answers} == {(400, "unsupported_grant_type")}


def test_discovery_names_none_of_it(still_house: House) -> None:
    """Who reads it learns what there is (DV-1, PA-1, DP-1)."""
    told = metadata(still_house)
    assert not {
        name for name in told if "device" in name or "pushed" in name or "dpop" in name or "backchannel_a" in name
    }
    assert DEVICE not in told["grant_types_supported"]
    assert set(told) & {"tls_client_certificate_bound_access_tokens"} == set()


def test_a_pushed_handle_is_no_request(lobby: Lobby) -> None:
    """A handle that we never gave is no address that a client registered; what stands beside it does not count (PA-2)."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    answer = answer_of(browser.authorize(request_uri=PUSHED))
    assert answer["error"] == "invalid_request_uri"
    assert "code" not in answer


def test_a_proof_binds_nothing_and_nothing_pretends_to_be_bound(house: House) -> None:
    """Tokens are bearer tokens and say so; a proof beside the request changes nothing (DP-1)."""
    answer = house.post(
        "/oauth/token",
        {
            "grant_type": "authorization_code",
            "code": house.code(),
            "redirect_uri": "https://site.example/cb",
            "code_verifier": "v" * 43,
        },
        "site",
        DPoP=PROOF,
    )
    body = answer.get_json()
    assert body["token_type"] == "Bearer"
    assert "cnf" not in house.introspect(body["access_token"])


def test_the_scheme_of_bound_tokens_is_refused(house: House) -> None:
    """At userinfo and for client authentication: 401, and a bearer token is no bound one (DP-2)."""
    token = house.tokens()["access_token"]
    http = house.app.test_client()
    answer = http.get("/oauth/userinfo", headers={"Authorization": f"DPoP {token}", "DPoP": PROOF})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert house.userinfo(token).status_code == 200
    refused = http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"DPoP {token}"}
    )
    assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_client")


def test_a_client_cannot_register_for_it(house: House) -> None:
    """A registration that names the device grant by hand gives no way to use it (DV-3)."""
    add_client(house.provider, "tv", grant_types=[DEVICE], redirect_uris=[])
    answer = house.app.test_client().post(
        "/oauth/token",
        data={"grant_type": DEVICE, "device_code": "x" * 43},
        headers={"Authorization": basic("tv", "s" * 43)},
    )
    assert answer.get_json()["error"] == "unsupported_grant_type"
