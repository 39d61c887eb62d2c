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
from idp.store.clients import set_client_secret
from tests.support.lobby import CALLBACK, VERIFIER, Browser, Lobby, answer_of, hidden_fields
from tests.support.tokens import SECRET, basic
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
    """F-2.5: shown once, any spelling, no session before a new password was chosen; then in with the new one.

    TP-1, TP-3.

    LG-6.
    """
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


def test_where_one_was_going_is_not_lost(lobby: Lobby) -> None:
    """From the sign-in page over the new password back to the sign-in page, with the same goal."""
    ada = lobby.add_account("ada", password_hash=lobby.provider.passwords.hash("the old password of ada"))
    staff, _ = sit_down(lobby, "customer_care")
    password = password_on(give(staff, ada))
    browser = lobby.browser()
    fields = hidden_fields(browser.get("/sign-in?next=/account/devices").text)
    answer = browser.post("/sign-in?next=/account/devices", {**fields, "username": "ada", "password": password})
    form = browser.get(browser.get(answer.headers["Location"]).headers["Location"])
    done = browser.post("/reset", {**hidden_fields(form.text), "new_password": NEW})
    assert "/sign-in?next=/account/devices" in browser.get(done.headers["Location"]).text


@pytest.mark.parametrize("case", ["used", "expired", "replaced", "wrong"])
def test_what_does_not_work_opens_nothing(lobby: Lobby, case: str) -> None:
    """Used and expired ones say so, to whoever has them; replaced and wrong ones are wrong like any other (TP-1)."""
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


def test_it_is_long_and_its_hash_is_kept(lobby: Lobby) -> None:
    """20 random letters, in groups to read out; kept as argon2id only (TP-1, CR-1)."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, "customer_care")
    first, second = password_on(give(staff, ada)), password_on(give(staff, ada))
    assert re.fullmatch(r"(?:[A-Z]{4}-){4}[A-Z]{4}", first)
    assert first != second
    (row,) = lobby.rows("SELECT * FROM temporary_passwords")
    assert row["password_hash"].startswith("$argon2id$")
    assert second.replace("-", "") not in repr(dict(row))
    assert row["expires_at"] - row["made_at"] == 86400


def test_it_cannot_be_kept(lobby: Lobby) -> None:
    """The new password is another one, however it is spelled; the page says why and the link still works (TP-4)."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, "customer_care")
    password = password_on(give(staff, ada))
    answer, browser = try_sign_in(lobby, "ada", password)
    form = browser.get(browser.get(answer.headers["Location"]).headers["Location"])
    for typed in (password, password.lower().replace("-", " "), password.replace("-", "")):
        refused = browser.post("/reset", {**hidden_fields(form.text), "new_password": typed})
        assert refused.status_code == 422
        assert "This is the temporary password" in refused.text
    assert browser.post("/reset", {**hidden_fields(form.text), "new_password": NEW}).status_code == 303


def test_while_it_stands_nothing_of_before_works(lobby: Lobby) -> None:
    """No session, no silent sign-in, no code, no refresh, no active token, in any tab (TP-2, TP-3, IN-4)."""
    ada = lobby.add_account("ada", status="approved")
    with lobby.provider.database.transaction() as tx:
        set_client_secret(tx, "own", SECRET, now=lobby.now)
    old = lobby.browser()
    old.sign_in(ada)
    code = answer_of(authorize_own(old))["code"]
    tokens = redeem(lobby, code).get_json()
    waiting = answer_of(authorize_own(old))["code"]
    staff, _ = sit_down(lobby, "customer_care")
    temporary = password_on(give(staff, ada))
    assert old.get("/account").headers["Location"].startswith("/sign-in")
    assert answer_of(authorize_own(old, prompt="none"))["error"] == "login_required"
    assert redeem(lobby, waiting).get_json()["error"] == "invalid_grant"
    assert post_token(lobby, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 400
    asked = lobby.browser().post(
        "/oauth/introspect", {"token": tokens["access_token"]}, headers={"Authorization": basic("own", SECRET)}
    )
    assert asked.get_json() == {"active": False}
    answer, tab = try_sign_in(lobby, "ada", temporary)
    assert answer.headers["Location"].startswith("/reset/")
    assert answer_of(authorize_own(tab, prompt="none"))["error"] == "login_required"
    assert tab.get("/staff").status_code in (303, 403)


def authorize_own(browser: Browser, **changes: str) -> Any:
    """An authorization request of the house's own site."""
    return browser.authorize(client_id="own", **changes)


def post_token(lobby: Lobby, **form: str) -> Any:
    """The site at the token endpoint."""
    return lobby.browser().post("/oauth/token", form, headers={"Authorization": basic("own", SECRET)})


def redeem(lobby: Lobby, code: str) -> Any:
    """The code of the own site."""
    return post_token(lobby, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER)


def test_of_many_parallel_uses_one_wins(lobby: Lobby) -> None:
    """RC-1: one link to a new password, however many press at once (RC-2, RC-4)."""
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
    """AD-2 (TP-3)."""
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


def test_a_page_that_is_sent_twice_gives_no_second_password(lobby: Lobby) -> None:
    """A reload of the page with the password: the first one goes on working, and there is one mail."""
    staff, _boss = sit_down(lobby, "customer_care")
    ada = lobby.add_account("ada")
    path = f"/staff/accounts/{ada.account_id}"
    form = {"csrf_token": token_in(staff.get(path)), "instead_of": "0"}
    given = staff.post(f"{path}/temporary-password", form)
    again = staff.post(f"{path}/temporary-password", form)
    assert again.headers["Location"].endswith("done=given_already")
    assert "A temporary password was given already" in staff.get(again.headers["Location"]).text
    assert mails(lobby).count("temporary_password_given") == 1
    answer, _browser = try_sign_in(lobby, "ada", password_on(given))
    assert answer.status_code == 303
