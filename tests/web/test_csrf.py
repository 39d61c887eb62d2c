"""Forms of others change nothing (WB-1, WB-2)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp import create_app
from tests.test_smoke import settings_in

OUR_ORIGIN = "http://localhost"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A provider with an empty database."""
    return create_app(settings_in(tmp_path_factory.mktemp("csrf")))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser."""
    return app.test_client()


def token_of(client: FlaskClient, path: str = "/sign-in") -> str:
    """The form token of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OUR_ORIGIN},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": OUR_ORIGIN},
    ],
)
def test_our_own_form_is_taken(client: FlaskClient, headers: dict[str, str]) -> None:
    """Browsers say `Origin: null` for forms of pages that send no referrer."""
    data = {"csrf_token": token_of(client), "username": "", "password": ""}
    assert client.post("/sign-in", data=data, headers=headers).status_code == 422


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": OUR_ORIGIN},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
def test_a_strangers_form_is_refused_even_with_a_token(client: FlaskClient, headers: dict[str, str]) -> None:
    """The browser's word counts beside the token (WB-1)."""
    data = {"csrf_token": token_of(client), "username": "", "password": ""}
    answer = client.post("/sign-in", data=data, headers=headers)
    assert answer.status_code == 400
    assert 'id="error-title"' in answer.text


def test_a_missing_or_foreign_token_is_refused(app: Flask, client: FlaskClient) -> None:
    """A token works only with the cookie it was made for, sign-in included (WB-1)."""
    assert client.post("/sign-in", data={"username": "a"}).status_code == 400
    foreign = token_of(app.test_client())
    token_of(client)
    assert client.post("/sign-in", data={"username": "a", "csrf_token": foreign}).status_code == 400


def test_other_content_types_are_refused(client: FlaskClient) -> None:
    """No `text/plain` tricks, no JSON, no multipart (WB-2, RX-1)."""
    token = token_of(client)
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        answer = client.post("/sign-in", data=f"csrf_token={token}&username=a", content_type=kind)
        assert answer.status_code == 415


def test_methods_are_not_overridden(client: FlaskClient) -> None:
    """WB-2."""
    headers = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST"}
    assert client.get("/sign-out?_method=POST", headers=headers).status_code == 405


def test_every_view_that_changes_something_is_checked(app: Flask) -> None:
    """Only what the standards make sites send forms to is exempt; a new exemption has to be written here (WB-1)."""
    exempt = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and getattr(app.view_functions[rule.endpoint], "csrf_exempt", False)
    }
    assert exempt == {"/oauth/authorize", "/oauth/logout"}


def test_the_policy_of_a_page(client: FlaskClient) -> None:
    """Nothing but our own files; the nonce is in the page and new each time (WB-3, WB-7)."""
    first, second = client.get("/sign-in"), client.get("/sign-in")
    policies = [answer.headers["Content-Security-Policy"] for answer in (first, second)]
    assert policies[0] != policies[1]
    for part in (
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ):
        assert part in policies[0].split("; ")
    assert "unsafe" not in policies[0]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policies[0])
    assert nonce
    assert f'nonce="{nonce[1]}"' in first.text
    for tag in re.findall(r"<(?:script|style)[^>]*>", first.text):
        assert f'nonce="{nonce[1]}"' in tag
    assert not re.search(r'(?:src|href)="(?:https?:)?//', first.text)
    assert not re.search(r'\s(?:style|on[a-z]+)="', first.text)
