"""Devices that wait for staff, in the interface of staff tools."""

from __future__ import annotations

from idp.store import device_claims
from tests.support.tokens import NOW, House
from tests.web.api.test_staff_api import add_applicant, call, set_roles, token_for


def test_a_tool_reads_what_waits_and_decides(house: House) -> None:
    """Who comes second gets 409, a refusal without a reason 422, and nothing changes (RC-2)."""
    set_roles(house, "approver")
    willi, token = add_applicant(house), token_for(house)
    path = f"/accounts/{willi.account_id}/device-decisions"
    with house.provider.database.transaction() as tx:
        device_claims.add_claim(tx, willi.account_id, "AB123Z", NOW)
    waiting = call(house, "GET", "/devices/waiting", token).get_json()
    assert (waiting["total"], waiting["items"][0]["serial_number"]) == (1, "AB123Z")
    assert call(house, "POST", path, token, {"serial_number": "AB123Z", "act": "refuse"}).status_code == 422
    assert call(house, "POST", path, token, {"serial_number": "A", "act": "accept"}).status_code == 422
    done = call(house, "POST", path, token, {"serial_number": "ab 123-z", "act": "accept"})
    assert done.get_json() == {"serial_number": "AB123Z", "owned": True}
    assert (
        call(house, "POST", path, token, {"serial_number": "AB123Z", "act": "refuse", "reason": "x"}).status_code == 409
    )
    assert house.count("devices", "serial_number = 'AB123Z'") == 1
