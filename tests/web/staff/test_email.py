"""Another e-mail address by staff (F-2.4): who may, what happens, the way back for the old address, and races."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.email_change import change_email_by_staff, undo_email_change
from idp.accounts.guessing import Caller
from idp.accounts.password_reset import answer_reset_request
from idp.accounts.sign_in import SignInRequest, sign_in
from idp.accounts.temporary_password import give_temporary_password
from idp.errors import Refusal
from idp.policy.rules import Rule
from idp.store import accounts, outbox
from idp.store.accounts import Account
from tests.support.applicant import mails as opened_mails
from tests.support.lobby import Browser, Lobby, hidden_fields
from tests.support.rules import add_rules
from tests.web.staff.test_desk import mails, sit_down

REASON = "Left the old company; called back at the number of the new one."


def change(staff: Browser, account: Account, email: str, reason: str = REASON) -> Any:
    """Fill in the form and press the button."""
    path = f"/staff/accounts/{account.account_id}/email"
    return staff.post(path, {**hidden_fields(staff.get(path).text), "email": email, "reason": reason})


def account_of(lobby: Lobby, account: Account) -> Account:
    """The account as it is now."""
    with lobby.provider.database.reading() as tx:
        return accounts.get_account(tx, account.account_id)


def letters(lobby: Lobby, name: str) -> list[dict[str, Any]]:
    """What is in the mails of one kind, oldest first."""
    return [letter for letter in opened_mails(lobby) if letter["name"] == name]


def undo_token(letter: dict[str, Any]) -> str:
    """The token of the link that undoes."""
    return str(letter["link"]).rpartition("/")[2]


def test_the_new_address_signs_in_and_both_are_told(lobby: Lobby) -> None:
    """F-2.4: sessions stay, the address is not verified yet, earlier links are void, the reason stands in the history.

    LG-6.
    """
    ada = lobby.add_account("ada")
    staff, carla = sit_down(lobby, "customer_care")
    browser = lobby.browser()
    browser.sign_in(ada)
    staff.post(f"/staff/accounts/{ada.account_id}/reset-link", hidden_fields(staff.get("/staff/accounts").text))
    page = staff.get(f"/staff/accounts/{ada.account_id}/email")
    assert "stays signed in on one device" in page.text
    answer = change(staff, ada, "Ada@New.example")
    assert answer.headers["Location"].endswith("?done=email")
    shown = staff.get(answer.headers["Location"])
    assert "Ada@new.example signs in" in shown.text
    assert REASON in shown.text
    now = account_of(lobby, ada)
    assert (now.email, now.email_key, now.email_verified_at) == ("Ada@new.example", "ada@new.example", None)
    assert browser.get("/account").status_code == 200
    assert lobby.rows("SELECT used_at FROM links WHERE purpose = 'reset' AND replaced_at IS NOT NULL")
    assert mails(lobby) == ["reset_password", "email_changed", "email_is_new"]
    events = lobby.rows("SELECT actor, details FROM audit_events WHERE act = 'email_changed'")
    assert [row["actor"] for row in events] == [carla.account_id]
    assert "new.example" not in events[0]["details"]


def test_a_reset_link_to_the_new_address_proves_it(lobby: Lobby) -> None:
    """F-2.4: "Forgot password?" works with the new address only, and email_verified is true from then on."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, "customer_care")
    change(staff, ada, "ada@new.example")
    browser = lobby.browser()
    for typed in ("ada@lab.example", "ada@new.example"):
        browser.post("/forgot-password", {**hidden_fields(browser.get("/forgot-password").text), "email": typed})
    with lobby.provider.database.transaction() as tx:
        asked = outbox.claim(tx, mail=False, worker="w", lease=60, limit=50, now=lobby.now)
    for item in asked:
        answer_reset_request(lobby.provider, item)
    (letter,) = letters(lobby, "reset_password")
    assert letter["email"] == "ada@new.example"
    assert account_of(lobby, ada).email_verified_at is None
    form = browser.get(browser.get("/reset/" + undo_token(letter)).headers["Location"])
    browser.post("/reset", {**hidden_fields(form.text), "new_password": "seven quiet lighthouses"})
    assert account_of(lobby, ada).email_verified_at == lobby.now


@pytest.mark.parametrize(
    ("email", "reason", "status", "words"),
    [
        ("", REASON, 422, "Enter the new e-mail address."),
        ("nobody", REASON, 422, "Enter one e-mail address"),
        ("new@lab.example", "", 422, "Write how you made sure"),
        ("new@lab.example", "x" * 2001, 422, "at most 2000 characters"),
        ("ADA@lab.example", REASON, 422, "of the account already"),
        ("bob@LAB.example", REASON, 409, "Another account has this e-mail address"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_is_kept(
    lobby: Lobby, email: str, reason: str, status: int, words: str
) -> None:
    """F-2.4: staff are told that an address is taken; nothing changes."""
    ada = lobby.add_account("ada")
    lobby.add_account("bob")
    staff, _ = sit_down(lobby, "customer_care")
    answer = change(staff, ada, email, reason)
    assert answer.status_code == status
    assert words in answer.text
    assert email in answer.text
    assert reason in answer.text
    assert account_of(lobby, ada).email == "ada@lab.example"
    assert not mails(lobby)


def test_of_two_changes_to_the_same_address_one_wins(lobby: Lobby) -> None:
    """RC-1: the database decides, the other is told that the address is taken (RC-2)."""
    people = [lobby.add_account(f"person{number}") for number in range(6)]
    carla = lobby.add_account("carla", roles="customer_care")

    def take(person: Account) -> str:
        try:
            change_email_by_staff(
                lobby.provider,
                staff_id=carla.account_id,
                account_id=person.account_id,
                email="wanted@lab.example",
                reason=REASON,
            )
        except Refusal as refusal:
            return refusal.key
        return "changed"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(take, people)) == ["changed"] + ["email.taken"] * 5
    assert sorted(mails(lobby)) == ["email_changed", "email_is_new"]
    assert len(lobby.rows("SELECT account_id FROM accounts WHERE email_key = 'wanted@lab.example'")) == 1


@pytest.mark.parametrize("roles", ["approver", "auditor"])
def test_who_may_not_change_it(lobby: Lobby, roles: str) -> None:
    """AD-1: they see no button, and the address answers no."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, roles)
    assert "change-email" not in staff.get(f"/staff/accounts/{ada.account_id}").text
    token = hidden_fields(staff.get("/account").text)
    path = f"/staff/accounts/{ada.account_id}/email"
    assert staff.get(path).status_code == 403
    assert staff.post(path, {**token, "email": "new@lab.example", "reason": REASON}).status_code == 403
    assert account_of(lobby, ada).email == "ada@lab.example"


def test_nobody_changes_their_own_or_a_colleagues(lobby: Lobby) -> None:
    """AD-2."""
    ada = lobby.add_account("ada")
    staff, carla = sit_down(lobby, "customer_care")
    colleague = lobby.add_account("cleo", roles="approver")
    fields = hidden_fields(staff.get(f"/staff/accounts/{ada.account_id}/email").text)
    for account in (carla, colleague):
        path = f"/staff/accounts/{account.account_id}/email"
        assert "email-submit" not in staff.get(path).text
        assert staff.post(path, {**fields, "email": "new@lab.example", "reason": REASON}).status_code == 403
    assert not mails(lobby)


def test_the_password_must_be_fresh_and_what_was_typed_comes_back(lobby: Lobby) -> None:
    """SE-13."""
    ada = lobby.add_account("ada")
    staff, _ = sit_down(lobby, "customer_care")
    lobby.now += 301
    answer = change(staff, ada, "ada@new.example")
    assert answer.headers["Location"].startswith("/sign-in?next=")
    assert account_of(lobby, ada).email == "ada@lab.example"
    match = re.search(r"kept%3D([\w-]+)", answer.headers["Location"])
    assert match
    page = staff.get(f"/staff/accounts/{ada.account_id}/email?kept={match[1]}")
    assert "ada@new.example" in page.text
    assert REASON in page.text


def changed_to(lobby: Lobby, ada: Account, *addresses: str) -> list[str]:
    """Change the address one after the other; out: the tokens that undo each."""
    carla = lobby.add_account("carla", roles="customer_care")
    for email in addresses:
        change_email_by_staff(
            lobby.provider, staff_id=carla.account_id, account_id=ada.account_id, email=email, reason=REASON
        )
    return [undo_token(letter) for letter in letters(lobby, "email_changed")]


def test_the_old_address_undoes_the_change(lobby: Lobby) -> None:
    """Opening changes nothing; the button restores, ends everything and leads to a new password (EC-1)."""
    ada = lobby.add_account("ada", password_hash=lobby.provider.passwords.hash("the old password of ada"))
    signed_in = lobby.browser()
    signed_in.sign_in(ada)
    (token,) = changed_to(lobby, ada, "ada@new.example")
    browser = lobby.browser()
    page = browser.get(f"/email/undo/{token}")
    assert "ada@lab.example" in page.text
    assert "ada@new.example" not in page.text
    assert account_of(lobby, ada).email == "ada@new.example"
    answer = browser.post(f"/email/undo/{token}", hidden_fields(page.text))
    assert answer.headers["Location"].startswith("/reset/")
    now = account_of(lobby, ada)
    assert (now.email, now.email_verified_at, now.password_hash) == ("ada@lab.example", lobby.now, None)
    assert signed_in.get("/account").status_code == 303
    assert [letter["email"] for letter in letters(lobby, "email_change_undone")] == [
        "ada@lab.example",
        "ada@new.example",
    ]
    form = browser.get(browser.get(answer.headers["Location"]).headers["Location"])
    done = browser.post("/reset", {**hidden_fields(form.text), "new_password": "seven quiet lighthouses"})
    assert done.headers["Location"] == "/reset/done"
    again = browser.get(f"/email/undo/{token}")
    assert (again.status_code, "was undone already" in again.text) == (200, True)


def test_a_second_change_takes_no_way_back_from_the_first_owner(lobby: Lobby) -> None:
    """Whoever changes it twice within a second voids nothing; the first address voids the later links, not the other way."""
    ada = lobby.add_account("ada")
    first, second = changed_to(lobby, ada, "ada@second.example", "ada@third.example")
    undo_email_change(lobby.provider, second)
    assert account_of(lobby, ada).email == "ada@second.example"
    undo_email_change(lobby.provider, first)
    assert account_of(lobby, ada).email == "ada@lab.example"


def test_the_first_owner_voids_later_links(lobby: Lobby) -> None:
    """Else the second address could take the account again."""
    ada = lobby.add_account("ada")
    first, second = changed_to(lobby, ada, "ada@second.example", "ada@third.example")
    undo_email_change(lobby.provider, first)
    with pytest.raises(Refusal, match=r"link\.replaced"):
        undo_email_change(lobby.provider, second)
    assert lobby.browser().get(f"/email/undo/{second}").status_code == 410
    assert account_of(lobby, ada).email == "ada@lab.example"


@pytest.mark.parametrize(
    ("case", "status", "words"),
    [("expired", 410, "has expired"), ("damaged", 404, "not complete"), ("taken", 409, "has another account now")],
)
def test_links_that_undo_nothing_say_why(lobby: Lobby, case: str, status: int, words: str) -> None:
    """F-1.7: each with its own page, and nothing changes."""
    ada = lobby.add_account("ada")
    (token,) = changed_to(lobby, ada, "ada@new.example")
    browser = lobby.browser()
    fields = hidden_fields(browser.get(f"/email/undo/{token}").text)
    if case == "expired":
        lobby.now += 7 * 86400 + 1
    elif case == "damaged":
        token = token[:-1]
    else:
        other = lobby.add_account("other")
        lobby.run(
            "UPDATE accounts SET email = 'ada@lab.example', email_key = 'ada@lab.example' WHERE account_id = :id",
            id=other.account_id,
        )
    answer = browser.post(f"/email/undo/{token}", fields)
    assert answer.status_code == status
    assert words in answer.text
    assert account_of(lobby, ada).email == "ada@new.example"


def test_of_many_parallel_undos_one_wins(lobby: Lobby) -> None:
    """RC-1 (RC-2, RC-4)."""
    ada = lobby.add_account("ada")
    (token,) = changed_to(lobby, ada, "ada@new.example")

    def undo(_number: int) -> str:
        try:
            undo_email_change(lobby.provider, token)
        except Refusal as refusal:
            return refusal.key
        return "undone"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(undo, range(6))) == ["link.used"] * 5 + ["undone"]


def test_a_domain_that_a_rule_used_brings_the_review_back(lobby: Lobby) -> None:
    """DESIGN, approved → pending: the page says so before, and the sites for approved customers close."""
    ada = lobby.add_account("ada")
    lobby.run(
        "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark,"
        " facts, created_at) VALUES (:account, 'pending', 'approved', 'rule', 'known-domain', '', '', '[]', :now)",
        account=ada.account_id,
        now=lobby.now,
    )
    staff, _ = sit_down(lobby, "customer_care")
    assert "goes back into review" in staff.get(f"/staff/accounts/{ada.account_id}/email").text
    change(staff, ada, "ada@elsewhere.example")
    assert account_of(lobby, ada).approval_status == "pending"
    assert mails(lobby) == ["email_changed", "email_is_new", "review_again"]


def test_undoing_takes_the_review_back_where_a_rule_approves(lobby: Lobby) -> None:
    """What the other address alone brought into review needs no member of staff."""
    ada = lobby.add_account("ada")
    with lobby.provider.database.transaction() as tx:
        domains = frozenset({"lab.example"})
        add_rules(tx, Rule("lab", email_domains=domains, ownership="any"), now=lobby.now)
    lobby.run(
        "INSERT INTO devices (account_id, serial_number, created_at) VALUES (:account, 'AB123Z', :now)",
        account=ada.account_id,
        now=lobby.now,
    )
    lobby.run(
        "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark,"
        " facts, created_at) VALUES (:account, 'pending', 'approved', 'rule', 'lab', '', '', '[]', :now)",
        account=ada.account_id,
        now=lobby.now,
    )
    lobby.now += 1
    (token,) = changed_to(lobby, ada, "ada@elsewhere.example")
    assert account_of(lobby, ada).approval_status == "pending"
    lobby.now += 1
    undo_email_change(lobby.provider, token)
    assert account_of(lobby, ada).approval_status == "approved"


def test_undoing_voids_a_temporary_password(lobby: Lobby) -> None:
    """Whoever had the other address may have been told one on the telephone."""
    ada = lobby.add_account("ada")
    (token,) = changed_to(lobby, ada, "ada@new.example")
    with lobby.provider.database.reading() as tx:
        carla = accounts.find_by_identifier(tx, "carla")
    assert carla
    given = give_temporary_password(lobby.provider, staff_id=carla.account_id, account_id=ada.account_id)
    undo_email_change(lobby.provider, token)
    wish = SignInRequest("ada", given.password, keep=False, caller=Caller("10.0.0.1", "d" * 43, ""))
    with pytest.raises(Refusal, match=r"sign_in\.temporary_over"):
        sign_in(lobby.provider, wish)
