"""A customer's own change of the e-mail address: what waits, what confirms, what strangers learn, races."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.closing import close_by_staff, close_own_account
from idp.accounts.guessing import Caller
from idp.accounts.own_email_change import confirm_email_change, request_email_change
from idp.errors import Refusal
from idp.store import accounts
from idp.store.accounts import Account
from tests.support.applicant import mails
from tests.support.lobby import Browser, Lobby, hidden_fields

NEW = "ada@new.example"


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


def ask(browser: Browser, email: str = NEW) -> Any:
    """Send the form."""
    return browser.post("/account/email", {**hidden_fields(browser.get("/account/email").text), "email": email})


def newest_path(lobby: Lobby, name: str = "confirm_email_change") -> str:
    """The path of the link in the newest mail of a kind."""
    link: str = [mail for mail in mails(lobby) if mail["name"] == name][-1]["link"]
    return link[link.index("/email/") :]


def test_only_the_button_of_the_mails_page_changes_it(lobby: Lobby) -> None:
    """Asking and opening change nothing; afterwards both addresses are told, and the claim email_verified stays true.

    EC-1.
    """
    browser, ada = sit_down(lobby)
    assert ask(browser).headers["Location"] == "/account?email=asked"
    assert [(mail["name"], mail["email"]) for mail in mails(lobby)] == [("confirm_email_change", NEW)]
    assert NEW in browser.get("/account").text
    page = browser.get(newest_path(lobby))
    assert "confirm-submit" in page.text
    assert account_of(lobby, ada).email == "ada@lab.example"
    lobby.now += 60
    done = browser.post(newest_path(lobby), hidden_fields(page.text))
    assert done.headers["Location"] == "/account?email=changed"
    now = account_of(lobby, ada)
    assert (now.email, now.email_verified_at) == (NEW, lobby.now)
    assert [(mail["name"], mail["email"]) for mail in mails(lobby)[1:]] == [
        ("email_changed", "ada@lab.example"),
        ("email_is_new", NEW),
    ]
    shown = browser.get("/account")
    assert "email-cancel" not in shown.text
    assert browser.get(newest_path(lobby)).status_code == 200  # used: good news
    undo = lobby.browser()
    page = undo.get(newest_path(lobby, "email_changed"))
    undo.post(newest_path(lobby, "email_changed"), hidden_fields(page.text))
    assert account_of(lobby, ada).email == "ada@lab.example"
    assert browser.get("/account").status_code == 303


def test_a_taken_address_is_told_to_its_owner_alone(lobby: Lobby) -> None:
    """EN-3: same answer, same page; the owner of the address gets the mail."""
    browser, ada = sit_down(lobby)
    lobby.add_account("bob")
    free = ask(browser, "free@lab.example")
    free_page = browser.get("/account").text
    taken = ask(browser, "bob@lab.example")
    taken_page = browser.get("/account").text
    assert (taken.status_code, taken.headers["Location"]) == (free.status_code, free.headers["Location"])
    assert "bob@lab.example" in taken_page
    assert len(taken_page) - len("bob") == len(free_page) - len("free")
    assert [(mail["name"], mail["email"]) for mail in mails(lobby)] == [
        ("confirm_email_change", "free@lab.example"),
        ("email_in_use", "bob@lab.example"),
    ]
    assert account_of(lobby, ada).email == "ada@lab.example"


def test_ones_own_data_do_not_tell_whether_an_address_is_taken(lobby: Lobby) -> None:
    """EN-3: who asked for a free address takes along the same file as who asked for a taken one."""
    lobby.add_account("bob")
    held = []
    for number, email in enumerate(("bob@lab.example", "free@lab.example")):
        one = lobby.add_account(f"ada{number}")
        browser = lobby.browser()
        browser.sign_in(one)
        ask(browser, email)
        data = json.loads(browser.get("/account/data/file").text)["data"]
        page = browser.get("/account/data").text
        held.append(({table: len(rows) for table, rows in data.items()}, page.count("<li>"), page.count("<tr")))
    assert held[0] == held[1]


def test_the_link_is_worth_nothing_without_the_session(lobby: Lobby) -> None:
    """A stranger at a mistyped address, or anybody else who is signed in, gets no account (EC-2)."""
    browser, ada = sit_down(lobby)
    ask(browser)
    path = newest_path(lobby)
    stranger, other = lobby.browser(), lobby.browser()
    other.sign_in(lobby.add_account("bob"))
    for visitor in (stranger, other):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "sign-in-first" in page.text
        assert "ada@" not in page.text
        fields = hidden_fields(visitor.get("/forgot-password").text)
        assert visitor.post(path, fields).status_code == 403
    assert account_of(lobby, ada).email == "ada@lab.example"


@pytest.mark.parametrize(
    ("case", "status", "words"),
    [
        ("expired", 410, "has expired"),
        ("replaced", 410, "a newer mail"),
        ("cancelled", 410, "was cancelled"),
        ("damaged", 404, "not complete"),
        ("taken", 409, "has an account already"),
    ],
)
def test_links_that_confirm_nothing_say_why(lobby: Lobby, case: str, status: int, words: str) -> None:
    """F-1.7: each with its own page and the way on (EC-1)."""
    browser, ada = sit_down(lobby)
    ask(browser)
    path = newest_path(lobby)
    fields = hidden_fields(browser.get(path).text)
    if case == "expired":
        lobby.now += 86401
        browser.sign_in(ada)
        fields = hidden_fields(browser.get("/account").text)
    elif case == "replaced":
        ask(browser, "ada@third.example")
    elif case == "cancelled":
        assert browser.post("/account/email/cancel", fields).headers["Location"] == "/account?email=cancelled"
    elif case == "damaged":
        path = path[:-2]
    else:
        lobby.run(
            "UPDATE accounts SET email_key = :key WHERE account_id = :id",
            key=NEW,
            id=lobby.add_account("bob").account_id,
        )
    answer = browser.post(path, fields)
    assert answer.status_code == status
    assert words in answer.text
    assert account_of(lobby, ada).email == "ada@lab.example"


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("", "Enter the new e-mail address."),
        ("ada", "Enter one e-mail address"),
        ("ADA@lab.example", "of the account already"),
    ],
)
def test_what_cannot_be_is_said(lobby: Lobby, email: str, words: str) -> None:
    """What was typed is kept."""
    browser, _ada = sit_down(lobby)
    answer = ask(browser, email)
    assert answer.status_code == 422
    assert words in answer.text
    assert email in answer.text
    assert not mails(lobby)


def test_it_is_sent_again_and_not_without_end(lobby: Lobby) -> None:
    """BF-7: each mail has a new link, and one mailbox gets five in an hour."""
    browser, _ada = sit_down(lobby)
    ask(browser)
    first = newest_path(lobby)
    fields = hidden_fields(browser.get("/account").text)
    places = [browser.post("/account/email/again", fields).headers["Location"] for _number in range(6)]
    assert places == ["/account?email=asked"] * 4 + ["/account?email=too-many"] * 2
    assert newest_path(lobby) != first
    assert len(mails(lobby)) == 5
    assert browser.get(first).status_code == 410
    assert browser.get(newest_path(lobby)).status_code == 200


def test_the_password_must_be_fresh(lobby: Lobby) -> None:
    """SE-13 (EC-1)."""
    browser, _ada = sit_down(lobby)
    fields = hidden_fields(browser.get("/account/email").text)
    lobby.now += 301
    assert browser.get("/account/email").headers["Location"].startswith("/sign-in?next=")
    answer = browser.post("/account/email", {**fields, "email": NEW})
    assert "kept%3D" in answer.headers["Location"]
    assert not mails(lobby)


def test_of_two_accounts_that_confirm_the_same_address_one_wins(lobby: Lobby) -> None:
    """RC-1."""
    people = [lobby.add_account(f"person{number}") for number in range(4)]
    tokens = []
    for number, person in enumerate(people):
        request_email_change(
            lobby.provider, person.account_id, "wanted@lab.example", Caller(f"10.0.0.{number}", "d" * 43, "")
        )
        tokens.append(newest_path(lobby).rpartition("/")[2])

    def confirm(number: int) -> str:
        try:
            confirm_email_change(lobby.provider, tokens[number], people[number].account_id)
        except Refusal as refusal:
            return refusal.key
        return "changed"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(confirm, range(4))) == ["changed"] + ["email.taken"] * 3


@pytest.mark.parametrize("by", ["rule", "staff"])
def test_the_page_says_that_the_review_comes_back(lobby: Lobby, by: str) -> None:
    """DESIGN, approved → pending: said before, done after; the word of staff stands."""
    browser, ada = sit_down(lobby)
    lobby.run(
        "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark,"
        " facts, created_at) VALUES (:account, 'pending', 'approved', :by, 'known-domain', '', '', '[]', :now)",
        account=ada.account_id,
        by=by,
        now=lobby.now,
    )
    assert ("may be reviewed again" in browser.get("/account/email").text) is (by == "rule")
    ask(browser)
    page = browser.get(newest_path(lobby))
    assert ("will be reviewed again" in page.text) is (by == "rule")
    browser.post(newest_path(lobby), hidden_fields(page.text))
    assert account_of(lobby, ada).approval_status == ("pending" if by == "rule" else "approved")


def test_an_address_that_staff_gave_is_confirmed_by_a_link(lobby: Lobby) -> None:
    """The claim email_verified becomes true, and nobody is told of a change that is none."""
    browser, ada = sit_down(lobby)
    lobby.run("UPDATE accounts SET email_verified_at = NULL WHERE account_id = :id", id=ada.account_id)
    assert "not confirmed yet" in browser.get("/account").text
    ask(browser, "ada@lab.example")
    page = browser.get(newest_path(lobby))
    browser.post(newest_path(lobby), hidden_fields(page.text))
    assert account_of(lobby, ada).email_verified_at == lobby.now
    assert len(mails(lobby)) == 1


@pytest.mark.parametrize(("closed_by", "status"), [("customer", 303), ("staff", 404)])
def test_closing_takes_no_way_back_from_the_first_owner(lobby: Lobby, closed_by: str, status: int) -> None:
    """EC-1: who got in, changed the address and closed the account is undone by the mail; what staff closed stays closed."""
    browser, ada = sit_down(lobby)
    ask(browser, "eve@evil.example")
    path = newest_path(lobby)
    browser.post(path, hidden_fields(browser.get(path).text))
    undo = newest_path(lobby, "email_changed")
    if closed_by == "customer":
        close_own_account(lobby.provider, ada.account_id)
    else:
        care = lobby.add_account("care", roles="customer_care")
        close_by_staff(lobby.provider, staff_id=care.account_id, account_id=ada.account_id, reason="Asked.")
    owner = lobby.browser()
    page = owner.get(undo)
    assert ("It is opened again." in page.text) is (closed_by == "customer")
    token = hidden_fields(owner.get("/forgot-password").text)["csrf_token"]
    assert owner.post(undo, {"csrf_token": token}).status_code == status
    now = account_of(lobby, ada)
    assert (now.email, now.is_closed) == (
        ("ada@lab.example", False) if closed_by == "customer" else ("eve@evil.example", True)
    )
    told = [mail["email"] for mail in mails(lobby) if mail["name"] == "email_change_undone"]
    assert told == ["ada@lab.example", "eve@evil.example"] * (closed_by == "customer")
