"""Flask with Authlib's own client, from PyPI, as docs/connect/authlib.md configures it; PyJWT reads its token as well."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from jwt import PyJWKClient
from playwright.sync_api import Page, expect

from tests.support.browser import Shoot
from tests.support.connect import Connection, connection, program, sign_in
from tests.support.smtp import SmtpServer


@pytest.fixture
def parts(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Connection]:
    """The page's site, and the provider that it knows."""
    with connection(tmp_path, smtp_server.url, "authlib.md") as made:
        made.write("site.py").rename(tmp_path / "spare_parts.py")
        command = [sys.executable, "-m", "flask", "--app", "spare_parts", "run", "--port", str(made.port)]
        with program(command, url=made.site + "/goodbye", log=tmp_path / "flask.log", cwd=tmp_path):
            yield made


def test_authlibs_client_signs_a_customer_in_refreshes_and_signs_out(
    parts: Connection, page: Page, shoot: Shoot
) -> None:
    """Discovery, PKCE, ID token and userinfo through a library that knows nothing of us."""
    page.goto(parts.site + "/")
    sign_in(page)
    expect(page).to_have_url(parts.site + "/")
    expect(page.locator("body")).to_contain_text('"email":"approved@example.com"')
    expect(page.locator("body")).to_contain_text('"approval_status":"approved"')
    shoot(page, "signed-in")
    first = read_session(parts, page)

    page.goto(parts.site + "/refresh")
    expect(page).to_have_url(parts.site + "/")
    assert parts.count_refreshes() == 1
    second = read_session(parts, page)
    assert second["refresh_token"] != first["refresh_token"]

    key = PyJWKClient(parts.issuer + "/oauth/jwks").get_signing_key_from_jwt(second["id_token"])
    read = jwt.decode(second["id_token"], key.key, algorithms=["RS256"], audience="spare-parts", issuer=parts.issuer)
    assert read["sub"] == first["customer"]["sub"]

    page.goto(parts.site + "/sign-out")
    expect(page).to_have_url(parts.site + "/goodbye")
    shoot(page, "signed-out")
    page.goto(parts.site + "/")
    expect(page.locator("#login-submit")).to_be_visible()


def read_session(parts: Connection, page: Page) -> dict[str, Any]:
    """What the site keeps in its cookie."""
    app = Flask(__name__)
    app.secret_key = parts.values["COOKIE_KEY"]
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    (cookie,) = [cookie for cookie in page.context.cookies(parts.site) if cookie["name"] == "session"]
    found: dict[str, Any] = serializer.loads(cookie["value"])
    return found
