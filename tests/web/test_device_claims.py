"""A device that an approved customer adds and that is in doubt waits for staff; one answer wins, and the customer is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts import blocking, device_claims
from idp.accounts.own_devices import add_own_device
from idp.i18n import format_moment
from idp.policy.approval import promised_until
from idp.policy.rules import Rule
from idp.store import rules
from idp.store.accounts import Account
from tests.accounts.test_staff_limits import limit
from tests.support.lobby import Browser, Lobby, hidden_fields
from tests.support.rules import add_rules
from tests.web.staff.test_desk import sit_down
from tests.web.test_device_transfers import SERIAL, letters, owners, refusal_of, seat
from tests.web.test_own_devices import PAGE, add, status_of

WHY = "Another company owns this device. Send us the contract of sale."


def claims_of(lobby: Lobby, account: Account) -> list[str]:
    """The serial numbers that wait."""
    return [claim.serial_number for claim in device_claims.list_own_claims(lobby.provider, account.account_id)]


def claimed(lobby: Lobby) -> tuple[Account, Account]:
    """Eve of one company owns the device, Ada of another one has added it."""
    eve, ada = lobby.add_account("eve", company="Other"), lobby.add_account("ada", company="Lab")
    assert add_own_device(lobby.provider, eve.account_id, SERIAL)
    assert not add_own_device(lobby.provider, ada.account_id, SERIAL, "Balance")
    return eve, ada


def answer(staff: Browser, account: Account, act: str, reason: str = "") -> Any:
    """Open the device and press a button."""
    path = f"/staff/devices/{account.account_id}/{SERIAL}"
    return staff.post(path, {**hidden_fields(staff.get(path).text), "act": act, "reason": reason})


@pytest.mark.parametrize("doubt", ["owned", "not sold", "blocked"])
def test_a_device_in_doubt_waits_and_nobody_is_told_why(lobby: Lobby, doubt: str) -> None:
    """EN-4, RG-7: the same words whatever the doubt is; it is not owned, and the approval stays."""
    ada = lobby.add_account("ada", company="Lab")
    browser = seat(lobby, ada)
    if doubt == "owned":
        add_own_device(lobby.provider, lobby.add_account("eve", company="Other").account_id, SERIAL)
    with lobby.provider.database.transaction() as tx:
        if doubt == "not sold":
            rules.add_serial_number(tx, "AB124Z")
    if doubt == "blocked":
        _staff, boss = sit_down(lobby, "administrator")
        blocking.block(lobby.provider, SERIAL, reason="Stolen.", staff_id=boss.account_id)
    sent = add(browser, SERIAL, "Balance")
    shown = browser.get(sent.headers["Location"]).text
    assert "The device waits for our staff" in shown
    assert "These devices are not yours yet" in shown
    assert not {word for word in ("sold", "blocked", "company", "owned") if word in shown.partition("<main")[2]}
    assert (ada.account_id in owners(lobby), status_of(lobby, ada)) == (False, "approved")
    again = add(browser, SERIAL)
    assert (again.status_code, "waits for our staff already" in again.text) == (422, True)


def test_everybody_reads_by_when_an_answer_comes(lobby: Lobby) -> None:
    """The customer on the own list, staff in theirs, by the promise of reviews; later it says that it is late (RG-7)."""
    _eve, ada = claimed(lobby)
    (staff, _carla), due = sit_down(lobby), promised_until(lobby.now, 2)
    shown = seat(lobby, ada).get(PAGE).text
    assert "you get an answer by" in shown
    assert format_moment(due) in shown
    assert 'class="age"' in staff.get("/staff/devices").text
    (claim,) = device_claims.list_own_claims(lobby.provider, ada.account_id)
    assert device_claims.promised_by(lobby.provider, claim) == due
    lobby.run("UPDATE device_claims SET created_at = created_at - 10 * 86400")
    assert 'class="age late"' in staff.get("/staff/devices").text


def test_an_approver_with_limits_reads_what_they_are(lobby: Lobby) -> None:
    """The list is theirs alone and says so; they decide about a first device; others' pages have no buttons (AD-1)."""
    _eve, ada = claimed(lobby)
    paul, kim = seat(lobby, limit(lobby, "paul", families="AB")), seat(lobby, limit(lobby, "kim", families="CD"))
    mine, others = paul.get("/staff/devices").text, kim.get("/staff/devices").text
    assert ("You decide about: AB." in mine, SERIAL in mine) == (True, True)
    assert ("No device waits that you decide about." in others, SERIAL in others) == (True, False)
    path = f"/staff/devices/{ada.account_id}/{SERIAL}"
    assert 'id="claim-accept"' in paul.get(path).text
    page = kim.get(path).text
    assert ("A colleague decides about it." in page, 'id="claim-accept"' in page) == (True, False)
    assert claims_of(lobby, ada) == [SERIAL]
    assert answer(paul, ada, "accept").status_code == 303
    assert (claims_of(lobby, ada), ada.account_id in owners(lobby)) == ([], True)


def test_colleagues_and_what_a_rule_approves_do_not_wait(lobby: Lobby) -> None:
    """As at registration: same company and e-mail domain, or a rule that lets anybody own it with others."""
    for name, company in (("eve", "Lab"), ("ada", "lab")):
        assert add_own_device(lobby.provider, lobby.add_account(name, company=company).account_id, SERIAL)
    bob = lobby.add_account("bob", company="Other")
    with lobby.provider.database.transaction() as tx:
        add_rules(tx, rule_for_all(), now=lobby.now)
    assert add_own_device(lobby.provider, bob.account_id, SERIAL)
    assert len(owners(lobby)) == 3


def rule_for_all() -> Rule:
    """Approves every device of the family, whoever owns it."""
    return Rule("shared", serial_families=frozenset({"AB"}), ownership="any")


def test_staff_see_why_and_accept(lobby: Lobby) -> None:
    """The queue leads there; the other owner keeps it, the nickname comes along, the customer gets a mail (LG-6)."""
    eve, ada = claimed(lobby)
    staff, _member = sit_down(lobby)
    assert "one device to look at" in staff.get("/staff").text
    assert SERIAL in staff.get("/staff/devices").text
    page = staff.get(f"/staff/devices/{ada.account_id}/{SERIAL}").text
    assert "registered already, by somebody else" in page
    assert "Eve Test" in page
    assert "Devices that wait" in staff.get(f"/staff/accounts/{ada.account_id}").text
    done = answer(staff, ada, "accept")
    assert "The device is accepted" in staff.get(done.headers["Location"]).text
    assert owners(lobby) == sorted([ada.account_id, eve.account_id])
    [row] = lobby.rows("SELECT nickname FROM devices WHERE account_id = :ada", ada=ada.account_id)
    assert row["nickname"] == "Balance"
    assert [mail["accepted"] for mail in letters(lobby, "device_checked")] == [True]
    assert answer_is_over(staff, ada)
    assert "one device to look at" not in staff.get("/staff").text


def answer_is_over(staff: Browser, account: Account) -> bool:
    """Whether the page of a device that nobody waits for says so."""
    return "does not wait any more" in staff.get(f"/staff/devices/{account.account_id}/{SERIAL}").text


def test_refusing_wants_a_reason_that_the_customer_reads(lobby: Lobby) -> None:
    """Without one: 422, and it waits; with it: a mail, a line in both histories, and it may be added again."""
    eve, ada = claimed(lobby)
    staff, _member = sit_down(lobby)
    refused = answer(staff, ada, "refuse", " ")
    assert (refused.status_code, "Write why not" in refused.text) == (422, True)
    assert claims_of(lobby, ada) == [SERIAL]
    answer(staff, ada, "refuse", WHY)
    assert [mail["reason"] for mail in letters(lobby, "device_checked")] == [WHY]
    assert (owners(lobby), claims_of(lobby, ada)) == ([eve.account_id], [])
    assert WHY in staff.get(f"/staff/accounts/{ada.account_id}").text
    assert "was not put on your list" in seat(lobby, ada).get("/account/security/events").text
    assert not add_own_device(lobby.provider, ada.account_id, SERIAL)


def test_the_customer_takes_it_back(lobby: Lobby) -> None:
    """A button on the page; once staff have answered, it says so."""
    _eve, ada = claimed(lobby)
    browser = seat(lobby, ada)
    path = f"{PAGE}/{SERIAL}/withdraw"
    token = hidden_fields(browser.get(PAGE).text)
    assert "You took it back" in browser.get(browser.post(path, token).headers["Location"]).text
    assert "looked at the device already" in browser.get(browser.post(path, token).headers["Location"]).text
    assert claims_of(lobby, ada) == []


def test_one_answer_wins(lobby: Lobby) -> None:
    """Accepted, refused and taken back at once: one of them happens."""
    _eve, ada = claimed(lobby)
    _staff, member = sit_down(lobby)
    who = {"staff_id": member.account_id, "account_id": ada.account_id, "serial_number": SERIAL}

    def race(act: str) -> str:
        if act == "withdraw":
            return refusal_of(device_claims.withdraw_claim, lobby.provider, ada.account_id, SERIAL)
        return refusal_of(device_claims.decide_claim, lobby.provider, accepts=act == "accept", reason=WHY, **who)

    acts = ("accept", "refuse", "withdraw")
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(race, acts))
    assert sorted(ends) == ["claim.over", "claim.over", "done"]
    winner = acts[ends.index("done")]
    assert (ada.account_id in owners(lobby)) == (winner == "accept")
    assert len(letters(lobby, "device_checked")) == (winner != "withdraw")


def test_two_companies_that_add_it_at_once_do_not_both_own_it(lobby: Lobby) -> None:
    """The second one sees the first, whoever that is."""
    people = [lobby.add_account(name, company=name) for name in ("ada", "bob", "eve")]
    with ThreadPoolExecutor(3) as pool:
        owned = list(pool.map(lambda one: add_own_device(lobby.provider, one.account_id, SERIAL), people))
    assert sorted(owned) == [False, False, True]
    assert len(owners(lobby)) == 1
