"""Finding anyone, however it is spelt (F-2.3): the same words and answers on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.accounts import people_search
from idp.store import search_index
from idp.store.search import FoundAccount
from tests.support.lobby import NOW, Lobby

PEOPLE = {
    "mue": ("Jürgen", "Müller", "Straßen & Brücken GmbH"),
    "mei": ("Anna Maria", "Meier", "Wasserwerk Süd"),
    "iva": ("Иван", "Петров", "ООО Весы"),
    "obr": ("Niamh", "O’Brien", "Señor Café S.A."),
    "lee": ("Lee", "Wu", "X1 Labs"),
}


@pytest.fixture
def town(lobby: Lobby) -> Lobby:
    """Five people with names that callers spell in many ways."""
    for name, (given, family, company) in PEOPLE.items():
        account = lobby.add_account(name)
        lobby.run(
            "UPDATE accounts SET given_name = :given, family_name = :family, company = :company WHERE account_id = :id",
            given=given,
            family=family,
            company=company,
            id=account.account_id,
        )
        lobby.now += 1
    return lobby


def find(lobby: Lobby, text: str) -> list[str]:
    """The user names of who is found."""
    found: list[FoundAccount] = people_search.find_people(lobby.provider, text).accounts
    return [row.user_name for row in found]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("müller", ["mue"]),
        ("MULLER", ["mue"]),
        ("mueller jürgen", ["mue"]),
        ("Mühler", ["mue"]),
        ("mulelr", ["mue"]),
        ("mullr", ["mue"]),
        ("jurgen strasen", ["mue"]),
        ("brucken", ["mue"]),
        ("meier", ["mei"]),
        ("Mayer", ["mei"]),
        ("Maier Ana", ["mei"]),
        ("werk", ["mei"]),
        ("petrov", ["iva"]),
        ("Петров", ["iva"]),
        ("vesy", ["iva"]),
        ("obrien", ["obr"]),
        ("o'brien", ["obr"]),
        ("cafe senor", ["obr"]),
        ("wu", ["lee"]),
        ("x1", ["lee"]),
        ("lab example", ["lee", "obr", "iva", "mei", "mue"]),
        ("mei@lab.example", ["mei"]),
        ("müller meier", []),
        ("zzzzzz", []),
        ("%", []),
        ("_", []),
        ("!'\"\\;--", []),
        ("", ["lee", "obr", "iva", "mei", "mue"]),
    ],
)
def test_people_are_found_however_they_are_spelt(town: Lobby, text: str, names: list[str]) -> None:
    """Case, accents, umlauts in both spellings, other scripts, parts of words, up to two wrong letters."""
    assert find(town, text) == names


def test_what_is_shown_instead_is_told(town: Lobby) -> None:
    """Only for words that nobody has."""
    told = people_search.find_people(town.provider, "Mayer anna qqqqqq").spellings
    assert [(spelling.typed, spelling.near) for spelling in told] == [("mayer", ("meier",)), ("qqqqqq", ())]


def test_a_changed_name_is_found_at_once_and_the_old_one_is_forgotten(town: Lobby) -> None:
    """No writer can forget to tell: triggers note it. A word that nobody has any more is gone (erasure)."""
    assert find(town, "meier") == ["mei"]
    town.run("UPDATE accounts SET family_name = 'Schmidt' WHERE user_name = 'mei'")
    assert find(town, "schmidt") == ["mei"]
    assert find(town, "meier") == []
    assert not town.rows("SELECT 1 FROM search_words WHERE word = 'meier'")
    assert not town.rows(
        "SELECT 1 FROM search_parts p WHERE NOT EXISTS (SELECT 1 FROM search_words w WHERE w.word_id = p.word_id)"
    )


def test_a_sign_in_does_not_make_anybody_be_read_again(town: Lobby) -> None:
    """Only names, addresses and companies count."""
    find(town, "meier")
    town.run("UPDATE accounts SET last_sign_in_at = :now", now=NOW)
    assert not town.rows("SELECT 1 FROM search_stale")


def test_many_changed_people_are_read_by_the_worker(town: Lobby) -> None:
    """A search reads some at once; the rest follows, and nobody is lost when several do it."""
    for number in range(30):
        town.add_account(f"crowd{number}")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: search_index.refresh(town.provider.database, batches=10, size=4), range(4)))
    people_search.read_changed_words(town.provider)
    assert not town.rows("SELECT 1 FROM search_stale")
    assert len(find(town, "crowd")) == 30


def test_pages_go_on_behind_the_last_one(town: Lobby) -> None:
    """By key, also within a search."""
    first = people_search.find_people(town.provider, "lab example").accounts
    rest = people_search.find_people(town.provider, "lab example", after=first[1].key).accounts
    assert [row.user_name for row in rest] == ["iva", "mei", "mue"]
