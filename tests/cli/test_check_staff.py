"""`idp check` about who decides: four eyes need two people, and somebody has to see everything."""

from __future__ import annotations

import dataclasses

from idp.accounts.staff_roles import give_roles
from idp.cli.check import check_four_eyes
from idp.config.sections import StaffSettings
from tests.support.lobby import Lobby


def told(lobby: Lobby, *four_eyes: str) -> list[str]:
    """What the findings are about."""
    settings = lobby.provider.settings.model_copy(update={"staff": StaffSettings(four_eyes=four_eyes)})
    return [
        f"{one.level} {one.about}" for one in check_four_eyes(dataclasses.replace(lobby.provider, settings=settings))
    ]


def test_two_eyes_are_too_few(lobby: Lobby) -> None:
    """With one person nothing would ever take effect."""
    boss = lobby.add_account("boss", roles="administrator")
    assert told(lobby) == []
    assert told(lobby, "decisions", "roles") == ["must four eyes"] * 2
    lobby.add_account("paul", roles="approver")
    assert told(lobby, "decisions", "roles") == ["must four eyes"]
    lobby.add_account("chief", roles="administrator")
    assert told(lobby, "decisions", "roles") == []
    assert boss.roles == {"administrator"}


def test_somebody_decides_about_what_is_beyond_all_limits(lobby: Lobby) -> None:
    """Else such applications wait for nobody."""
    boss = lobby.add_account("boss", roles="administrator")
    lobby.add_account("paul")
    give_roles(lobby.provider, staff_id=boss.account_id, identifier="paul", roles=["approver"], families=["AB"])
    assert told(lobby) == []
    lobby.run("UPDATE accounts SET roles = '' WHERE user_name = 'boss'")
    assert told(lobby) == ["should staff"]
