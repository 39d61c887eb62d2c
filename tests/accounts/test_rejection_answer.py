"""The answer to a rejection: it needs words, and a rejection that still holds."""

from __future__ import annotations

import pytest

from idp.accounts.approval import LONGEST_REASON
from idp.accounts.guessing import Caller
from idp.accounts.rejection_answer import answer_rejection
from idp.errors import Refusal
from tests.support.lobby import Lobby

HERE = Caller("192.0.2.7")


@pytest.mark.parametrize(
    ("status", "text", "key"),
    [
        ("rejected", " \n", "reason_missing"),
        ("rejected", "x" * (LONGEST_REASON + 1), "reason_too_long"),
        ("approved", "Look again.", "decided_already"),
        ("pending", "Look again.", "decided_already"),
        ("suspended", "Look again.", "decided_already"),
    ],
)
def test_an_answer_that_changes_nothing_is_refused(lobby: Lobby, status: str, text: str, key: str) -> None:
    """Nobody gets back into review but who was rejected."""
    ada = lobby.add_account("ada", status=status)
    with pytest.raises(Refusal, match=key):
        answer_rejection(lobby.provider, ada.account_id, text, HERE)
    (row,) = lobby.rows("SELECT approval_status FROM accounts")
    assert row["approval_status"] == status


def test_an_account_that_was_closed_or_never_was_cannot_answer(lobby: Lobby) -> None:
    """Whatever its status was."""
    ada = lobby.add_account("ada", status="rejected")
    lobby.run("UPDATE accounts SET access = 'closed'")
    for account_id in (ada.account_id, "gone"):
        with pytest.raises(Refusal, match="decided_already"):
            answer_rejection(lobby.provider, account_id, "Look again.", HERE)
