"""Another address by the operator and by staff: what is refused before anything changes."""

from __future__ import annotations

import pytest

from idp.accounts import email_change
from idp.accounts.approval import LONGEST_REASON
from idp.errors import Refusal
from tests.support.lobby import Lobby

NEW = "ada@new.example"


@pytest.mark.parametrize(
    ("email", "reason", "key"),
    [
        (NEW, " ", "reason_missing"),
        (NEW, "x" * (LONGEST_REASON + 1), "reason_too_long"),
        ("ADA@lab.example", "She called.", "email.same"),
        ("bob@lab.example", "She called.", "email.taken"),
    ],
)
def test_the_operators_change_is_refused_as_that_of_staff_is(lobby: Lobby, email: str, reason: str, key: str) -> None:
    """With the same words; the address stays."""
    ada, boss = lobby.add_account("ada"), lobby.add_account("boss", roles="administrator")
    lobby.add_account("bob")
    with pytest.raises(Refusal) as by_operator:
        email_change.change_email_by_operator(lobby.provider, ada.account_id, email, reason=reason)
    with pytest.raises(Refusal) as by_staff:
        email_change.change_email_by_staff(
            lobby.provider, staff_id=boss.account_id, account_id=ada.account_id, email=email, reason=reason
        )
    assert by_operator.value.key == by_staff.value.key == key
    (row,) = lobby.rows("SELECT email FROM accounts WHERE account_id = :id", id=ada.account_id)
    assert row["email"] == "ada@lab.example"


def test_an_account_that_was_closed_or_never_was_gets_no_address(lobby: Lobby) -> None:
    """Nobody could sign in with it."""
    ada, boss = lobby.add_account("ada"), lobby.add_account("boss", roles="administrator")
    lobby.run("UPDATE accounts SET access = 'closed' WHERE account_id = :id", id=ada.account_id)
    for account_id in (ada.account_id, "gone"):
        with pytest.raises(Refusal, match="account_unknown"):
            email_change.change_email_by_operator(lobby.provider, account_id, NEW, reason="She called.")
        with pytest.raises(Refusal, match="account_unknown"):
            email_change.change_email_by_staff(
                lobby.provider, staff_id=boss.account_id, account_id=account_id, email=NEW, reason="She called."
            )


def test_a_link_that_undoes_is_a_link_that_was_sent(lobby: Lobby) -> None:
    """Any other is damaged, and looks like one that never was."""
    with pytest.raises(Refusal, match=r"link\.damaged"):
        email_change.undo_email_change(lobby.provider, "x" * 43)
    assert email_change.look_at_email_link(lobby.provider, email_change.UNDO, "x" * 43).state is None
