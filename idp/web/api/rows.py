"""Rows of the store as the interface tells them, and the keys by which lists page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from idp.accounts import staff_desk
from idp.web.api import models
from idp.web.api.models import instant, instant_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from idp.store import approvals, audit, outbox, search
    from idp.store.proposals import Proposal


class Keyed(Protocol):
    """A row that a page may end with."""

    @property
    def key(self) -> tuple[int, str]:
        """Where the next page goes on."""


def found_account(row: search.FoundAccount) -> models.FoundAccount:
    """An account of a list."""
    return models.FoundAccount(
        account_id=row.account_id,
        name=row.name,
        email=row.email,
        user_name=row.user_name,
        company=row.company,
        country=row.country,
        access=row.access,
        approval_status=row.approval_status,
        approval_updated_at=instant(row.approval_updated_at),
        serial_number=row.serial_number,
        reference=row.reference,
        created_at=instant(row.created_at),
    )


def found_registration(row: search.FoundRegistration) -> models.FoundRegistration:
    """A registration of a list."""
    return models.FoundRegistration(
        registration_id=row.registration_id,
        reference=row.reference,
        state=row.state,
        name=row.name,
        email=row.email,
        company=row.company,
        country=row.country,
        serial_number=row.serial_number,
        account_id=row.account_id,
        sent_at=instant(row.sent_at),
        expires_at=instant(row.expires_at),
        confirmed_at=instant_or_none(row.confirmed_at),
    )


def told_proposal(row: Proposal) -> models.Proposal:
    """A proposal."""
    return models.Proposal(
        proposal_id=row.proposal_id,
        account_id=row.account_id,
        act=row.act,
        staff_id=row.staff_id,
        staff_name=row.staff_name,
        reason=row.reason,
        remark=row.remark,
        at=instant(row.created_at),
    )


def told_decision(row: approvals.Decision) -> models.Decision:
    """A decision."""
    return models.Decision(
        at=instant(row.created_at),
        old_status=row.old_status,
        new_status=row.new_status,
        actor_kind=row.actor_kind,
        actor_name=row.actor_name or row.actor,
        reason=row.reason,
        remark=row.remark,
    )


def told_events(rows: Iterable[audit.Event]) -> list[models.Event]:
    """What happened."""
    return [
        models.Event(
            at=instant(row.at),
            act=row.act,
            actor_kind=row.actor_kind,
            actor_name=row.actor_name,
            reference=row.reference,
        )
        for row in rows
    ]


def told_mails(rows: Iterable[outbox.Fate]) -> list[models.Mail]:
    """What became of mails."""
    return [
        models.Mail(
            name=row.name,
            state=row.state,
            created_at=instant(row.created_at),
            done_at=instant_or_none(row.done_at),
            attempts=row.attempts,
            last_error=row.last_error,
            next_try_at=instant_or_none(row.next_try_at),
        )
        for row in rows
    ]


def parse_key(text: str | None) -> tuple[int, str] | None:
    """Where a page begins."""
    if text is None:
        return None
    at, _, identifier = text.partition(".")
    return int(at), identifier


def write_key(row: Keyed) -> str:
    """Where a page ends."""
    at, identifier = row.key
    return f"{at}.{identifier}"


def next_key(found: Sequence[Keyed]) -> str | None:
    """The key of the last row that is shown, where there are more."""
    return write_key(found[staff_desk.PAGE - 1]) if len(found) > staff_desk.PAGE else None
