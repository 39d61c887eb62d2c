"""Taking an application and noting things at the desk: buttons, filter, what the second one sees."""

from __future__ import annotations

import re
from typing import Any

import pytest

from idp.store.accounts import Account
from tests.support.lobby import Browser, Lobby
from tests.web.staff.test_desk import add_waiting, house, names_in, sit_down, token_in

__all__ = ["house"]


def press(browser: Browser, account: Account, act: str, page: Any = None, to: str = "") -> Any:
    """Press one of the buttons, on a page that was perhaps loaded long before."""
    path = f"/staff/applications/{account.account_id}"
    page = page or browser.get(path)
    form = page.text.split('id="work"')[1]
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', form)
    fields = {"csrf_token": token_in(page), "seen": seen[1] if seen else "", "act": act, "to": to}
    return browser.post(f"{path}/assignment", fields)


def test_the_list_says_who_has_what_and_can_be_narrowed(house: Lobby) -> None:
    """Mine, nobody's, a colleague's; with their numbers."""
    ann, _ben, cleo = (add_waiting(house, name) for name in ("ann", "ben", "cleo"))
    browser, _staff = sit_down(house)
    _other, paul = sit_down(house, "approver", "paul")
    assert press(browser, ann, "take").status_code == 303
    assert press(browser, cleo, "give", to=paul.account_id).status_code == 303
    page = browser.get("/staff").text
    assert "yours" in page
    assert "Paul Test has it" in page
    assert {"mine (1)", "nobody’s (1)", "Paul Test (1)"} <= set(re.findall(r">([^<>]* \([0-9]+\))<", page))
    for who, names in {"mine": ["Ann Test"], "nobody": ["Ben Test"], paul.account_id: ["Cleo Test"]}.items():
        assert names_in(browser.get(f"/staff?who={who}")) == names
    assert press(browser, ann, "let_go").status_code == 303
    assert names_in(browser.get("/staff?who=mine")) == []
    assert "Nothing that waits fits this filter." in browser.get("/staff?who=mine").text


def test_the_second_to_take_it_is_told_who_has_it(house: Lobby) -> None:
    """409, and nothing of theirs is changed."""
    ann = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    other, _paul = sit_down(house, "approver", "paul")
    stale = browser.get(f"/staff/applications/{ann.account_id}")
    assert press(other, ann, "take").status_code == 303
    answer = press(browser, ann, "take", stale)
    assert answer.status_code == 409
    assert 'id="taken"' in answer.text
    assert "Paul Test has it since" in answer.text


@pytest.mark.parametrize(("act", "to"), [("give", ""), ("give", "stranger"), ("steal", "")])
def test_what_cannot_be_given_is_told(house: Lobby, act: str, to: str) -> None:
    """422 at the field, nothing changed."""
    ann = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    answer = press(browser, ann, act, to=to)
    assert answer.status_code == 422
    assert "Error:" in answer.text
    assert house.rows("SELECT * FROM review_assignments") == []


def test_customer_care_sees_who_has_it_but_takes_nothing(house: Lobby) -> None:
    """AD-1: the button is not there, and the address refuses."""
    ann = add_waiting(house, "ann")
    browser, _care = sit_down(house, "customer_care")
    page = browser.get(f"/staff/applications/{ann.account_id}")
    assert "Nobody has it yet." in page.text
    assert 'id="take"' not in page.text
    assert press(browser, ann, "take", page).status_code == 403


def test_a_note_is_read_by_colleagues_and_never_by_the_customer(house: Lobby) -> None:
    """On the application and on the account's page; one's own can be taken back."""
    ann = add_waiting(house, "ann")
    browser, _care = sit_down(house, "customer_care")
    path = f"/staff/applications/{ann.account_id}"
    token = token_in(browser.get(path))
    assert browser.post(f"{path}/notes", {"csrf_token": token, "note": "Called <b>today</b>."}).status_code == 303
    other, _paul = sit_down(house, "approver", "paul")
    for page in (browser.get(path), other.get(path), other.get(f"/staff/accounts/{ann.account_id}")):
        assert "Called &lt;b&gt;today&lt;/b&gt;." in page.text
    assert "/remove" not in other.get(path).text
    customer = house.browser()
    customer.sign_in(ann)
    assert "Called" not in customer.get("/").text
    remove = re.search(r'action="([^"]*/notes/[0-9]+/remove)"', browser.get(path).text)
    assert remove is not None
    assert browser.post(remove[1], {"csrf_token": token}).status_code == 303
    assert "Called" not in other.get(path).text


def test_an_empty_note_is_told(house: Lobby) -> None:
    """422 with the sentence at the field."""
    ann = add_waiting(house, "ann")
    browser, _care = sit_down(house, "customer_care")
    path = f"/staff/applications/{ann.account_id}"
    answer = browser.post(f"{path}/notes", {"csrf_token": token_in(browser.get(path)), "note": " "})
    assert answer.status_code == 422
    assert "Write the note first." in answer.text
