"""User names and e-mail addresses: which are taken, and when two are the same."""

from __future__ import annotations

from itertools import islice

import pytest
from sqlalchemy import inspect

from idp.accounts.identifiers import (
    email_key,
    made_user_names,
    parse_email,
    parse_own_user_name,
    parse_phone_number,
    parse_user_name,
    user_name_key,
)
from idp.errors import Refusal
from idp.store.database import Conflict
from tests.support.lobby import Lobby

KELVIN, LONG_S, DOTLESS_I, CYRILLIC_A, FULL_WIDTH_A = "\u212a", "\u017f", "\u0131", "\u0430", "\uff41"


@pytest.mark.parametrize("name", ["anna.berg", "Anna_B-7", "a1b", "x" * 40])
def test_a_plain_name_is_taken_as_it_is(name: str) -> None:
    """Letters, digits, dot, dash and underscore, 3 to 40 of them (IV-2)."""
    assert parse_user_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "x" * 41,
        "a b c",
        "anna@lab",
        "an\x00na",
        ".anna",
        "anna.",
        "anna/..",
        "ännä",
        f"ann{CYRILLIC_A}",
        f"{FULL_WIDTH_A}nna",
        f"{KELVIN}arl",
        f"m{DOTLESS_I}ke",
        "anna\u200b",
        "\u202eanna",
        "<b>anna</b>",
        "٣٤٥",
    ],
)
def test_look_alikes_and_signs_are_no_names(name: str) -> None:
    """No `@`, so that no name is an address; no second alphabet, so that no name looks like another (IV-2)."""
    with pytest.raises(Refusal, match=r"user_name\.invalid"):
        parse_user_name(name)


@pytest.mark.parametrize("name", ["admin", "Administrator", "ROOT", "security", "postmaster", "no-reply"])
def test_names_that_speak_for_us_are_not_chosen(name: str) -> None:
    """In whatever case (IV-2)."""
    with pytest.raises(Refusal, match=r"user_name\.reserved"):
        parse_own_user_name(name)


def test_one_key_for_each_name_and_address() -> None:
    """ASCII letters are folded and nothing else: other alphabets never meet an ASCII name (IV-2, IV-3)."""
    assert user_name_key("Anna.Berg") == user_name_key(" anna.berg ")
    assert email_key("Mike@EXAMPLE.org") == email_key("mike@example.ORG") == "mike@example.org"
    assert email_key("anna@b\u00fccher.example") == email_key("ANNA@xn--bcher-kva.example")
    for other in (f"m{DOTLESS_I}ke@example.org", f"Mi{KELVIN}e@example.org", f"mike@example.org{LONG_S}"):
        assert email_key(other) != "mike@example.org"
    assert email_key("mike+shop@example.org") != email_key("mike@example.org") != email_key("mi.ke@example.org")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "anna@",
        "@lab.example",
        "anna@lab.example, eve@evil.example",
        "anna@lab.example;eve@evil.example",
        "anna@lab.example\nBcc: eve@evil.example",
        '"anna berg"@lab.example',
        "anna(comment)@lab.example",
        "<anna@lab.example>",
        "Anna <anna@lab.example>",
        "@relay.example:anna@lab.example",
        "=?utf-8?q?anna?=@lab.example",
        "anna@[127.0.0.1]",
        "anna@lab..example",
        "än@lab.example",
        f"mi{KELVIN}e@lab.example",
        "an\x00na@lab.example",
        "anna@" + "a" * 64 + ".example",
        "a" * 65 + "@lab.example",
        "anna@lab.example" + ".example" * 40,
    ],
)
def test_what_is_not_one_plain_address_is_refused(address: str) -> None:
    """No lists, no comments, no quotes, no routes, no encoded words, no other alphabets before the `@` (IV-3, RG-10)."""
    with pytest.raises(Refusal, match=r"email\.invalid"):
        parse_email(address)


def test_plus_and_dots_are_kept() -> None:
    """They are other mailboxes; the domain is kept as it is written in mails (IV-3)."""
    assert parse_email(" Anna+Lab.1@B\u00fccher.example ") == "Anna+Lab.1@xn--bcher-kva.example"


def test_the_database_holds_the_keys_apart(lobby: Lobby) -> None:
    """Two accounts with one key cannot be: made in Python, unique in the database, whose collation says nothing (IV-3)."""
    lobby.add_account("anna")
    with pytest.raises(Conflict):
        lobby.add_account("ANNA")  # other letters, the same keys
    unique = inspect(lobby.provider.database.engine).get_unique_constraints("accounts")
    indexes = inspect(lobby.provider.database.engine).get_indexes("accounts")
    columns = [tuple(one["column_names"]) for one in [*unique, *(index for index in indexes if index["unique"])]]
    assert ("email_key",) in columns
    assert ("user_name_key",) in columns


def test_length_is_measured_before_anything_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Normalising a megabyte costs more than it weighs: what is longer than an address can be is cut first (IV-4)."""
    import unicodedata

    seen: list[int] = []
    normalize = unicodedata.normalize

    def watch(form: str, text: str) -> str:
        seen.append(len(text))
        return normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr("idp.store.identifiers.unicodedata.normalize", watch)
    for key in (email_key, user_name_key):
        key("\ufdfa" * 1_000_000)
    assert seen
    assert max(seen) <= 255


@pytest.mark.parametrize(
    "number", ["12", "+49 30", "call me", "+49 30 1234 5678 9012 3456", "٠٣٠١٢٣٤٥٦", "+49\n30123456<"]
)
def test_what_is_no_telephone_number(number: str) -> None:
    """ASCII digits only (IV-5)."""
    with pytest.raises(Refusal, match=r"phone\.invalid"):
        parse_phone_number(number)


@pytest.mark.parametrize(
    ("given_name", "family_name", "proposed"),
    [
        ("Änne", "Groß-Weiß", ["aenne.gross-weiss", "aenne.gross-weiss2"]),
        ("李", "小龙", ["customer2", "customer3"]),
        ("A", "", ["customer2", "customer3"]),
    ],
)
def test_user_names_are_proposed_until_one_is_free(given_name: str, family_name: str, proposed: list[str]) -> None:
    """The bare word for everybody is nobody's; each proposal is a name that can be registered (IV-2)."""
    names = list(islice(made_user_names(given_name, family_name), 40))
    assert names[:2] == proposed
    assert [parse_user_name(name) for name in names] == names
    assert len(set(names)) > 30
