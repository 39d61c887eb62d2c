"""After a rejection: the answer form, and what staff see of it; how long reviews really take (F-1.2, F-1.8)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.approval import decide_by_staff
from idp.accounts.guessing import Caller
from idp.accounts.rejection_answer import answer_rejection
from idp.accounts.waiting_times import measure_waiting
from idp.errors import Refusal
from tests.support.applicant import Applicant, accounts_of, newest_link
from tests.support.lobby import Lobby, hidden_fields
from tests.web.staff.test_desk import mails, sit_down

WORDS = "The device was sold to us in May.\nLook again at the papers."


@pytest.fixture
def refused(lobby: Lobby) -> Applicant:
    """Nora, whose registration staff rejected."""
    nora = Applicant(lobby)
    nora.register()
    nora.confirm(newest_link(lobby))
    reject(lobby)
    return nora


def account_id(lobby: Lobby) -> str:
    """Nora's account."""
    return str(next(row for row in accounts_of(lobby) if row["family_name"] == "Newcomer")["account_id"])


def reject(lobby: Lobby, name: str = "carla") -> None:
    """Somebody of the staff rejects."""
    rows = lobby.rows("SELECT account_id FROM accounts WHERE user_name = :name", name=name)
    staff_id = rows[0]["account_id"] if rows else lobby.add_account(name, roles="approver").account_id
    decide_by_staff(
        lobby.provider, staff_id=staff_id, account_id=account_id(lobby), act="reject", reason="The papers are missing."
    )


def answer(nora: Applicant, text: str = WORDS) -> Any:
    """Send the form of the status page."""
    page = nora.get("/register/status").text
    form = page.split('action="/register/answer"')[1].split("</form>")[0]
    return nora.web.post("/register/answer", data={**hidden_fields(form), "answer": text})


def test_an_answer_opens_the_application_again(lobby: Lobby, refused: Applicant) -> None:
    """The page says so, one mail tells it, and staff read the words beside the earlier decision."""
    assert "The papers are missing." in refused.get("/register/status").text
    before = len(mails(lobby))
    done = answer(refused)
    assert done.status_code == 303
    page = refused.get(done.location).text
    assert "Your answer is with our staff" in page
    assert 'action="/register/answer"' not in page
    assert mails(lobby)[before:] == ["registration_waiting"]
    browser, _staff = sit_down(lobby, name="otto")
    opened = browser.get(f"/staff/applications/{account_id(lobby)}").text
    assert "The customer answered the rejection" in opened
    assert "The device was sold to us in May." in opened
    assert "The papers are missing." in opened


@pytest.mark.parametrize(("text", "sentence"), [("", "Write what we should look at again."), ("x" * 2001, "2000")])
def test_an_answer_that_cannot_be_sent_is_kept(lobby: Lobby, refused: Applicant, text: str, sentence: str) -> None:
    """422, and the rejection stands."""
    told = answer(refused, text)
    assert told.status_code == 422
    assert sentence in told.text
    assert text in told.text
    assert accounts_of(lobby)[0]["approval_status"] == "rejected"


def test_each_rejection_is_answered_once(lobby: Lobby, refused: Applicant) -> None:
    """Of many at once one wins, and the next needs another rejection."""
    caller = Caller("192.0.2.1")

    def send(number: int) -> bool:
        try:
            answer_rejection(lobby.provider, account_id(lobby), f"answer {number}", caller)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(send, range(6))) == 1
    assert len(lobby.rows("SELECT 1 FROM approval_decisions WHERE actor_kind = 'customer'")) == 1
    assert not send(7)
    reject(lobby)
    assert send(8)


def test_nobody_else_can_answer(lobby: Lobby, refused: Applicant) -> None:
    """Without the link, the browser or the session there is no page to answer on."""
    stranger = Applicant(lobby)
    page = stranger.get("/register").text
    token = hidden_fields(page.split("<form")[1])["csrf_token"]
    told = stranger.web.post("/register/answer", data={"csrf_token": token, "answer": WORDS, "status": ""})
    assert told.status_code == 404
    assert accounts_of(lobby)[0]["approval_status"] == "rejected"


def test_waiting_times_come_from_decisions_and_are_never_told_too_short(lobby: Lobby) -> None:
    """Five decisions at least, of the last 30 days; rounded up to what is told."""
    carla = lobby.add_account("carla", roles="approver")
    for number in range(1, 11):
        if number == 5:
            assert measure_waiting(lobby.provider) is None
        waiting = lobby.add_account(f"w{number}", status="pending")
        lobby.now += number * 3600 + 1
        decide_by_staff(lobby.provider, staff_id=carla.account_id, account_id=waiting.account_id, act="approve")
    measured = measure_waiting(lobby.provider)
    assert measured is not None
    assert (measured.half, measured.most) == (6 * 3600, 10 * 3600)
    lobby.now += 31 * 86400
    assert measure_waiting(lobby.provider) is None


def test_the_waiting_page_tells_them(lobby: Lobby) -> None:
    """Beside the promise."""
    carla = lobby.add_account("carla", roles="approver")
    for number in range(5):
        waiting = lobby.add_account(f"w{number}", status="pending")
        lobby.now += 7000
        decide_by_staff(lobby.provider, staff_id=carla.account_id, account_id=waiting.account_id, act="approve")
    nora = Applicant(lobby)
    nora.register()
    nora.confirm(newest_link(lobby))
    assert "half of all reviews by our staff took at most 2 hours" in nora.get("/register/status").text
