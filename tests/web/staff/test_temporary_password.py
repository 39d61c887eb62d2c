"""Temporary passwords: who may give one, what it ends, and that it is good for choosing a new password and nothing else."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.guessing import Caller
from idp.accounts.sign_in import SignInRequest, sign_in
from idp.errors import Refusal
from idp.store.accounts import Account
from tests.support.lobby import Browser, Lobby, hidden_fields
from tests.web.staff.test_desk import mails, sit_down, token_in

NEW = "seven quiet lighthouses"


def give(staff: Browser, account: Account) -> Any:
    """Press the button on the account's page."""
    path = f"/staff/accounts/{account.account_id}"
    return staff.post(f"{path}/temporary-password", {"csrf_token": token_in(staff.get(path))})


def password_on(page: Any) -> str:
    """The password that the page shows."""
    match = re.search(r'id="temporary-password">([^<]+)<', page.text)
    assert match, page.text[:500]
    return match[1]


def try_sign_in(lobby: Lobby, name: str, password: str) -> Any:
    """The sign-in form in a new browser; out: the answer, and the browser."""
    browser = lobby.browser()
    fields = hidden_fields(browser.get("/sign-in").text)
    return browser.post("/sign-in", {**fields, "username": name, "password": password}), browser


def test_it_leads_to_a_new_password_and_to_nothing_else(lobby: Lobby) -> None:
    """F-2.5: shown once, any spelling, no session before a new password was chosen; then in with the new one."""
    ada = lobby.add_account("ada", password_hash=lobby.provider.passwords.hash("the old password of ada"))
    staff, _ = sit_down(lobby, "customer_care")
    old = lobby.browser()
    old.sign_in(ada)
    page = give(staff, ada)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    password = password_on(page)
    assert mails(lobby) == ["temporary_password_given"]
    assert old.get("/account").status_code == 303  # signed out
    assert try_sign_in(lobby, "ada", "the old password of ada")[0].status_code == 422
    answer, browser = try_sign_in(lobby, "ada", password.lower().replace("-", " "))
    assert answer.headers["Location"].startswith("/reset/")
    assert browser.web.get_cookie("idp_session") is None
    form = browser.get(browser.get(answer.headers["Location"]).headers["Location"])
    assert browser.get("/account").headers["Location"].startswith("/sign-in")
    done = browser.post("/reset", {**hidden_fields(form.text), "new_password": NEW})
    assert (done.status_code, done.headers["Location"]) == (303, "/reset/done")
    assert try_sign_in(lobby, "ada", password)[0].status_code == 422
    assert try_sign_in(lobby, "ada", NEW)[0].headers["Location"] == "/"
    acts = [
        row["act"] for row in lobby.rows("SELECT act FROM audit_events WHERE act LIKE 'temporary%' ORDER BY event_id")
    ]
    assert acts == ["temporary_password_given", "temporary_password_used"]


@pytest.mark.parametrize("case", ["used", "expired", "replaced", "wrong"])
def test_what_does_not_work_opens_nothing(lobby: Lobby, case: str) -> None:
    """Used and expired ones say so, to whoever has them; replaced and wrong ones are wrong like any other."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, "customer_care")
    password = password_on(give(staff, ada))
    if case == "used":
        assert try_sign_in(lobby, "ada", password)[0].status_code == 303
    elif case == "expired":
        lobby.now += 86400
    elif case == "replaced":
        password_on(give(staff, ada))
    else:
        password = password[:-1] + ("B" if password[-1] != "B" else "C")
    answer, browser = try_sign_in(lobby, "ada", password)
    assert answer.status_code == 422
    assert ("does not work any more" in answer.text) is (case in ("used", "expired"))
    assert browser.web.get_cookie("idp_session") is None


def test_of_many_parallel_uses_one_wins(lobby: Lobby) -> None:
    """RC-1: one link to a new password, however many press at once."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, "customer_care")
    password = password_on(give(staff, ada))

    def use(number: int) -> str:
        wish = SignInRequest("ada", password, keep=False, caller=Caller(f"10.0.{number}.1", "d" * 43, ""))
        try:
            sign_in(lobby.provider, wish)
        except Refusal as refusal:
            return refusal.key
        return "in"

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(use, range(8)))
    assert keys.count("sign_in.temporary") == 1
    assert set(keys) <= {"sign_in.temporary", "sign_in.temporary_over", "sign_in.slowed_down"}


@pytest.mark.parametrize("roles", ["approver", "auditor"])
def test_who_may_not_give_one(lobby: Lobby, roles: str) -> None:
    """AD-1: approvers and auditors may not, and see no button."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, roles)
    page = staff.get(f"/staff/accounts/{ada.account_id}")
    assert "give-temporary-password" not in page.text
    token = token_in(staff.get("/account"))
    refused = staff.post(f"/staff/accounts/{ada.account_id}/temporary-password", {"csrf_token": token})
    assert refused.status_code == 403
    assert not lobby.rows("SELECT * FROM temporary_passwords")


def test_nobody_gives_one_to_themselves_or_to_a_colleague(lobby: Lobby) -> None:
    """AD-2."""
    staff, carla = sit_down(lobby, "customer_care")
    colleague = lobby.add_account("cleo", roles="approver")
    token = token_in(staff.get("/staff/accounts"))
    for account in (carla, colleague):
        answer = staff.post(f"/staff/accounts/{account.account_id}/temporary-password", {"csrf_token": token})
        assert answer.status_code == 403
    assert not lobby.rows("SELECT * FROM temporary_passwords")


def test_whoever_gives_one_has_just_shown_who_they_are(lobby: Lobby) -> None:
    """SE-13: the own password must have been given within five minutes."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, "customer_care")
    lobby.now += 301
    answer = give(staff, ada)
    assert answer.headers["Location"].startswith("/sign-in?next=")
    assert "again=1" in answer.headers["Location"]
    assert not lobby.rows("SELECT * FROM temporary_passwords")
