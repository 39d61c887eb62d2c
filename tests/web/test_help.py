"""The help page answers each promise and leads to the page that does it; the contact page reaches customer care."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.lobby import Browser, Lobby
from tests.support.smtp import SmtpServer
from tests.support.world import running_world
from tests.web.staff.test_desk import token_in

MISSION = [f"f-1-{number}" for number in range(1, 10)] + [f"f-2-{number}" for number in range(1, 8)]
MESSAGE = {"topic": "approval", "email": "anna@lab.example", "message": "Which papers\ndo you need?", "reference": ""}


def write(browser: Browser, **changes: str) -> Any:
    """Send the contact form."""
    page = browser.get("/contact")
    return browser.post("/contact", {"csrf_token": token_in(page), **MESSAGE, **changes})


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_every_promise_has_an_answer_that_leads_on(lobby: Lobby, language: str) -> None:
    """The 16 of the mission, each with a link to a page that opens."""
    browser = lobby.browser()
    page = browser.get(f"/help?language={language}").text
    assert re.findall(r'<section class="panel" id="([^"]+)">', page) == MISSION
    for section in page.split('<section class="panel"')[1:]:
        links = re.findall(r'href="([^"]+)"', section.split("</section>")[0])
        assert links
        assert all(browser.get(link).status_code in (200, 303) for link in links if link != "/register/status")
    assert "%(" not in page


def test_help_and_contact_are_a_step_away_from_every_page(lobby: Lobby) -> None:
    """In the footer; an error page hands its reference on."""
    browser = lobby.browser()
    for path in ("/sign-in", "/register", "/forgot-password"):
        page = browser.get(path).text
        assert 'href="/help"' in page
        assert 'href="/contact"' in page
    lost = browser.get("/no-such-page").text
    (link,) = re.findall(r'href="(/contact\?reference=[^"]+)"', lost)
    assert link.rpartition("=")[2] in browser.get(link).text.partition('id="reference"')[2]


def test_a_message_goes_to_customer_care_who_can_answer_it(lobby: Lobby) -> None:
    """One mail, the writer in it, the reference in the trail; the page says what happens next."""
    browser = lobby.browser()
    answer = write(browser, reference="bcdf-ghjk")
    assert "Your message was sent" in browser.get(answer.headers["Location"]).text
    row = lobby.rows("SELECT name, sealed, seal_identity FROM outbox")[0]
    payload = lobby.provider.master.open(bytes(row["sealed"]), f"outbox:{row['seal_identity']}").decode()
    assert row["name"] == "contact_message"
    assert '"reply_to": "anna@lab.example"' in payload
    assert (
        lobby.rows("SELECT reference FROM audit_events WHERE act = 'contact_message_sent'")[0]["reference"]
        == "BCDF-GHJK"
    )


def test_whoever_is_signed_in_need_not_type_the_address(lobby: Lobby) -> None:
    """And customer care learns who it is."""
    anna = lobby.add_account("anna")
    browser = lobby.browser()
    browser.sign_in(anna)
    assert 'value="anna@lab.example"' in browser.get("/contact").text
    write(browser)
    rows = lobby.rows("SELECT account_id FROM audit_events WHERE act = 'contact_message_sent'")
    assert [row["account_id"] for row in rows] == [anna.account_id]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"topic": ""}, "Choose what it is about."),
        ({"topic": "weather"}, "Choose"),
        ({"email": ""}, "Enter the address that the answer should go to."),
        ({"email": "a@b.example, c@d.example"}, "e-mail address"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "address"),
        ({"message": ""}, "Write what you need."),
        ({"message": "x" * 3001}, "3000"),
    ],
)
def test_a_message_that_cannot_be_sent_says_why_and_is_kept(
    lobby: Lobby, changes: dict[str, str], sentence: str
) -> None:
    """422; what was typed comes back, and nothing goes out."""
    answer = write(lobby.browser(), **changes)
    assert answer.status_code == 422
    text = answer.text
    assert sentence in text
    assert "Which papers" in text or "message" in changes
    assert not lobby.rows("SELECT 1 FROM outbox")


def test_a_network_that_writes_much_waits(lobby: Lobby) -> None:
    """As for every form that sends mail (BF-7)."""
    browser = lobby.browser()
    codes = [write(browser).status_code for _ in range(lobby.provider.settings.limits.mail_requests + 1)]
    assert codes[-2:] == [303, 429]


def test_the_mail_arrives_with_the_writer_as_reply_address(
    tmp_path: Path, database_url: str, smtp_server: SmtpServer
) -> None:
    """Over real SMTP."""
    with running_world(tmp_path, database_url, smtp_server) as world:
        visitor = world.visitor()
        visitor.get("/contact?reference=BCDF-GHJK")
        visitor.submit("contact-submit", topic="sign_in", email="nora@example.org", message="I am locked out.")
        mail = world.mail_to("care@example.com", containing="I am locked out.")
        assert mail.message["Reply-To"] == "nora@example.org"
        assert "BCDF-GHJK" in mail.subject
