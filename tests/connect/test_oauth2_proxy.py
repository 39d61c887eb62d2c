"""oauth2-proxy, built from Go's registry, as docs/connect/oauth2-proxy.md configures it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Shoot
from tests.support.connect import Connection, application, connection, find_client, program, sign_in
from tests.support.smtp import SmtpServer

REFRESHED = 2
"""Seconds; the page says five minutes."""


@pytest.fixture
def proxy(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Connection]:
    """oauth2-proxy in front of an application, and the provider that it knows."""
    with connection(tmp_path, smtp_server.url, "oauth2-proxy.md") as made, application() as backend:
        config = made.write(
            "oauth2-proxy.cfg",
            APPLICATION=backend,
            ISSUER_HOST=made.issuer.removeprefix("http://"),
            LISTEN=made.site.removeprefix("http://"),
            SECURE="false",
        )
        command = [find_client("oauth2-proxy"), "--config", config, f"--cookie-refresh={REFRESHED}s"]
        with program(command, url=made.site + "/ping", log=tmp_path / "proxy.log", cwd=tmp_path):
            yield made


def test_oauth2_proxy_signs_a_customer_in_refreshes_and_signs_out(proxy: Connection, page: Page, shoot: Shoot) -> None:
    """Headers for the application, a new access token by itself, sign-out at both."""
    page.goto(proxy.site + "/tickets")
    expect(page.locator("body")).to_contain_text("Service desk")
    sign_in(page)
    expect(page).to_have_url(proxy.site + "/tickets")
    seen = page.locator("#seen")
    expect(seen).to_contain_text("X-Forwarded-Email: approved@example.com")
    expect(seen).to_contain_text("X-Forwarded-Preferred-Username: anna")
    shoot(page, "signed-in")
    before = read_access_token(page)

    reload_until(page, lambda: read_access_token(page) != before)
    assert proxy.count_refreshes() >= 1

    after = proxy.file("after-sign-out.txt").strip()
    page.goto(f"{proxy.site}/oauth2/sign_out?rd={quote(after, safe='')}")
    expect(page).to_have_url(proxy.site + "/goodbye")
    shoot(page, "signed-out")
    page.goto(proxy.site + "/tickets")
    expect(page.locator("#login-submit")).to_be_visible()


def test_a_customer_who_signed_out_elsewhere_is_out_at_the_proxy(proxy: Connection, page: Page, shoot: Shoot) -> None:
    """The refresh token ended with the session; the proxy asks for a new sign-in."""
    page.goto(proxy.site + "/tickets")
    sign_in(page)
    expect(page.locator("#seen")).to_be_visible()
    page.goto(proxy.issuer + "/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_contain_text("signed out")
    page.goto(proxy.site + "/tickets")
    reload_until(page, lambda: page.locator("#login-submit").is_visible())
    shoot(page, "asked-again")


def reload_until(page: Page, is_so: Callable[[], bool], seconds: float = 40) -> None:
    """Look again until the proxy has renewed its session, which it does with the first request after its interval."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.5)
        page.reload()


def read_access_token(page: Page) -> str:
    """What the application got."""
    match = re.search(r"X-Forwarded-Access-Token: (\S+)", page.locator("#seen").inner_text())
    assert match
    return match[1]
