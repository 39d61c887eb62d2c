"""Reason texts in four languages, and the mail of a decision before it goes."""

from __future__ import annotations

from typing import Any

import pytest

from idp.store.accounts import Account
from tests.support.lobby import Browser, Lobby
from tests.web.staff.test_desk import add_waiting, mails, sit_down, status_of, token_in

NEW = "/staff/reasons/new"
PHOTO = {"title": "Photo", "en": "Send us a photo.", "de": "Schicken Sie uns ein Foto.", "fr": "", "es": ""}


def save(browser: Browser, path: str = NEW, **changes: str) -> Any:
    """Write a text on its page."""
    return browser.post(path, {"csrf_token": token_in(browser.get(path)), **PHOTO, **changes})


def key_of(lobby: Lobby, title: str = "Photo") -> str:
    """The key of a text."""
    return str(lobby.rows("SELECT text_key FROM reason_texts WHERE title = :title", title=title)[0]["text_key"])


def draft(browser: Browser, account: Account, act: str, **values: str) -> Any:
    """Press one of the buttons of an application that decide nothing."""
    path = f"/staff/applications/{account.account_id}"
    return browser.post(path, {"csrf_token": token_in(browser.get(path)), "act": act, **values})


def test_a_text_is_written_changed_and_removed(lobby: Lobby) -> None:
    """Each time the list says so, and the trail has a line."""
    browser, _staff = sit_down(lobby)
    assert "There are no reason texts yet" in browser.get("/staff/reasons").text
    listed = browser.get(save(browser).headers["Location"]).text
    assert "The text was saved." in listed
    assert "Deutsch, English" in listed
    path = f"/staff/reasons/{key_of(lobby)}"
    assert "Schicken Sie uns ein Foto." in browser.get(path).text
    assert save(browser, path, fr="Envoyez-nous une photo.").status_code == 303
    assert "Français" in browser.get("/staff/reasons").text
    answer = browser.post(f"{path}/remove", {"csrf_token": token_in(browser.get(path))})
    assert "The text was removed." in browser.get(answer.headers["Location"]).text
    acts = [row["act"] for row in lobby.rows("SELECT act FROM audit_events WHERE act LIKE 'reason%' ORDER BY event_id")]
    assert acts == ["reason_text_saved", "reason_text_saved", "reason_text_removed"]
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": ""}, "Give the text a title"),
        ({"en": "", "de": ""}, "Write the text in one language at least."),
        ({"en": "x" * 5000}, "use at most"),
    ],
)
def test_a_text_that_cannot_be_kept_says_why_and_keeps_what_was_typed(
    lobby: Lobby, changes: dict[str, str], sentence: str
) -> None:
    """422, and nothing is written."""
    browser, _staff = sit_down(lobby)
    answer = save(browser, **changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Photo" in answer.text or "Send us a photo." in answer.text
    assert not lobby.rows("SELECT 1 FROM reason_texts")


def test_a_text_is_put_in_in_the_applicants_language(lobby: Lobby) -> None:
    """Below what is written already; where the language is missing, the desk is told to translate."""
    browser, _staff = sit_down(lobby)
    save(browser)
    anna = add_waiting(lobby, "anna")
    lobby.run("UPDATE accounts SET locale = 'de' WHERE account_id = :id", id=anna.account_id)
    page = draft(browser, anna, "insert", text=key_of(lobby), reason="Guten Tag.").text
    assert "Guten Tag.\n\nSchicken Sie uns ein Foto.</textarea>" in page
    lobby.run("UPDATE accounts SET locale = 'es' WHERE account_id = :id", id=anna.account_id)
    page = draft(browser, anna, "insert", text=key_of(lobby)).text
    assert "Send us a photo.</textarea>" in page
    assert "does not exist in the language of the applicant (Español)" in page
    assert "Choose a text first." in draft(browser, anna, "insert").text
    assert (status_of(lobby, anna), mails(lobby)) == ("pending", [])


def test_the_mail_is_shown_before_it_goes(lobby: Lobby) -> None:
    """In the applicant's language, with the reason, without their link; nothing is changed or sent by looking."""
    browser, _staff = sit_down(lobby)
    anna = add_waiting(lobby, "anna")
    lobby.run("UPDATE accounts SET locale = 'de' WHERE account_id = :id", id=anna.account_id)
    page = draft(browser, anna, "preview_rejection", reason="Das Foto fehlt.").text
    shown = page.split('id="mail-preview"')[1].split("</div>")[0]
    assert "Das Foto fehlt." in shown
    assert 'lang="de"' in shown
    assert (status_of(lobby, anna), mails(lobby)) == ("pending", [])
    assert not lobby.rows("SELECT 1 FROM approval_decisions WHERE new_status = 'rejected'")
    assert not lobby.rows("SELECT 1 FROM audit_events WHERE act = 'approval_changed'")
    assert "mail-preview" in draft(browser, anna, "preview_approval").text
    assert "mail-preview" not in draft(browser, anna, "preview_rejection").text


def test_only_who_decides_writes_texts(lobby: Lobby) -> None:
    """Customer care reads the queue, and no more."""
    browser, _staff = sit_down(lobby, "customer_care")
    assert browser.get(NEW).status_code == 403
    assert "Edit the reason texts" not in browser.get("/staff").text
