"""The authorization endpoint: who is asked what, and where the answer goes (OpenID Connect Core §3.1.2)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.lobby import CALLBACK, Lobby, answer_of, request_parameters


def handle_of(response: object) -> str:
    """The handle of the request that waits, from the address of the sign-in page."""
    location = response.headers["Location"]  # type: ignore[attr-defined]
    assert location.startswith("/sign-in?"), location
    return parse_qs(urlsplit(location).query)["request"][0]


def test_a_signed_in_customer_is_answered_at_once_at_an_own_site(lobby: Lobby) -> None:
    """A code, the state and `iss` come back (RD-9), and family and code are kept as rows without the code (CO-9)."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    answer = answer_of(browser.authorize(client_id="own"))
    assert answer.keys() == {"code", "state", "iss"}
    assert answer["state"] == "st"
    assert answer["iss"] == lobby.provider.settings.server.issuer
    family = lobby.rows("SELECT * FROM token_families")[0]
    assert (family["client_id"], family["sid"], family["scope"]) == ("own", browser.sid, "openid profile")
    assert lobby.rows("SELECT * FROM codes")[0]["expires_at"] == lobby.now + 60
    assert lobby.rows("SELECT client_id FROM session_clients")[0]["client_id"] == "own"


def test_a_stranger_signs_in_and_is_then_answered(lobby: Lobby) -> None:
    """The request waits on the server; sign-in comes back to it."""
    browser = lobby.browser()
    handle = handle_of(browser.authorize(client_id="own"))
    browser.sign_in(lobby.add_account())
    assert "code" in answer_of(browser.get(f"/oauth/continue/{handle}"))
    finished = browser.get(f"/oauth/continue/{handle}")
    assert finished.status_code == 400
    assert 'id="error-title"' in finished.text
    assert "Start again at Own" in finished.text


@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "60"}])
def test_an_older_session_that_was_held_back_is_no_fresh_sign_in(lobby: Lobby, demand: dict[str, str]) -> None:
    """A copied cookie that is sent only after the request came does not get round the password (RD-18)."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    cookie = browser.web.get_cookie("idp_session")
    assert cookie is not None
    lobby.now += 3600
    browser.web.delete_cookie("idp_session")
    handle = handle_of(browser.authorize(client_id="own", **demand))
    browser.web.set_cookie("idp_session", cookie.value)
    assert handle_of(browser.get(f"/oauth/continue/{handle}")) == handle
    assert lobby.rows("SELECT * FROM codes") == []
    lobby.now += 10
    browser.sign_in_again()
    assert "code" in answer_of(browser.get(f"/oauth/continue/{handle}"))


def test_a_handle_works_only_in_the_browser_that_started_it(lobby: Lobby) -> None:
    """RD-15: somebody else's handle is not known."""
    handle = handle_of(lobby.browser().authorize(client_id="own"))
    other = lobby.browser()
    other.sign_in(lobby.add_account())
    other.authorize(client_id="own", prompt="login")
    answer = other.get(f"/oauth/continue/{handle}")
    assert answer.status_code == 400
    assert "Own" not in answer.text


def test_a_request_waits_half_an_hour(lobby: Lobby) -> None:
    """The handle dies after `pending_authorization`."""
    browser = lobby.browser()
    handle = handle_of(browser.authorize(client_id="own"))
    browser.sign_in(lobby.add_account())
    lobby.now += 1800
    assert browser.get(f"/oauth/continue/{handle}").status_code == 400


STAY_HERE: list[dict[str, str | None]] = [
    {"client_id": None},
    {"client_id": "unknown"},
    {"client_id": "off"},
    {"redirect_uri": None},
    {"redirect_uri": CALLBACK + "/"},
    {"redirect_uri": CALLBACK + "?x=1"},
    {"redirect_uri": CALLBACK.upper()},
    {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": 'https://site.example/"><script>'},
]


def test_what_cannot_be_told_by_redirect_stays_here(lobby: Lobby) -> None:
    """RD-1, RD-3, RD-4, RD-5, GO-3: unknown or disabled client, other redirect URI; also for prompt=none."""
    lobby.add_client("off", disabled=True)
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    for changes in STAY_HERE:
        for extra in ({}, {"prompt": "none"}, {"response_type": "token"}):
            answer = browser.authorize(**{**extra, **changes})
            assert answer.status_code == 400, changes
            assert 'id="error-title"' in answer.text
            assert "<script>" not in answer.text


FAULTS: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": 'co"de'}, "unsupported_response_type"),
    ({"response_mode": "shout"}, "invalid_request"),
    ({"response_mode": "query", "response_type": "code id_token"}, "unauthorized_client"),
    ({"response_type": "id_token"}, "unauthorized_client"),
    ({"response_type": "code code"}, "unsupported_response_type"),
    ({"claims": "{"}, "invalid_request"),
    ({"claims": "[]"}, "invalid_request"),
    ({"claims": '{"userinfo": []}'}, "invalid_request"),
    ({"claims": '{"id_token": {"acr": {"essential": "yes"}}}'}, "invalid_request"),
    ({"claims": "[" * 3000}, "invalid_request"),
    ({"claims": '{"id_token": {"acr": {"essential": true, "value": "phr"}}}'}, "unmet_authentication_requirements"),
    ({"resource": "https://api.example/"}, "invalid_target"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "nothing"}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "sing"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"max_age": "²"}, "invalid_request"),
    ({"nonce": "n\x00"}, "invalid_request"),
    ({"nonce": "n" * 4001}, "invalid_request"),
    ({"unheard": "n" * 4001}, "invalid_request"),
    ({"login_hint": "n" * 256}, "invalid_request"),
    ({"request": "x.y.z"}, "invalid_request_object"),
    ({"request_uri": "https://site.example/r"}, "invalid_request_uri"),
    ({"registration": "{}"}, "registration_not_supported"),
]


def test_the_client_is_told_its_faults(lobby: Lobby) -> None:
    """RFC 6749 §4.1.2.1, CO-5, RD-8, RD-10: by redirect, with state and `iss`, when somebody is signed in (RD-9)."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    issuer = lobby.provider.settings.server.issuer
    for changes, error in FAULTS:
        answer = answer_of(browser.authorize(**changes))
        assert (answer["error"], answer["state"], answer["iss"]) == (error, "st", issuer), changes
    assert not lobby.rows("SELECT * FROM codes")


def test_a_stranger_is_not_redirected_by_a_faulty_request(lobby: Lobby) -> None:
    """RD-13: a page names the site and links to it; only a silent request is answered by redirect."""
    browser = lobby.browser()
    for changes, error in FAULTS:
        answer = browser.authorize(**changes)
        if "none" in (changes.get("prompt") or ""):
            assert answer_of(answer)["error"] == error, changes
            continue
        assert answer.status_code == 400, changes
        assert re.search(rf"{CALLBACK}[?#]error={error}", answer.text), changes
        assert 'id="error-title"' in answer.text


def test_a_parameter_sent_twice_is_refused(lobby: Lobby) -> None:
    """RD-7; a doubled state does not come back."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    for name in ("state", "nonce", "scope", "prompt", "code_challenge", "max_age", "response_type"):
        query = urlencode(request_parameters()) + "".join(f"&{name}=1" for _ in range(2))
        answer = answer_of(browser.get(f"/oauth/authorize?{query}"))
        assert answer["error"] == "invalid_request"
        assert ("state" in answer) == (name != "state")


def test_client_and_redirect_uri_sent_twice_stay_here(lobby: Lobby) -> None:
    """RD-4, RD-7."""
    for name in ("client_id", "redirect_uri"):
        query = urlencode(request_parameters()) + f"&{name}=" + request_parameters()[name]
        assert lobby.browser().get(f"/oauth/authorize?{query}").status_code == 400


@pytest.mark.parametrize("raw", ["state=%ff", "state=%80&x=%fe%ff", "nonce=%00"])
def test_what_is_not_text_is_a_fault(lobby: Lobby, raw: str) -> None:
    """IV: not UTF-8 and control characters; never a 500 (GO-1)."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    name = raw.partition("=")[0]
    query = urlencode(request_parameters(**{name: None})) + "&" + raw
    assert answer_of(browser.get(f"/oauth/authorize?{query}"))["error"] == "invalid_request"


def test_unknown_parameters_and_hints_are_ignored(lobby: Lobby) -> None:
    """RD-8 and conformance §1.4: display, locales, claims, acr_values, login_hint and anything unknown succeed."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    extra = {
        "display": "popup",
        "ui_locales": "se",
        "claims_locales": "se",
        "claims": "{}",
        "acr_values": "1 2",
        "login_hint": "a@b.c",
        "foo": "b",
    }
    assert "code" in answer_of(browser.authorize(client_id="own", **extra))
    assert "code" in answer_of(browser.authorize(client_id="own", **{**extra, "display": "page"}))
    assert "code" in answer_of(browser.authorize(client_id="own", nonce=None, state=None))


def test_odd_state_comes_back_unharmed(lobby: Lobby) -> None:
    """RD-21: escaped, no header split."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    state = 's t%"<>&=é\u2028' + "x" * 128
    assert answer_of(browser.authorize(client_id="own", state=state))["state"] == state


def test_other_methods_are_refused(lobby: Lobby) -> None:
    """RD-20: GET and POST only."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    query = "/oauth/authorize?" + urlencode(request_parameters(client_id="own"))
    for method in ("HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert browser.web.open(query, method=method).status_code == 405
    assert not lobby.rows("SELECT * FROM codes")


def test_a_post_from_a_site_comes_back_as_a_get(lobby: Lobby) -> None:
    """Small print: a cross-site POST has no cookies; it is parked and redirected with a handle."""
    browser, stranger = lobby.browser(), lobby.browser()
    browser.sign_in(lobby.add_account())
    parked = stranger.post("/oauth/authorize", request_parameters(client_id="own"))
    assert parked.status_code == 303
    assert "code" in answer_of(browser.get(parked.headers["Location"]))
    lobby.now += 90
    assert browser.get(parked.headers["Location"]).status_code == 400


def test_a_faulty_post_is_judged_as_the_get_would_be(lobby: Lobby) -> None:
    """RD-4 at once, RD-7 also across query and body, content type and size."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    assert browser.post("/oauth/authorize", request_parameters(redirect_uri="https://x.example/")).status_code == 400
    parked = browser.post("/oauth/authorize?nonce=a", request_parameters(nonce="b"))
    assert answer_of(browser.get(parked.headers["Location"]))["error"] == "invalid_request"
    assert browser.post("/oauth/authorize", "{}", content_type="application/json").status_code == 415
    assert browser.post("/oauth/authorize", {"x": "y" * 20000}).status_code == 413


@pytest.mark.parametrize("extra", [{}, {"max_age": "0"}, {"id_token_hint": "not.one.ofours"}])
def test_silent_requests_never_show_a_page(lobby: Lobby, extra: dict[str, str]) -> None:
    """RD-17: login_required without a session, and nothing is kept."""
    answer = answer_of(lobby.browser().authorize(prompt="none", **extra))
    assert answer == {"error": "login_required", "state": "st", "iss": lobby.provider.settings.server.issuer}
    assert not lobby.rows("SELECT * FROM pending_authorizations")


def test_silent_requests_name_what_is_missing(lobby: Lobby) -> None:
    """RD-17: consent_required, interaction_required; with consent remembered, a code (RD-9)."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account(status="pending"))
    assert answer_of(browser.authorize(prompt="none"))["error"] == "consent_required"
    assert answer_of(browser.authorize(prompt="none", client_id="strict"))["error"] == "interaction_required"
    assert "code" in answer_of(browser.authorize(prompt="none", client_id="own"))


def test_prompt_login_cannot_be_skipped(lobby: Lobby) -> None:
    """RD-18: reloading, going on by hand or a second tab changes nothing; a new sign-in does, in any second."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    handle = handle_of(browser.authorize(client_id="own", prompt="login"))
    for _ in range(2):
        assert handle_of(browser.get(f"/oauth/continue/{handle}")) == handle
    lobby.now += 1
    browser.sign_in_again()
    assert "code" in answer_of(browser.get(f"/oauth/continue/{handle}"))
    assert lobby.rows("SELECT auth_time FROM token_families")[0]["auth_time"] == lobby.now


def test_max_age_asks_again_and_once(lobby: Lobby) -> None:
    """RD-18, conformance max-age-1 and -10000: too old is asked, fresh is not asked twice, young is not asked."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    lobby.now += 2
    assert "code" in answer_of(browser.authorize(client_id="own", max_age="10000"))
    handle = handle_of(browser.authorize(client_id="own", max_age="1"))
    browser.sign_in_again()
    lobby.now += 60
    assert "code" in answer_of(browser.get(f"/oauth/continue/{handle}"))


def test_a_client_may_have_a_max_age_of_its_own(lobby: Lobby) -> None:
    """OpenID Connect Registration §2, `default_max_age`: where the request says nothing, and only there."""
    lobby.add_client("bank", require_approval=False, first_party=True, details={"default_max_age": 60})
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    lobby.now += 61
    assert "code" in answer_of(browser.authorize(client_id="bank", max_age="3600"))
    assert answer_of(browser.authorize(client_id="bank", prompt="none"))["error"] == "login_required"
    handle = handle_of(browser.authorize(client_id="bank"))
    browser.sign_in_again()
    assert "code" in answer_of(browser.get(f"/oauth/continue/{handle}"))
    assert "code" in answer_of(browser.authorize(client_id="bank"))


def test_an_idle_session_is_asked_for_the_password(lobby: Lobby) -> None:
    """DESIGN, lifetimes: not kept and two hours idle; nothing ends."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    lobby.now += 2 * 3600 + 1
    assert answer_of(browser.authorize(client_id="own", prompt="none"))["error"] == "login_required"
    handle = handle_of(browser.authorize(client_id="own"))
    browser.sign_in_again()
    assert "code" in answer_of(browser.get(f"/oauth/continue/{handle}"))
    kept = lobby.browser()
    kept.sign_in(lobby.add_account("bob"), kept=True)
    lobby.now += 3 * 3600
    assert "code" in answer_of(kept.authorize(client_id="own", prompt="none"))


def hint_for(lobby: Lobby, subject: str, **changes: object) -> str:
    """An ID token of ours, long expired."""
    claims = {"iss": lobby.provider.settings.server.issuer, "aud": "own", "sub": subject, "exp": lobby.now - 9999}
    return lobby.provider.keyring.sign_jwt({**claims, **changes}, typ=str(changes.pop("typ", "JWT")))


def test_a_hint_for_the_same_person_is_silent_and_for_another_is_not(lobby: Lobby) -> None:
    """RD-19; expired hints count, foreign ones do not."""
    browser = lobby.browser()
    ada, bob = lobby.add_account("ada"), lobby.add_account("bob")
    browser.sign_in(ada)
    own = {"client_id": "own", "prompt": "none"}
    assert "code" in answer_of(browser.authorize(**own, id_token_hint=hint_for(lobby, ada.account_id)))
    bad = [
        hint_for(lobby, bob.account_id),
        hint_for(lobby, ada.account_id, aud="site"),
        hint_for(lobby, ada.account_id, iss="https://other.example"),
        hint_for(lobby, ada.account_id, typ="logout+jwt"),
        hint_for(lobby, ada.account_id)[:-3],
    ]
    for hint in bad:
        assert answer_of(browser.authorize(**own, id_token_hint=hint))["error"] == "login_required"


def test_the_person_a_hint_names_may_sign_in_once(lobby: Lobby) -> None:
    """OpenID Connect Core §3.1.2.1: the right one gets in, another one ends in login_required (RD-19)."""
    browser = lobby.browser()
    ada, bob = lobby.add_account("ada"), lobby.add_account("bob")
    browser.sign_in(ada)
    hint = hint_for(lobby, bob.account_id)
    handle = handle_of(browser.authorize(client_id="own", id_token_hint=hint))
    browser.sign_in(bob)
    assert "code" in answer_of(browser.get(f"/oauth/continue/{handle}"))
    browser.sign_in(ada)
    handle = handle_of(browser.authorize(client_id="own", id_token_hint=hint))
    lobby.now += 1
    browser.sign_in_again()
    assert answer_of(browser.get(f"/oauth/continue/{handle}"))["error"] == "login_required"


def test_pkce_exemption_is_for_confidential_clients_only(lobby: Lobby) -> None:
    """CO-5: an exempt client may leave the challenge out, but not send a weak one."""
    lobby.add_client("old", pkce_exempt=True, first_party=True, require_approval=False)
    lobby.add_client(
        "app",
        pkce_exempt=True,
        first_party=True,
        require_approval=False,
        details={"token_endpoint_auth_method": "none"},
    )
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    bare = {"code_challenge": None, "code_challenge_method": None}
    assert "code" in answer_of(browser.authorize(client_id="old", **bare))
    assert answer_of(browser.authorize(client_id="old", code_challenge_method="plain"))["error"] == "invalid_request"
    assert answer_of(browser.authorize(client_id="app", **bare))["error"] == "invalid_request"


def test_native_clients_choose_their_loopback_port(lobby: Lobby) -> None:
    """RD-2: port only, of address literals only."""
    uris = ["http://127.0.0.1/cb", "http://[::1]:1/cb", "http://localhost:8000/cb"]
    lobby.add_client("native", first_party=True, require_approval=False, details={"redirect_uris": uris})
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    for good in ("http://127.0.0.1:4711/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb", "http://localhost:8000/cb"):
        assert browser.authorize(client_id="native", redirect_uri=good).headers["Location"].startswith(good + "?code=")
    for bad in (
        "http://127.0.0.1:4711/cb2",
        "http://127.0.0.2:1/cb",
        "http://localhost:1/cb",
        "https://127.0.0.1:1/cb",
        "http://127.0.0.1:4711/cb?x=1",
        "http://127.0.0.1:1@evil.example/cb",
        "http://127.0.0.1:99999999/cb",
    ):
        assert browser.authorize(client_id="native", redirect_uri=bad).status_code == 400


def test_a_registered_query_is_kept(lobby: Lobby) -> None:
    """RFC 6749 §3.1.2, conformance redirect-uri-query-OK."""
    lobby.add_client("q", first_party=True, require_approval=False, details={"redirect_uris": [CALLBACK + "?a=b"]})
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    answer = answer_of(browser.authorize(client_id="q", redirect_uri=CALLBACK + "?a=b"))
    assert answer["a"] == "b"
    assert "code" in answer
