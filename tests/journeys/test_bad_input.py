"""Bad input everywhere: a clear error, never a status of 500 or more, nothing half written (GO-1, GO-2, GO-5, IV-1).

The routes, the forms on their pages and the fields in them are found, not listed, so that a new one is tested too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from idp import create_app
from idp.config import load_settings
from tests.support.visitor import Form, read_forms, read_links
from tests.support.world import PASSWORD, SECRETS, apply_demo, configuration

ISSUER = "http://localhost:9123"
PORTS = {"provider": 9123, "library": 9124, "portal": 9125}
CALLBACK = "http://127.0.0.1:9124/account/sign-in/callback"

BAD_VALUES: dict[str, list[bytes]] = {
    "missing": [],
    "empty": [b""],
    "doubled": [b"one", b"two"],
    "too-long": [b"x" * 9000],
    "not-utf-8": [b"\xff\xfe\xfa"],
    "nul": [b"a\x00b"],
    "control": [b"a\x07\x1b[31mb"],
    "line-break": [b"a\r\nX-Injected: yes"],
    "markup": [b'"><script>alert(1)</script>'],
    "full-width": ["１２３＠ｅｘａｍｐｌｅ．ｏｒｇ".encode()],
    "lone-surrogate": [b"\xed\xa0\x80"],
    "huge-number": [b"9" * 400],
    "format": [b"%s{0}${x}%00' OR 1=1 --"],
}
TRACES = re.compile(r"Traceback|sqlalchemy|psycopg|sqlite3|werkzeug|File \"/|\.py\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The provider with the demo's data on SQLite."""
    return make_app(tmp_path_factory.mktemp("bad-input"))


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Another one for whoever sends forms: a bad value that is taken as it is may change somebody's password."""
    return make_app(tmp_path_factory.mktemp("bad-input-changed"))


def make_app(folder: Path) -> Flask:
    """The demo's provider in a folder."""
    config = configuration(folder, f"sqlite:///{folder / 'idp.sqlite3'}", PORTS, "mailbox:")
    apply_demo(config, PORTS, folder)
    made = create_app(load_settings(config))
    made.testing = False
    return made


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()


def sign_in(client: FlaskClient, username: str) -> None:
    """Sign in through the page."""
    page = client.get("/sign-in", base_url=ISSUER)
    form = next(form for form in read_forms(page.text) if "login-submit" in form.buttons)
    fields = {**dict(form.fields), "username": username, "password": PASSWORD}
    answer = client.post(form.action or "/sign-in", data=fields, base_url=ISSUER, headers={"Origin": ISSUER})
    assert answer.status_code == 303, answer.text[:500]


def encode(fields: list[tuple[str, bytes]]) -> bytes:
    """A form body, byte by byte as given."""
    return "&".join(f"{quote(name)}={quote_from_bytes(value)}" for name, value in fields).encode()


def with_bad(fields: list[tuple[str, str]], name: str, values: list[bytes]) -> list[tuple[str, bytes]]:
    """The fields with one of them made bad."""
    kept = [(key, value.encode()) for key, value in fields if key != name]
    return kept + [(name, value) for value in values]


def check_answer(answer: Any, what: str) -> None:
    """No fault of ours, no trace of our insides, no injected header."""
    assert answer.status_code < 500, f"{what}: {answer.status_code}"
    assert "X-Injected" not in answer.headers, what
    if answer.status_code >= 400:
        assert not TRACES.search(answer.text), f"{what}: {answer.text[:600]}"
    assert "<script>alert(1)</script>" not in answer.text, what
    if answer.mimetype == "text/html" and answer.status_code >= 400 and answer.request.method != "HEAD":
        assert "<h1" in answer.text, what


PAGES = {
    "stranger": ["/sign-in", "/register", "/forgot-password", "/register/status", "/confirm/x", "/reset/x", "/"],
    "anna": ["/", "/account", "/account/security", "/account/security/password", "/account/sites"],
    "care": ["/staff", "/staff/registrations", "/staff/accounts", "/staff/mail", "/staff/rules"],
}


def pages_of(client: FlaskClient, who: str) -> list[str]:
    """The pages of a sort of visitor, with the details that the staff's lists lead to."""
    found = list(PAGES[who])
    if who == "care":
        for path in PAGES[who]:
            links = read_links(client.get(path, base_url=ISSUER).text)
            found += [link for link in links if re.match(r"/staff/(applications|accounts|registrations)/", link)][:3]
    return list(dict.fromkeys(found))


def forms_of(client: FlaskClient, path: str) -> list[Form]:
    """The forms of a page that change something, where the page exists."""
    answer = client.get(path, base_url=ISSUER, follow_redirects=True)
    check_answer(answer, path)
    return [form for form in read_forms(answer.text) if form.method == "post"]


@pytest.mark.parametrize("who", list(PAGES))
def test_every_field_of_every_form(changed: Flask, who: str) -> None:
    """Each field made bad in each way: the page says so, or the value is taken as it is, and nothing breaks."""
    client = changed.test_client()
    if who != "stranger":
        sign_in(client, who)
    tried = 0
    for path in pages_of(client, who):
        for form in forms_of(client, path):
            if any("sign-out" in (form.action or "") or "logout" in button for button in form.buttons):
                continue
            names = {name for name, _ in form.fields} | {name.partition("=")[0] for name in form.checkboxes}
            for name in sorted(names):
                for kind, values in BAD_VALUES.items():
                    body = encode(with_bad(form.fields, name, values))
                    answer = client.post(
                        form.action or path,
                        data=body,
                        content_type="application/x-www-form-urlencoded",
                        base_url=ISSUER,
                        headers={"Origin": ISSUER},
                    )
                    check_answer(answer, f"{who} {path} {form.action} {name} {kind}")
                    tried += 1
    assert tried > 50


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Every method and path that is mounted, with something in place of its variables."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield method, rule.rule


JUNK_IN_PATHS = [
    "x",
    "%ff%fe",
    "a" * 3000,
    "..%2f..%2fetc",
    "%00",
    "%0d%0aX-Injected:%20yes",
    "'%20OR%201=1--",
    "-1",
    "9" * 60,
]


@pytest.mark.parametrize("who", ["stranger", "care"])
def test_every_route_with_junk_in_its_path_query_and_body(changed: Flask, who: str) -> None:
    """Whatever is mounted answers junk with less than 500."""
    client = changed.test_client()
    if who != "stranger":
        sign_in(client, who)
    names = "q status page after before sort next request state code error token lang hint id_token_hint filter"
    for method, rule in routes(changed):
        if "sign-out" in rule or rule.endswith("/logout"):
            continue
        for junk in JUNK_IN_PATHS if "<" in rule else ["x"]:
            path = re.sub(r"<[^>]+>", junk, rule)
            for kind, values in BAD_VALUES.items():
                query = "&".join(f"{name}={quote_from_bytes(value)}" for name in names.split() for value in values)
                answer = client.open(
                    f"{path}?{query}" if kind != "too-long" else path,
                    method=method,
                    base_url=ISSUER,
                    data=encode([(name, value) for name in names.split() for value in values])
                    if method != "GET"
                    else None,
                    content_type="application/x-www-form-urlencoded" if method != "GET" else None,
                    headers={"Origin": ISSUER},
                )
                check_answer(answer, f"{who} {method} {path[:80]} {kind}")
                if junk != "x":
                    break


GOOD_AUTHORIZE = [
    ("response_type", "code"),
    ("client_id", "download-library"),
    ("redirect_uri", CALLBACK),
    ("scope", "openid"),
    ("state", "state-of-the-test"),
    ("nonce", "nonce-of-the-test"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
]
OPTIONAL_AUTHORIZE = [
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "ui_locales",
    "claims_locales",
    "acr_values",
    "display",
    "claims",
    "response_mode",
    "request",
    "request_uri",
    "registration",
    "resource",
    "target_link_uri",
    "dpop_jkt",
    "authorization_details",
    "unknown",
]


@pytest.mark.parametrize("who", ["stranger", "anna"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_parameter_of_the_authorization_endpoint(app: Flask, who: str, method: str) -> None:
    """An error page or a redirect to the registered URI with a standard's code; never elsewhere (RD-1, RD-4, RD-7)."""
    client = app.test_client()
    if who != "stranger":
        sign_in(client, who)
    for name in [key for key, _ in GOOD_AUTHORIZE] + OPTIONAL_AUTHORIZE:
        for kind, values in BAD_VALUES.items():
            body = encode(with_bad(GOOD_AUTHORIZE, name, values))
            if method == "GET":
                answer = client.get("/oauth/authorize?" + body.decode(), base_url=ISSUER)
            else:
                answer = client.post(
                    "/oauth/authorize",
                    data=body,
                    content_type="application/x-www-form-urlencoded",
                    base_url=ISSUER,
                )
            check_answer(answer, f"{who} {method} {name} {kind}")
            if answer.status_code in (302, 303):
                own = ("/sign-in", "/oauth/", ISSUER, CALLBACK)
                assert answer.location.startswith(own), (name, kind, answer.location)


GRANTS = {
    "code": [
        ("grant_type", "authorization_code"),
        ("code", "x" * 43),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "v" * 43),
    ],
    "refresh": [("grant_type", "refresh_token"), ("refresh_token", "x" * 43), ("scope", "openid")],
    "introspect": [("token", "x" * 43), ("token_type_hint", "access_token")],
}
OAUTH_ERRORS = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_scope",
    "invalid_target",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_token",
}


@pytest.mark.parametrize("grant", list(GRANTS))
def test_every_parameter_of_the_token_and_introspection_endpoints(visitor: FlaskClient, grant: str) -> None:
    """JSON with a registered code and no-store, whatever comes (GO-5, RD-7)."""
    path = "/oauth/introspect" if grant == "introspect" else "/oauth/token"
    good = GRANTS[grant]
    for name in [key for key, _ in good] + ["client_id", "client_secret", "resource", "unknown"]:
        for kind, values in BAD_VALUES.items():
            answer = visitor.post(
                path,
                data=encode(with_bad(good, name, values)),
                content_type="application/x-www-form-urlencoded",
                base_url=ISSUER,
                auth=("download-library", SECRETS["library"]),
            )
            check_answer(answer, f"{path} {name} {kind}")
            assert "no-store" in answer.headers["Cache-Control"]
            found = answer.get_json()
            if answer.status_code >= 400:
                assert found["error"] in OAUTH_ERRORS, (name, kind, found)
                description = found.get("error_description", "")
                assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*", description), description


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic //79",
        "Basic OnNlY3JldA==",
        "Basic bm9jb2xvbg==",
        "Basic " + "QQ" * 9000,
        "Bearer x",
        "bearer",
        "Digest x",
        "",
        "Basic ZG93bmxvYWQtbGlicmFyeTo=",
        "Basic ZG93bmxvYWQtbGlicmFyeTp3csO2bmc=",
    ],
)
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/userinfo"])
def test_every_malformed_credential_is_a_401(visitor: FlaskClient, path: str, header: str) -> None:
    """401 with a challenge, the same for all (CA-2, IN-7)."""
    answer = visitor.post(
        path,
        data={"grant_type": "refresh_token", "refresh_token": "x", "token": "x"} if path != "/oauth/userinfo" else None,
        base_url=ISSUER,
        headers={"Authorization": header},
    )
    check_answer(answer, f"{path} {header[:40]}")
    assert answer.status_code in (400, 401, 431)
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"grant_type": "refresh_token"}'),
        ("text/plain", b"grant_type=refresh_token"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'),
        ("multipart/form-data", b"x"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"grant_type=refresh_token"),
        ("", b"grant_type=refresh_token"),
        ("application/x-www-form-urlencoded", b"a=b&" * 20000),
    ],
)
@pytest.mark.parametrize(
    "path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/sign-in", "/register", "/oauth/authorize"]
)
def test_other_bodies_are_refused_clearly(visitor: FlaskClient, path: str, content_type: str, body: bytes) -> None:
    """A content type that is not a form, or a body that is too large, is a 4xx (CO-11, RX-1)."""
    answer = visitor.post(path, data=body, content_type=content_type, base_url=ISSUER, headers={"Origin": ISSUER})
    check_answer(answer, f"{path} {content_type}")
    assert 400 <= answer.status_code < 500 or answer.status_code == 303


@pytest.mark.parametrize("name", ["app", "changed"])
def test_nothing_was_half_written(name: str, request: pytest.FixtureRequest) -> None:
    """After all that, every registration has what belongs to it (GO-9)."""
    engine = request.getfixturevalue(name).extensions["idp"].database.engine
    with engine.connect() as connection:
        half = connection.execute(
            text(
                "SELECT COUNT(*) FROM registrations r WHERE r.address_taken = 0 AND r.state = 'sent' AND NOT EXISTS"
                " (SELECT 1 FROM links l WHERE l.registration_id = r.registration_id)"
            )
        ).scalar_one()
        lonely = connection.execute(
            text(
                "SELECT COUNT(*) FROM token_families f WHERE NOT EXISTS (SELECT 1 FROM codes c WHERE c.family_id = f.family_id)"
            )
        ).scalar_one()
    assert (half, lonely) == (0, 0)
