"""Django with mozilla-django-oidc, from PyPI, as docs/connect/mozilla-django-oidc.md configures it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Shoot
from tests.support.connect import Connection, connection, find_client, program, sign_in
from tests.support.server import CHECKOUT
from tests.support.smtp import SmtpServer

SERVE = CHECKOUT / "tests" / "clients" / "django_site" / "serve.py"
ASKED_ANEW = 2
"""Seconds; the page says 300."""


@pytest.fixture
def training(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Connection]:
    """The page's site, and the provider that it knows."""
    with connection(tmp_path, smtp_server.url, "mozilla-django-oidc.md") as made:
        made.write("oidc_settings.py")
        made.write("customers.py")
        command = [find_client("python"), SERVE, str(made.port), str(ASKED_ANEW)]
        path = {"PYTHONPATH": str(tmp_path)}
        with program(command, url=made.site + "/", log=tmp_path / "django.log", cwd=tmp_path, environment=path):
            yield made


def test_django_signs_a_customer_in_asks_anew_and_signs_out(training: Connection, page: Page, shoot: Shoot) -> None:
    """User and claims are Django's; asked anew without a question; signed out at both with one button."""
    page.goto(training.site + "/courses")
    expect(page.locator("body")).to_contain_text("Training")
    sign_in(page)
    expect(page).to_have_url(training.site + "/courses")
    expect(page.locator("#seen")).to_have_text("Anna Approved approved@example.com approved")
    shoot(page, "signed-in")

    before = float(page.locator("#until").inner_text())
    time.sleep(max(0.0, before - time.time()) + 0.1)
    page.reload()
    expect(page).to_have_url(training.site + "/courses")
    assert float(page.locator("#until").inner_text()) > before

    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(training.site + "/")
    expect(page.locator("#who")).to_have_text("nobody")
    shoot(page, "signed-out")
    page.goto(training.site + "/courses")
    expect(page.locator("#login-submit")).to_be_visible()


def test_a_customer_who_signed_out_elsewhere_is_out_at_django(training: Connection, page: Page, shoot: Shoot) -> None:
    """The question with `prompt=none` is answered with `login_required`, and Django's session ends."""
    page.goto(training.site + "/courses")
    sign_in(page)
    expect(page.locator("#seen")).to_be_visible()
    page.goto(training.issuer + "/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_contain_text("signed out")
    time.sleep(ASKED_ANEW)
    page.goto(training.site + "/courses")
    expect(page.locator("#who")).to_have_text("nobody")
    shoot(page, "out")


def test_a_waiting_customer_reads_why_and_django_gets_nobody(training: Connection, page: Page, shoot: Shoot) -> None:
    """`require_approval`: the page at the provider leads back with `access_denied`."""
    page.goto(training.site + "/courses")
    sign_in(page, "willi")
    expect(page.locator("main")).to_contain_text("review")
    shoot(page, "waiting")
    page.get_by_role("button", name="Back to Training").click()
    expect(page.locator("#who")).to_have_text("nobody")
    expect(page).to_have_url(training.site + "/")
