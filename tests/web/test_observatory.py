"""Every page by the scoring of MDN's HTTP Observatory: 100 or more (WB-4), for strangers, customers and administrators."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Server, Settings
from idp.store import accounts, sessions
from idp.store.clients import save_client
from idp.web.audiences import is_for_programs
from tests.support.lobby import NOW, request_parameters
from tests.support.observatory import score

HOST = "id.example.com"
FRAMED = "/oauth/check_session"
SITE = {
    "client_name": "Site",
    "redirect_uris": ["https://site.example/callback"],
    "logo_uri": "https://site.example/l.png",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A public provider with a customer, an administrator and a site that asks for consent."""
    folder = tmp_path_factory.mktemp("observatory")
    settings = Settings(
        server=Server(issuer=f"https://{HOST}"),
        database=DatabaseSettings(url=f"sqlite:///{folder}/idp.sqlite3"),
        keys=KeySettings(directory=folder / "keys", algorithms=("RS256",)),
    )
    app = create_app(settings, clock=lambda: NOW)
    with app.extensions["idp"].database.transaction() as tx:
        save_client(tx, "site", SITE, require_approval=False, now=NOW)
        for name in ("customer", "administrator"):
            accounts.insert_account(
                tx,
                email=f"{name}@lab.example",
                user_name=name,
                given_name=name.title(),
                family_name="Test",
                country="DE",
                approval_status="approved",
                email_verified_at=NOW,
                now=NOW,
                roles="administrator" if name == "administrator" else "",
            )
    return app


def browser_of(app: Flask, who: str) -> FlaskClient:
    """A browser of a stranger, or of somebody who has just signed in."""
    browser = app.test_client()
    if who != "stranger":
        with app.extensions["idp"].database.transaction() as tx:
            account = accounts.find_by_identifier(tx, who)
            assert account is not None
            started = sessions.start_session(tx, account_id=account.account_id, kept=False, lifetime=3600, now=NOW)
        browser.set_cookie("__Host-idp_session", started.secret, domain=HOST, secure=True)
    return browser


def path_of(app: Flask, rule: Rule) -> str:
    """An address of the route: about the customer and the site where it is about somebody, else about nothing there is."""
    with app.extensions["idp"].database.reading() as tx:
        customer = accounts.find_by_identifier(tx, "customer")
    assert customer is not None
    known: dict[str, Any] = {"account_id": customer.account_id, "client_id": "site", "message": "approved"}
    values = {}
    for name, converter in rule._converters.items():
        one_of = sorted(getattr(converter, "items", ()))
        nothing = 1 if type(converter).__name__ == "IntegerConverter" else "x"
        values[name] = known.get(name, one_of[0] if one_of else nothing)
    path = app.url_map.bind(HOST, url_scheme="https").build(rule.endpoint, values, force_external=False)
    return str(path)


def pages(app: Flask) -> list[Rule]:
    """The routes that people open, the frame of the session check apart."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and rule.endpoint != "static"]
    return [rule for rule in rules if not is_for_programs(rule.rule) and rule.rule != FRAMED]


@pytest.mark.parametrize("who", ["stranger", "customer", "administrator"])
def test_every_page_has_a_hundred_points_or_more(app: Flask, who: str) -> None:
    """Whatever the answer is: the page, "not found", "not yours" (WB-3, WB-4, WB-7)."""
    browser = browser_of(app, who)
    poor, seen, shown = {}, 0, 0
    for rule in pages(app):
        path = path_of(app, rule)
        with browser.get(path, base_url=f"https://{HOST}") as answer:
            if answer.mimetype != "text/html" or answer.status_code in (301, 302, 303, 307, 308):
                continue
            points, parts = score(list(answer.headers), answer.get_data(as_text=True), HOST)
        seen += 1
        shown += answer.status_code == 200
        if points < 100:
            poor[path] = (points, {name: part for name, part in parts.items() if part < 0})
    assert poor == {}
    assert seen > 20
    assert shown > {"stranger": 8, "customer": 15, "administrator": 40}[who]


def test_the_page_of_consent_too(app: Flask) -> None:
    """Its form ends at the site, whose picture it shows (WB-4, WB-3)."""
    browser = browser_of(app, "customer")
    base = f"https://{HOST}"
    asked = browser.get("/oauth/authorize", query_string=request_parameters(), base_url=base)
    page = browser.get(asked.headers["Location"], base_url=base)
    assert 'id="consent-approve"' in page.text
    assert score(list(page.headers), page.text, HOST)[0] >= 100
    wrong = browser.get("/oauth/authorize", query_string={"client_id": "nobody"}, base_url=base)
    assert score(list(wrong.headers), wrong.text, HOST)[0] >= 100


GOOD = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; object-src 'none'",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize(
    ("changes", "html", "points"),
    [
        ({}, "", 130),
        ({"Set-Cookie": "__Host-session=x; Secure; HttpOnly; SameSite=Lax"}, "", 135),
        ({}, '<script src="/static/a.js"></script>', 130),
        ({"Content-Security-Policy": ""}, "", 55),
        ({"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'"}, "", 125),
        ({"Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'"}, "", 80),
        ({"Content-Security-Policy": "default-src 'none'; script-src 'nonce-x' 'unsafe-inline'"}, "", 80),
        (
            {"Content-Security-Policy": "default-src 'none'; form-action http://a.example; frame-ancestors 'none'"},
            "",
            80,
        ),
        ({"Content-Security-Policy": "default-src 'none'; img-src http://a.example; frame-ancestors 'none'"}, "", 110),
        ({"Strict-Transport-Security": ""}, "", 80),
        ({"Strict-Transport-Security": "max-age=86400"}, "", 120),
        ({"X-Content-Type-Options": ""}, "", 125),
        ({"Referrer-Policy": "unsafe-url"}, "", 120),
        ({"Cross-Origin-Resource-Policy": "nonsense"}, "", 115),
        ({"Set-Cookie": "session=x; HttpOnly; SameSite=Lax"}, "", 120),
        ({"Set-Cookie": "session=x; Secure; SameSite=Lax"}, "", 70),
        ({"Set-Cookie": "state=x; Secure; SameSite=None"}, "", 135),
        ({"Set-Cookie": "state=x; Secure; SameSite=Off"}, "", 80),
        ({"Set-Cookie": "csrf=x; Secure"}, "", 80),
        ({"Access-Control-Allow-Origin": "https://a.example", "Access-Control-Allow-Credentials": "true"}, "", 50),
        ({}, '<script src="https://cdn.example/a.js"></script>', 125),
        ({}, '<script src="//cdn.example/a.js"></script>', 50),
    ],
)
def test_the_scoring_can_fail(changes: dict[str, str], html: str, points: int) -> None:
    """Each rule by a page that keeps or breaks it."""
    assert score((GOOD | changes).items(), html, HOST)[0] == points
