"""An issuer with a path (`http://localhost:PORT/id`) works like one without, from registration to sign-out (DESIGN)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import jwt
import pytest
import requests
from jwt import PyJWKClient

from tests.support.flow import TestClient, authorize, introspect, redeem, refresh
from tests.support.smtp import SmtpServer
from tests.support.visitor import Page, Visitor
from tests.support.world import PASSWORD, SECRETS, World, running_world

NEW_PASSWORD = "seven-quiet-mountains"
PREFIX = "/id"


@pytest.fixture
def world(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[World]:
    """The provider below a path, and both sites."""
    url = f"sqlite:///{tmp_path / 'idp.sqlite3'}"
    with running_world(tmp_path, url, smtp_server, issuer_path=PREFIX) as running:
        yield running


def check_addresses(world: World, page: Page) -> Page:
    """Every address on a page of the provider that leads to the provider begins with the issuer, and is there."""
    assert page.status < 400, (page.url, page.text[:500])
    found = [urljoin(page.url, address) for _, address in page.links if not address.startswith("mailto:")]
    found += [urljoin(page.url, form.action) for form in page.forms]
    found += [urljoin(page.url, address) for address in re.findall(r'(?:src|href)="(/[^"]*)"', page.html)]
    ours = [address for address in found if urlsplit(address).netloc == urlsplit(world.provider_url).netloc]
    assert ours
    for address in ours:
        assert address.startswith(world.provider_url + "/"), (page.url, address)
    return page


def follow(visitor: Visitor, words: str) -> Page:
    """Follow the first link of the open page whose words are these."""
    page = visitor.page
    assert page is not None
    found = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>(?:(?!</a>).)*{words}', page.html, re.DOTALL)
    assert found, (words, page.url, page.text[:800])
    return visitor.get(urljoin(page.url, found.group(1).replace("&amp;", "&")))


def test_a_registration_from_a_site_ends_at_its_page_after_days_in_the_queue(world: World) -> None:
    """Every link, form, cookie and mail on the way belongs to the issuer; staff decide three days later (F-1.2, F-1.8)."""
    visitor = world.visitor()
    check_addresses(world, visitor.get(world.library_url + "/exclusive"))
    page = check_addresses(world, follow(visitor, "Register"))
    assert "Download library" in page.text
    typed = {"email": "wanda@example.org", "given_name": "Wanda", "family_name": "Way", "company": "Works"}
    typed |= {"country": "CH", "serial_number": "cd-777 z", "new_password": NEW_PASSWORD}
    check_addresses(world, visitor.submit("register-submit", **typed))
    check_addresses(world, visitor.get(world.link_in(world.mail_to("wanda@example.org"), "/confirm/")))
    page = check_addresses(world, visitor.submit("confirm-submit"))
    assert "Your registration is being reviewed" in page.text
    assert "Continue to" not in page.text

    world.clock.move(hours=72)
    staff = world.visitor()
    staff.get(world.provider_url + "/staff")
    check_addresses(world, staff.submit("login-submit", username="care", password=PASSWORD))
    check_addresses(world, follow(staff, "Wanda Way"))
    staff.submit("decision-approve")

    status = world.link_in(world.mail_to("wanda@example.org", containing="Continue to Download library"), "/register/")
    visitor = world.visitor()  # another browser, days later
    page = check_addresses(world, visitor.get(status))
    assert "wanda.way" in page.text
    visitor.get(world.provider_url + "/")
    dashboard = check_addresses(world, visitor.submit("login-submit", username="wanda.way", password=NEW_PASSWORD))
    (way_back,) = [address for name, address in dashboard.links if name == "continue"]
    assert way_back in page.html.replace("&amp;", "&")  # the first page leads where the mail's page leads
    visitor = world.visitor()
    visitor.get(status)
    check_addresses(world, follow(visitor, "Continue to Download library"))
    page = visitor.submit("login-submit", username="wanda.way", password=NEW_PASSWORD)
    assert page.url == world.library_url + "/exclusive"
    assert "exclusive-title" in page.ids
    assert "continue" not in visitor.get(world.provider_url + "/").ids  # she has been there


def test_sessions_mails_and_pages(world: World) -> None:
    """Sign-in, single sign-on, profile, sign-out at the sites as well, forgotten password; cookies are for the host."""
    visitor = world.visitor()
    check_addresses(world, visitor.get(world.provider_url + "/"))
    page = check_addresses(world, visitor.submit("login-submit", username="anna", password=PASSWORD, keep="y"))
    assert urlsplit(page.url).path == PREFIX + "/"
    cookies = {cookie.name: cookie.path for cookie in visitor.session.cookies if cookie.name.startswith("idp_")}
    assert set(cookies.values()) == {"/"}
    for path in ("/account", "/account/security", "/account/security/password", "/account/sites"):
        check_addresses(world, visitor.get(world.provider_url + path))
    assert "exclusive-title" in visitor.get(world.library_url + "/exclusive").ids
    assert "bookings-title" in visitor.get(world.portal_url + "/bookings").ids
    visitor.get(world.provider_url + "/account")
    page = check_addresses(world, visitor.submit("sign-out"))
    assert "logged-out-title" in page.ids
    assert "login-submit" in visitor.get(world.library_url + "/exclusive").ids
    check_addresses(world, follow(visitor, "Forgot password"))
    check_addresses(world, visitor.submit("forgot-submit", email="approved@example.com"))
    link = world.link_in(world.mail_to("approved@example.com", containing="/reset/"), "/reset/")
    check_addresses(world, visitor.get(link))
    page = check_addresses(world, visitor.submit("reset-submit", new_password=NEW_PASSWORD))
    assert "Your new password is set" in page.text


def test_the_code_flow_by_hand(world: World) -> None:
    """Discovery at both addresses, code, ID token, refresh, userinfo, introspection: all under the one issuer."""
    issuer, host = world.provider_url, world.provider_url.removesuffix(PREFIX)
    metadata = requests.get(issuer + "/.well-known/openid-configuration", timeout=20).json()
    inserted = host + "/.well-known/oauth-authorization-server" + PREFIX  # RFC 8414 §3.1
    assert metadata == requests.get(inserted, timeout=20).json()
    assert metadata["issuer"] == issuer
    assert all(value.startswith(issuer + "/") for name, value in metadata.items() if name.endswith("_endpoint"))
    visitor = Visitor(issuer)
    visitor.get(issuer + "/sign-in")
    visitor.submit("login-submit", username="anna", password=PASSWORD)
    client = TestClient("download-library", SECRETS["library"], world.library_url + "/account/sign-in/callback")
    tokens = redeem(metadata["token_endpoint"], client, authorize(visitor, client)).json()
    key = PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(tokens["id_token"])
    claims = jwt.decode(tokens["id_token"], key.key, algorithms=["RS256"], audience="download-library", issuer=issuer)
    tokens = refresh(metadata["token_endpoint"], client, tokens["refresh_token"]).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    fresh = requests.get(metadata["userinfo_endpoint"], headers=bearer, timeout=20).json()
    assert fresh["sub"] == claims["sub"]
    assert introspect(issuer, client, tokens["access_token"])["active"] is True
