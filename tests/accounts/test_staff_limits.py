"""Approvers with limits: what is beyond them is refused by the act itself, wherever it comes from."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from idp.accounts import four_eyes, review_work, staff_desk
from idp.accounts.approval import ACTS, decide_by_staff
from idp.accounts.bulk_decisions import schedule_decisions
from idp.accounts.decision_preview import preview_mail
from idp.accounts.review_reminders import remind_deciders
from idp.accounts.staff_roles import give_roles
from idp.errors import Refusal
from idp.policy.approval import promised_until
from idp.policy.staff import is_within_limits
from idp.signals.worker import drain_once
from idp.store.accounts import Account
from idp.store.review_queue import Filter
from tests.accounts.test_four_eyes import with_four_eyes
from tests.support.applicant import mails
from tests.support.lobby import NOW, Lobby


def applicant(lobby: Lobby, name: str, *serials: str, country: str = "DE", status: str = "pending") -> Account:
    """Somebody with devices."""
    account = lobby.add_account(name, status=status)
    lobby.run("UPDATE accounts SET country = :to WHERE account_id = :id", to=country, id=account.account_id)
    for serial in serials:
        lobby.run(
            "INSERT INTO devices (account_id, serial_number, created_at) VALUES (:id, :serial, :now)",
            id=account.account_id,
            serial=serial,
            now=NOW,
        )
    return account


def limit(lobby: Lobby, name: str, *, families: str = "", countries: str = "") -> Account:
    """An approver with limits, given by an administrator."""
    paul, boss = lobby.add_account(name), lobby.add_account(f"boss-of-{name}", roles="administrator")
    give_roles(
        lobby.provider,
        staff_id=boss.account_id,
        identifier=name,
        roles=["approver"],
        families=families.split(),
        countries=countries.split(),
    )
    return paul


def status_of(lobby: Lobby, account: Account) -> str:
    """The approval status now."""
    (row,) = lobby.rows("SELECT approval_status FROM accounts WHERE account_id = :id", id=account.account_id)
    return str(row["approval_status"])


@pytest.mark.parametrize(
    ("families", "countries", "serials", "country", "expected"),
    [
        ("", "", [], "", True),
        ("AB", "", ["AB123Z"], "FR", True),
        ("AB CD", "", ["AB123Z", "CD123Z"], "FR", True),
        ("AB", "", ["AB123Z", "CD123Z"], "FR", False),
        ("AB", "", [], "FR", False),
        ("AB", "", ["CD123Z"], "FR", False),
        ("", "DE AT", ["CD123Z"], "AT", True),
        ("", "DE AT", ["CD123Z"], "FR", False),
        ("", "DE", [], "", False),
        ("AB", "DE", ["AB123Z"], "FR", False),
        ("AB", "DE", ["AB123Z"], "DE", True),
    ],
)
def test_rule_and_queue_agree(
    lobby: Lobby, families: str, countries: str, serials: list[str], country: str, expected: bool
) -> None:
    """What the queue shows is what may be decided, on both databases: every device within, and the country."""
    assert is_within_limits(families.split(), countries.split(), serials=serials, country=country) is expected
    ann, paul = (
        applicant(lobby, "ann", *serials, country=country),
        limit(lobby, "paul", families=families, countries=countries),
    )
    page = staff_desk.open_queue(lobby.provider, paul.account_id, Filter())
    assert [row.account_id for row in page.rows] == [ann.account_id] * expected
    assert (page.total, len(page.countries)) == (expected, expected)
    assert staff_desk.open_account(lobby.provider, paul.account_id, ann.account_id).is_within_limits is expected
    assert (
        paul.account_id in {one.account_id for one in review_work.list_deciders(lobby.provider, ann.account_id)}
    ) is (expected)


@pytest.mark.parametrize("act", ACTS)
def test_every_act_beyond_the_limits_is_refused(lobby: Lobby, act: str) -> None:
    """By the act function, so by the desk, in bulk and over /api; the preview refuses too."""
    old = ACTS[act][0].value
    ann, paul = applicant(lobby, "ann", "CD123Z", status=old), limit(lobby, "paul", families="AB")
    given: dict[str, Any] = {"staff_id": paul.account_id, "account_id": ann.account_id, "act": act, "reason": "No."}
    with pytest.raises(Refusal, match="beyond_limits"):
        decide_by_staff(lobby.provider, **given)
    with pytest.raises(Refusal, match="beyond_limits"):
        preview_mail(lobby.provider, **given)
    assert status_of(lobby, ann) == old
    assert [mail for mail in mails(lobby) if mail["email"].startswith("ann")] == []


def test_a_batch_beyond_the_limits_is_refused_when_made_and_when_it_takes_effect(lobby: Lobby) -> None:
    """Limits that are set within the half minute count."""
    ann, ben = applicant(lobby, "ann", "CD123Z"), applicant(lobby, "ben", "AB123Z")
    paul = limit(lobby, "paul", families="AB")
    chosen = [(NOW, ann.account_id), (NOW, ben.account_id)]
    with pytest.raises(Refusal, match="beyond_limits"):
        schedule_decisions(lobby.provider, staff_id=paul.account_id, act="approve", chosen=chosen)
    batch = schedule_decisions(lobby.provider, staff_id=paul.account_id, act="approve", chosen=chosen[1:])
    lobby.run("UPDATE approver_limits SET families = '[\"XY\"]'")
    lobby.now += 60
    drain_once(lobby.provider)
    assert status_of(lobby, ben) == "pending"
    (row,) = lobby.rows("SELECT outcome FROM scheduled_decisions WHERE batch_id = :batch", batch=batch)
    assert row["outcome"] == "beyond_limits"


def test_what_a_colleague_has_or_proposed_beyond_the_limits_stays(lobby: Lobby) -> None:
    """AD-2: neither taken from the colleague nor sent back; within the limits both can be."""
    with_four_eyes(lobby, "decisions")
    pia = lobby.add_account("pia", roles="approver")
    ann, ben = applicant(lobby, "ann", "CD123Z"), applicant(lobby, "ben", "AB123Z")
    paul = limit(lobby, "paul", families="AB")
    for one in (ann, ben):
        given = {"staff_id": pia.account_id, "account_id": one.account_id}
        review_work.assign(lobby.provider, to=pia.account_id, **given)
        decide_by_staff(lobby.provider, act="reject", reason="No.", **given)
    proposed = {row["account_id"]: row["proposal_id"] for row in lobby.rows("SELECT * FROM proposals")}
    for one, refused in ((ann, True), (ben, False)):
        back = {"kind": "decision", "proposal_id": proposed[one.account_id], "note": "Ask."}
        for act, values in (
            (review_work.assign, {"account_id": one.account_id, "to": ""}),
            (four_eyes.send_back, back),
        ):
            with pytest.raises(Refusal, match="beyond_limits") if refused else nullcontext():
                act(lobby.provider, staff_id=paul.account_id, **values)
    assert [row["account_id"] for row in lobby.rows("SELECT account_id FROM proposals")] == [ann.account_id]
    assert [row["account_id"] for row in lobby.rows("SELECT account_id FROM review_assignments")] == [ann.account_id]
    assert [row["account_id"] for row in lobby.rows("SELECT account_id FROM review_notes")] == [ben.account_id]


def test_within_the_limits_it_is_decided(lobby: Lobby) -> None:
    """And without the role of an approver no limit helps."""
    ann, paul = applicant(lobby, "ann", "AB123Z"), limit(lobby, "paul", families="AB", countries="DE")
    decide_by_staff(lobby.provider, staff_id=paul.account_id, account_id=ann.account_id, act="approve")
    assert status_of(lobby, ann) == "approved"


def test_new_limits_let_go_of_what_is_beyond_them(lobby: Lobby) -> None:
    """What is within stays assigned; nothing beyond can be given."""
    ann, ben = applicant(lobby, "ann", "AB123Z"), applicant(lobby, "ben", "CD123Z")
    paul = limit(lobby, "paul")
    for account in (ann, ben):
        review_work.assign(lobby.provider, staff_id=None, account_id=account.account_id, to=paul.account_id)
    (boss,) = lobby.rows("SELECT account_id FROM accounts WHERE roles = 'administrator'")
    give_roles(lobby.provider, staff_id=boss["account_id"], identifier="paul", roles=["approver"], families=["ab"])
    assert review_work.read_work(lobby.provider, ann.account_id)[0] is not None
    assert review_work.read_work(lobby.provider, ben.account_id)[0] is None
    with pytest.raises(Refusal, match="assignee_unknown"):
        review_work.assign(lobby.provider, staff_id=None, account_id=ben.account_id, to=paul.account_id)
    (row,) = lobby.rows("SELECT details FROM audit_events WHERE act = 'roles_changed' ORDER BY event_id DESC LIMIT 1")
    assert '"new_limits":{"families":["AB"],"countries":[]}' in row["details"]


def test_only_who_may_decide_about_it_is_reminded(lobby: Lobby) -> None:
    """The reminder goes to the approver of the family and to the administrators."""
    applicant(lobby, "ann", "CD123Z")
    limit(lobby, "paul", families="AB")
    limit(lobby, "petra", families="CD")
    lobby.now = promised_until(NOW, 2) - 3600
    remind_deciders(lobby.provider)
    told = sorted(mail["email"].partition("@")[0] for mail in mails(lobby) if mail["name"] == "promise_ends")
    assert told == ["boss-of-paul", "boss-of-petra", "petra"]


@pytest.mark.parametrize(
    ("roles", "families", "countries", "key"),
    [
        (["approver"], ["A1"], [], "limits.families"),
        (["approver"], ["ABC"], [], "limits.families"),
        (["approver"], [], ["Germany"], "limits.countries"),
        (["customer_care"], ["AB"], [], "limits.not_for_roles"),
        (["approver", "administrator"], ["AB"], [], "limits.not_for_roles"),
    ],
)
def test_limits_that_cannot_be_are_refused(
    lobby: Lobby, roles: list[str], families: list[str], countries: list[str], key: str
) -> None:
    """And nothing is changed."""
    boss, paul = lobby.add_account("boss", roles="administrator"), lobby.add_account("paul")
    with pytest.raises(Refusal, match=key):
        give_roles(
            lobby.provider,
            staff_id=boss.account_id,
            identifier="paul",
            roles=roles,
            families=families,
            countries=countries,
        )
    assert lobby.rows("SELECT * FROM approver_limits") == []
    assert lobby.rows("SELECT roles FROM accounts WHERE account_id = :id", id=paul.account_id)[0]["roles"] == ""
