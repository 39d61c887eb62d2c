"""The edge lets in what it should, and every answer carries what it must."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Server, Settings
from idp.web.edge import AUTHORIZATION_IS_MALFORMED, Edge, only_standard


def make_app(folder: Path, **server: Any) -> Flask:
    """The application with these server settings."""
    settings = Settings(
        server=Server(**server),
        database=DatabaseSettings(url=f"sqlite:///{folder}/idp.sqlite3"),
        keys=KeySettings(directory=folder / "keys", algorithms=("RS256",)),
    )
    return create_app(settings)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A browser at a provider on loopback."""
    return make_app(tmp_path_factory.mktemp("loopback")).test_client()


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A browser at a public provider whose issuer has a path."""
    return make_app(tmp_path_factory.mktemp("public"), issuer="https://id.example.com/customers").test_client()


def test_only_standard_keys_and_headers_pass() -> None:
    """The environ of granian holds the process environment, secrets included (DESIGN, "Small print"; GO-2, AD-3)."""
    passed = only_standard(
        {
            "REQUEST_METHOD": "GET",
            "HTTP_ACCEPT": "*/*",
            "wsgi.input": io.BytesIO(),
            "IDP_DATABASE__URL": "postgresql://secret",
            "AWS_SECRET_ACCESS_KEY": "x",
            "HTTP_PROXY": "http://evil.example",
            "REMOTE_USER": "admin",
        }
    )
    assert set(passed) == {"REQUEST_METHOD", "HTTP_ACCEPT", "wsgi.input"}


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_authorization_is_malformed(value: str) -> None:
    """A header that arrived empty is not the same as none (CA-2)."""
    passed = only_standard({"HTTP_AUTHORIZATION": value})
    assert passed[AUTHORIZATION_IS_MALFORMED] is True
    assert passed["HTTP_AUTHORIZATION"].strip()
    assert AUTHORIZATION_IS_MALFORMED not in only_standard({"HTTP_AUTHORIZATION": "Basic YTpi"})
    assert AUTHORIZATION_IS_MALFORMED not in only_standard({})


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "localhost,evil.example",
        "localhost@evil.example",
        "localhost.",
        "",
        "local host",
    ],
)
def test_a_strange_host_is_refused(client: FlaskClient, host: str) -> None:
    """IV-11."""
    answer = client.get("/sign-in", headers={"Host": host})
    assert answer.status_code == 400
    assert host not in answer.text or not host


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "localhost:18000"])
def test_a_loopback_host_may_have_any_port(client: FlaskClient, host: str) -> None:
    """On loopback the port may be moved; elsewhere it is part of the name (IV-11)."""
    assert client.get("/sign-in", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("id.example.com", 200), ("id.example.com:443", 200), ("id.example.com:8443", 400), ("example.com", 400)],
)
def test_a_public_host_is_compared_with_its_port(public: FlaskClient, host: str, status: int) -> None:
    """IV-11."""
    assert public.get("/customers/sign-in", headers={"Host": host}).status_code == status


def test_probes_may_use_any_host(public: FlaskClient) -> None:
    """A load balancer asks by address."""
    assert public.get("/healthz", headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_an_issuer_with_a_path_is_mounted_there(public: FlaskClient) -> None:
    """Links name the path, with a proxy that passes it on and with one that cuts it (DESIGN, contract)."""
    for path in ("/customers/sign-in", "/sign-in"):
        text = public.get(path, headers={"Host": "id.example.com"}).text
        assert 'action="/customers/sign-in"' in text
        assert 'href="/customers/static/' in text
        assert 'href="/static/' not in text


def test_metadata_of_an_issuer_with_a_path(public: FlaskClient) -> None:
    """RFC 8414 §3.1 puts the path behind the well-known part, Discovery §4 before it."""
    for path in ("/.well-known/oauth-authorization-server/customers", "/customers/.well-known/openid-configuration"):
        answer = public.get(path, headers={"Host": "id.example.com"})
        assert answer.get_json()["issuer"] == "https://id.example.com/customers"


def test_every_answer_has_the_security_headers(public: FlaskClient) -> None:
    """Pages, JSON, errors and static files alike (WB-3, WB-4)."""
    for path, host in [
        ("/customers/sign-in", "id.example.com"),
        ("/customers/nothing", "id.example.com"),
        ("/customers/oauth/nothing", "id.example.com"),
        ("/customers/static/base.css", "id.example.com"),
        ("/healthz", "id.example.com"),
        ("/", "evil.example"),
    ]:
        with public.get(path, headers={"Host": host}) as answer:
            headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "includeSubDomains" in headers["Strict-Transport-Security"]
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Server"] == "idp"
        assert headers["X-Request-Id"]


def test_plain_http_promises_no_https(client: FlaskClient) -> None:
    """A loopback issuer without TLS sends no Strict-Transport-Security (RFC 6797 §7.2)."""
    assert "Strict-Transport-Security" not in client.get("/sign-in").headers


def test_request_ids_are_ours_and_differ(client: FlaskClient) -> None:
    """A caller cannot choose what the log says."""
    first = client.get("/healthz", headers={"X-Request-Id": "mine"}).headers["X-Request-Id"]
    assert first != "mine"
    assert first != client.get("/healthz").headers["X-Request-Id"]


def test_sizes_are_bounded(client: FlaskClient) -> None:
    """Body 64 kB, 1 000 fields, headers 16 kB (RX-1); JSON for programs (GO-5)."""
    form = "application/x-www-form-urlencoded"
    assert client.post("/sign-in", data="a=" + "b" * 65536, content_type=form).status_code == 413
    assert client.post("/sign-in", data="&".join(["a=b"] * 1001), content_type=form).status_code == 413
    assert client.get("/sign-in", headers={"X-Long": "a" * 17000}).status_code == 431
    assert client.get("/sign-in?a=" + "b" * 17000).status_code == 431
    assert client.get("/sign-in", environ_overrides={"CONTENT_LENGTH": "-1"}).status_code == 400
    answer = client.post("/oauth/token", data="a=" + "b" * 65536, content_type=form)
    assert (answer.status_code, answer.get_json()["error"]) == (413, "invalid_request")


def test_compressed_bodies_are_refused(client: FlaskClient) -> None:
    """RX-6."""
    answer = client.post("/oauth/token", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_static_files_keep_and_look_alikes_are_no_pages(client: FlaskClient) -> None:
    """A style sheet may be kept for a year by its version; `/account/x.css` is nothing (SE-12)."""
    with client.get("/static/base.css?v=1") as answer:
        assert "max-age=31536000" in answer.headers["Cache-Control"]
    for path in ("/account/base.css", "/sign-in/base.css", "/sign-in.css", "/oauth/userinfo/a.js"):
        assert client.get(path).status_code == 404


def seen_behind(proxies: int, **headers: str) -> dict[str, Any]:
    """What the application sees of a request that came over this many trusted proxies."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    edge = Edge(application, Settings(server=Server(issuer="https://id.example.com", trusted_proxies=proxies)))
    base = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "10.0.0.1", "HTTP_HOST": "id.example.com"}
    list(edge({**base, "wsgi.url_scheme": "http", **headers}, lambda *_: None))
    return seen


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.5", "10.0.0.1"),
        (1, "203.0.113.5", "203.0.113.5"),
        (1, "1.1.1.1, 203.0.113.5", "203.0.113.5"),
        (2, "1.1.1.1, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        (2, "203.0.113.5", "10.0.0.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_the_senders_address_is_what_trusted_proxies_saw(proxies: int, forwarded: str, address: str) -> None:
    """Counted from our side: what the caller wrote before them is not looked at (BF-6)."""
    assert seen_behind(proxies, HTTP_X_FORWARDED_FOR=forwarded)["REMOTE_ADDR"] == address


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_host_and_scheme_come_from_the_settings_alone(proxies: int) -> None:
    """No header moves them, over how many proxies it may come (RS-4, IV-11)."""
    seen = seen_behind(
        proxies,
        HTTP_X_FORWARDED_HOST="evil.example",
        HTTP_X_FORWARDED_PROTO="http",
        HTTP_X_FORWARDED_PORT="8080",
        HTTP_X_FORWARDED_PREFIX="/evil",
        HTTP_FORWARDED="host=evil.example;proto=http",
    )
    assert seen["wsgi.url_scheme"] == "https"
    assert seen["HTTP_HOST"] == "id.example.com"
    assert seen.get("SCRIPT_NAME", "") == ""


@pytest.mark.parametrize("forwarded", ["garbage", "203.0.113.5:443", "[2001:db8::1]", "::ffff:192.0.2.1", "é", ",,,"])
def test_an_odd_address_from_a_proxy_breaks_nothing(tmp_path: Path, forwarded: str) -> None:
    """A page and a counted try, whatever a proxy wrote (BF-6, GO-1)."""
    browser = make_app(tmp_path, trusted_proxies=1).test_client()
    headers = {"X-Forwarded-For": forwarded}
    page = browser.get("/sign-in", headers=headers)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    form = {"csrf_token": token[1], "username": "nobody", "password": "x" * 20}
    assert browser.post("/sign-in", data=form, headers=headers).status_code == 422
