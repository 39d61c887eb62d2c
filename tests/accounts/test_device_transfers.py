"""Offering a device to somebody: what cannot be offered, and offers that are over."""

from __future__ import annotations

import pytest

from idp.accounts import device_transfers
from idp.accounts.guessing import Caller
from idp.errors import Refusal
from idp.store.accounts import Account
from tests.support.lobby import Lobby

HERE = Caller("192.0.2.7")
SERIAL = "AB123Z"


def owner(lobby: Lobby, status: str = "approved") -> Account:
    """Somebody with a device."""
    ada = lobby.add_account("ada", status=status)
    lobby.run(
        "INSERT INTO devices (account_id, serial_number, created_at) VALUES (:id, :serial, :now)",
        id=ada.account_id,
        serial=SERIAL,
        now=lobby.now,
    )
    return ada


@pytest.mark.parametrize(
    ("status", "serial", "email", "key"),
    [
        ("pending", SERIAL, "bob@lab.example", "transfer.not_approved"),
        ("suspended", SERIAL, "bob@lab.example", "transfer.not_approved"),
        ("approved", "CD123Z", "bob@lab.example", "device.unknown"),
        ("approved", SERIAL, "ADA@Lab.example", "transfer.own_address"),
    ],
)
def test_only_an_approved_owner_offers_and_only_to_others(
    lobby: Lobby, status: str, serial: str, email: str, key: str
) -> None:
    """No mail goes out."""
    ada = owner(lobby, status)
    with pytest.raises(Refusal) as caught:
        device_transfers.offer_device(lobby.provider, ada.account_id, serial, email, HERE)
    assert caught.value.key == key
    assert lobby.rows("SELECT outbox_id FROM outbox") == []


def test_a_device_is_offered_to_one_at_a_time_and_taken_back_once(lobby: Lobby) -> None:
    """Afterwards it can be offered to somebody else."""
    ada = owner(lobby)
    device_transfers.offer_device(lobby.provider, ada.account_id, SERIAL, "bob@lab.example", HERE)
    with pytest.raises(Refusal, match=r"transfer\.waits"):
        device_transfers.offer_device(lobby.provider, ada.account_id, SERIAL, "eve@lab.example", HERE)
    device_transfers.take_back_device(lobby.provider, ada.account_id, SERIAL)
    with pytest.raises(Refusal, match=r"transfer\.over"):
        device_transfers.take_back_device(lobby.provider, ada.account_id, SERIAL)
    device_transfers.offer_device(lobby.provider, ada.account_id, SERIAL, "eve@lab.example", HERE)
    assert list(device_transfers.list_offered(lobby.provider, ada.account_id)) == [SERIAL]


def test_a_closed_account_is_not_told_that_its_offer_ended(lobby: Lobby) -> None:
    """Its owner gets no mail any more; the offer ends all the same, once."""
    ada = owner(lobby)
    device_transfers.offer_device(lobby.provider, ada.account_id, SERIAL, "bob@lab.example", HERE)
    before = len(lobby.rows("SELECT outbox_id FROM outbox"))
    lobby.run("UPDATE accounts SET access = 'closed'")
    lobby.now += lobby.provider.settings.lifetimes.device_offer + 1
    for _ in range(2):
        device_transfers.expire_offers(lobby.provider)
    assert len(lobby.rows("SELECT outbox_id FROM outbox")) == before
    assert len(lobby.rows("SELECT act FROM audit_events WHERE act = 'device_offer_expired'")) == 1
