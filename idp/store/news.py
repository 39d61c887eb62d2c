"""News of the sites: the items of each feed, replaced as a whole whenever it was read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

# The row is taken before the feed is read: of several instances one does it.
_TAKE = Statement(
    "INSERT INTO news_feeds (client_id, read_at, fault) VALUES (:client_id, :now, NULL)"
    " ON CONFLICT (client_id) DO UPDATE SET read_at = excluded.read_at WHERE news_feeds.read_at <= :before"
)
_NOTE_FAULT = Statement("UPDATE news_feeds SET fault = :fault WHERE client_id = :client_id")
_FAULTS = Statement("SELECT client_id, read_at, fault FROM news_feeds WHERE fault IS NOT NULL ORDER BY client_id")
_DATES = Statement("SELECT item_id, published_at FROM news_items WHERE client_id = :client_id")
_CLEAR = Statement("DELETE FROM news_items WHERE client_id = :client_id")
_ADD = Statement(
    "INSERT INTO news_items (client_id, item_id, kind, title, summary, url, interests, regions, published_at) VALUES"
    " (:client_id, :item_id, :kind, :title, :summary, :url, :interests, :regions, :published_at)"
    " ON CONFLICT (client_id, item_id) DO NOTHING"
)
_NEWEST = Statement(
    "SELECT * FROM news_items WHERE published_at <= :now AND published_at > :since"
    " ORDER BY published_at DESC, client_id, item_id LIMIT :limit"
)
_FORGET_FEEDS = Statement("SELECT client_id FROM news_feeds")
_FORGET_FEED = Statement("DELETE FROM news_feeds WHERE client_id = :client_id")


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One item; `interests` and `regions` are keys, empty where it is for everybody."""

    client_id: str
    item_id: str
    kind: str
    title: str
    summary: str
    url: str
    interests: tuple[str, ...]
    regions: tuple[str, ...]
    published_at: int

    def is_for(self, interests: Collection[str], region: str | None) -> bool:
        """Whether it is for somebody with these interests in this region; who chose none gets all."""
        fits = not self.interests or not interests or not set(self.interests).isdisjoint(interests)
        return fits and (not self.regions or region is None or region in self.regions)


def take_feed(tx: Transaction, client_id: str, *, now: int, before: int) -> bool:
    """Whether this feed is due, last read at `before` or earlier; exactly one caller gets True."""
    return tx.run(_TAKE, client_id=client_id, now=now, before=before) == 1


def replace_items(tx: Transaction, client_id: str, items: Iterable[NewsItem]) -> None:
    """Keep what a feed says now, and nothing else of it."""
    tx.run(_CLEAR, client_id=client_id)
    for item in items:
        values = {name: getattr(item, name) for name in NewsItem.__slots__}
        tx.run(_ADD, **{**values, "interests": json.dumps(item.interests), "regions": json.dumps(item.regions)})
    tx.run(_NOTE_FAULT, client_id=client_id, fault=None)


def note_fault(tx: Transaction, client_id: str, fault: str) -> None:
    """Say what is wrong with a feed; its last good items stay."""
    tx.run(_NOTE_FAULT, client_id=client_id, fault=fault[:500])


def forget_other_feeds(tx: Transaction, wanted: Iterable[str]) -> None:
    """Drop what came from feeds that are not read any more."""
    for row in tx.all(_FORGET_FEEDS):
        if row["client_id"] not in set(wanted):
            tx.run(_CLEAR, client_id=row["client_id"])
            tx.run(_FORGET_FEED, client_id=row["client_id"])


def list_faults(tx: Transaction) -> list[tuple[str, str]]:
    """The feeds that cannot be read, with what is wrong."""
    return [(row["client_id"], row["fault"]) for row in tx.all(_FAULTS)]


def list_dates(tx: Transaction, client_id: str) -> dict[str, int]:
    """Since when each item of a feed is there, by its id."""
    return {row["item_id"]: row["published_at"] for row in tx.all(_DATES, client_id=client_id)}


def newest_items(tx: Transaction, *, now: int, since: int, limit: int) -> list[NewsItem]:
    """What was published, newest first."""
    return [_parse(row) for row in tx.all(_NEWEST, now=now, since=since, limit=limit)]


def _parse(row: Row) -> NewsItem:
    values = {name: row[name] for name in NewsItem.__slots__}
    lists = {name: tuple(json.loads(row[name])) for name in ("interests", "regions")}
    return NewsItem(**{**values, **lists})
