"""Node.js with openid-client, from npm, as docs/connect/openid-client.md configures it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Shoot
from tests.support.connect import CLIENTS, Connection, connection, find_client, program, sign_in
from tests.support.smtp import SmtpServer


@pytest.fixture
def shop(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Connection]:
    """The page's site, and the provider that it knows."""
    with connection(tmp_path, smtp_server.url, "openid-client.md") as made:
        made.write("site.mjs")
        (tmp_path / "node_modules").symlink_to(CLIENTS / "openid_client" / "node_modules")
        command = [find_client("node"), "site.mjs"]
        with program(command, url=made.site + "/goodbye", log=tmp_path / "node.log", cwd=tmp_path):
            yield made


def test_openid_client_signs_a_customer_in_refreshes_and_signs_out(shop: Connection, page: Page, shoot: Shoot) -> None:
    """With consent, since this site is a partner's; refreshed twice; signed out at both."""
    page.goto(shop.site + "/")
    sign_in(page)
    expect(page.locator("h1")).to_contain_text("Partner shop")
    shoot(page, "consent")
    page.click("#consent-approve")
    expect(page).to_have_url(shop.site + "/")
    expect(page.locator("body")).to_contain_text('"email":"approved@example.com"')
    expect(page.locator("body")).to_contain_text('"approval_status":"approved"')
    shoot(page, "signed-in")

    for _ in range(2):
        page.goto(shop.site + "/refresh")
        expect(page).to_have_url(shop.site + "/")
        expect(page.locator("body")).to_contain_text('"email":"approved@example.com"')
    assert shop.count_refreshes() == 2

    page.goto(shop.site + "/sign-out")
    expect(page).to_have_url(shop.site + "/goodbye")
    shoot(page, "signed-out")
    page.goto(shop.site + "/")
    expect(page.locator("#login-submit")).to_be_visible()


def test_a_customer_who_says_no_comes_back_with_a_refusal(shop: Connection, page: Page, shoot: Shoot) -> None:
    """`access_denied`, with the issuer, which the library checks before it tells the site."""
    page.goto(shop.site + "/")
    sign_in(page)
    page.click("#consent-deny")
    expect(page.locator("body")).to_contain_text('"error":"access_denied"')
    shoot(page, "denied")


def test_a_session_that_ended_cannot_be_refreshed(shop: Connection, page: Page, shoot: Shoot) -> None:
    """Signed out at the provider's own page: the site learns it with its next refresh."""
    page.goto(shop.site + "/")
    sign_in(page)
    page.click("#consent-approve")
    expect(page).to_have_url(shop.site + "/")
    page.goto(shop.issuer + "/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_contain_text("signed out")
    page.goto(shop.site + "/refresh")
    expect(page.locator("body")).to_contain_text('"error":"invalid_grant"')
    shoot(page, "ended")
