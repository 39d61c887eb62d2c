"""Texts that staff choose as the reason of a decision: a title for the desk, and the words in each language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_LIST = Statement("SELECT * FROM reason_texts ORDER BY LOWER(title), text_key")
_FIND = Statement("SELECT * FROM reason_texts WHERE text_key = :text_key")
_SAVE = Statement(
    "INSERT INTO reason_texts (text_key, title, texts, updated_at) VALUES (:text_key, :title, :texts, :now)"
    " ON CONFLICT (text_key) DO UPDATE SET title = excluded.title, texts = excluded.texts, updated_at = excluded.updated_at"
)
_REMOVE = Statement("DELETE FROM reason_texts WHERE text_key = :text_key")


@dataclass(frozen=True, slots=True)
class ReasonText:
    """A text to choose; `texts` has the languages that it was written in."""

    text_key: str
    title: str
    texts: Mapping[str, str]
    updated_at: int

    def language_for(self, locale: str) -> str:
        """The language that a reader of `locale` gets: theirs, else English, else the first that there is."""
        return next((code for code in (locale, "en", *sorted(self.texts)) if self.texts.get(code)), "")

    def text_for(self, locale: str) -> str:
        """The words for a reader of `locale`."""
        return self.texts.get(self.language_for(locale), "")


def list_texts(tx: Transaction) -> list[ReasonText]:
    """All texts by title."""
    return [_parse(row) for row in tx.all(_LIST)]


def find_text(tx: Transaction, text_key: str) -> ReasonText | None:
    """One text."""
    row = tx.one(_FIND, text_key=text_key)
    return _parse(row) if row else None


def save_text(tx: Transaction, text_key: str, title: str, texts: Mapping[str, str], now: int) -> None:
    """Keep a text; one with this key is replaced."""
    tx.run(_SAVE, text_key=text_key, title=title, texts=json.dumps(dict(texts), ensure_ascii=False), now=now)


def remove_text(tx: Transaction, text_key: str) -> bool:
    """Take a text away; decisions keep the words they were made with."""
    return tx.run(_REMOVE, text_key=text_key) == 1


def _parse(row: Row) -> ReasonText:
    return ReasonText(row["text_key"], row["title"], json.loads(row["texts"]), row["updated_at"])
