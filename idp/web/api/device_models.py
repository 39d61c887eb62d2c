"""What goes in and out of the interface where devices wait for staff."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from idp.accounts.approval import LONGEST_REASON
from idp.web.api.models import Model, Text


class WaitingDevice(Model):
    """A device that a customer with an account added and does not own yet."""

    account_id: str
    name: str
    company: str
    country: str
    serial_number: str
    since: datetime
    due_at: datetime = Field(description="Until when an answer is promised.")


class WaitingDevices(Model):
    """The oldest 200 devices that wait; `total` is how many there are."""

    items: list[WaitingDevice]
    total: int


class DecideDevice(Model):
    """Whether the customer owns it."""

    serial_number: str = Field(max_length=20)
    act: Literal["accept", "refuse"]
    reason: Text = Field("", max_length=LONGEST_REASON, description="The customer reads it; needed to refuse.")


class DecidedDevice(Model):
    """The device, and whether the customer owns it now."""

    serial_number: str
    owned: bool
