"""Response types and modes: what comes back, how, and bound to what (OpenID Connect Core §3.2, §3.3; Form Post)."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from idp.protocol.id_token import half_hash
from tests.support.lobby import CALLBACK, SITE, Browser, Lobby, answer_of, request_parameters
from tests.support.tokens import claims_of

TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")


@pytest.fixture
def browser(lobby: Lobby) -> Browser:
    """Ada, signed in; the site `old` is registered for everything."""
    details = {"grant_types": ["authorization_code", "implicit", "refresh_token"], "response_types": list(TYPES)}
    lobby.add_client("old", first_party=True, resources=["https://api.example/"], details=details)
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    return browser


def ask(browser: Browser, response_type: str, **changes: str | None) -> Any:
    """An authorization request of the site that may ask for everything."""
    return browser.authorize(client_id="old", response_type=response_type, **changes)


@pytest.mark.parametrize("response_type", [*TYPES, "token id_token", "token code", "id_token token code"])
def test_each_type_answers_with_its_parts(lobby: Lobby, browser: Browser, response_type: str) -> None:
    """Modules server, idtoken-signature: each word brings its own, in any order, with `state` and `iss`."""
    answer = ask(browser, response_type)
    words = set(response_type.split())
    found = answer_of(answer)
    assert ("code" in found, "id_token" in found, "access_token" in found) == (
        "code" in words,
        "id_token" in words,
        "token" in words,
    )
    assert (found["state"], found["iss"]) == ("st", lobby.provider.settings.server.issuer)
    parts = urlsplit(answer.headers["Location"])
    assert bool(parts.query) == (response_type == "code")
    assert bool(parts.fragment) == (response_type != "code")
    if "token" in words:
        assert (found["token_type"], found["expires_in"]) == ("Bearer", "600")


@pytest.mark.parametrize("response_type", [kind for kind in TYPES if "id_token" in kind])
def test_a_front_channel_id_token_is_bound(lobby: Lobby, browser: Browser, response_type: str) -> None:
    """at_hash, c_hash, nonce (§3.2.2.10, §3.3.2.11); claims of the scopes only where it comes alone (§5.4) (JW-12)."""
    found = answer_of(ask(browser, response_type))
    claims = claims_of(found["id_token"])
    assert claims["nonce"] == "no"
    assert claims.get("at_hash") == (half_hash(found["access_token"], "RS256") if "access_token" in found else None)
    assert claims.get("c_hash") == (half_hash(found["code"], "RS256") if "code" in found else None)
    assert claims["s_hash"] == half_hash("st", "RS256")
    assert ("given_name" in claims) == (response_type == "id_token")
    assert lobby.provider.keyring.verify_own_jwt(found["id_token"])["sub"] == claims["sub"]


def test_a_front_channel_access_token_works_and_ends_with_the_session(lobby: Lobby, browser: Browser) -> None:
    """It belongs to the family of its authorization (DESIGN, "What ends what")."""
    token = answer_of(ask(browser, "id_token token"))["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    web = lobby.app.test_client()
    assert web.get("/oauth/userinfo", headers=headers).get_json()["given_name"] == "Ada"
    account_id = browser_account(lobby)
    with lobby.provider.database.transaction() as tx:
        apply_ending(lobby.provider, tx, Act.SIGN_OUT, account_id=account_id, sid=browser.sid, now=lobby.now)
    assert web.get("/oauth/userinfo", headers=headers).status_code == 401


def browser_account(lobby: Lobby) -> str:
    """Ada's account."""
    return str(lobby.rows("SELECT account_id FROM accounts WHERE user_name = 'ada'")[0]["account_id"])


@pytest.mark.parametrize("response_type", [kind for kind in TYPES if "id_token" in kind])
def test_without_a_nonce_there_is_no_front_channel_id_token(browser: Browser, response_type: str) -> None:
    """Module ensure-request-without-nonce-fails: in the fragment, and in a form if that was asked for (JW-12)."""
    answer = ask(browser, response_type, nonce=None)
    assert urlsplit(answer.headers["Location"]).fragment.startswith("error=invalid_request")
    assert posted(ask(browser, response_type, nonce=None, response_mode="form_post"))["error"] == "invalid_request"


def test_code_token_needs_no_nonce(browser: Browser) -> None:
    """§3.3.2.1 with §3.1.2.1; module ensure-request-without-nonce-succeeds."""
    assert "access_token" in answer_of(ask(browser, "code token", nonce=None))


@pytest.mark.parametrize("response_type", TYPES)
def test_a_form_can_be_posted_to_the_client(browser: Browser, response_type: str) -> None:
    """Form Post §2: values escaped, by itself and by a button, only to the client's origin, never stored.

    RD-11, RD-21.
    """
    answer = ask(browser, response_type, response_mode="form_post", state='"><script>s t%')
    assert answer.status_code == 200
    assert f'action="{CALLBACK}"' in answer.text
    assert 'id="form-post-submit"' in answer.text
    fields = posted(answer)
    assert fields["state"] == '"><script>s t%'
    assert ("code" in fields) == ("code" in response_type.split())
    policy = answer.headers["Content-Security-Policy"]
    assert f"form-action 'self' {SITE}" in policy
    assert "no-store" in answer.headers["Cache-Control"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce
    assert f'<script nonce="{nonce[1]}">' in answer.text


def posted(answer: Any) -> dict[str, str]:
    """The fields of the form that goes to the client."""
    form = answer.text[answer.text.index('id="form-post"') :]
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[: form.index("</form>")])
    return {html.unescape(name): html.unescape(value) for name, value in pairs}


def test_modes(browser: Browser) -> None:
    """RD-11, Multiple Response Types §3: tokens never go through a query; codes may go any way."""
    assert urlsplit(ask(browser, "code", response_mode="fragment").headers["Location"]).fragment.startswith("code=")
    assert urlsplit(ask(browser, "code", response_mode="query").headers["Location"]).query.startswith("code=")
    refused = ask(browser, "code id_token", response_mode="query").headers["Location"]
    assert urlsplit(refused).fragment.startswith("error=invalid_request")


def test_silent_errors_travel_in_the_mode_of_the_answer(lobby: Lobby, browser: Browser) -> None:
    """Module prompt-none-not-logged-in, for each type (§3.2.2.6, §3.3.2.6)."""
    stranger = lobby.browser()
    for response_type in TYPES:
        answer = ask(stranger, response_type, prompt="none")
        found = answer_of(answer)
        assert found.keys() == {"error", "state", "iss"}
        assert found["error"] == "login_required"
        assert bool(urlsplit(answer.headers["Location"]).fragment) == (response_type != "code")


def test_a_client_that_said_nothing_gets_codes_alone(lobby: Lobby, browser: Browser) -> None:
    """RD-10: off unless registered."""
    for response_type in TYPES[1:]:
        found = answer_of(browser.authorize(client_id="own", response_type=response_type))
        assert found["error"] == "unauthorized_client"


def test_offline_access_needs_a_code(lobby: Lobby, browser: Browser) -> None:
    """§11: ignored where no refresh token can come."""
    found = answer_of(ask(browser, "id_token token", scope="openid offline_access"))
    assert found["scope"] == "openid"


def test_pkce_is_for_codes(browser: Browser) -> None:
    """Without a code there is nothing to prove; with one there is (CO-5)."""
    none: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
    assert "id_token" in answer_of(ask(browser, "id_token", **none))
    assert answer_of(ask(browser, "code id_token", **none))["error"] == "invalid_request"


def test_a_post_is_answered_too(browser: Browser) -> None:
    """§3.1.2.1: POST with each type; it comes back as a GET with the cookies."""
    form = request_parameters(client_id="old", response_type="code id_token", resource="https://api.example/")
    parked = browser.web.post("/oauth/authorize", data=form)
    assert parked.status_code == 303
    assert "id_token" in answer_of(browser.get(parked.headers["Location"]))


CLAIMS = {"userinfo": {"given_name": {"essential": True}, "nonsense": None}, "id_token": {"email": None, "acr": None}}


def test_claims_can_be_asked_for_one_by_one(lobby: Lobby, browser: Browser) -> None:
    """§5.5, module claims-essential: at userinfo or in the ID token, as asked, and not in the other place."""
    found = answer_of(ask(browser, "code id_token token", scope="openid", claims=json.dumps(CLAIMS)))
    claims = claims_of(found["id_token"])
    assert claims["email"] == "ada@lab.example"
    assert claims["acr"] == "1"
    assert "given_name" not in claims
    headers = {"Authorization": f"Bearer {found['access_token']}"}
    userinfo = lobby.app.test_client().get("/oauth/userinfo", headers=headers).get_json()
    assert userinfo["given_name"] == "Ada"
    assert not {"nonsense", "email", "acr"} & userinfo.keys()


def test_acr_is_told_to_whoever_asks(browser: Browser) -> None:
    """Module ensure-request-with-acr-values-succeeds: how one really signed in; essential wishes are met or refused."""
    assert claims_of(answer_of(ask(browser, "id_token", acr_values="phr 1"))["id_token"])["acr"] == "1"
    assert "acr" not in claims_of(answer_of(ask(browser, "id_token"))["id_token"])
    for wish, error in (({"essential": True, "values": ["1"]}, None), ({"essential": True, "value": "phr"}, "unmet")):
        found = answer_of(ask(browser, "id_token", claims=json.dumps({"id_token": {"acr": wish}})))
        assert ("id_token" in found) == (error is None)
        assert found.get("error", "").startswith(error or "")
    voluntary = {"id_token": {"acr": {"values": ["phr"]}}}
    assert "id_token" in answer_of(ask(browser, "id_token", claims=json.dumps(voluntary)))


def test_a_sub_that_is_asked_for_must_be_the_one_who_is_there(lobby: Lobby, browser: Browser) -> None:
    """§5.5.1: for another person than the one signed in there is no answer."""
    ada = browser_account(lobby)
    wishes: list[tuple[dict[str, Any], str | None]] = [
        ({"value": ada}, None),
        ({"values": ["somebody-else", ada]}, None),
        ({"value": "somebody-else"}, "login_required"),
        ({"values": ["somebody-else"]}, "login_required"),
        ({"value": 5}, "login_required"),
    ]
    for wish, error in wishes:
        claims = json.dumps({"id_token": {"sub": wish}})
        assert answer_of(ask(browser, "id_token", claims=claims, prompt="none")).get("error") == error


def test_a_sub_and_a_hint_must_both_hold(lobby: Lobby, browser: Browser) -> None:
    """§3.1.2.1 with §5.5.1: a `sub` that is asked for does not do away with the hint."""
    ada, bob = browser_account(lobby), lobby.add_account("bob").account_id
    keyring, issuer = lobby.provider.keyring, lobby.provider.settings.server.issuer
    for hinted, asked, error in ((ada, ada, None), (bob, ada, "login_required"), (ada, bob, "login_required")):
        hint = keyring.sign_jwt({"iss": issuer, "aud": "old", "sub": hinted, "exp": lobby.now})
        claims = json.dumps({"id_token": {"sub": {"value": asked}}})
        found = answer_of(ask(browser, "id_token", claims=claims, id_token_hint=hint, prompt="none"))
        assert found.get("error") == error


def test_resources_are_those_of_the_client(browser: Browser) -> None:
    """RFC 8707 §2: several may be named; one that is not the client's own is refused."""
    assert "code" in answer_of(ask(browser, "code", resource="https://api.example/"))
    query = urlencode([("resource", "https://api.example/"), ("resource", "https://other.example/")])
    usual = urlencode(request_parameters(client_id="old"))
    assert answer_of(browser.get(f"/oauth/authorize?{usual}&{query}"))["error"] == "invalid_target"


def test_none_of_many_resources_is_lost(lobby: Lobby, browser: Browser) -> None:
    """RFC 8707 §2: all that were named, each once."""
    named = [f"https://api-{number}.example/" for number in range(25)]
    lobby.add_client("many", first_party=True, require_approval=False, resources=named)
    query = urlencode(
        [*request_parameters(client_id="many").items(), *(("resource", one) for one in [*named, named[0]])]
    )
    assert "code" in answer_of(browser.get(f"/oauth/authorize?{query}"))
    family = lobby.rows("SELECT resources FROM token_families")[0]
    assert str(family["resources"]).split() == named
