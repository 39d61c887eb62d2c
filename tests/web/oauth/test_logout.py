"""Signing out: by a site (RP-Initiated Logout 1.0), by our own button, and what the sites are told (Back-Channel Logout)."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, urlencode

import pytest

from idp.accounts import sign_out
from idp.policy.endings import Act
from idp.signals import backchannel
from idp.store import outbox
from tests.support.lobby import SITE, Browser, Lobby, answer_of, hidden_fields

BACK = f"{SITE}/signed-out"


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs here that sites could answer to."""
    monkeypatch.setattr(sign_out, "WAIT_SECONDS", 0.0)


@pytest.fixture
def browser(lobby: Lobby) -> Browser:
    """Ada, signed in and in at `own`."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    assert "code" in answer_of(browser.authorize(client_id="own"))
    return browser


def subject(lobby: Lobby) -> str:
    """Ada's `sub`."""
    return str(lobby.rows("SELECT account_id FROM accounts WHERE user_name = 'ada'")[0]["account_id"])


def hint(lobby: Lobby, **changes: object) -> str:
    """An expired ID token for Ada at `own`."""
    claims = {"iss": lobby.provider.settings.server.issuer, "aud": "own", "sub": subject(lobby), "exp": lobby.now - 9}
    return lobby.provider.keyring.sign_jwt(claims | changes)


def logout(browser: Browser, **parameters: str) -> object:
    """Ask for logout as a site does."""
    return browser.get("/oauth/logout?" + urlencode(parameters))


def live_sessions(lobby: Lobby) -> int:
    """How many sessions live."""
    return len(lobby.rows("SELECT sid FROM sessions WHERE ended_at IS NULL"))


def test_a_site_with_a_valid_hint_gets_its_customer_back(lobby: Lobby, browser: Browser) -> None:
    """Conformance rp-initiated-logout: state and nothing else; then prompt=none is login_required (SE-4, SE-9)."""
    stolen = browser.web.get_cookie("idp_session")
    answer = logout(browser, id_token_hint=hint(lobby), post_logout_redirect_uri=BACK, state="s t&")
    assert answer.status_code == 303  # type: ignore[attr-defined]
    assert answer.headers["Location"] == f"{BACK}?state=s%20t%26"  # type: ignore[attr-defined]
    assert live_sessions(lobby) == 0
    assert browser.web.get_cookie("idp_session") is None
    assert answer_of(browser.authorize(client_id="own", prompt="none"))["error"] == "login_required"
    assert stolen is not None
    browser.web.set_cookie("idp_session", stolen.value)
    assert answer_of(browser.authorize(client_id="own", prompt="none"))["error"] == "login_required"
    without_state = logout(lobby.browser(), id_token_hint=hint(lobby), post_logout_redirect_uri=BACK)
    assert without_state.headers["Location"] == BACK  # type: ignore[attr-defined]


def test_without_a_valid_hint_the_end_user_is_asked_and_not_sent_anywhere(lobby: Lobby, browser: Browser) -> None:
    """SE-9, conformance -no-id-token-hint, -bad-id-token-hint, -modified-id-token-hint, -no-params, -only-state."""
    bad_hints = {
        "none": "",
        "broken": hint(lobby)[:-4],
        "issuer": hint(lobby, iss="https://other.example"),
        "client": hint(lobby, aud="nobody"),
        "unsigned": unsigned(hint(lobby)),
        "logout token": lobby.provider.keyring.sign_jwt(
            {"iss": "x", "aud": "own", "sub": subject(lobby)}, "logout+jwt"
        ),
    }
    for name, text in bad_hints.items():
        page = logout(browser, id_token_hint=text, client_id="own", post_logout_redirect_uri=BACK, state="s")
        assert page.status_code == 200, name  # type: ignore[attr-defined]
        assert 'id="logout-confirm"' in page.text, name  # type: ignore[attr-defined]
        assert live_sessions(lobby) == 1, name
    fields = hidden_fields_with_handle(logout(browser))
    done = browser.post("/oauth/logout/confirm", fields)
    assert done.headers["Location"].startswith("/signed-out/")
    assert 'id="logged-out-title"' in browser.get(done.headers["Location"]).text
    assert live_sessions(lobby) == 0


def test_a_hint_without_an_address_signs_out_and_stays_here(lobby: Lobby, browser: Browser) -> None:
    """Conformance -no-post-logout-redirect-uri, -only-state: whoever proves who they are is signed out, and told so here."""
    only_state = logout(browser, state="s")
    assert 'id="logout-confirm"' in only_state.text  # type: ignore[attr-defined]
    assert live_sessions(lobby) == 1
    answer = logout(browser, id_token_hint=hint(lobby), state="s")
    assert answer.status_code == 303  # type: ignore[attr-defined]
    assert answer.headers["Location"].startswith("/signed-out/")  # type: ignore[attr-defined]
    assert live_sessions(lobby) == 0


def unsigned(token: str) -> str:
    """The same claims with alg none."""
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def hidden_fields_with_handle(page: object) -> dict[str, str]:
    """The fields of the question's form (the page's header has a sign-out form of its own)."""
    text = page.text  # type: ignore[attr-defined]
    return hidden_fields(text[text.index("/oauth/logout/confirm") :])


def test_an_address_that_is_not_registered_is_never_followed(lobby: Lobby, browser: Browser) -> None:
    """RD-3, conformance -bad-post-logout-redirect-uri, -query-added-…: asked first, and then on our page.

    SE-9, GO-3.
    """
    for uri in (BACK + "?x=1", BACK + "/", BACK.upper(), "https://evil.example/", "javascript:alert(1)"):
        other = lobby.browser()
        answer = logout(other, id_token_hint=hint(lobby), post_logout_redirect_uri=uri, state="s")
        assert answer.headers["Location"] == "/signed-out", uri  # type: ignore[attr-defined]
    page = logout(browser, id_token_hint=hint(lobby), post_logout_redirect_uri="https://evil.example/")
    assert 'id="logout-confirm"' in page.text  # type: ignore[attr-defined]
    assert live_sessions(lobby) == 1
    done = browser.post("/oauth/logout/confirm", hidden_fields_with_handle(page))
    assert done.headers["Location"].startswith("/signed-out/")
    mismatch = logout(lobby.browser(), id_token_hint=hint(lobby), client_id="site", post_logout_redirect_uri=BACK)
    assert mismatch.headers["Location"] == "/signed-out"  # type: ignore[attr-defined]


def test_a_hint_about_somebody_else_asks_whoever_is_signed_in(lobby: Lobby, browser: Browser) -> None:
    """§2: Bob's old ID token does not sign Ada out unasked; once she says so, the site gets her back."""
    bob = lobby.add_account("bob")
    text = hint(lobby, sub=bob.account_id)
    page = logout(browser, id_token_hint=text, post_logout_redirect_uri=BACK)
    assert "Ada Test" in page.text  # type: ignore[attr-defined]
    assert "Own" in page.text  # type: ignore[attr-defined]
    assert f"form-action 'self' {SITE}" in page.headers["Content-Security-Policy"]  # type: ignore[attr-defined]
    assert live_sessions(lobby) == 1
    done = browser.post("/oauth/logout/confirm", hidden_fields_with_handle(page))
    assert done.headers["Location"] == BACK
    assert live_sessions(lobby) == 0


def test_nothing_ends_without_our_own_form(lobby: Lobby, browser: Browser) -> None:
    """WB-1, WB-2, RD-20: confirming and our own button need the form's token; other methods are refused."""
    fields = hidden_fields_with_handle(logout(browser))
    for path in ("/oauth/logout/confirm", "/sign-out"):
        assert browser.post(path, {"handle": fields["handle"]}).status_code == 400
        assert browser.get(path).status_code == 405
        strange = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert browser.post(path, fields, headers=strange).status_code == 400
    for method in ("HEAD", "PUT", "DELETE", "OPTIONS"):
        assert browser.web.open("/oauth/logout", method=method).status_code == 405
    assert live_sessions(lobby) == 1


def test_a_sites_post_is_parked_and_asked_again_with_cookies(lobby: Lobby, browser: Browser) -> None:
    """RP-Initiated Logout §2 asks for POST; the browser sends no Lax cookie with it."""
    parameters = {"id_token_hint": hint(lobby), "post_logout_redirect_uri": BACK, "state": "s"}
    parked = lobby.browser().post("/oauth/logout", parameters, headers={"Origin": SITE, "Sec-Fetch-Site": "cross-site"})
    assert parked.status_code == 303
    assert "id_token_hint" not in parked.headers["Location"]
    assert browser.get(parked.headers["Location"]).headers["Location"] == f"{BACK}?state=s"
    assert live_sessions(lobby) == 0
    assert browser.get("/oauth/logout?handle=unknown").status_code == 400


@pytest.mark.parametrize("raw", ["state=a&state=b", "state=%ff", "state=%00", "x=" + "y" * 4001, "x=" + "y" * 17000])
def test_bad_input_is_a_page(lobby: Lobby, raw: str) -> None:
    """GO-1, RD-7, RD-8."""
    answer = lobby.browser().get(f"/oauth/logout?{raw}")
    assert answer.status_code in (400, 413, 431)
    assert answer.status_code == 431 or 'id="error-title"' in answer.text


def test_our_own_button_says_site_by_site_how_it_went(lobby: Lobby, browser: Browser) -> None:
    """UX "signed out": being told, a tick, or close this browser; refreshes itself, and 10 s are the end of it."""
    lobby.add_client("deaf", first_party=True, require_approval=False, details={"backchannel_logout_uri": None})
    assert "code" in answer_of(browser.authorize(client_id="deaf"))
    token = hidden_fields(browser.get("/").text)["csrf_token"]
    done = browser.post("/sign-out", {"csrf_token": token})
    assert done.status_code == 303
    assert live_sessions(lobby) == 0
    where = done.headers["Location"]
    first = browser.get(where).text
    assert 'http-equiv="refresh"' in first
    assert "is being told" in first
    assert first.index("Deaf") < first.index("close this browser to be safe") < first.index("is being told")
    with lobby.provider.database.transaction() as tx:
        item = outbox.claim(tx, mail=False, worker="w", lease=30, limit=9, now=lobby.now)[0]
        outbox.mark_done(tx, item, lobby.now)
    told = browser.get(where).text
    assert "✓" in told
    assert 'http-equiv="refresh"' not in told
    lobby.now += 601
    assert "Nobody is signed in" in browser.get(where).text


def test_after_ten_seconds_nobody_waits(lobby: Lobby, browser: Browser) -> None:
    """DESIGN: the page refreshes itself until each site answered or 10 s have passed."""
    token = hidden_fields(browser.get("/").text)["csrf_token"]
    where = browser.post("/sign-out", {"csrf_token": token}).headers["Location"]
    lobby.now += 10
    page = browser.get(where).text
    assert 'http-equiv="refresh"' not in page
    assert "close this browser to be safe" in page


def test_the_logout_token_is_what_the_site_expects(lobby: Lobby, browser: Browser) -> None:
    """SE-10, Back-Channel Logout §2.4: typed, events, no nonce, jti, 2 min, aud, sub and sid; made when it is sent."""
    logout(browser, id_token_hint=hint(lobby), post_logout_redirect_uri=BACK)
    lobby.now += 3600
    with lobby.provider.database.transaction() as tx:
        (item,) = outbox.claim(tx, mail=False, worker="w", lease=30, limit=9, now=lobby.now)
    payload = item.open(lobby.provider.master)
    client = lobby.provider.clients.find("own")
    issuer, signer = lobby.provider.settings.server.issuer, lobby.provider.keyring
    first, second = (
        backchannel.build_delivery(
            client, payload, issuer=issuer, signer=signer, master=lobby.provider.master, now=lobby.now
        )
        for _ in range(2)
    )
    assert first is not None
    assert second is not None
    assert first.url == f"{SITE}/logout"
    header, body = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in first.logout_token.split(".")[:2])
    assert header["typ"] == "logout+jwt"
    assert body == {
        "iss": issuer,
        "aud": "own",
        "sub": subject(lobby),
        "sid": browser.sid,
        "iat": lobby.now,
        "exp": lobby.now + 120,
        "jti": body["jti"],
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    assert second.logout_token.split(".")[1] == first.logout_token.split(".")[1]
    assert signer.verify_own_jwt(first.logout_token, "logout+jwt")["sid"] == browser.sid
    assert lobby.rows("SELECT end_reason FROM sessions")[0]["end_reason"] == Act.SIGN_OUT.value


def test_sites_with_a_page_for_it_are_told_in_the_browser(lobby: Lobby) -> None:
    """Front-Channel Logout 1.0 §2, §3: `iss` and `sid` where asked for, then on to the site; the trail knows of it."""
    lobby.add_client("framed", first_party=True, details=framed("https://framed.example/out?x=1", required=True))
    lobby.add_client("plain", first_party=True, details=framed("https://plain.example/out", required=False))
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    for client_id in ("framed", "plain"):
        assert "code" in answer_of(browser.authorize(client_id=client_id))
    sid = lobby.rows("SELECT sid FROM sessions WHERE ended_at IS NULL")[0]["sid"]
    text = hint(
        lobby, aud="framed", sub=lobby.rows("SELECT account_id FROM accounts WHERE user_name = 'ada'")[0]["account_id"]
    )
    answer = logout(browser, id_token_hint=text, post_logout_redirect_uri=BACK, state="s")
    assert answer.headers["Location"].startswith("/signing-out/")  # type: ignore[attr-defined]
    assert live_sessions(lobby) == 0
    page = browser.get(answer.headers["Location"])  # type: ignore[attr-defined]
    issuer = quote(lobby.provider.settings.server.issuer, safe="")
    assert f'src="https://framed.example/out?x=1&amp;iss={issuer}&amp;sid={sid}"' in page.text
    assert '<iframe src="https://plain.example/out"' in page.text
    assert f"url={BACK}?state=s" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "frame-src https://framed.example https://plain.example" in policy
    acts = [
        row["client_id"] for row in lobby.rows("SELECT client_id FROM audit_events WHERE act = 'frontchannel_logout'")
    ]
    assert sorted(acts) == ["framed", "plain"]


def framed(uri: str, *, required: bool) -> dict[str, object]:
    """The metadata of a site that is told in the browser alone."""
    return {
        "frontchannel_logout_uri": uri,
        "frontchannel_logout_session_required": required,
        "backchannel_logout_uri": None,
    }


def test_our_own_button_tells_them_too_and_says_so(lobby: Lobby) -> None:
    """Without an address to go to, the page that lists the sites comes behind the frames."""
    lobby.add_client("framed", first_party=True, details=framed("https://framed.example/out", required=True))
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    assert "code" in answer_of(browser.authorize(client_id="framed"))
    done = browser.post("/oauth/logout/confirm", hidden_fields_with_handle(logout(browser)))
    page = browser.get(done.headers["Location"])
    listed = re.search(r'id="go-on" href="(/signed-out/[^"]+)"', page.text)
    assert listed
    last = browser.get(listed[1])
    assert 'id="logged-out-title"' in last.text
    assert "was asked in this browser" in last.text
    assert browser.get("/signing-out/unknown").headers["Location"] == "/signed-out"
