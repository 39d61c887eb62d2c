"""The owner's security page: browsers with their sites, signing out everywhere, what happened lately."""

from __future__ import annotations

import re
from typing import Any

import pytest

from idp.accounts.own_security import CHANGES, CHANGES_SHOWN, OWN_EVENTS, PAGE
from idp.store import accounts, audit, endings
from idp.web.account.security_words import OWN_WORDS
from idp.web.staff.words import EVENTS
from tests.accounts.test_endings import GUARDED, OPEN, Scene, make_scene
from tests.support.lobby import Browser, Lobby, hidden_fields


@pytest.fixture
def scene(lobby: Lobby) -> Scene:
    """Two sessions of Ada's, each at two sites, with offline access at both."""
    return make_scene(lobby)


def sit_down(lobby: Lobby) -> tuple[Browser, Any]:
    """Ada, who has just signed in."""
    ada = lobby.add_account("ada")
    browser = lobby.browser()
    browser.sign_in(ada)
    return browser, ada


def test_each_browser_says_until_when_from_where_and_which_sites(lobby: Lobby) -> None:
    """UX: “signed in on this device until 18:40”, and the sites that this session opened."""
    ada = lobby.add_account("ada")
    here, there = lobby.browser(), lobby.browser()
    here.sign_in(ada)
    sid = there.sign_in(ada)
    with lobby.provider.database.transaction() as tx:
        endings.note_session_client(tx, sid, "site", lobby.now)
    page = here.get("/account/security").text
    assert page.count("Signed in on this device until") == 2
    assert page.count("Sites opened there:") == 1
    assert page.count("No site was opened there.") == 1
    assert "It ends the access of 1 site:" in page
    assert "signs you out of 2 browsers, this one included" in page


def test_signing_out_everywhere_ends_all_and_says_so_beforehand(scene: Scene) -> None:
    """DESIGN, sign-out everywhere: all sessions, all tokens, offline too; the sites are told."""
    lobby = scene.lobby
    browser = lobby.browser()
    with lobby.provider.database.reading() as tx:
        ada = accounts.get_account(tx, scene.account_id)
    browser.sign_in(ada)
    page = browser.get("/account/security").text
    assert "signs you out of 3 browsers" in page
    assert "It ends the access of 2 sites:" in page
    assert "while you are away" in page
    answer = browser.post("/account/security/end-all", hidden_fields(page))
    assert "/signed-out/" in answer.headers["Location"]
    assert browser.get("/account").status_code == 303
    assert scene.live_sessions() == set()
    assert {name for name in scene.families if not name.startswith("bob")} <= scene.dead_families()
    assert {client for _sid, client in scene.told()} == {GUARDED, OPEN}
    assert lobby.rows(
        "SELECT account_id FROM sessions WHERE account_id <> :ada AND ended_at IS NULL", ada=scene.account_id
    )


def test_everywhere_needs_the_forms_token(lobby: Lobby) -> None:
    """WB-1."""
    browser, _ada = sit_down(lobby)
    assert browser.get("/account/security/end-all").status_code == 405
    browser.post("/account/security/end-all", {})
    assert browser.get("/account").status_code == 200


def note(lobby: Lobby, act: str, account_id: str, *, at: int, **values: Any) -> None:
    """A line of the trail."""
    with lobby.provider.database.transaction() as tx:
        audit.record(tx, act, now=at, account_id=account_id, **values)


def lines_on(page: Any) -> list[str]:
    """The events that a page shows."""
    block = re.search(r'<ol class="history" id="events">(.*?)</ol>', page.text, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", line) for line in re.findall(r"<span>(.*?)</span>", block[1])] if block else []


def test_events_are_told_in_plain_words_to_their_owner_only(lobby: Lobby) -> None:
    """No identifiers, no staff names or addresses, nobody else's, nothing older than 90 days, and nothing twice."""
    browser, ada = sit_down(lobby)
    bob = lobby.add_account("bob")
    key = ada.account_id
    note(lobby, "sign_in_refused", key, at=lobby.now - 91 * 86400)
    note(lobby, "signed_in", key, at=lobby.now - 50, address="192.0.2.7", actor_kind="customer", actor=key)
    note(lobby, "email_changed", key, at=lobby.now - 40, address="10.1.1.1", actor_kind="staff", actor=bob.account_id)
    note(lobby, "password_changed", key, at=lobby.now - 30)
    note(lobby, "password_changed", key, at=lobby.now - 30, actor_kind="customer", actor=key)
    note(lobby, "signed_out_elsewhere", key, at=lobby.now - 20)
    note(lobby, "sign_out", key, at=lobby.now - 20)
    note(lobby, "audit_read", key, at=lobby.now - 10)
    note(lobby, "signed_in", bob.account_id, at=lobby.now - 5)
    for path in ("/account/security/events", "/account/security"):
        assert lines_on(browser.get(path)) == [
            "A browser was signed out",
            "You changed your password",
            "Customer care: Your e-mail address was changed",
            "You signed in, from 192.0.2.7",
        ]


def test_permissions_are_told_with_the_name_of_the_site(lobby: Lobby) -> None:
    """Given on the way to the site, taken back here, each with one line."""
    browser, ada = sit_down(lobby)
    path = browser.authorize().headers["Location"]
    browser.post(path, {**hidden_fields(browser.get(path).text), "wish": "approve"})
    lobby.now += 1
    fields = hidden_fields(browser.get("/account/sites").text)
    browser.post("/account/sites/withdraw", {**fields, "client_id": "site"})
    lines = lines_on(browser.get("/account/security/events"))
    assert [line.partition(",")[0] for line in lines] == [
        "You took a site&#39;s permission back · Site",
        "You gave a site your permission · Site",
    ]
    assert (
        lobby.rows("SELECT account_id FROM audit_events WHERE act = 'consent_given'")[0]["account_id"] == ada.account_id
    )


def test_events_are_paged_without_gaps(lobby: Lobby) -> None:
    """Each once, newest first."""
    browser, ada = sit_down(lobby)
    for number in range(PAGE * 2 + 3):
        note(lobby, "signed_in", ada.account_id, at=lobby.now - 100 + number, address=f"10.0.0.{number}")
    path, seen = "/account/security/events", []
    while path:
        page = browser.get(path)
        seen += lines_on(page)
        found = re.search(r'id="older" href="([^"]+)"', page.text)
        path = found[1] if found else ""
    assert seen == [f"You signed in, from 10.0.0.{number}" for number in reversed(range(PAGE * 2 + 3))]


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "1e3", "٣"])
def test_a_made_up_place_in_the_list_is_the_first_page(lobby: Lobby, before: str) -> None:
    """GO-1 (IV-5)."""
    browser, ada = sit_down(lobby)
    note(lobby, "signed_in", ada.account_id, at=lobby.now)
    assert len(lines_on(browser.get("/account/security/events", query_string={"before": before}))) == 1


def test_nothing_happened_is_said(lobby: Lobby) -> None:
    """An empty list is a sentence."""
    browser, _ada = sit_down(lobby)
    assert "Nothing happened in the last 90 days." in browser.get("/account/security/events").text


def test_every_event_of_the_owner_has_its_words() -> None:
    """And each is one that the trail knows."""
    assert set(OWN_WORDS) == set(OWN_EVENTS)
    assert set(OWN_EVENTS) <= set(EVENTS)
    assert set(CHANGES) <= set(OWN_EVENTS)


def changes_on(page: Any) -> list[str]:
    """What the overview says has changed."""
    block = re.search(r'<ol class="history" id="changes">(.*?)</ol>', page.text, re.DOTALL)
    return re.findall(r"<span>(.*?)</span>", block[1]) if block else []


def test_the_overview_tells_what_changed_in_30_days(lobby: Lobby) -> None:
    """Changes only, in plain words with the new state of the approval, nobody else's and nothing older."""
    browser, ada = sit_down(lobby)
    bob = lobby.add_account("bob")
    assert "Nothing changed at your account in the last 30 days." in browser.get("/").text
    key = ada.account_id
    note(lobby, "device_added", key, at=lobby.now - 31 * 86400)
    note(lobby, "email_changed", key, at=lobby.now - 40, actor_kind="staff", actor=bob.account_id)
    note(lobby, "approval_changed", key, at=lobby.now - 30, actor_kind="rule", details={"new": "approved"})
    note(lobby, "signed_in", key, at=lobby.now - 20)
    note(lobby, "password_changed", key, at=lobby.now - 10)
    note(lobby, "user_name_changed", bob.account_id, at=lobby.now - 5)
    assert changes_on(browser.get("/")) == [
        "You changed your password",
        "Your registration was approved",
        "Customer care: Your e-mail address was changed",
    ]


def test_the_overview_tells_the_newest_changes_only(lobby: Lobby) -> None:
    """The rest is one link away."""
    browser, ada = sit_down(lobby)
    for number in range(CHANGES_SHOWN + 2):
        note(lobby, "device_added", ada.account_id, at=lobby.now - 1000 + number)
    page = browser.get("/")
    assert len(changes_on(page)) == CHANGES_SHOWN
    assert "/account/security/events" in page.text
