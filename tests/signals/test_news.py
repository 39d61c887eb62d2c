"""Feeds are read in turn, bounded, and nothing in them is taken for more than plain words (F-1.1)."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.accounts.interests import list_news
from idp.config.interests import InterestSettings
from idp.provider import Provider
from idp.signals.news import FeedFault, parse_feed, read_feeds
from idp.store import news
from tests.support.lobby import NOW, Lobby

ITEM = {"id": "1", "url": "https://site.example/1", "title": "News", "date_published": "2027-01-14T08:00:00+00:00"}


def feed(*items: object, version: str = "https://jsonfeed.org/version/1.1") -> bytes:
    """A feed with these items."""
    return json.dumps({"version": version, "title": "x", "items": items}).encode()


def with_feed(lobby: Lobby, path: Path) -> Provider:
    """The provider, which reads this file for `site`."""
    interests = InterestSettings(
        topics={"tips": {"en": "Tips"}}, regions={"north": {"en": "North"}}, feeds={"site": str(path)}
    )
    return replace(lobby.provider, settings=lobby.provider.settings.model_copy(update={"interests": interests}))


def test_a_feed_is_read_when_it_is_due_and_replaces_what_was_there(lobby: Lobby, tmp_path: Path) -> None:
    """Every 15 minutes; what is gone from the feed is gone from the news."""
    path = tmp_path / "feed.json"
    path.write_bytes(feed(ITEM, {**ITEM, "id": "2", "title": "Other"}))
    provider = with_feed(lobby, path)
    anna = lobby.add_account("anna")
    read_feeds(provider)
    assert {item.title for item in list_news(provider, anna)} == {"News", "Other"}
    path.write_bytes(feed(ITEM))
    read_feeds(provider)
    assert len(list_news(provider, anna)) == 2
    lobby.now += 15 * 60
    read_feeds(provider)
    assert [item.title for item in list_news(provider, anna)] == ["News"]


@pytest.mark.parametrize(
    "broken", [b"<html>", b"[]", b'{"version": "x"}', feed(version="https://example.com/2"), b"[" * 100_000]
)
def test_a_broken_feed_keeps_the_last_good_items_and_is_told(lobby: Lobby, tmp_path: Path, broken: bytes) -> None:
    """Staff can see what is wrong."""
    path = tmp_path / "feed.json"
    path.write_bytes(feed(ITEM))
    provider = with_feed(lobby, path)
    read_feeds(provider)
    path.write_bytes(broken)
    lobby.now += 3600
    read_feeds(provider)
    assert len(list_news(provider, lobby.add_account("anna"))) == 1
    with provider.database.reading() as tx:
        (fault,) = news.list_faults(tx)
    assert fault[0] == "site"


def test_a_feed_that_is_named_no_more_is_forgotten(lobby: Lobby, tmp_path: Path) -> None:
    """With its items."""
    path = tmp_path / "feed.json"
    path.write_bytes(feed(ITEM))
    read_feeds(with_feed(lobby, path))
    read_feeds(lobby.provider)
    assert list_news(lobby.provider, lobby.add_account("anna")) == []


@pytest.mark.parametrize(
    "entry",
    [
        "no object",
        {},
        {**ITEM, "title": ""},
        {**ITEM, "title": 3},
        {**ITEM, "url": "javascript:alert(1)"},
        {**ITEM, "url": "//site.example/"},
        {**ITEM, "url": "https:///nothing"},
        {**ITEM, "url": "https://site.example/\nx"},
        {**ITEM, "url": None},
        {**ITEM, "url": "https://somebody@site.example/1"},
        {**ITEM, "url": "https://site.example/a b"},
    ],
)
def test_what_cannot_be_shown_is_left_out(entry: object) -> None:
    """And the rest of the feed is used."""
    assert [item.title for item in parse_feed("site", feed(entry, ITEM), NOW)] == ["News"]


def test_words_are_plain_and_bounded() -> None:
    """One line each, shortened at a blank; unknown types are articles, odd dates are now."""
    entry: dict[str, Any] = {
        **ITEM,
        "title": "A\u202e  long \n" + "word " * 100,
        "content_text": "<b>bold</b>",
        "date_published": "yesterday",
        "tags": ["Tips", 3, "x" * 100],
        "_idp": {"type": "party", "regions": "north"},
    }
    (item,) = parse_feed("site", feed(entry), NOW)
    assert item.title.startswith("A long word")
    assert len(item.title) <= 200
    assert (item.summary, item.kind, item.published_at) == ("<b>bold</b>", "article", NOW)
    assert item.interests == ("tips", "x" * 40)
    assert item.regions == ()


def test_a_feed_has_a_hundred_items_at_most() -> None:
    """More are not kept."""
    items = [{**ITEM, "id": str(number)} for number in range(150)]
    assert len(list(parse_feed("site", feed(*items), NOW))) == 100


def test_a_feed_fault_says_what_is_wrong() -> None:
    """For whoever runs the site."""
    with pytest.raises(FeedFault, match="no JSON Feed"):
        list(parse_feed("site", b"{}", NOW))


def test_news_follow_interests_and_region(lobby: Lobby, tmp_path: Path) -> None:
    """What names neither is for everybody, and who chose nothing gets all."""
    path = tmp_path / "feed.json"
    path.write_bytes(
        feed(
            {**ITEM, "id": "1", "title": "all"},
            {**ITEM, "id": "2", "title": "tips", "tags": ["tips"]},
            {**ITEM, "id": "3", "title": "north", "_idp": {"regions": ["north"]}},
            {**ITEM, "id": "4", "title": "south", "_idp": {"regions": ["south"]}},
        )
    )
    provider = with_feed(lobby, path)
    read_feeds(provider)
    nobody = lobby.add_account("nobody")
    chosen = lobby.add_account("chosen", claims={"interests": ["tips"], "region": "north"})
    assert {item.title for item in list_news(provider, nobody)} == {"all", "tips", "north", "south"}
    assert {item.title for item in list_news(provider, chosen)} == {"all", "tips", "north"}
    assert len(list_news(provider, nobody, everything=True)) == 4


def test_an_item_without_a_date_keeps_the_day_it_first_came(lobby: Lobby, tmp_path: Path) -> None:
    """Else it would be the newest again at every reading."""
    path = tmp_path / "feed.json"
    undated = {"id": "2", "url": "https://site.example/2", "title": "Undated"}
    path.write_bytes(feed(undated))
    provider = with_feed(lobby, path)
    read_feeds(provider)
    first, lobby.now = lobby.now, lobby.now + 3600
    later = datetime.fromtimestamp(first + 1800, UTC).isoformat()
    path.write_bytes(feed(undated, {**ITEM, "date_published": later}))
    read_feeds(provider)
    found = list_news(provider, lobby.add_account("anna"))
    assert [(item.title, item.published_at) for item in found] == [("News", first + 1800), ("Undated", first)]


def test_a_date_without_a_zone_is_that_of_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the machine stands."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        (item,) = parse_feed("site", feed({**ITEM, "date_published": "2027-01-14T08:00:00"}), NOW)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert item.published_at == int(datetime(2027, 1, 14, 8, tzinfo=UTC).timestamp())


def test_a_long_word_is_cut_and_not_lost() -> None:
    """Where there is no blank to cut at."""
    (item,) = parse_feed("site", feed({**ITEM, "title": "W" * 300}), NOW)
    assert item.title == "W" * 199 + "…"


def test_a_busy_site_does_not_hide_what_fits(lobby: Lobby, tmp_path: Path) -> None:
    """News is chosen before it is cut, also where sites are left out."""
    day = datetime.fromtimestamp(lobby.now, UTC)
    busy = [
        {**ITEM, "id": str(number), "tags": ["other"], "date_published": (day - timedelta(minutes=number)).isoformat()}
        for number in range(100)
    ]
    quiet = {**ITEM, "title": "For me", "tags": ["tips"], "date_published": (day - timedelta(days=3)).isoformat()}
    feeds = {}
    for name, items in (("busy", busy), ("quiet", [quiet])):
        (tmp_path / name).write_bytes(feed(*items))
        feeds[name] = str(tmp_path / name)
    interests = InterestSettings(topics={"tips": {"en": "Tips"}}, feeds=feeds)
    provider = replace(lobby.provider, settings=lobby.provider.settings.model_copy(update={"interests": interests}))
    read_feeds(provider)
    anna = lobby.add_account("anna", claims={"interests": ["tips"]})
    assert [item.title for item in list_news(provider, anna)] == ["For me"]
    assert [item.title for item in list_news(provider, anna, sites={"quiet"}, everything=True)] == ["For me"]
