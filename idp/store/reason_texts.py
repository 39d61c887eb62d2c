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
_ADD = Statement(
    "INSERT INTO reason_texts (text_key, title, texts, updated_at) VALUES (:text_key, :title, :texts, :now)"
)
_CHANGE = Statement(
    "UPDATE reason_texts SET title = :title, texts = :texts, updated_at = :now WHERE text_key = :text_key"
)
_LOCK = Statement("UPDATE reason_texts SET updated_at = updated_at WHERE text_key = :text_key RETURNING *")
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


def lock_text(tx: Transaction, text_key: str) -> ReasonText | None:
    """One text, which nobody else changes or removes until the transaction ends."""
    row = tx.one(_LOCK, text_key=text_key)
    return _parse(row) if row else None


def add_text(tx: Transaction, text_key: str, title: str, texts: Mapping[str, str], now: int) -> None:
    """Keep a new text."""
    tx.run(_ADD, text_key=text_key, title=title, texts=_write(texts), now=now)


def change_text(tx: Transaction, text_key: str, title: str, texts: Mapping[str, str], now: int) -> bool:
    """Put other words in the place of a text's; out: whether there is such a text."""
    return tx.run(_CHANGE, text_key=text_key, title=title, texts=_write(texts), now=now) == 1


def remove_text(tx: Transaction, text_key: str) -> bool:
    """Take a text away; decisions keep the words they were made with."""
    return tx.run(_REMOVE, text_key=text_key) == 1


def _write(texts: Mapping[str, str]) -> str:
    return json.dumps(dict(texts), ensure_ascii=False)


def _parse(row: Row) -> ReasonText:
    return ReasonText(row["text_key"], row["title"], json.loads(row["texts"]), row["updated_at"])
