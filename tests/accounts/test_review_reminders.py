"""Reminders before a promise breaks: once for each application, to whom it concerns, by one of several instances."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts import review_work
from idp.accounts.approval import decide_by_staff
from idp.accounts.device_claims import list_claims
from idp.accounts.own_devices import add_own_device
from idp.accounts.review_reminders import LISTED, remind_deciders
from idp.policy.approval import promised_until
from idp.store.accounts import Account
from tests.accounts.test_staff_limits import limit
from tests.support.applicant import mails
from tests.support.lobby import NOW, Lobby

HOUR = 3600
END = promised_until(NOW, 2)


def reminders(lobby: Lobby) -> list[tuple[str, list[str]]]:
    """Who was reminded of whom, in the order of writing."""
    return [
        (mail["email"].partition("@")[0], [one["name"] for one in mail["applications"] + mail["devices"]])
        for mail in mails(lobby)
        if mail["name"] == "promise_ends"
    ]


def at(lobby: Lobby, moment: int) -> None:
    """Let the housekeeping of this moment run, twice."""
    lobby.now = moment
    remind_deciders(lobby.provider)
    remind_deciders(lobby.provider)


@pytest.fixture
def ann(lobby: Lobby) -> Account:
    """An applicant, two who decide and one who does not."""
    for name, roles in (("paul", "approver"), ("boss", "administrator"), ("care", "customer_care")):
        lobby.add_account(name, roles=roles)
    return lobby.add_account("ann", status="pending", company="Wasserwerk")


def test_whoever_may_decide_is_reminded_once(lobby: Lobby, ann: Account) -> None:
    """Six hours before the end, not before, and not again when the promise is broken."""
    at(lobby, END - 6 * HOUR - 1)
    assert reminders(lobby) == []
    at(lobby, END - 6 * HOUR + 1)
    assert sorted(reminders(lobby)) == [("boss", ["Ann Test"]), ("paul", ["Ann Test"])]
    at(lobby, END + HOUR)
    assert len(reminders(lobby)) == 2


def test_what_somebody_has_is_theirs_to_be_reminded_of(lobby: Lobby, ann: Account) -> None:
    """The others hear nothing."""
    (paul,) = lobby.rows("SELECT account_id FROM accounts WHERE user_name = 'paul'")
    review_work.assign(lobby.provider, staff_id=None, account_id=ann.account_id, to=paul["account_id"])
    at(lobby, END - HOUR)
    assert reminders(lobby) == [("paul", ["Ann Test"])]


def test_of_several_instances_one_reminds(lobby: Lobby, ann: Account) -> None:
    """The database says which."""
    lobby.add_account("ben", status="pending")
    lobby.now = END - HOUR
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: remind_deciders(lobby.provider), range(4)))
    told = [name for _person, names in reminders(lobby) for name in names]
    assert sorted(told) == ["Ann Test"] * 2 + ["Ben Test"] * 2


def test_what_waits_anew_is_reminded_of_anew(lobby: Lobby, ann: Account) -> None:
    """A rejected application that was taken up again has a new promise; a decided one has none."""
    (paul,) = lobby.rows("SELECT account_id FROM accounts WHERE user_name = 'paul'")
    at(lobby, END - HOUR)
    decide: dict[str, Any] = {"staff_id": paul["account_id"], "account_id": ann.account_id}
    decide_by_staff(lobby.provider, act="reject", reason="No.", **decide)
    at(lobby, END + 90 * 86400)
    assert len(reminders(lobby)) == 2
    decide_by_staff(lobby.provider, act="reopen", **decide)
    at(lobby, promised_until(lobby.now, 2) - HOUR)
    assert len(reminders(lobby)) == 4


def test_nothing_counts_as_told_while_nobody_may_decide(lobby: Lobby) -> None:
    """Whoever becomes an approver later is told."""
    lobby.add_account("ann", status="pending")
    at(lobby, END - HOUR)
    lobby.add_account("paul", roles="approver")
    at(lobby, END - HOUR + 60)
    assert reminders(lobby) == [("paul", ["Ann Test"])]


def test_a_long_queue_makes_one_mail(lobby: Lobby) -> None:
    """With the oldest in it and the number of all."""
    lobby.add_account("paul", roles="approver")
    for number in range(LISTED + 3):
        lobby.add_account(f"a{number}", status="pending")
    at(lobby, END - HOUR)
    (mail,) = [mail for mail in mails(lobby) if mail["name"] == "promise_ends"]
    assert (len(mail["applications"]), mail["count"]) == (LISTED, LISTED + 3)


def test_a_device_that_waits_is_reminded_of_once_by_whoever_decides_about_it(lobby: Lobby) -> None:
    """The promise of a review holds for a device that a customer added; limits of an approver count."""
    people = {"paul": lobby.add_account("paul", roles="approver"), "kim": limit(lobby, "kim", families="CD")}
    eve, ada = lobby.add_account("eve", company="Other"), lobby.add_account("ada", company="Lab")
    add_own_device(lobby.provider, eve.account_id, "AB123Z")
    assert not add_own_device(lobby.provider, ada.account_id, "AB123Z")
    at(lobby, END - 6 * HOUR - 1)
    assert reminders(lobby) == []
    at(lobby, END - 6 * HOUR + 1)
    assert sorted(reminders(lobby)) == [("boss-of-kim", ["Ada Test"]), ("paul", ["Ada Test"])]
    seen = {name: list_claims(lobby.provider, one.account_id) for name, one in people.items()}
    assert {name: ([claim.serial_number for claim in found], count) for name, (found, count) in seen.items()} == {
        "paul": (["AB123Z"], 1),
        "kim": ([], 0),
    }


def test_what_is_beyond_everybodys_limits_is_told_once_somebody_may_decide_about_it(lobby: Lobby) -> None:
    """Neither an application nor a device counts as told while all who decide are limited to others."""
    for name in ("kim", "kai"):
        limit(lobby, name, families="CD")
    lobby.run("UPDATE accounts SET roles = '' WHERE user_name LIKE 'boss%'")
    lobby.add_account("ann", status="pending")
    eve, ada = lobby.add_account("eve", company="Other"), lobby.add_account("ada", company="Lab")
    add_own_device(lobby.provider, eve.account_id, "AB123Z")
    assert not add_own_device(lobby.provider, ada.account_id, "AB123Z")
    at(lobby, END - HOUR)
    assert reminders(lobby) == []
    assert lobby.rows("SELECT act FROM audit_events WHERE act = 'review_reminder_sent'") == []
    lobby.add_account("paul", roles="approver")
    at(lobby, END - HOUR + 60)
    assert reminders(lobby) == [("paul", ["Ann Test", "Ada Test"])]
