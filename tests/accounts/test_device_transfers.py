"""Offering a device to somebody: what cannot be offered, and offers that are over."""

from __future__ import annotations

import pytest

from idp.accounts import device_claims, device_transfers
from idp.accounts.guessing import Caller
from idp.accounts.own_devices import add_own_device, list_own_devices
from idp.errors import Refusal
from idp.policy.rules import Rule
from idp.store.accounts import Account
from tests.support.lobby import Lobby
from tests.support.rules import add_rules

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


def test_who_is_approved_with_one_device_does_not_come_to_own_another(lobby: Lobby) -> None:
    """EN-4, RG-9: what an applicant added while nobody had looked waits for staff when a rule approves with another device."""
    with lobby.provider.database.transaction() as tx:
        add_rules(tx, Rule("family-AB", serial_families=frozenset({"AB"})), now=lobby.now)
    vera, bob = lobby.add_account("vera", company="Waterworks"), lobby.add_account("bob", status="pending")
    lobby.run(
        "UPDATE accounts SET email = :e, email_key = :e WHERE account_id = :id",
        e="vera@her.example",
        id=vera.account_id,
    )
    add_own_device(lobby.provider, vera.account_id, "CD123Z")
    assert add_own_device(lobby.provider, bob.account_id, "CD123Z", "mine")
    assert add_own_device(lobby.provider, bob.account_id, "AB456Z")
    ada = owner(lobby)
    device_transfers.offer_device(lobby.provider, ada.account_id, SERIAL, bob.email, HERE)
    (offer,) = device_transfers.list_offered_to(lobby.provider, bob.account_id)
    device_transfers.accept_offered(lobby.provider, offer.transfer.transfer_id, bob.account_id)
    (row,) = lobby.rows("SELECT approval_status FROM accounts WHERE account_id = :id", id=bob.account_id)
    assert row["approval_status"] == "approved"
    assert [device.serial_number for device in list_own_devices(lobby.provider, bob.account_id)] == [SERIAL, "AB456Z"]
    (claim,) = device_claims.list_own_claims(lobby.provider, bob.account_id)
    assert (claim.serial_number, claim.nickname) == ("CD123Z", "mine")
