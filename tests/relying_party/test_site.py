"""A site on the kit, with a provider that is not there or answers badly; the real provider is in tests/journeys."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp.relying_party import Site
from idp.relying_party.provider_client import GrantEnded, ProviderUnavailable
from idp.relying_party.shared_store import SQLiteStore
from idp.relying_party.site_session import SiteSession

NOW = 1_800_000_000


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The site's clock."""
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Site:
    """A site whose provider has fixed metadata and no process behind it."""
    app = Flask(__name__, instance_path=str(tmp_path))
    app.testing = True
    site = Site(
        app,
        issuer="http://localhost:1",
        client_id="library",
        client_secret="secret",
        secret_key="k" * 32,
        base_url="http://127.0.0.1:2",
        store=SQLiteStore(tmp_path / "store.sqlite3"),
        clock=clock,
    )
    site.provider._metadata = {
        "issuer": "http://localhost:1",
        "authorization_endpoint": "http://localhost:1/oauth/authorize",
        "token_endpoint": "http://localhost:1/oauth/token",
        "userinfo_endpoint": "http://localhost:1/oauth/userinfo",
        "end_session_endpoint": "http://localhost:1/oauth/logout",
        "jwks_uri": "http://localhost:1/oauth/jwks",
    }
    site.provider._metadata_until = float("inf")

    @app.route("/exclusive", methods=["GET", "POST"])
    @site.approved_required
    def exclusive() -> str:
        return f"for {site.customer.name}"  # type: ignore[union-attr]

    @app.route("/own", methods=["GET", "POST"])
    @site.signed_in_required
    def own() -> str:
        return "own"

    return site


@pytest.fixture
def visitor(site: Site) -> FlaskClient:
    """A browser at the site."""
    return site.app.test_client()


def session(site: Site, **changes: Any) -> SiteSession:
    """A session as the provider opened it."""
    values: dict[str, Any] = {
        "subject": "sub",
        "sid": "sid",
        "claims": {"name": "Anna", "approval_status": "approved"},
        "started_at": NOW,
        "expires_at": NOW + 12 * 3600,
        "kept": False,
        "access_token": "at",
        "access_expires_at": NOW + 600,
        "refresh_token": "rt",
        "id_token": "it",
        "checked_at": NOW,
    }
    return SiteSession(**{**values, **changes})


def sign_in(site: Site, visitor: FlaskClient, **changes: Any) -> None:
    """Put the cookie of a session into the browser."""
    visitor.set_cookie(site.cookie_name, site.box.seal("site-session", session(site, **changes).to_cookie()))


def test_a_stranger_is_sent_to_the_authorization_endpoint_and_back_to_the_page(visitor: FlaskClient) -> None:
    """State, nonce, PKCE S256 and the page to come back to are in the request (RFC 7636 §4.3)."""
    answer = visitor.get("/exclusive?a=1", base_url="http://127.0.0.1:2")
    assert answer.status_code == 303
    for part in ("code_challenge_method=S256", "state=", "nonce=", "response_type=code", "%2Fexclusive%3Fa%3D1"):
        assert part in answer.location
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_approved_customer_gets_in_and_the_answer_is_private(site: Site, visitor: FlaskClient) -> None:
    """What depends on the cookie is never stored by a cache (SE-12)."""
    sign_in(site, visitor)
    answer = visitor.get("/exclusive")
    assert answer.text == "for Anna"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in answer.headers["Vary"]


@pytest.mark.parametrize("status", ["pending", "rejected", "suspended", "something new"])
def test_whoever_is_not_approved_is_told(site: Site, visitor: FlaskClient, status: str) -> None:
    """Signed in, but this part is closed: an explanation, with the way to the account."""
    sign_in(site, visitor, claims={"approval_status": status})
    answer = visitor.get("/exclusive")
    assert answer.status_code == 403
    assert "http://localhost:1/" in answer.text


def test_the_status_is_asked_again_after_ten_seconds(
    site: Site, visitor: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suspension shows at the site within ten seconds."""
    asked: list[str] = []

    def userinfo(token: str) -> dict[str, Any]:
        asked.append(token)
        return {"sub": "sub", "approval_status": "suspended"}

    monkeypatch.setattr(site.provider, "userinfo", userinfo)
    sign_in(site, visitor)
    clock.now += 9
    assert visitor.get("/exclusive").status_code == 200
    clock.now += 1
    assert visitor.get("/exclusive").status_code == 403
    assert asked == ["at"]


def test_without_the_provider_approved_pages_wait_and_others_go_on(
    site: Site, visitor: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kit fails closed where approval is needed (RL-10)."""

    def gone(token: str) -> dict[str, Any]:
        raise ProviderUnavailable

    monkeypatch.setattr(site.provider, "userinfo", gone)
    sign_in(site, visitor)
    clock.now += 60
    answer = visitor.get("/exclusive")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert visitor.get("/own").text == "own"


def test_a_new_refresh_token_is_kept_where_the_claims_do_not_come(
    site: Site, visitor: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider goes away between two answers: approved pages wait, and the token that was used up is not used again."""
    used: list[str] = []

    def refresh(token: str) -> dict[str, Any]:
        used.append(token)
        return {"access_token": "at2", "expires_in": 600, "refresh_token": "rt2"}

    def userinfo(_token: str) -> dict[str, Any]:
        raise ProviderUnavailable

    monkeypatch.setattr(site.provider, "refresh", refresh)
    monkeypatch.setattr(site.provider, "userinfo", userinfo)
    sign_in(site, visitor, access_expires_at=NOW)
    clock.now += 20
    assert visitor.get("/exclusive").status_code == 503
    clock.now += 60
    monkeypatch.setattr(site.provider, "userinfo", lambda _token: {"sub": "sub", "approval_status": "approved"})
    assert visitor.get("/exclusive").text == "for Anna"
    assert used == ["rt"]


def test_a_dead_family_goes_through_the_authorization_endpoint_again(
    site: Site, visitor: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`invalid_grant` is no error page: the provider's session may still live (RFC 6749 §5.2)."""

    def dead(token: str) -> dict[str, Any]:
        raise GrantEnded

    monkeypatch.setattr(site.provider, "userinfo", dead)
    monkeypatch.setattr(site.provider, "refresh", dead)
    sign_in(site, visitor)
    clock.now += 60
    answer = visitor.get("/own?x=1")
    assert answer.status_code == 303
    assert answer.location.startswith("http://localhost:1/oauth/authorize?")


def test_over_https_no_other_host_plants_a_cookie(site: Site, visitor: FlaskClient) -> None:
    """Names with `__Host-` for session and walk; one without it, which a sibling host could set, counts nothing (SE-1)."""
    site.base_url = "https://site.example"
    planted = site.box.seal("site-session", session(site).to_cookie())
    visitor.set_cookie(site.cookie_name, planted)
    walk = visitor.get("/own")
    assert walk.status_code == 303
    visitor.set_cookie(f"__Host-{site.cookie_name}", planted)
    assert visitor.get("/own").text == "own"
    site.store.end_session("sid", NOW)
    dropped = visitor.get("/own")
    for line in [*walk.headers.getlist("Set-Cookie"), *dropped.headers.getlist("Set-Cookie")]:
        assert line.startswith(f"__Host-{site.cookie_name}")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
        assert "Domain" not in line


def test_an_ended_session_is_over_at_once(site: Site, visitor: FlaskClient) -> None:
    """The back channel ends a copied cookie too (SE-4)."""
    sign_in(site, visitor)
    site.store.end_session("sid", NOW)
    assert visitor.get("/own").status_code == 303


def test_the_cookie_ends_with_the_session_and_not_later(site: Site, visitor: FlaskClient, clock: Clock) -> None:
    """12 hours after sign-in a cookie that still exists counts nothing."""
    sign_in(site, visitor, checked_at=NOW + 12 * 3600)
    clock.now += 12 * 3600 - 1
    assert visitor.get("/own").text == "own"
    clock.now += 1
    assert visitor.get("/own").status_code == 303


@pytest.mark.parametrize(("kept", "max_age"), [(True, 3600), (False, None)])
def test_the_cookie_persists_only_if_the_session_is_kept(
    site: Site, visitor: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch, kept: bool, max_age: int | None
) -> None:
    """F-2.7: kept to the fixed end; else a browser-session cookie."""
    monkeypatch.setattr(site.provider, "userinfo", lambda token: {"sub": "sub", "approval_status": "approved"})
    sign_in(site, visitor, kept=kept, expires_at=NOW + 3620)
    clock.now += 20
    visitor.get("/own")
    cookie = visitor.get_cookie(site.cookie_name)
    assert cookie is not None
    assert cookie.max_age == max_age
    assert cookie.http_only


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "\t//evil",
        "http://[",
        "//\u2100.example/",
        "/" + "a" * 2000,
        "/account/sign-in",
        "/account/sign-in/callback?state=x",
        "/account/signed-out",
        "http://127.0.0.1:2/account/signed-out?x",
    ],
)
def test_only_pages_of_this_site_are_ways_back(site: Site, visitor: FlaskClient, target: str) -> None:
    """A target elsewhere becomes the start page (WB-6)."""
    answer = visitor.get("/account/sign-in", query_string={"target_link_uri": target})
    assert answer.status_code == 303
    assert "target_link_uri=http%3A%2F%2F127.0.0.1%3A2%2F&" in answer.location + "&"


@pytest.mark.parametrize("query", ["", "state=", "state=x&code=y", "state=x&error=access_denied", "code=%FF&state=%FF"])
def test_an_answer_without_its_walk_is_refused(visitor: FlaskClient, query: str) -> None:
    """Nobody finishes a sign-in that another browser started (RFC 9700 §4.7)."""
    answer = visitor.get(f"/account/sign-in/callback?{query}")
    assert answer.status_code == 400
    assert "Sign in again" in answer.text


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 20000])
def test_a_bad_logout_token_is_refused(visitor: FlaskClient, token: str) -> None:
    """400 or, where keys cannot be had, 503; JSON, never stored (Back-Channel Logout §2.8)."""
    answer = visitor.post("/account/back-channel-logout", data={"logout_token": token})
    assert answer.status_code in (400, 503)
    assert answer.headers["Cache-Control"] == "no-store"


def test_another_issuers_request_to_sign_in_is_refused(visitor: FlaskClient) -> None:
    """`initiate_login_uri` starts nothing for a foreign issuer (OpenID Connect Core §4)."""
    assert visitor.get("/account/sign-in?iss=https://evil.example").status_code == 400


@pytest.mark.parametrize(
    "path", ["/%09/evil.example/", "/%5Cevil.example/", "/%0A/evil.example", "/%2Fevil.example/", "/%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_page_address_leads_to_another_site_after_sign_in(
    site: Site, visitor: FlaskClient, path: str, method: str
) -> None:
    """Browsers drop tabs and read a backslash as a slash: neither the redirect nor the form sent again leaves (WB-6)."""

    @site.app.route("/<path:page>", methods=["GET", "POST"])
    @site.signed_in_required
    def anything(page: str) -> str:
        return page

    answer = visitor.open(path, method=method, base_url="http://127.0.0.1:2", data={"comment": "mine"})
    for name, cookie in walks(visitor):
        walk = site.box.open("site-sign-in", cookie)
        assert walk is not None
        kept = site.store.take_input(hashlib.sha256(walk["state"].encode()).hexdigest(), NOW)
        again = (site.box.open("site-input", kept) or {"path": "/"})["path"] if kept else "/"
        for target in (walk["target"], again):
            assert re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", target), (name, target)
    assert answer.status_code in (303, 308, 404)
    assert answer.status_code != 303 or walks(visitor)


def test_the_page_to_come_back_to_is_the_one_that_was_asked_for(site: Site, visitor: FlaskClient) -> None:
    """Escaped letters stay escaped, so that the way back finds the same page."""

    @site.app.get("/files/<name>")
    @site.signed_in_required
    def file(name: str) -> str:
        return name

    visitor.get("/files/r%C3%A9sum%C3%A9%20100%25%3F.pdf?a=%26&b=%C3%A9", base_url="http://127.0.0.1:2")
    [(_name, cookie)] = walks(visitor)
    walk = site.box.open("site-sign-in", cookie)
    assert walk is not None
    assert walk["target"] == "/files/r%C3%A9sum%C3%A9%20100%25%3F.pdf?a=%26&b=%C3%A9"


def walks(visitor: FlaskClient) -> list[tuple[str, str]]:
    """The cookies of walks that began in this browser."""
    return [(cookie.key, cookie.value) for cookie in visitor._cookies.values() if "_walk_" in cookie.key]
