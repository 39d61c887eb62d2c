"""What goes in and out of the interface where staff look after accounts, devices, roles, texts and several applications."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from idp.accounts.approval import LONGEST_REASON
from idp.accounts.bulk_decisions import MOST_AT_ONCE
from idp.web.api.models import Model, Moment, Text

IDENTIFIER = r"^[A-Za-z0-9_-]{1,64}$"


class ChangeEmail(Model):
    """The new e-mail address, and why it is changed."""

    email: Text = Field(min_length=3, max_length=254)
    reason: Text = Field(min_length=1, max_length=LONGEST_REASON)


class CloseAccount(Model):
    """Why an account is closed, for colleagues."""

    reason: Text = Field(min_length=1, max_length=LONGEST_REASON)


class Standing(Model):
    """How an account stands after an act."""

    account_id: str
    email: str
    access: str
    approval_status: str
    roles: list[str]


class Closed(Standing):
    """A closed account, and when it will be erased."""

    erase_at: datetime


class TemporaryPassword(Model):
    """A temporary password, told this once."""

    password: str
    expires_at: datetime


class WithdrawConsent(Model):
    """The site from which the customer's consent is taken back."""

    client_id: Text = Field(min_length=1, max_length=255)


class Withdrawn(Model):
    """`withdrawn` is false where there was no consent."""

    withdrawn: bool


class MoveDevice(Model):
    """The device, and whose it is from now on: an e-mail address or a user name."""

    serial_number: Text = Field(min_length=6, max_length=40)
    receiver: Text = Field(min_length=1, max_length=254)
    reason: Text = Field(min_length=1, max_length=LONGEST_REASON)


class Moved(Model):
    """The reference that both histories have."""

    reference: str


class GiveRoles(Model):
    """Exactly these roles; families and countries limit an approver."""

    roles: list[str] = Field(max_length=10)
    families: list[str] = Field(default=[], max_length=100)
    countries: list[str] = Field(default=[], max_length=300)


class Roles(Model):
    """The roles that somebody has now; `proposal_id` where a second person confirms the change first."""

    account_id: str
    roles: list[str]
    proposal_id: str | None


class Member(Model):
    """Somebody who works at the desk."""

    account_id: str
    name: str
    email: str
    roles: list[str]
    families: list[str]
    countries: list[str]


class Staff(Model):
    """Everybody who works at the desk, and the changes of roles that colleagues propose."""

    items: list[Member]
    proposed: list[str] = Field(description="Proposals; answer with `POST /role-proposals/{proposal_id}`.")


class NoteRemoved(Model):
    """`removed` says which note."""

    removed: int


class Picked(Model):
    """An application, and `approval_updated_at` as it was seen."""

    account_id: str = Field(pattern=IDENTIFIER)
    seen_at: Moment


class Schedule(Model):
    """One act about several applications, which can be undone for 30 seconds."""

    act: Literal["approve", "reject"]
    applications: list[Picked] = Field(max_length=MOST_AT_ONCE)
    reason: Text = Field("", max_length=LONGEST_REASON)
    remark: Text = Field("", max_length=LONGEST_REASON)
    text_key: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$", description="A reason text instead of `reason`.")


class Scheduled(Model):
    """What became of one application; empty until the act takes effect."""

    account_id: str
    outcome: str


class Batch(Model):
    """Decisions that take effect together."""

    batch_id: str
    act: str
    due_at: datetime
    items: list[Scheduled]


class Undone(Model):
    """How many decisions were undone."""

    undone: int


class ReasonText(Model):
    """A text to choose as a reason; `texts` by language."""

    text_key: str
    title: str
    texts: dict[str, str]


class ReasonTextList(Model):
    """All texts by title."""

    items: list[ReasonText]


class SaveReasonText(Model):
    """A text; languages that are left out have none."""

    title: Text = Field(min_length=1, max_length=100)
    texts: dict[Literal["en", "de", "fr", "es"], Text]


class Removed(Model):
    """It is gone."""

    removed: str
