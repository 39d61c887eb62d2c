"""Devices that wait for staff, in the interface of staff tools: what the pages under `/staff/devices` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts import device_claims
from idp.accounts.serial_numbers import parse_serial_number
from idp.policy.staff import Permission
from idp.web.api import device_models as models
from idp.web.api.access import READ, WRITE
from idp.web.api.models import instant
from idp.web.api.operations import Operation
from idp.web.browser_session import client_address
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.web.api.access import Caller


def list_waiting_devices(caller: Caller) -> models.WaitingDevices:
    """What waits, oldest first."""
    found, total = device_claims.list_claims(provider(), caller.account_id)
    return models.WaitingDevices(
        items=[
            models.WaitingDevice(
                account_id=claim.account_id,
                name=claim.name,
                company=claim.company,
                country=claim.country,
                serial_number=claim.serial_number,
                since=instant(claim.created_at),
                due_at=instant(device_claims.promised_by(provider(), claim)),
            )
            for claim in found
        ],
        total=total,
    )


def decide_device(caller: Caller, account_id: str, asked: models.DecideDevice) -> models.DecidedDevice:
    """Let the customer own it, or not."""
    serial_number, accepts = parse_serial_number(asked.serial_number), asked.act == "accept"
    device_claims.decide_claim(
        provider(),
        staff_id=caller.account_id,
        account_id=account_id,
        serial_number=serial_number,
        accepts=accepts,
        reason=asked.reason,
        address=client_address(),
    )
    return models.DecidedDevice(serial_number=serial_number, owned=accepts)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET",
        "/devices/waiting",
        "list_waiting_devices",
        "Devices that customers added and staff look at first",
        Permission.READ_QUEUE,
        READ,
        models.WaitingDevices,
        list_waiting_devices,
    ),
    Operation(
        "POST",
        "/accounts/{account_id}/device-decisions",
        "decide_device",
        "Accept or refuse a device that waits",
        Permission.DECIDE,
        WRITE,
        models.DecidedDevice,
        decide_device,
        models.DecideDevice,
    ),
)
"""What the interface does about devices."""
