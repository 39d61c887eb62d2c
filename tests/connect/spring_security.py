"""Spring Boot with Spring Security, from Maven Central, as docs/connect/spring-security.md configures it.

Not among the tests that `make test` runs, because it needs a JDK, Maven and Maven Central: `make test-spring`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Shoot
from tests.support.connect import Connection, connection, find_program, program, read_blocks, sign_in, wait_for
from tests.support.server import CHECKOUT
from tests.support.smtp import SmtpServer

PAGE = "spring-security.md"
SITE = CHECKOUT / "tests" / "clients" / "spring_site"


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's class and a few pages around it, built by Maven."""
    folder = tmp_path_factory.mktemp("spring")
    sources = folder / "src" / "com" / "example" / "site"
    sources.mkdir(parents=True)
    shutil.copy(SITE / "pom.xml", folder)
    shutil.copy(SITE / "Site.java", sources)
    (sources / "SiteSecurity.java").write_text(read_blocks(PAGE)["SiteSecurity.java"], encoding="utf-8")
    command = [find_program("mvn"), "--batch-mode", "--quiet", "package"]
    built = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-4000:]
    return folder / "target" / "site.jar"


@pytest.fixture
def warranty(tmp_path: Path, smtp_server: SmtpServer, jar: Path) -> Iterator[Connection]:
    """The site, and the provider that it knows; access tokens are so short that each page wants a new one."""
    with connection(tmp_path, smtp_server.url, PAGE, settings="[lifetimes]\naccess_token = 60\n") as made:
        made.write("application.properties")
        command = [find_program("java"), "-jar", jar, f"--server.port={made.port}", "--server.address=127.0.0.1"]
        with program(command, url=made.site + "/goodbye", log=tmp_path / "spring.log", cwd=tmp_path, seconds=60):
            yield made


def test_spring_signs_a_customer_in_refreshes_and_signs_out(warranty: Connection, page: Page, shoot: Shoot) -> None:
    """Claims, a role from the approval status, a new access token by itself, sign-out at both."""
    page.goto(warranty.site + "/claims/new")
    sign_in(page)
    expect(page.locator("h1")).to_have_text("New claim")
    page.goto(warranty.site + "/")
    expect(page.locator("#seen")).to_have_text("Anna Approved approved@example.com approved")
    shoot(page, "signed-in")
    before = page.locator("#access-token").inner_text()
    page.reload()
    assert page.locator("#access-token").inner_text() != before
    assert warranty.count_refreshes() >= 1

    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(warranty.site + "/goodbye")
    shoot(page, "signed-out")
    page.goto(warranty.site + "/")
    expect(page.locator("#login-submit")).to_be_visible()


def test_spring_keeps_a_waiting_customer_from_the_pages_for_approved_ones(
    warranty: Connection, page: Page, shoot: Shoot
) -> None:
    """Signed in, without the role."""
    page.goto(warranty.site + "/")
    sign_in(page, "willi")
    expect(page.locator("#seen")).to_contain_text("pending")
    answer = page.goto(warranty.site + "/claims/new")
    assert answer is not None
    assert answer.status == 403
    shoot(page, "not-approved")


def test_a_sign_out_at_the_provider_ends_the_session_at_spring(warranty: Connection, page: Page, shoot: Shoot) -> None:
    """Opened from the customer's account, ended by the back channel."""
    page.goto(warranty.issuer + "/sign-in")
    sign_in(page)
    page.get_by_role("link", name="Open Warranty").click()
    expect(page.locator("#seen")).to_contain_text("approved@example.com")
    page.goto(warranty.issuer + "/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("body")).to_contain_text("Warranty – signed out", timeout=15_000)
    shoot(page, "signed-out")

    def is_out() -> bool:
        page.goto(warranty.site + "/claims/new")
        return page.locator("#login-submit").is_visible()

    wait_for(is_out, "the end of Spring's session")
