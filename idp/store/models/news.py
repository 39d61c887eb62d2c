"""Tables of news: what the sites' feeds say, and how reading each of them went."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import Base, Identifier, Instant, JsonText, Line, Prose, Word


class NewsItem(Base):
    """An item of a site's feed; `interests` and `regions` are keys, empty where it is for everybody."""

    __tablename__ = "news_items"

    client_id: Mapped[Line] = mapped_column(primary_key=True)
    item_id: Mapped[Identifier] = mapped_column(primary_key=True)
    kind: Mapped[Word]
    title: Mapped[Line]
    summary: Mapped[Prose]
    url: Mapped[Prose]
    interests: Mapped[list[str]] = mapped_column(JsonText)
    regions: Mapped[list[str]] = mapped_column(JsonText)
    published_at: Mapped[Instant]

    __table_args__ = (Index("ix_news_items_published", "published_at"),)


class NewsFeed(Base):
    """When a site's feed was read last, and what was wrong with it; a broken one keeps the last good items."""

    __tablename__ = "news_feeds"

    client_id: Mapped[Line] = mapped_column(primary_key=True)
    read_at: Mapped[Instant]
    fault: Mapped[Prose | None]
