"""Taking applications and leaving notes: one of two wins, and only who may decide gets one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.accounts import review_work
from idp.accounts.approval import decide_by_staff
from idp.accounts.staff_roles import give_roles
from idp.errors import Refusal
from idp.store import audit
from idp.store.accounts import Account
from tests.support.lobby import Lobby


def who_has(lobby: Lobby, account: Account) -> str | None:
    """The name of whoever has an application."""
    assignment, _notes = review_work.read_work(lobby.provider, account.account_id)
    return assignment.staff_name if assignment else None


def take(lobby: Lobby, staff: Account, account: Account, *, seen: str | None = "") -> str:
    """Try to take an application; out: what became of it."""
    try:
        review_work.assign(
            lobby.provider, staff_id=staff.account_id, account_id=account.account_id, to=staff.account_id, seen=seen
        )
    except Refusal as refusal:
        return refusal.key
    return "taken"


def test_of_several_who_take_it_at_once_one_wins(lobby: Lobby) -> None:
    """The database decides; the others are told."""
    account = lobby.add_account("ann", status="pending")
    staff = [lobby.add_account(f"staff{number}", roles="approver") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda one: take(lobby, one, account), staff))
    assert sorted(ends) == ["assigned_already"] * 3 + ["taken"]
    assert who_has(lobby, account) == staff[ends.index("taken")].name
    with lobby.provider.database.reading() as tx:
        acts = [event.act for event in audit.list_events(tx, account.account_id)]
    assert acts.count("review_assigned") == 1


def test_it_is_handed_on_only_from_whom_it_was_seen_with(lobby: Lobby) -> None:
    """Two colleagues look at a third one's application; the second to move is told."""
    account = lobby.add_account("ann", status="pending")
    first, second, third = (lobby.add_account(name, roles="approver") for name in ("one", "two", "three"))
    assert take(lobby, first, account) == "taken"
    assert take(lobby, second, account, seen=first.account_id) == "taken"
    assert take(lobby, third, account, seen=first.account_id) == "assigned_already"
    assert who_has(lobby, account) == "Two Test"


def test_letting_go_and_deciding_leave_it_with_nobody(lobby: Lobby) -> None:
    """After a decision it is nobody's, also when it is taken up again."""
    account, staff = lobby.add_account("ann", status="pending"), lobby.add_account("one", roles="approver")
    me = staff.account_id
    take(lobby, staff, account)
    review_work.assign(lobby.provider, staff_id=me, account_id=account.account_id, to="", seen=me)
    assert who_has(lobby, account) is None
    take(lobby, staff, account)
    decide_by_staff(lobby.provider, staff_id=me, account_id=account.account_id, act="reject", reason="No.")
    assert take(lobby, staff, account) == "not_waiting"
    decide_by_staff(lobby.provider, staff_id=me, account_id=account.account_id, act="reopen")
    assert who_has(lobby, account) is None


@pytest.mark.parametrize("roles", ["", "customer_care", "auditor"])
def test_only_who_may_decide_gets_one(lobby: Lobby, roles: str) -> None:
    """AD-2: nobody is given what they could not finish, nor their own application."""
    account = lobby.add_account("ann", status="pending", roles="approver")
    staff, other = lobby.add_account("one", roles="administrator"), lobby.add_account("two", roles=roles)
    for to in (other.account_id, account.account_id, "nobody-at-all"):
        with pytest.raises(Refusal, match="assignee_unknown"):
            review_work.assign(lobby.provider, staff_id=staff.account_id, account_id=account.account_id, to=to)
    assert take(lobby, other, account) == "not_permitted"
    assert who_has(lobby, account) is None


def test_whoever_loses_the_role_lets_go_of_everything(lobby: Lobby) -> None:
    """Nothing lies with somebody who cannot decide."""
    account, staff = lobby.add_account("ann", status="pending"), lobby.add_account("one", roles="approver")
    boss = lobby.add_account("boss", roles="administrator")
    take(lobby, staff, account)
    give_roles(lobby.provider, staff_id=boss.account_id, identifier="one", roles=["customer_care"])
    assert who_has(lobby, account) is None
    assert take(lobby, boss, account) == "taken"


def test_what_somebody_had_whose_account_was_closed_can_be_taken(lobby: Lobby) -> None:
    """An assignment counts only as long as its owner is there."""
    account, staff = lobby.add_account("ann", status="pending"), lobby.add_account("one", roles="approver")
    boss = lobby.add_account("boss", roles="administrator")
    take(lobby, staff, account)
    lobby.run("UPDATE accounts SET access = 'closed' WHERE account_id = :id", id=staff.account_id)
    assert who_has(lobby, account) is None
    assert take(lobby, boss, account) == "taken"


def test_notes_are_kept_newest_first_and_only_ones_own_is_taken_back(lobby: Lobby) -> None:
    """Care and approvers write; nobody removes a colleague's."""
    account = lobby.add_account("ann", status="pending")
    care, other = lobby.add_account("care", roles="customer_care"), lobby.add_account("two", roles="approver")
    for staff, text in ((care, " Called; the photo comes today.\n"), (other, "Seen.")):
        review_work.write_note(lobby.provider, staff_id=staff.account_id, account_id=account.account_id, text=text)
    _none, notes = review_work.read_work(lobby.provider, account.account_id)
    assert [(note.actor_name, note.text) for note in notes] == [
        ("Two Test", "Seen."),
        ("Care Test", "Called; the photo comes today."),
    ]
    with pytest.raises(Refusal, match="note_unknown"):
        review_work.remove_note(
            lobby.provider, staff_id=care.account_id, account_id=account.account_id, note_id=notes[0].note_id
        )
    review_work.remove_note(
        lobby.provider, staff_id=care.account_id, account_id=account.account_id, note_id=notes[1].note_id
    )
    _none, notes = review_work.read_work(lobby.provider, account.account_id)
    assert [note.text for note in notes] == ["Seen."]


@pytest.mark.parametrize(
    ("roles", "text", "key"),
    [("auditor", "x", "not_permitted"), ("approver", " \n", "note_missing"), ("approver", "x" * 2001, "note_too_long")],
)
def test_what_cannot_be_a_note_is_refused(lobby: Lobby, roles: str, text: str, key: str) -> None:
    """And nothing is kept."""
    account, staff = lobby.add_account("ann", status="pending"), lobby.add_account("one", roles=roles)
    with pytest.raises(Refusal, match=key):
        review_work.write_note(lobby.provider, staff_id=staff.account_id, account_id=account.account_id, text=text)
    assert review_work.read_work(lobby.provider, account.account_id)[1] == []


def test_what_is_so_already_is_not_done_again(lobby: Lobby) -> None:
    """Taking what one has and letting go what nobody has changes nothing, and no line says it did."""
    account, staff = lobby.add_account("ann", status="pending"), lobby.add_account("staff", roles="approver")
    by = {"staff_id": staff.account_id, "account_id": account.account_id}
    assert review_work.assign(lobby.provider, **by, to="", seen=None) is None
    first = review_work.assign(lobby.provider, **by, to=staff.account_id, seen=None)
    assert review_work.assign(lobby.provider, **by, to=staff.account_id, seen=None) == first
    acts = [row["act"] for row in lobby.rows("SELECT act FROM audit_events WHERE act LIKE 'review_%'")]
    assert acts == ["review_assigned"]


@pytest.mark.parametrize(
    ("status", "access", "key"), [("approved", "active", "not_waiting"), ("pending", "closed", "account_unknown")]
)
def test_only_what_waits_is_taken(lobby: Lobby, status: str, access: str, key: str) -> None:
    """Neither what was decided, nor an account that was closed or never was."""
    account, staff = lobby.add_account("ann", status=status), lobby.add_account("staff", roles="approver")
    lobby.run("UPDATE accounts SET access = :to WHERE account_id = :id", to=access, id=account.account_id)
    assert take(lobby, staff, account) == key
    with pytest.raises(Refusal, match="account_unknown"):
        review_work.assign(lobby.provider, staff_id=staff.account_id, account_id="gone", to=staff.account_id, seen="")
