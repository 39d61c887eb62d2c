"""Finding anyone by what a caller remembers, however it is spelt (F-2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store import search, search_index

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.search import FoundAccount, FoundRegistration, Wanted

PAGE = 50
_BATCHES_AT_ONCE = 2
_BATCHES_ASIDE = 4000


@dataclass(frozen=True, slots=True)
class Spelling:
    """A typed word that is in nobody's name, and what is written like it, which is shown instead."""

    typed: str
    near: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """What a search found: accounts and registrations, one more than a page, and words that nobody has."""

    accounts: list[FoundAccount]
    registrations: list[FoundRegistration]
    spellings: list[Spelling]


def find_people(
    provider: Provider, text: str, *, status: str = "", after: tuple[int, str] | None = None
) -> FoundPeople:
    """Accounts, and registrations without an account yet, that fit what a caller says."""
    freshen(provider, text)
    with provider.database.reading() as tx:
        wanted = search.understand(tx, text)
        found = search.search_accounts(tx, wanted, status=status, after=after, limit=PAGE + 1)
        waiting = (
            search.search_registrations(tx, wanted, state="sent", limit=5) if text and not status and not after else []
        )
    return FoundPeople(found, waiting, _spellings(wanted))


def find_registrations(
    provider: Provider, text: str, *, state: str = "", after: tuple[int, str] | None = None
) -> FoundPeople:
    """Registrations that fit, and no accounts."""
    freshen(provider, text)
    with provider.database.reading() as tx:
        wanted = search.understand(tx, text)
        found = search.search_registrations(tx, wanted, state=state, after=after, limit=PAGE + 1)
    return FoundPeople([], found, _spellings(wanted))


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


def _spellings(wanted: Wanted) -> list[Spelling]:
    return [Spelling(token.word, token.near) for token in wanted.unknown]
