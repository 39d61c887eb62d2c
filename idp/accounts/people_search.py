"""Finding anyone by what a caller remembers, however it is spelt (F-2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store import search, search_index

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.search import FoundAccount, FoundRegistration

PAGE = 50
_BATCHES_AT_ONCE = 2
_BATCHES_ASIDE = 400


@dataclass(frozen=True, slots=True)
class Spelling:
    """A typed word that is in nobody's name, and what is written like it, which is shown instead."""

    typed: str
    near: tuple[str, ...]


def find_people(
    provider: Provider, text: str, *, status: str = "", after: tuple[int, str] | None = None
) -> tuple[list[FoundAccount], list[FoundRegistration]]:
    """Accounts, and registrations without an account yet, that fit what a caller says; one more than a page."""
    freshen(provider, text)
    with provider.database.reading() as tx:
        found = search.search_accounts(tx, text, status=status, after=after, limit=PAGE + 1)
        waiting = (
            search.search_registrations(tx, text, state="sent", limit=5) if text and not status and not after else []
        )
    return found, waiting


def find_registrations(
    provider: Provider, text: str, *, state: str = "", after: tuple[int, str] | None = None
) -> list[FoundRegistration]:
    """Registrations that fit; one more than a page."""
    freshen(provider, text)
    with provider.database.reading() as tx:
        return search.search_registrations(tx, text, state=state, after=after, limit=PAGE + 1)


def tell_spellings(provider: Provider, text: str) -> list[Spelling]:
    """The words of a search that nobody has, each with what is written alike."""
    if search.serial_in(text):
        return []
    freshen(provider, text)
    with provider.database.reading() as tx:
        tokens = search_index.tokens_of(tx, text)
    return [Spelling(token.word, token.near) for token in tokens if not token.is_known]


def freshen(provider: Provider, text: str) -> None:
    """Before a search for words: read those again that have changed since, as far as that takes no time."""
    if not text:
        return
    with provider.database.reading() as tx:
        stale = search_index.is_stale(tx)
    if stale:
        search_index.refresh(provider.database, batches=_BATCHES_AT_ONCE)


def read_changed_words(provider: Provider) -> None:
    """Read the words of everybody who changed; after an import that is many."""
    search_index.refresh(provider.database, batches=_BATCHES_ASIDE)
