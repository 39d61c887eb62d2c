"""A customer's own devices: how many there may be, and that nobody's else can be touched."""

from __future__ import annotations

import pytest

from idp.accounts import own_devices
from idp.accounts.own_data import collect_own_data
from idp.errors import Refusal
from idp.store import audit, devices
from tests.support.lobby import Lobby

SERIAL = "AB123Z"


def test_nobody_owns_more_devices_than_there_may_be(lobby: Lobby) -> None:
    """The one too many is refused and not kept."""
    ada = lobby.add_account("ada").account_id
    with lobby.provider.database.transaction() as tx:
        for number in range(own_devices.MOST_DEVICES):
            devices.add_device(tx, ada, f"CD{number:03}X", lobby.now)
    with pytest.raises(Refusal, match=r"device\.too_many"):
        own_devices.add_own_device(lobby.provider, ada, SERIAL)
    assert len(own_devices.list_own_devices(lobby.provider, ada)) == own_devices.MOST_DEVICES


def test_a_device_of_somebody_else_is_unknown(lobby: Lobby) -> None:
    """To look at, to rename and to remove."""
    ada, eve = lobby.add_account("ada").account_id, lobby.add_account("eve").account_id
    own_devices.add_own_device(lobby.provider, eve, SERIAL, "lab")
    for act in (
        lambda: own_devices.find_own_device(lobby.provider, ada, SERIAL),
        lambda: own_devices.rename_own_device(lobby.provider, ada, SERIAL, "mine"),
        lambda: own_devices.remove_own_device(lobby.provider, ada, SERIAL),
    ):
        with pytest.raises(Refusal, match=r"device\.unknown"):
            act()
    assert own_devices.find_own_device(lobby.provider, eve, SERIAL).nickname == "lab"


def test_a_device_is_owned_once(lobby: Lobby) -> None:
    """Adding it again changes nothing."""
    ada = lobby.add_account("ada").account_id
    assert own_devices.add_own_device(lobby.provider, ada, SERIAL, "lab")
    with pytest.raises(Refusal, match=r"device\.owned_already"):
        own_devices.add_own_device(lobby.provider, ada, SERIAL, "other")
    assert own_devices.find_own_device(lobby.provider, ada, SERIAL).nickname == "lab"


def test_own_data_names_the_sites(lobby: Lobby) -> None:
    """By the name that people know; of a site that is gone the identifier is left."""
    ada = lobby.add_account("ada").account_id
    lobby.add_client("site")
    with lobby.provider.database.transaction() as tx:
        for client_id in ("site", "gone"):
            audit.record(tx, "consent_given", now=lobby.now, account_id=ada, client_id=client_id)
    named = {
        row["client_id"]: row["site"]
        for rows in collect_own_data(lobby.provider, ada).values()
        for row in rows
        if "site" in row
    }
    assert named == {"site": "Site", "gone": "gone"}
