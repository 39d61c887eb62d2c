"""Roles at the desk: who gets none."""

from __future__ import annotations

import pytest

from idp.accounts.staff_roles import give_roles
from idp.errors import Refusal
from tests.support.lobby import Lobby


def test_a_closed_account_gets_no_roles(lobby: Lobby) -> None:
    """At the desk: there is no such account any more."""
    boss, ada = lobby.add_account("boss", roles="administrator"), lobby.add_account("ada")
    lobby.run("UPDATE accounts SET access = 'closed' WHERE account_id = :one", one=ada.account_id)
    with pytest.raises(Refusal, match="account_unknown"):
        give_roles(lobby.provider, staff_id=boss.account_id, identifier="ada", roles=["approver"])
