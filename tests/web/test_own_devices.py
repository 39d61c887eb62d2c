"""A customer's own devices: added, renamed, removed and added again; what the approval rests on is said before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.own_devices import add_own_device, remove_own_device
from idp.errors import Refusal
from idp.policy.rules import Rule
from idp.store import accounts, devices
from idp.store.accounts import Account
from tests.support.lobby import Browser, Lobby, hidden_fields
from tests.support.rules import add_rules

PAGE = "/account/devices"


def sit_down(lobby: Lobby) -> tuple[Browser, Account]:
    """Ada, who is signed in."""
    ada = lobby.add_account("ada", company="Lab")
    browser = lobby.browser()
    browser.sign_in(ada)
    return browser, ada


def add(browser: Browser, serial_number: str, nickname: str = "") -> Any:
    """Send the form."""
    return browser.post(
        PAGE,
        {**hidden_fields(browser.get(PAGE).text), "serial_number": serial_number, "nickname": nickname},
    )


def status_of(lobby: Lobby, account: Account) -> str:
    """The approval as it is now."""
    with lobby.provider.database.reading() as tx:
        return accounts.get_account(tx, account.account_id).approval_status


def approve_by_rule(lobby: Lobby, account: Account, **conditions: Any) -> None:
    """A rule, and an approval that rests on it."""
    with lobby.provider.database.transaction() as tx:
        add_rules(tx, Rule("sold", **conditions), now=lobby.now)
    lobby.run(
        "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark,"
        " facts, created_at) VALUES (:account, 'pending', 'approved', 'rule', 'sold', '', '', '[]', :now)",
        account=account.account_id,
        now=lobby.now,
    )


def test_a_device_is_added_renamed_removed_and_added_again(lobby: Lobby) -> None:
    """Case, blanks and dashes are forgiven; the undo brings the nickname back."""
    browser, ada = sit_down(lobby)
    assert "No device is on your list" in browser.get(PAGE).text
    shown = browser.get(add(browser, "ab 123-z", "Balance").headers["Location"]).text
    assert "AB123Z" in shown
    assert "Balance" in shown
    page = f"{PAGE}/AB123Z"
    browser.post(page, {**hidden_fields(browser.get(page).text), "nickname": "Room 12"})
    assert "Room 12" in browser.get(PAGE).text
    asked = browser.get(f"{page}/remove")
    assert "Your approval stays as it is" in asked.text
    removed = browser.post(f"{page}/remove", hidden_fields(asked.text))
    after = browser.get(removed.headers["Location"])
    undo = {"serial_number": "AB123Z", "nickname": "Room 12"}
    assert all(f'name="{name}" value="{value}"' in after.text for name, value in undo.items())
    assert lobby.rows("SELECT * FROM devices") == []
    browser.post(PAGE, {**hidden_fields(after.text), **undo})
    with lobby.provider.database.reading() as tx:
        assert [(d.serial_number, d.nickname) for d in devices.list_devices(tx, ada.account_id)] == [
            ("AB123Z", "Room 12")
        ]
    acts = [row["act"] for row in lobby.rows("SELECT act FROM audit_events WHERE act LIKE 'device%' ORDER BY event_id")]
    assert acts == ["device_added", "device_renamed", "device_removed", "device_added"]


@pytest.mark.parametrize("typed", ["", "AB12Z", "AB123Z9", "\u0410B123Z"])
def test_what_is_no_serial_number_is_kept_and_told(lobby: Lobby, typed: str) -> None:
    """422, with the nickname kept."""
    browser, _ada = sit_down(lobby)
    answer = add(browser, typed, "Balance")
    assert answer.status_code == 422
    assert 'value="Balance"' in answer.text
    assert lobby.rows("SELECT * FROM devices") == []


def test_a_second_time_is_told_and_others_devices_are_not(lobby: Lobby) -> None:
    """One row for each account; that somebody else owns it is not told (EN-4); pages of others' devices are unknown."""
    browser, _ada = sit_down(lobby)
    eve = lobby.add_account("eve")
    add_own_device(lobby.provider, eve.account_id, "AB124Z")
    assert browser.get(f"{PAGE}/AB124Z").status_code == 404
    assert browser.get(f"{PAGE}/AB124Z/remove").status_code == 404
    assert add(browser, "AB123Z").status_code == 303
    answer = add(browser, "ab123z")
    assert answer.status_code == 422
    assert "on your list already" in answer.text


def test_the_page_says_that_the_approval_rests_on_the_device(lobby: Lobby) -> None:
    """Without the button of the page that said so nothing happens; with another device of the rule nothing is lost."""
    browser, ada = sit_down(lobby)
    approve_by_rule(lobby, ada, serial_families=frozenset({"AB"}))
    for serial in ("AB123Z", "AB124Z", "XX999X"):
        add_own_device(lobby.provider, ada.account_id, serial)
    remove_own_device(lobby.provider, ada.account_id, "AB124Z", may_review=False)
    assert status_of(lobby, ada) == "approved"
    page = f"{PAGE}/AB123Z/remove"
    asked = browser.get(page)
    assert "will be reviewed again" in asked.text
    refused = browser.post(page, {**hidden_fields(asked.text), "understood": "0"})
    assert (refused.status_code, status_of(lobby, ada)) == (422, "approved")
    browser.post(page, hidden_fields(refused.text))
    assert status_of(lobby, ada) == "pending"


def test_the_profile_says_it_before_saving(lobby: Lobby) -> None:
    """A country that no rule approves: nothing is saved until the second button."""
    browser, ada = sit_down(lobby)
    approve_by_rule(lobby, ada, countries=frozenset({"DE"}))
    page = browser.get("/account")
    wish = {"given_name": "Ada", "family_name": "Test", "company": "Lab", "country": "FR", "locale": "en"}
    told = browser.post("/account", {**hidden_fields(page.text), **wish})
    assert told.status_code == 422
    assert "will be reviewed again" in told.text
    assert status_of(lobby, ada) == "approved"
    assert browser.post("/account", {**hidden_fields(told.text), **wish}).status_code == 303
    assert status_of(lobby, ada) == "pending"


def test_adding_twice_at_once_adds_once(lobby: Lobby) -> None:
    """The database decides who was first."""
    ada = lobby.add_account("ada")

    def once(_number: int) -> str:
        try:
            add_own_device(lobby.provider, ada.account_id, "AB123Z")
        except Refusal as refusal:
            return refusal.key
        return "added"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(once, range(4))) == ["added"] + ["device.owned_already"] * 3


def test_removing_the_last_two_at_once_brings_the_review_back(lobby: Lobby) -> None:
    """Neither removal may rely on the device that the other one takes away."""
    ada = lobby.add_account("ada")
    approve_by_rule(lobby, ada, serial_families=frozenset({"AB"}))
    for serial in ("AB123Z", "AB124Z"):
        add_own_device(lobby.provider, ada.account_id, serial)

    def remove(serial: str) -> None:
        remove_own_device(lobby.provider, ada.account_id, serial)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(remove, ("AB123Z", "AB124Z")))
    assert status_of(lobby, ada) == "pending"
