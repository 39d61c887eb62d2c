"""What goes in and out of the interface of staff tools; the description is made from these models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from idp.accounts.approval import LONGEST_REASON
from idp.accounts.review_work import LONGEST_NOTE
from idp.web.staff.addresses import LONGEST_SEARCH


def _check_text(value: str) -> str:
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in value) or "\x7f" in value:
        raise ValueError("must be text without control characters")
    value.encode()  # no lone halves of characters
    return value


def _as_utc(at: datetime) -> datetime:
    """An instant that says no zone is UTC's, wherever the server stands; every instant has a number of seconds then."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Text = Annotated[str, AfterValidator(_check_text)]
Moment = Annotated[datetime, AfterValidator(_as_utc)]
"""An instant that somebody sends."""
Key = Annotated[str, Field(pattern=r"^[0-9]{1,12}\.[A-Za-z0-9_-]{1,64}$", description="`next` of the page before.")]


class Model(BaseModel):
    """Frozen; what is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Search(Model):
    """Words to look for, and where the page begins."""

    q: Text = Field("", max_length=LONGEST_SEARCH, description="Name, company, serial number, e-mail, reference.")
    after: Key | None = None


class QueueSearch(Search):
    """The queue's filter."""

    country: str = Field("", pattern=r"^([A-Z]{2})?$")
    family: str = Field("", pattern=r"^([A-Z]{2})?$", description="The family letters of the serial number.")
    late: bool = Field(False, description="Only what has waited longer than promised.")
    soon: bool = Field(False, description="Only what is later than promised or due soon.")
    to_confirm: bool = Field(False, description="Only what colleagues propose.")
    assignee: str = Field(
        "", pattern=r"^[A-Za-z0-9_-]{0,64}$", description="Whose: `mine`, `nobody`, or the id of a member of staff."
    )


class AccountSearch(Search):
    """Accounts, of one status where that is asked for."""

    status: Literal["", "pending", "approved", "rejected", "suspended"] = ""


class RegistrationSearch(Search):
    """Registrations, in one state where that is asked for."""

    state: Literal["", "sent", "confirmed", "expired", "replaced"] = ""


class Decide(Model):
    """A decision. `reason` is what the customer reads, `remark` what only staff read."""

    act: Literal["approve", "reject", "suspend", "reinstate", "reopen"]
    reason: Text = Field("", max_length=LONGEST_REASON)
    remark: Text = Field("", max_length=LONGEST_REASON)
    seen_at: Moment | None = Field(
        None, description="`approval_updated_at` as the decider saw it; if it is another one now, nothing is decided."
    )


class Answer(Model):
    """What is to become of a proposal; `note` says why it is sent back."""

    act: Literal["confirm", "send_back", "withdraw"]
    note: Text = Field("", max_length=LONGEST_REASON)


class Proposal(Model):
    """A decision that a second member of staff has to confirm."""

    proposal_id: str
    account_id: str
    act: str
    staff_id: str
    staff_name: str
    reason: str
    remark: str
    at: datetime


class Assign(Model):
    """Who gets an application; `seen` is who had it when the caller looked, empty for nobody."""

    to: str = Field(pattern=r"^[A-Za-z0-9_-]{0,64}$", description="`me`, the id of a member of staff; empty: nobody.")
    seen: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")


class Assignment(Model):
    """Who has an application; all empty where nobody has it."""

    staff_id: str | None
    staff_name: str | None
    since: datetime | None


class WriteNote(Model):
    """A note for colleagues."""

    text: Text = Field(max_length=LONGEST_NOTE)


class Note(Model):
    """What a colleague noted."""

    at: datetime
    actor_kind: str
    actor_name: str
    text: str


class NoteList(Model):
    """The notes about an account, newest first."""

    items: list[Note]


class Applicant(Model):
    """An application in the queue."""

    account_id: str
    name: str
    email: str
    company: str
    country: str
    serial_number: str | None
    reference: str | None
    waiting_since: datetime
    due_at: datetime = Field(description="Until when a decision is promised.")
    proposal: Proposal | None = Field(description="What a colleague proposes, where decisions need two people.")
    assigned_to: str | None = Field(description="The id of the member of staff who has it.")


class Queue(Model):
    """A page of the queue, oldest first."""

    items: list[Applicant]
    total: int = Field(description="All that wait.")
    matching: int = Field(description="All that fit the filter.")
    late: int = Field(description="All that have waited longer than promised.")
    soon: int = Field(description="All whose promise ends within `registration.review_reminder_hours`.")
    next: str | None


class FoundAccount(Model):
    """An account in a list."""

    account_id: str
    name: str
    email: str
    user_name: str
    company: str
    country: str
    access: str
    approval_status: str
    approval_updated_at: datetime
    serial_number: str | None
    reference: str | None
    created_at: datetime


class AccountList(Model):
    """Accounts, newest first."""

    items: list[FoundAccount]
    next: str | None


class Decision(Model):
    """A change of the approval status."""

    at: datetime
    old_status: str
    new_status: str
    actor_kind: str
    actor_name: str
    reason: str
    remark: str
    proposal_id: str | None = Field(None, description="Set where nothing is decided yet: a second person confirms it.")


class Mail(Model):
    """What became of a mail."""

    name: str
    state: Literal["waiting", "sending", "done", "dead"]
    created_at: datetime
    done_at: datetime | None
    attempts: int
    last_error: str | None
    next_try_at: datetime | None


class OpenSite(Model):
    """A site where somebody is signed in now; `ends` says whether that ends with the approval."""

    client_id: str
    name: str
    ends: bool


class OpenSession(Model):
    """A signed-in browser."""

    started_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    kept: bool
    user_agent: str
    address: str


class Event(Model):
    """A line of history."""

    at: datetime
    act: str
    actor_kind: str
    actor_name: str
    reference: str | None


class Account(Model):
    """One account with its history, newest first."""

    account_id: str
    name: str
    email: str
    user_name: str
    company: str
    country: str
    locale: str
    access: str
    approval_status: str
    approval_updated_at: datetime
    due_at: datetime | None
    roles: list[str]
    serial_numbers: list[str]
    reference: str | None
    last_sign_in_at: datetime | None
    created_at: datetime
    decisions: list[Decision]
    events: list[Event]
    mails: list[Mail]
    sessions: list[OpenSession]
    sites: list[OpenSite]


class FoundRegistration(Model):
    """A registration in a list."""

    registration_id: str
    reference: str
    state: str
    name: str
    email: str
    company: str
    country: str
    serial_number: str
    account_id: str | None
    sent_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None


class RegistrationList(Model):
    """Registrations, newest first."""

    items: list[FoundRegistration]
    next: str | None


class Registration(Model):
    """One registration, with what became of its mails."""

    registration: FoundRegistration
    events: list[Event]
    mails: list[Mail]


class OldFormat(Model):
    """Customers of the old portal whose password came in one format."""

    format: str
    weak: bool
    imported: int
    moved: int


class OldWeek(Model):
    """How many came over in a week; it begins on a Monday (UTC)."""

    since: str = Field(description="The Monday, as a date.")
    moved: int


class OldPortal(Model):
    """How far the customers of the old portal have come over."""

    imported: int
    moved: int
    waiting: int
    incomplete: int = Field(description="Moved, with a profile that is not complete.")
    weak_kept: int = Field(description="Passwords that are still kept as weak hashes.")
    weak_hashes_end: str | None = Field(description="The day from which weak hashes open nothing.")
    formats: list[OldFormat]
    weeks: list[OldWeek]


class Sent(Model):
    """A mail was written; `reference` is the number of its link, if it has one that staff can look for."""

    reference: str | None


class SimilarAccount(Model):
    """An account with something in common with an applicant."""

    account_id: str
    name: str
    email: str
    company: str
    country: str
    access: str
    approval_status: str
    serial_numbers: list[str]
    in_common: list[str] = Field(
        description="same_serial, former_serial, near_serial, same_name, near_name, same_company, same_domain."
    )
    decisions: list[Decision] = Field(description="The latest ones, newest first.")


class EarlierRegistration(Model):
    """Another registration of the same e-mail address or device."""

    registration_id: str
    reference: str
    state: str
    name: str
    email: str
    serial_number: str
    sent_at: datetime


class Beside(Model):
    """What is known beside an application."""

    items: list[SimilarAccount]
    more: int = Field(description="How many similar accounts there are besides.")
    shared_by_many: list[str] = Field(description="A company or e-mail domain that more than 50 accounts share.")
    decisions: list[Decision] = Field(description="Earlier decisions about the applicant.")
    registrations: list[EarlierRegistration]


class Problem(Model):
    """An error: a code that stays, and a sentence for the developer."""

    error: str
    error_description: str | None = None


def instant(seconds: int) -> datetime:
    """Seconds since 1970 as RFC 3339 says them."""
    return datetime.fromtimestamp(seconds, UTC)


def instant_or_none(seconds: int | None) -> datetime | None:
    """The same, where there may be none."""
    return None if seconds is None else instant(seconds)
