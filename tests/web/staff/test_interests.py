"""What staff see of interests and news: an account's choice in words, and a feed that cannot be read (F-1.1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.config.interests import InterestSettings
from idp.signals.news import read_feeds
from tests.support.lobby import Lobby
from tests.web.staff.test_desk import sit_down

OFFERED = InterestSettings(
    products={"balances": {"en": "Balances", "de": "Waagen"}}, regions={"north": {"en": "The North", "de": "Norden"}}
)


def offer(lobby: Lobby, monkeypatch: pytest.MonkeyPatch, offered: InterestSettings = OFFERED) -> None:
    """Let customers choose from these."""
    monkeypatch.setitem(lobby.provider.settings.__dict__, "interests", offered)


def test_an_account_shows_what_was_chosen_in_the_readers_words(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not offered any more stands there by its key."""
    offer(lobby, monkeypatch)
    anna = lobby.add_account("anna", claims={"interests": ["balances", "old-thing"], "region": "north"})
    path = f"/staff/accounts/{anna.account_id}"
    browser, _staff = sit_down(lobby)
    page = browser.get(path).text
    assert "Balances, old-thing" in page
    assert "The North" in page
    assert "Waagen, old-thing" in browser.get(f"{path}?language=de").text


def test_nothing_chosen_is_said_and_nothing_offered_is_not(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty choice is a sentence; without anything to choose the page has no such part."""
    anna = lobby.add_account("anna")
    browser, _staff = sit_down(lobby)
    assert 'id="interests"' not in browser.get(f"/staff/accounts/{anna.account_id}").text
    offer(lobby, monkeypatch)
    assert "Nothing chosen." in browser.get(f"/staff/accounts/{anna.account_id}").text


def test_a_site_says_why_its_news_cannot_be_read(lobby: Lobby, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Until it can be read again."""
    path = tmp_path / "feed.json"
    path.write_text("<html>")
    offer(lobby, monkeypatch, InterestSettings(feeds={"site": str(path)}))
    browser, _staff = sit_down(lobby, "administrator")
    read_feeds(lobby.provider)
    page = browser.get("/staff/sites/site").text
    assert "it is not JSON" in page
    assert str(path) in page
    path.write_text('{"version": "https://jsonfeed.org/version/1.1", "items": []}')
    lobby.now += 3600
    read_feeds(lobby.provider)
    assert "feed-fault" not in browser.get("/staff/sites/site").text
