"""The user name under its rules, telephone and address as standard claims, and what the profile says beforehand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.profile import change_user_name
from idp.errors import Refusal
from idp.protocol.claims import build_account_claims
from idp.store import accounts
from idp.store.accounts import Account
from tests.support.applicant import mails
from tests.support.lobby import Browser, Lobby, hidden_fields


def account_of(lobby: Lobby, account: Account) -> Account:
    """The account as it is now."""
    with lobby.provider.database.reading() as tx:
        return accounts.get_account(tx, account.account_id)


def sit_down(lobby: Lobby) -> tuple[Browser, Account]:
    """Ada, who has just signed in."""
    ada = lobby.add_account("ada")
    browser = lobby.browser()
    browser.sign_in(ada)
    return browser, ada


def choose(browser: Browser, user_name: str) -> Any:
    """Send the form of the user name."""
    fields = hidden_fields(browser.get("/account/user-name").text)
    return browser.post("/account/user-name", {**fields, "user_name": user_name})


def test_a_new_user_name_holds_at_once_and_the_owner_is_told(lobby: Lobby) -> None:
    """F-2.2: found by the new one, the old one is free; the session stays."""
    browser, ada = sit_down(lobby)
    assert choose(browser, "Ada.Byron").headers["Location"] == "/account?user_name=changed"
    with lobby.provider.database.reading() as tx:
        found = accounts.find_by_identifier(tx, "ada.byron")
        assert found
        assert found.account_id == ada.account_id
        assert accounts.find_by_identifier(tx, "ada") is None
    assert "Ada.Byron" in browser.get("/account?user_name=changed").text
    assert [(mail["name"], mail["user_name"]) for mail in mails(lobby)] == [("user_name_changed", "Ada.Byron")]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter the new user name."),
        ("ab", "3 to 40 letters"),
        ("ada@lab.example", "3 to 40 letters"),
        ("bob@lab.example", "3 to 40 letters"),
        ("Admin", "kept for our own use"),
        ("BOB", "Somebody else has this user name."),
        ("ada", "your user name already"),
    ],
)
def test_names_that_cannot_be_say_why(lobby: Lobby, typed: str, words: str) -> None:
    """Unique without case; never the shape of an e-mail address; what was typed is kept."""
    browser, ada = sit_down(lobby)
    lobby.add_account("bob")
    answer = choose(browser, typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{typed}"' in answer.text
    assert account_of(lobby, ada).user_name == "ada"
    assert not mails(lobby)


def test_it_changes_once_a_day_and_a_refused_one_does_not_count(lobby: Lobby) -> None:
    """The page says when the next time is."""
    browser, ada = sit_down(lobby)
    lobby.add_account("bob")
    choose(browser, "bob")
    assert choose(browser, "ada.one").status_code == 303
    refused = choose(browser, "ada.two")
    assert refused.status_code == 422
    assert "once a day" in refused.text
    lobby.now += 86401
    browser.sign_in(ada)
    assert choose(browser, "ada.two").status_code == 303


def test_names_of_others_cannot_be_tried_without_end(lobby: Lobby) -> None:
    """EN-5: ten tries in an hour."""
    browser, ada = sit_down(lobby)
    lobby.add_account("bob")
    pages = [choose(browser, "bob").text for _number in range(11)]
    assert ["Somebody else has this user name." in page for page in pages] == [True] * 10 + [False]
    assert account_of(lobby, ada).user_name == "ada"


def test_of_many_who_want_a_name_one_gets_it(lobby: Lobby) -> None:
    """RC-1."""
    people = [lobby.add_account(f"person{number}") for number in range(6)]

    def want(person: Account) -> str:
        try:
            change_user_name(lobby.provider, person.account_id, "Wanted")
        except Refusal as refusal:
            return refusal.key
        return "changed"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(want, people)) == ["changed"] + ["user_name.taken"] * 5


def test_the_password_must_be_fresh(lobby: Lobby) -> None:
    """SE-13."""
    browser, _ada = sit_down(lobby)
    lobby.now += 301
    assert browser.get("/account/user-name").headers["Location"].startswith("/sign-in?next=")


FORM = {"given_name": "Ada", "family_name": "Test", "company": "", "country": "CH", "locale": "en"}
CONTACT = {
    "phone_number": " +41  61 555 01 00 ",
    "street_address": "Quellenweg 8",
    "postal_code": "4058",
    "locality": "Basel",
}


def save(browser: Browser, **values: str) -> Any:
    """Send the profile."""
    return browser.post("/account", {**hidden_fields(browser.get("/account").text), **FORM, **values})


def test_telephone_and_address_are_told_as_standard_claims(lobby: Lobby) -> None:
    """OpenID Connect Core §5.1 and §5.1.1; other claims stay, and a new number is not a verified one."""
    browser, ada = sit_down(lobby)
    with lobby.provider.database.transaction() as tx:
        old = {"nickname": "Countess", "phone_number": "123456", "phone_number_verified": True}
        accounts.set_claims(tx, ada.account_id, old, lobby.now)
    assert save(browser, **CONTACT).status_code == 303
    names = ("phone_number", "phone_number_verified", "address", "nickname")
    assert build_account_claims(account_of(lobby, ada), names) == {
        "nickname": "Countess",
        "phone_number": "+41 61 555 01 00",
        "phone_number_verified": False,
        "address": {
            "street_address": "Quellenweg 8",
            "postal_code": "4058",
            "locality": "Basel",
            "country": "CH",
            "formatted": "Quellenweg 8\n4058 Basel",
        },
    }
    assert 'value="Quellenweg 8"' in browser.get("/account").text
    save(browser)
    assert account_of(lobby, ada).claims == {"nickname": "Countess"}


def test_an_address_from_elsewhere_stays_while_it_is_not_changed(lobby: Lobby) -> None:
    """What `idp apply` or an import gave in one piece is not cut off by saving the name."""
    browser, ada = sit_down(lobby)
    claims = {"address": {"formatted": "Quellenweg 8\n4058 Basel", "region": "BS", "locality": "Basel"}}
    with lobby.provider.database.transaction() as tx:
        accounts.set_claims(tx, ada.account_id, claims, lobby.now)
    save(browser, locality="Basel", company="Waterworks")
    assert account_of(lobby, ada).claims == claims


@pytest.mark.parametrize("typed", ["call me", "123", "+", "1" * 18, "12345;67890"])
def test_what_is_no_telephone_number_says_so(lobby: Lobby, typed: str) -> None:
    """What was typed is kept."""
    browser, ada = sit_down(lobby)
    answer = save(browser, phone_number=typed)
    assert answer.status_code == 422
    assert "Enter a telephone number" in answer.text
    assert f'value="{typed}"' in answer.text
    assert account_of(lobby, ada).claims == {}
