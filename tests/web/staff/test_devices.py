"""Staff move a device from one account to another: who may, what both histories and owners are told, and races."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts import device_transfers
from idp.accounts.device_moves import move_device_by_operator, move_device_by_staff
from idp.errors import Refusal
from idp.store.accounts import Account
from tests.support.lobby import Browser, Lobby, hidden_fields
from tests.web.staff.test_desk import sit_down
from tests.web.test_device_transfers import CALLER, SERIAL, letters, owners, refusal_of, two

REASON = "Sold with the laboratory; both wrote to us."


def move(staff: Browser, account: Account, receiver: str, reason: str = REASON) -> Any:
    """Fill in the form and press the button."""
    path = f"/staff/accounts/{account.account_id}/devices"
    values = {"serial_number": SERIAL, "receiver": receiver, "reason": reason}
    return staff.post(path, {**hidden_fields(staff.get(path).text), **values})


def test_both_accounts_show_it_and_both_owners_are_told(lobby: Lobby) -> None:
    """LG-6: the reason stands in both histories, customers do not read it; an offer that waited is void."""
    ada, bob = two(lobby)
    device_transfers.offer_device(lobby.provider, ada.account_id, SERIAL, "eve@lab.example", CALLER)
    staff, _carla = sit_down(lobby, "customer_care")
    page = f"/staff/accounts/{ada.account_id}"
    assert "offered, waiting for an answer" in staff.get(page).text
    assert "eve@lab.example" in staff.get(page).text
    answer = move(staff, ada, "bob")
    assert "The device is moved" in staff.get(answer.headers["Location"]).text
    assert owners(lobby) == [bob.account_id]
    for account, other in ((ada, bob), (bob, ada)):
        shown = staff.get(f"/staff/accounts/{account.account_id}").text
        assert f"/staff/accounts/{other.account_id}" in shown
        assert REASON in shown
    assert [(mail["gained"], REASON in str(mail)) for mail in letters(lobby, "device_moved")] == [
        (False, False),
        (True, False),
    ]
    states = lobby.rows("SELECT state FROM device_transfers ORDER BY state")
    assert [row["state"] for row in states] == ["accepted", "void"]


def test_what_is_wrong_is_told_at_its_field(lobby: Lobby) -> None:
    """Nobody of this name, the same account, no reason; what was typed stays."""
    ada, _bob = two(lobby)
    staff, carla = sit_down(lobby, "customer_care")
    for receiver, reason, told in (
        ("nobody", REASON, "The new owner registers first"),
        ("ada", REASON, "This is the account that has the device now"),
        ("bob", "", "how you made sure"),
    ):
        answer = move(staff, ada, receiver, reason)
        assert (answer.status_code, told in answer.text) == (422, True)
        assert f'value="{receiver}"' in answer.text
    assert move(staff, ada, carla.user_name).status_code == 403
    assert owners(lobby) == [ada.account_id]


@pytest.mark.parametrize("role", ["approver", "auditor"])
def test_others_may_not(lobby: Lobby, role: str) -> None:
    """AD-1: the page, its button and the act need the permission."""
    ada, _bob = two(lobby)
    staff, member = sit_down(lobby, role)
    assert staff.get(f"/staff/accounts/{ada.account_id}/devices").status_code == 403
    with pytest.raises(Refusal, match="not_permitted"):
        move_device_by_staff(
            lobby.provider,
            staff_id=member.account_id,
            account_id=ada.account_id,
            serial_number=SERIAL,
            receiver="bob",
            reason=REASON,
        )
    assert owners(lobby) == [ada.account_id]


def test_moving_and_accepting_at_once_moves_it_once(lobby: Lobby) -> None:
    """The operator moves it to Eve while Bob accepts: one owner."""
    ada, bob = two(lobby)
    eve = lobby.add_account("eve")
    device_transfers.offer_device(lobby.provider, ada.account_id, SERIAL, "bob@lab.example", CALLER)
    token = str(letters(lobby, "device_offered")[-1]["link"]).rpartition("/")[2]

    def race(mover: bool) -> str:
        if mover:
            return refusal_of(
                move_device_by_operator, lobby.provider, ada.account_id, SERIAL, receiver="eve", reason=REASON
            )
        return refusal_of(device_transfers.accept_device, lobby.provider, token, bob.account_id)

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(race, (True, False, True, False)))
    assert sorted(ends) == ["done"] + ["transfer.over"] * 3
    assert owners(lobby) == [eve.account_id if "done" in ends[::2] else bob.account_id]
