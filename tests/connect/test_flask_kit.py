"""A Flask site with our own kit, as docs/connect/flask-kit.md writes it."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.browser import Shoot
from tests.support.connect import connection, program, sign_in
from tests.support.server import CHECKOUT
from tests.support.smtp import SmtpServer


def test_the_kit_signs_an_approved_customer_in(
    tmp_path: Path, smtp_server: SmtpServer, page: Page, shoot: Shoot
) -> None:
    """The page's own lines are a whole site."""
    with connection(tmp_path, smtp_server.url, "flask-kit.md") as made:
        made.write("site.py").rename(tmp_path / "kit_site.py")
        command = [sys.executable, "-m", "flask", "--app", "kit_site", "run", "--port", str(made.port)]
        ready = made.site + "/account/signed-out"
        with program(
            command,
            url=ready,
            log=tmp_path / "flask.log",
            cwd=tmp_path,
            environment={"PYTHONPATH": str(CHECKOUT)},
        ):
            page.goto(made.site + "/manuals")
            sign_in(page)
            expect(page).to_have_url(made.site + "/manuals")
            expect(page.locator("body")).to_contain_text("Welcome, ")
            shoot(page, "signed-in")
