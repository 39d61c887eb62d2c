"""Four eyes at the desk: what the first and the second one see, and the same over /api."""

from __future__ import annotations

import re
from typing import Any

import pytest

from idp.store.accounts import Account
from tests.accounts.test_four_eyes import with_four_eyes
from tests.support.lobby import Browser, Lobby
from tests.web.staff.test_desk import add_waiting, decide, house, mails, names_in, sit_down, status_of, token_in

__all__ = ["house"]


@pytest.fixture
def ann(house: Lobby) -> Account:
    """An applicant where decisions and roles need two people."""
    with_four_eyes(house, "decisions", "roles")
    return add_waiting(house, "ann")


def answer(browser: Browser, page: Any, act: str, text: str = "") -> Any:
    """Press one of the buttons of a proposal."""
    path = re.search(r'action="([^"]*/proposals/[^"]*)"', page.text)
    assert path is not None
    return browser.post(path[1], {"csrf_token": token_in(page), "act": act, "answer": text})


def test_the_first_proposes_and_the_second_confirms(house: Lobby, ann: Account) -> None:
    """Both see it in the queue; the words are the first one's, and the mail goes when it is confirmed."""
    browser, _carla = sit_down(house)
    other, _paul = sit_down(house, "approver", "paul")
    path = f"/staff/applications/{ann.account_id}"
    assert 'id="needs-two"' in browser.get(path).text
    sent = decide(browser, ann, "reject", reason="No device.")
    assert sent.status_code == 303
    assert "A colleague confirms it before anything is sent." in browser.get(sent.headers["Location"]).text
    own = browser.get(path)
    assert 'id="withdraw"' in own.text
    assert 'id="confirm-proposal"' not in own.text
    assert 'id="decision-reject"' not in own.text
    assert mails(house) == []
    assert "one proposal to confirm" in other.get("/staff").text
    assert "to-confirm" not in browser.get("/staff").text
    assert names_in(other.get("/staff?confirm=1")) == ["Ann Test"]
    page = other.get(path)
    assert "Carla Test proposes to reject" in page.text
    assert "No device." in page.text
    assert answer(other, page, "confirm").status_code == 303
    assert status_of(house, ann) == "rejected"
    assert mails(house) == ["rejected"]
    history = browser.get(f"/staff/accounts/{ann.account_id}").text
    assert "Carla Test: A rejection was proposed" in history
    assert "Paul Test rejected" in history


def test_sending_back_needs_a_reason_and_keeps_what_was_written(house: Lobby, ann: Account) -> None:
    """The first one reads it, and can propose anew."""
    browser, _carla = sit_down(house)
    other, _paul = sit_down(house, "approver", "paul")
    decide(browser, ann, "approve")
    path = f"/staff/applications/{ann.account_id}"
    wrong = answer(other, other.get(path), "send_back")
    assert wrong.status_code == 422
    assert "Write why you send it back" in wrong.text
    long = answer(other, other.get(path), "send_back", "x" * 2001)
    assert long.status_code == 422
    assert "xxxxx" in long.text
    assert answer(other, other.get(path), "send_back", "Ask for a photo.").status_code == 303
    page = browser.get(path).text
    assert "Ask for a photo." in page
    assert 'id="decision-approve"' in page


def test_who_comes_second_is_told(house: Lobby, ann: Account) -> None:
    """A stale page confirms nothing, and a second proposal is not kept."""
    browser, _carla = sit_down(house)
    other, _paul = sit_down(house, "approver", "paul")
    stale_form = other.get(f"/staff/applications/{ann.account_id}")
    decide(browser, ann, "approve")
    seen = re.search(r'name="seen_at"[^>]*value="([^"]*)"', stale_form.text)
    assert seen is not None
    fields = {"csrf_token": token_in(stale_form), "seen_at": seen[1], "act": "approve", "reason": "", "remark": ""}
    second = other.post(f"/staff/applications/{ann.account_id}", fields)
    assert second.status_code == 409
    assert 'id="confirm-proposal"' in second.text
    stale = other.get(f"/staff/applications/{ann.account_id}")
    assert answer(browser, browser.get(f"/staff/applications/{ann.account_id}"), "withdraw").status_code == 303
    late = answer(other, stale, "confirm")
    assert late.status_code == 409
    assert 'id="settled"' in late.text
    assert status_of(house, ann) == "pending"


def test_customer_care_sees_the_proposal_and_answers_nothing(house: Lobby, ann: Account) -> None:
    """AD-1."""
    browser, _carla = sit_down(house)
    other, _paul = sit_down(house, "customer_care", "paul")
    decide(browser, ann, "approve")
    page = other.get(f"/staff/applications/{ann.account_id}")
    assert "Carla Test proposes to approve" in page.text
    assert 'id="confirm-proposal"' not in page.text
    (row,) = house.rows("SELECT proposal_id FROM proposals")
    path = f"/staff/applications/{ann.account_id}/proposals/{row['proposal_id']}"
    assert other.post(path, {"csrf_token": token_in(page), "act": "confirm"}).status_code == 403
    assert status_of(house, ann) == "pending"


def test_roles_wait_for_another_administrator(house: Lobby, ann: Account) -> None:
    """The page lists what is proposed; the second one confirms, or sends it back with a reason."""
    browser, _carla = sit_down(house, "administrator")
    other, _olga = sit_down(house, "administrator", "olga")
    house.add_account("ben")
    page = "/staff/roles"

    def give() -> Any:
        fields = {"csrf_token": token_in(browser.get(page)), "account": "ben", "roles": ["approver"], "families": "AB"}
        return browser.post(page, fields)

    sent = give()
    assert "confirmed them" in browser.get(sent.headers["Location"]).text
    again = give()
    assert again.status_code == 422
    assert "proposed for this account already" in again.text
    assert "Ben Test: Approver" in other.get(page).text
    assert answer(other, other.get(page), "send_back").status_code == 422
    assert answer(other, other.get(page), "send_back", "Not yet.").status_code == 303
    assert give().status_code == 303
    assert answer(browser, browser.get(page), "confirm").status_code == 403
    assert answer(other, other.get(page), "confirm").status_code == 303
    (row,) = house.rows("SELECT roles FROM accounts WHERE user_name = 'ben'")
    assert row["roles"] == "approver"
