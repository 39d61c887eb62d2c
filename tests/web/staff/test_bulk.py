"""Deciding about several applications: from the list, with half a minute to undo, and a page that says what happened."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from idp.signals import worker
from idp.store.accounts import Account
from tests.support.lobby import NOW, Browser, Lobby
from tests.web.staff.test_desk import add_waiting, decide, house, mails, sit_down, status_of, token_in

__all__ = ["house"]


def choose(browser: Browser, people: list[Account], act: str, **values: str) -> Any:
    """Tick rows in the list and press a button."""
    page = browser.get("/staff")
    keys = re.findall(r'name="chosen" value="([^"]+)"', page.text)
    chosen = [key for key in keys if key.partition(".")[2] in {person.account_id for person in people}]
    fields = {"bulk-csrf_token": token_in(page), "bulk-act": act, "chosen": chosen}
    return browser.post("/staff/decisions", {**fields, **{f"bulk-{name}": text for name, text in values.items()}})


def path_of(answer: Any) -> str:
    """Where an answer leads."""
    assert answer.status_code == 303, answer.text
    return urlsplit(answer.headers["Location"]).path


def undo(browser: Browser, path: str) -> Any:
    """Press "Undo" on the page of a batch."""
    return browser.post(f"{path}/undo", {"csrf_token": token_in(browser.get(path))})


def test_the_chosen_ones_are_decided_after_half_a_minute(lobby: Lobby) -> None:
    """Row, mail and audit line for each; before that nothing has changed."""
    people = [add_waiting(lobby, name, since=NOW - 300 + n) for n, name in enumerate(("ann", "bob", "cid"))]
    browser, staff = sit_down(lobby)
    path = path_of(choose(browser, people[:2], "reject", reason="Send a photo."))
    page = browser.get(path)
    assert "Reject 2 applications" in page.text
    assert "It takes effect in 30 seconds." in page.text
    assert "2 rejections are scheduled" in browser.get("/staff").text
    lobby.now += 29
    worker.drain_once(lobby.provider)
    assert [status_of(lobby, person) for person in people] == ["pending"] * 3
    lobby.now += 1
    worker.drain_once(lobby.provider)
    worker.drain_once(lobby.provider)
    assert [status_of(lobby, person) for person in people] == ["rejected", "rejected", "pending"]
    rows = lobby.rows("SELECT account_id, actor, reason FROM approval_decisions ORDER BY decision_id")
    assert [(row["actor"], row["reason"]) for row in rows] == [(staff.account_id, "Send a photo.")] * 2
    assert mails(lobby) == ["rejected", "rejected"]
    assert len(lobby.rows("SELECT 1 FROM audit_events WHERE act = 'approval_changed'")) == 2
    assert "Each applicant gets a mail." in browser.get(path).text
    assert "scheduled" not in browser.get("/staff").text


def test_undone_decisions_never_take_effect(lobby: Lobby) -> None:
    """Within the half minute everything can be taken back."""
    account = add_waiting(lobby, "ann")
    browser, _staff = sit_down(lobby)
    path = path_of(choose(browser, [account], "approve"))
    lobby.now += 29
    assert path_of(undo(browser, path)) == path
    assert "Nothing was changed and no mail was sent." in browser.get(path).text
    lobby.now += 60
    worker.drain_once(lobby.provider)
    assert status_of(lobby, account) == "pending"
    assert mails(lobby) == []
    acts = [row["act"] for row in lobby.rows("SELECT act FROM audit_events ORDER BY event_id")]
    assert acts == ["decisions_scheduled", "decisions_undone"]


def test_after_half_a_minute_it_is_too_late(lobby: Lobby) -> None:
    """Also where the worker has not come yet: what was promised to take effect does."""
    account = add_waiting(lobby, "ann")
    browser, _staff = sit_down(lobby)
    path = path_of(choose(browser, [account], "approve"))
    token = token_in(browser.get(path))
    lobby.now += 30
    answer = browser.post(f"{path}/undo", {"csrf_token": token})
    assert answer.status_code == 409
    assert "It was too late to undo" in answer.text
    worker.drain_once(lobby.provider)
    assert status_of(lobby, account) == "approved"
    assert browser.post(f"{path}/undo", {"csrf_token": token}).status_code == 409
    assert status_of(lobby, account) == "approved"


def test_what_a_colleague_decided_meanwhile_stays(lobby: Lobby) -> None:
    """One decision, one mail; the page says who was first, and the others are done."""
    ann, bob = add_waiting(lobby, "ann", since=NOW - 200), add_waiting(lobby, "bob", since=NOW - 100)
    browser, _staff = sit_down(lobby)
    other, _colleague = sit_down(lobby, "approver", "paul")
    path = path_of(choose(browser, [ann, bob], "approve"))
    assert decide(other, ann, "reject", reason="No.").status_code == 303
    lobby.now += 30
    worker.drain_once(lobby.provider)
    assert (status_of(lobby, ann), status_of(lobby, bob)) == ("rejected", "approved")
    page = browser.get(path)
    assert "1 of 2 done" in page.text
    assert "Paul Test rejected" in page.text
    assert sorted(mails(lobby)) == ["approved", "rejected"]


def test_nobody_undoes_what_a_colleague_scheduled(house: Lobby) -> None:
    """The button is not there, and a form sent by hand changes nothing."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    other, _colleague = sit_down(house, "approver", "paul")
    path = path_of(choose(browser, [account], "approve"))
    page = other.get(path)
    assert 'id="undo"' not in page.text
    assert other.post(f"{path}/undo", {"csrf_token": token_in(page)}).status_code == 409
    house.now += 30
    worker.drain_once(house.provider)
    assert status_of(house, account) == "approved"


def test_a_role_that_was_taken_away_meanwhile_counts(house: Lobby) -> None:
    """Rights are read when it takes effect (RC-3)."""
    account = add_waiting(house, "ann")
    browser, staff = sit_down(house)
    path = path_of(choose(browser, [account], "approve"))
    house.run("UPDATE accounts SET roles = 'customer_care' WHERE account_id = :id", id=staff.account_id)
    house.now += 30
    worker.drain_once(house.provider)
    assert status_of(house, account) == "pending"
    colleague, _someone = sit_down(house, "approver", "paul")
    assert "you may not decide about this account" in colleague.get(path).text


def test_mistakes_keep_the_choice(house: Lobby) -> None:
    """Nothing chosen, no reason: the page says so and keeps ticks and words."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    answer = choose(browser, [], "approve", reason="Fine.")
    assert answer.status_code == 422
    assert "Choose at least one application" in answer.text
    assert "Fine." in answer.text
    answer = choose(browser, [account], "reject", remark="Odd.")
    assert answer.status_code == 422
    assert "Write a reason" in answer.text
    assert "Odd." in answer.text
    assert re.search(rf'value="[0-9]+\.{account.account_id}" form="bulk" checked', answer.text)
    assert house.rows("SELECT 1 FROM scheduled_decisions") == []


def test_customer_care_cannot_choose(house: Lobby) -> None:
    """No boxes, and no way around it (AD-1)."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house, "customer_care")
    page = browser.get("/staff")
    assert 'name="chosen"' not in page.text
    fields = {"csrf_token": token_in(page), "bulk-act": "approve", "chosen": f"{NOW - 3600}.{account.account_id}"}
    assert browser.post("/staff/decisions", fields).status_code == 403
    assert house.rows("SELECT 1 FROM scheduled_decisions") == []


def test_an_unknown_batch_is_not_found(house: Lobby) -> None:
    """404, as every address that is none."""
    browser, _staff = sit_down(house)
    assert browser.get("/staff/decisions/nothing").status_code == 404
