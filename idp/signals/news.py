"""Reading the sites' feeds (JSON Feed 1.1, jsonfeed.org): in turn, bounded, and nothing of them taken for HTML.

Ours is the extension `_idp` of an item: `type` (event, training, video, article) and `regions`; interests are its `tags`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from idp.signals.fetcher import FetchFailed, FetchRefused
from idp.store import news
from idp.store.news import NewsItem

if TYPE_CHECKING:
    from idp.provider import Provider

KINDS = ("event", "training", "video", "article")
MOST_ITEMS = 100
MOST_BYTES = 512 * 1024
LONGEST_TITLE, LONGEST_SUMMARY = 200, 400

log = structlog.get_logger("idp.signals.news")


class FeedFault(Exception):
    """What is wrong with a feed, for staff."""


def read_feeds(provider: Provider) -> None:
    """Read each feed that is due; one that cannot be read keeps its last good items, and staff see why."""
    settings, now = provider.settings.interests, provider.clock()
    with provider.database.transaction() as tx:
        news.forget_other_feeds(tx, settings.feeds)
        due = [
            client_id
            for client_id in settings.feeds
            if news.take_feed(tx, client_id, now=now, before=now - settings.feed_minutes * 60)
        ]
    for client_id in due:
        try:
            content = _load(provider, settings.feeds[client_id])
            with provider.database.reading() as tx:
                known = news.list_dates(tx, client_id)
            items = list(parse_feed(client_id, content, now, known))
        except (FeedFault, FetchFailed, FetchRefused) as fault:
            log.warning("feed_not_read", client_id=client_id, why=str(fault))
            with provider.database.transaction() as tx:
                news.note_fault(tx, client_id, str(fault))
            continue
        with provider.database.transaction() as tx:
            news.replace_items(tx, client_id, items)


def parse_feed(client_id: str, content: bytes, now: int, known: Mapping[str, int] | None = None) -> Iterator[NewsItem]:
    """The usable items of a feed; `known` has the dates of those there are, so that one without a date keeps its first.

    Raises `FeedFault` where it is no JSON Feed; an item that cannot be used is left out.
    """
    try:
        feed = json.loads(content)
    except (ValueError, RecursionError):
        raise FeedFault("it is not JSON") from None
    if not isinstance(feed, dict) or not str(feed.get("version", "")).startswith("https://jsonfeed.org/version/1"):
        raise FeedFault("it is no JSON Feed of version 1 or 1.1")
    items = feed.get("items")
    if not isinstance(items, list):
        raise FeedFault("it has no list of items")
    for entry in items[:MOST_ITEMS]:
        item = _parse_item(client_id, entry, now, known or {}) if isinstance(entry, dict) else None
        if item is not None:
            yield item


def _parse_item(client_id: str, entry: Mapping[str, Any], now: int, known: Mapping[str, int]) -> NewsItem | None:
    title, url = _line(entry.get("title"), LONGEST_TITLE), entry.get("url")
    if not title or not isinstance(url, str) or not _is_web_address(url):
        return None
    ours = entry.get("_idp") if isinstance(entry.get("_idp"), dict) else {}
    kind = ours.get("type") if isinstance(ours, dict) else None
    item_id = hashlib.sha256(str(entry.get("id") or url).encode("utf-8", "replace")).hexdigest()
    published_at = _instant(entry.get("date_published"))
    return NewsItem(
        client_id=client_id,
        item_id=item_id,
        kind=kind if kind in KINDS else "article",
        title=title,
        summary=_line(entry.get("summary") or entry.get("content_text"), LONGEST_SUMMARY),
        url=url,
        interests=_words(entry.get("tags")),
        regions=_words(ours.get("regions") if isinstance(ours, dict) else None),
        published_at=known.get(item_id, now) if published_at is None else published_at,
    )


def _load(provider: Provider, place: str) -> bytes:
    if place.startswith(("https://", "http://")):
        answer = provider.fetcher.get(place, accept="application/feed+json, application/json")
        if answer.status != 200:
            raise FeedFault(f"the site answers {answer.status}")
        return answer.body
    try:
        with Path(place).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise FeedFault(f"the file cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise FeedFault(f"the file is larger than {MOST_BYTES // 1024} KiB")
    return content


def _line(value: object, longest: int) -> str:
    """Plain words on one line, shortened at a blank."""
    text = " ".join("".join(c if c.isprintable() else " " for c in value).split()) if isinstance(value, str) else ""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"


def _words(value: object) -> tuple[str, ...]:
    return (
        tuple(one.strip().lower()[:40] for one in value[:20] if isinstance(one, str)) if isinstance(value, list) else ()
    )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme in ("https", "http")
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and url.isascii()
        and url.isprintable()
        and " " not in url
        and len(url) < 2000
    )


def _instant(value: object) -> int | None:
    """A date as RFC 3339 writes it; one without a zone is UTC's, wherever this machine stands."""
    try:
        found = datetime.fromisoformat(str(value))
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
