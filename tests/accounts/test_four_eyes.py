"""Four eyes: nothing takes effect by one person, and of several who answer one wins."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts import four_eyes, review_work
from idp.accounts.approval import Actor, change_status, decide_by_staff
from idp.accounts.bulk_decisions import schedule_decisions
from idp.accounts.staff_roles import give_roles
from idp.config.sections import StaffSettings
from idp.errors import Refusal
from idp.policy.approval import Status
from idp.provider import Provider
from idp.signals.worker import drain_once
from idp.store import accounts
from idp.store.accounts import Account
from tests.support.applicant import mails
from tests.support.lobby import NOW, Lobby


def with_four_eyes(lobby: Lobby, *what: str) -> Provider:
    """The same house, where these acts need two people."""
    settings = lobby.provider.settings.model_copy(update={"staff": StaffSettings(four_eyes=what)})
    lobby.provider = dataclasses.replace(lobby.provider, settings=settings)
    lobby.app.extensions["idp"] = lobby.provider
    return lobby.provider


@pytest.fixture
def ann(lobby: Lobby) -> Account:
    """An applicant where decisions need two people, and three who may decide."""
    with_four_eyes(lobby, "decisions", "roles")
    for name in ("paul", "petra", "pia"):
        lobby.add_account(name, roles="approver")
    return lobby.add_account("ann", status="pending")


def id_of(lobby: Lobby, name: str) -> str:
    """The account of this user name."""
    return str(lobby.rows("SELECT account_id FROM accounts WHERE user_name = :name", name=name)[0]["account_id"])


def propose(lobby: Lobby, account: Account, act: str = "approve", name: str = "paul", **values: Any) -> str:
    """What somebody decides becomes a proposal; out: its id."""
    decide_by_staff(lobby.provider, staff_id=id_of(lobby, name), account_id=account.account_id, act=act, **values)
    (row,) = lobby.rows("SELECT proposal_id FROM proposals WHERE account_id = :id", id=account.account_id)
    return str(row["proposal_id"])


def answer(lobby: Lobby, proposal_id: str, name: str, act: str = "confirm", **values: Any) -> str:
    """Answer a proposal; out: what became of it."""
    try:
        values = {"kind": "decision", **values}
        getattr(four_eyes, act)(lobby.provider, staff_id=id_of(lobby, name), proposal_id=proposal_id, **values)
    except Refusal as refusal:
        return refusal.key
    return "done"


def stand(lobby: Lobby, account: Account) -> tuple[str, list[str]]:
    """The status, and the mails that the applicant got."""
    (row,) = lobby.rows("SELECT approval_status FROM accounts WHERE account_id = :id", id=account.account_id)
    return row["approval_status"], [m["name"] for m in mails(lobby) if m["email"] == account.email]


def acts(lobby: Lobby) -> list[tuple[str, str]]:
    """Who did what, by the trail."""
    names = {row["account_id"]: row["user_name"] for row in lobby.rows("SELECT account_id, user_name FROM accounts")}
    rows = lobby.rows("SELECT act, actor FROM audit_events WHERE actor_kind = 'staff' ORDER BY event_id")
    return [(names[row["actor"]], row["act"]) for row in rows]


def test_a_decision_takes_two(lobby: Lobby, ann: Account) -> None:
    """The first is kept, the second confirms; the applicant hears once, and the trail names both."""
    proposal = propose(lobby, ann, "reject", reason="No device.", remark="Twice.")
    assert stand(lobby, ann) == ("pending", [])
    assert answer(lobby, proposal, "paul") == "own_proposal"
    assert stand(lobby, ann) == ("pending", [])
    assert answer(lobby, proposal, "petra") == "done"
    assert stand(lobby, ann) == ("rejected", ["rejected"])
    (decision,) = lobby.rows("SELECT actor, reason, remark FROM approval_decisions")
    assert (decision["actor"], decision["reason"], decision["remark"]) == (
        id_of(lobby, "petra"),
        "No device.",
        "Twice.",
    )
    assert acts(lobby) == [
        ("paul", "rejection_proposed"),
        ("petra", "approval_changed"),
        ("petra", "proposal_confirmed"),
    ]
    assert answer(lobby, proposal, "pia") == "proposal_gone"


def test_there_is_one_proposal_at_a_time(lobby: Lobby, ann: Account) -> None:
    """Of several who propose at once one is kept; a second decision does not confirm by accident."""

    def try_it(name: str) -> str:
        try:
            propose(lobby, ann, name=name)
        except Refusal as refusal:
            return refusal.key
        return "kept"

    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(try_it, ("paul", "petra", "pia")))
    assert sorted(ends) == ["kept", "proposed_already", "proposed_already"]
    assert stand(lobby, ann) == ("pending", [])


def test_of_several_who_answer_one_wins(lobby: Lobby, ann: Account) -> None:
    """One mail, one decision."""
    proposal = propose(lobby, ann)
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda name: answer(lobby, proposal, name), ("petra", "pia") * 2))
    assert sorted(ends) == ["done"] + ["proposal_gone"] * 3
    assert stand(lobby, ann) == ("approved", ["approved"])


def test_sent_back_says_why_and_is_open_again(lobby: Lobby, ann: Account) -> None:
    """The reason is a note for colleagues; then somebody proposes anew."""
    proposal = propose(lobby, ann)
    assert answer(lobby, proposal, "petra", "send_back", note=" ") == "note_missing"
    assert answer(lobby, proposal, "paul", "send_back", note="x") == "own_proposal"
    assert answer(lobby, proposal, "petra", "send_back", note="Ask for a photo.") == "done"
    assert [note.text for note in review_work.read_work(lobby.provider, ann.account_id)[1]] == ["Ask for a photo."]
    assert stand(lobby, ann) == ("pending", [])
    assert answer(lobby, propose(lobby, ann, name="petra"), "paul") == "done"


def test_ones_own_is_withdrawn_by_oneself_only(lobby: Lobby, ann: Account) -> None:
    """And nobody withdraws a colleague's."""
    proposal = propose(lobby, ann)
    assert answer(lobby, proposal, "petra", "withdraw") == "proposal_gone"
    assert answer(lobby, proposal, "paul", "withdraw") == "done"
    assert answer(lobby, proposal, "petra") == "proposal_gone"


@pytest.mark.parametrize("roles", ["", "customer_care"])
def test_a_proposal_counts_only_while_its_author_may_decide(lobby: Lobby, ann: Account, roles: str) -> None:
    """A role taken away takes the first pair of eyes away (RC-3)."""
    proposal = propose(lobby, ann)
    lobby.run("UPDATE accounts SET roles = :roles WHERE user_name = 'paul'", roles=roles)
    assert answer(lobby, proposal, "petra") == "proposal_void"
    assert stand(lobby, ann) == ("pending", [])
    assert answer(lobby, proposal, "petra", "send_back", note="Paul has left.") == "done"


@pytest.mark.parametrize("roles", ["", "customer_care", "auditor"])
def test_only_who_may_decide_confirms(lobby: Lobby, ann: Account, roles: str) -> None:
    """AD-1."""
    lobby.add_account("other", roles=roles)
    assert answer(lobby, propose(lobby, ann), "other") == "not_permitted"
    assert stand(lobby, ann) == ("pending", [])


def test_nobody_sends_back_what_is_proposed_about_themselves(lobby: Lobby, ann: Account) -> None:
    """AD-2: a member of staff whose own approval waits keeps no colleague from rejecting it."""
    zoe = lobby.add_account("zoe", roles="approver", status="pending")
    lobby.add_account("boss", roles="administrator")
    proposal_id = propose(lobby, zoe, "reject", "boss", reason="No device.")
    assert answer(lobby, proposal_id, "zoe", "send_back", note="Ask me.") == "own_account"
    assert lobby.rows("SELECT account_id FROM review_notes") == []
    lobby.add_account("bea", roles="administrator")
    assert answer(lobby, proposal_id, "bea") == "done"
    assert stand(lobby, zoe)[0] == "rejected"


def test_a_decision_by_other_ways_ends_the_proposal(lobby: Lobby, ann: Account) -> None:
    """The operator decides alone; what was proposed is gone, also when the application is taken up again."""
    proposal = propose(lobby, ann)
    with lobby.provider.database.transaction() as tx:
        account = accounts.get_account(tx, ann.account_id)
        change_status(lobby.provider, tx, account, Status.REJECTED, Actor("operator", "root"), reason="No.", now=NOW)
    assert answer(lobby, proposal, "petra") == "proposal_gone"
    assert stand(lobby, ann) == ("rejected", ["rejected"])


def test_a_batch_becomes_proposals(lobby: Lobby, ann: Account) -> None:
    """No way around by deciding about many."""
    chosen = [(NOW, ann.account_id)]
    schedule_decisions(lobby.provider, staff_id=id_of(lobby, "paul"), act="approve", chosen=chosen)
    lobby.now += 60
    drain_once(lobby.provider)
    assert stand(lobby, ann) == ("pending", [])
    assert lobby.rows("SELECT outcome FROM scheduled_decisions")[0]["outcome"] == "proposed"
    (row,) = lobby.rows("SELECT proposal_id FROM proposals")
    assert answer(lobby, row["proposal_id"], "petra") == "done"


def test_without_the_setting_one_person_decides(lobby: Lobby) -> None:
    """The default, and other acts than approving and rejecting always."""
    lobby.add_account("paul", roles="approver")
    ann, ben = lobby.add_account("ann", status="pending"), lobby.add_account("ben")
    decide: dict[str, Any] = {"staff_id": id_of(lobby, "paul"), "reason": "Lost."}
    decide_by_staff(lobby.provider, account_id=ann.account_id, act="approve", **decide)
    assert stand(lobby, ann) == ("approved", ["approved"])
    with_four_eyes(lobby, "decisions")
    decide_by_staff(lobby.provider, account_id=ben.account_id, act="suspend", **decide)
    assert stand(lobby, ben) == ("suspended", ["suspended"])


def test_roles_take_two_administrators(lobby: Lobby, ann: Account) -> None:
    """Given with their limits by the second one; nobody confirms their own."""
    for name in ("boss", "chief"):
        lobby.add_account(name, roles="administrator")
    give: dict[str, Any] = {"staff_id": id_of(lobby, "boss"), "identifier": "ann", "roles": ["approver"]}
    give_roles(lobby.provider, **give, families=["AB"])
    with pytest.raises(Refusal, match="proposed_already"):
        give_roles(lobby.provider, **give)
    (proposal,) = four_eyes.list_proposed_roles(lobby.provider)
    assert lobby.rows("SELECT roles FROM accounts WHERE user_name = 'ann'")[0]["roles"] == ""
    assert answer(lobby, proposal.proposal_id, "chief") == "proposal_gone"  # without the password, as a decision
    assert answer(lobby, proposal.proposal_id, "boss", kind="roles") == "own_proposal"
    assert answer(lobby, proposal.proposal_id, "paul", kind="roles") == "not_permitted"
    assert answer(lobby, proposal.proposal_id, "chief", kind="roles") == "done"
    assert lobby.rows("SELECT roles FROM accounts WHERE user_name = 'ann'")[0]["roles"] == "approver"
    assert json.loads(lobby.rows("SELECT families FROM approver_limits")[0]["families"]) == ["AB"]
    assert acts(lobby) == [("boss", "roles_proposed"), ("chief", "roles_changed"), ("chief", "proposal_confirmed")]
