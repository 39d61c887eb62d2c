"""Roles: what each may do, who has which, and that nobody gives what is not theirs to give (AD-2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.staff_roles import give_roles
from idp.errors import Refusal
from idp.policy.staff import ROLES, Permission
from idp.web.staff.words import PERMISSIONS, ROLE_WORDS
from tests.support.lobby import Browser, Lobby
from tests.web.staff.test_desk import add_waiting, decide, names_in, sit_down, token_in

PAGE = "/staff/roles"


def give(browser: Browser, account: str, *roles: str) -> Any:
    """Send the form."""
    return browser.post(PAGE, {"csrf_token": token_in(browser.get(PAGE)), "account": account, "roles": list(roles)})


def roles_of(lobby: Lobby, name: str) -> str:
    """The roles in the row."""
    return str(lobby.rows("SELECT roles FROM accounts WHERE user_name = :name", name=name)[0]["roles"])


def test_every_permission_and_role_has_words() -> None:
    """The page shows all there are."""
    assert set(PERMISSIONS) == {permission.value for permission in Permission}
    assert set(ROLE_WORDS) == set(ROLES)


def test_an_administrator_gives_and_takes_roles(lobby: Lobby) -> None:
    """By address or user name; the page lists who has which, and the trail has a line each time."""
    browser, admin = sit_down(lobby, "administrator")
    lobby.add_account("ben")
    assert give(browser, "BEN@lab.example", "approver", "customer_care").status_code == 303
    assert roles_of(lobby, "ben") == "approver customer_care"
    page = browser.get(PAGE + "?done=1").text
    assert "Customer care, Approver" in page
    assert give(browser, "ben").status_code == 303
    assert roles_of(lobby, "ben") == ""
    rows = lobby.rows("SELECT actor FROM audit_events WHERE act = 'roles_changed'")
    assert [row["actor"] for row in rows] == [admin.account_id] * 2


@pytest.mark.parametrize(
    ("account", "roles", "status", "sentence"),
    [
        ("carla", (), 403, "Nobody changes their own roles"),
        ("olga", (), 403, "on the command line only"),
        ("nobody", ("auditor",), 422, "There is no account"),
        ("", ("auditor",), 422, "Enter the e-mail address or user name"),
        ("ben", ("king",), 422, "Choose roles that exist."),
    ],
)
def test_what_may_not_be_given_is_refused(
    lobby: Lobby, account: str, roles: tuple[str, ...], status: int, sentence: str
) -> None:
    """Nothing is changed, and what was typed stays (AD-2)."""
    browser, _admin = sit_down(lobby, "administrator")
    lobby.add_account("olga", roles="administrator")
    lobby.add_account("ben")
    answer = give(browser, account, *roles)
    assert answer.status_code == status
    assert sentence in answer.text
    assert (roles_of(lobby, "carla"), roles_of(lobby, "olga"), roles_of(lobby, "ben")) == ("administrator",) * 2 + ("",)


@pytest.mark.parametrize("role", ["customer_care", "approver", "auditor"])
def test_others_do_not_see_the_page(lobby: Lobby, role: str) -> None:
    """Nor give themselves anything by force."""
    browser, _staff = sit_down(lobby, role)
    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, {"account": "carla", "roles": "administrator"}).status_code in (400, 403)
    assert roles_of(lobby, "carla") == role


def test_the_password_is_asked_for_again(lobby: Lobby) -> None:
    """After five minutes; what was typed comes back (SE-13)."""
    browser, _admin = sit_down(lobby, "administrator")
    lobby.add_account("ben")
    token = token_in(browser.get(PAGE))
    lobby.now += 301
    answer = browser.post(PAGE, {"csrf_token": token, "account": "ben", "roles": "auditor"})
    assert "/sign-in" in answer.headers["Location"]
    assert roles_of(lobby, "ben") == ""


def test_administrators_who_take_each_other_down_at_once_leave_one(lobby: Lobby) -> None:
    """Neither may: both stay (AD-6)."""
    first, second = (lobby.add_account(name, roles="administrator") for name in ("first", "second"))

    def strike(pair: tuple[str, str]) -> bool:
        try:
            give_roles(lobby.provider, staff_id=pair[0], identifier=pair[1], roles=())
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(strike, [(first.account_id, "second"), (second.account_id, "first")]))
    assert done == [False, False]


def test_limits_are_given_shown_and_kept_when_something_is_wrong(lobby: Lobby) -> None:
    """The page says who decides about what; the link to change brings what there is."""
    browser, _admin = sit_down(lobby, "administrator")
    lobby.add_account("ben")
    fields = {"csrf_token": token_in(browser.get(PAGE)), "account": "ben", "roles": ["approver"]}
    wrong = browser.post(PAGE, {**fields, "families": "AB, 12", "countries": "de"})
    assert wrong.status_code == 422
    assert "A serial family is two letters" in wrong.text
    assert 'value="AB, 12"' in wrong.text
    assert browser.post(PAGE, {**fields, "families": "ab,CD", "countries": "de"}).status_code == 303
    page = browser.get(PAGE).text
    assert "AB, CD · Germany" in page
    assert "account=ben&amp;role=approver&amp;families=AB+CD&amp;countries=DE#account" in page
    assert 'value="AB CD"' in browser.get(f"{PAGE}?account=ben&role=approver&families=AB+CD&countries=DE").text


def test_an_approver_with_limits_reads_them_and_sees_no_button_beyond(lobby: Lobby) -> None:
    """The queue says what it shows; an application beyond says that a colleague decides."""
    ann = add_waiting(lobby, "ann", serial="CD123Z")
    add_waiting(lobby, "ben", serial="AB123Z")
    browser, paul = sit_down(lobby, "approver", "paul")
    lobby.run(
        "INSERT INTO approver_limits (account_id, families, countries, updated_at) VALUES (:id, :families, '[]', 1)",
        id=paul.account_id,
        families='["AB"]',
    )
    page = browser.get("/staff")
    assert names_in(page) == ["Ben Test"]
    assert "You decide about: AB." in page.text
    beyond = browser.get(f"/staff/applications/{ann.account_id}")
    assert 'id="beyond-limits"' in beyond.text
    assert 'id="decision-approve"' not in beyond.text
    assert decide(browser, ann, "approve").status_code == 403
