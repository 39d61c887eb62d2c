"""Mails at the desk: another try for a dead letter, a test mail, and how every message reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.deliveries import retry_delivery
from idp.errors import Refusal
from idp.mail.previews import list_messages
from idp.resources import templates_folder
from tests.support.lobby import NOW, Browser, Lobby
from tests.web.staff.test_desk import sit_down, token_in
from tests.web.staff.test_people import act

TEST = "/staff/mail/test"


def dead_letter(lobby: Lobby, browser: Browser) -> int:
    """A mail that was given up; out: its number."""
    act(browser, lobby.add_account("anna"), act="suspend", reason="x")
    lobby.run("UPDATE outbox SET dead_at = :now, attempts = 9, last_error = '550 no such mailbox'", now=NOW)
    return int(lobby.rows("SELECT outbox_id FROM outbox WHERE kind = 'mail'")[0]["outbox_id"])


def retry(browser: Browser, number: int) -> Any:
    """Press the button of the list."""
    return browser.post(f"/staff/mail/{number}/retry", {"csrf_token": token_in(browser.get("/staff/mail"))})


def test_a_dead_letter_is_tried_again(lobby: Lobby) -> None:
    """It is due at once with all its tries, the trail says who pressed, and a second press changes nothing."""
    browser, staff = sit_down(lobby)
    number = dead_letter(lobby, browser)
    listed = browser.get("/staff/mail?state=dead").text
    assert "550 no such mailbox" in listed
    assert "One mail could not be delivered." in browser.get("/staff/mail").text
    assert "It is tried again" in browser.get(retry(browser, number).headers["Location"]).text
    row = lobby.rows("SELECT dead_at, attempts, available_at FROM outbox WHERE outbox_id = :number", number=number)[0]
    assert (row["dead_at"], row["attempts"], row["available_at"]) == (None, 0, NOW)
    assert "This one is being tried already" in browser.get(retry(browser, number).headers["Location"]).text
    rows = lobby.rows("SELECT actor FROM audit_events WHERE act = 'delivery_retried'")
    assert [row["actor"] for row in rows] == [staff.account_id]
    assert "No mail fits." in browser.get("/staff/mail?state=dead").text


def test_many_presses_revive_a_letter_once(lobby: Lobby) -> None:
    """The database decides who was first."""
    browser, staff = sit_down(lobby)
    number = dead_letter(lobby, browser)

    def press(_: int) -> bool:
        try:
            retry_delivery(lobby.provider, number, staff_id=staff.account_id)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(press, range(6))) == 1
    assert len(lobby.rows("SELECT 1 FROM audit_events WHERE act = 'delivery_retried'")) == 1


def test_who_only_reads_mails_has_no_button(lobby: Lobby) -> None:
    """An approver sees the fate of mails."""
    browser, _staff = sit_down(lobby)
    number = dead_letter(lobby, browser)
    reader, _ = sit_down(lobby, "approver", name="rolf")
    assert "Try again" not in reader.get("/staff/mail").text
    assert retry(reader, number).status_code == 403


def test_a_test_mail_is_written(lobby: Lobby) -> None:
    """To oneself unless changed, in the language chosen; a wrong address is told and kept."""
    browser, _staff = sit_down(lobby, "administrator")
    page = browser.get(TEST)
    assert "carla@lab.example" in page.text
    wrong = browser.post(TEST, {"csrf_token": token_in(page), "email": "nobody at all", "language": "de"})
    assert wrong.status_code == 422
    assert "nobody at all" in wrong.text
    answer = browser.post(TEST, {"csrf_token": token_in(page), "email": "ops@example.com", "language": "de"})
    assert "The test mail is on its way" in browser.get(answer.headers["Location"]).text
    assert [row["name"] for row in lobby.rows("SELECT name FROM outbox")] == ["test_mail"]
    assert lobby.rows("SELECT 1 FROM audit_events WHERE act = 'test_mail_written'")


def test_every_mail_has_a_preview() -> None:
    """What is sent is what is listed: a template for each, and no template more."""
    folders = {path.name for path in (templates_folder() / "mail").iterdir() if path.is_dir()}
    assert set(list_messages()) == folders


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("message", sorted(list_messages()))
def test_every_mail_reads_in_every_language(still_desk: Browser, message: str, language: str) -> None:
    """Both parts with their made-up values; the frame loads and runs nothing."""
    page = still_desk.get(f"/staff/mail/previews/{message}/{language}")
    assert page.status_code == 200
    assert f'<pre class="letter" id="mail-text" lang="{language}">' in page.text
    frame = still_desk.get(f"/staff/mail/previews/{message}/{language}/html")
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert f'lang="{language}"' in frame.text
    assert "{{" not in page.text + frame.text


@pytest.mark.parametrize("path", ["no_such_mail/en", "approved/xx", "no_such_mail/en/html"])
def test_there_is_no_preview_of_what_is_not_sent(still_desk: Browser, path: str) -> None:
    """404."""
    assert still_desk.get(f"/staff/mail/previews/{path}").status_code == 404


@pytest.fixture(scope="module")
def still_desk(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """An administrator who only looks, on SQLite."""
    folder = tmp_path_factory.mktemp("still-desk")
    return sit_down(Lobby(f"sqlite:///{folder / 'idp.sqlite3'}", folder / "keys"), "administrator")[0]
