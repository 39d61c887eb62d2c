"""Before the promise of a review breaks, whoever may decide gets a mail: once for each application and each device.

An application that somebody has is theirs to be reminded of; what nobody has, everybody who may decide is. Of devices that
customers added, everybody is who decides about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from idp import mail
from idp.accounts.staff_limits import may_decide_about
from idp.accounts.staff_rights import has_permission
from idp.policy.approval import late_before, promised_until
from idp.policy.staff import Permission
from idp.store import account_list, accounts, audit, device_claims, review_reminders, review_work

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.device_claims import Claim
    from idp.store.review_reminders import DueApplication

LISTED = 20
"""So many applications stand in a mail; the rest is counted."""


def remind_deciders(provider: Provider) -> None:
    """Housekeeping: one mail to each who may decide, about everything that is due within the hours of the setting.

    What nobody may decide about is not marked as told, so that it is told once somebody may.
    """
    settings, now = provider.settings.registration, provider.clock()
    if not settings.review_reminder_hours:
        return
    before = late_before(now + settings.review_reminder_hours * 3600, settings.review_working_days)
    with provider.database.reading() as tx:
        found = review_reminders.list_due(tx, before=before)
        waiting = device_claims.list_due(tx, before=before)
        people = [account for account in account_list.list_with_roles(tx) if has_permission(account, Permission.DECIDE)]
    if not (found or waiting) or not people:
        return
    with provider.database.transaction() as tx:
        due = _take_applications(tx, found, people, now)
        claims = _take_devices(tx, waiting, people, now)
        for person in people:
            theirs = [row for row, readers in due if person.account_id in readers]
            added = [claim for claim, readers in claims if person.account_id in readers]
            if theirs or added:
                _write(provider, tx, person, theirs, added)


def _take_applications(
    tx: Transaction, found: Sequence[DueApplication], people: Sequence[Account], now: int
) -> list[tuple[DueApplication, set[str]]]:
    """The applications that this run tells of, each with the accounts of who reads it."""
    assigned = review_work.list_assignments(tx, (row.account_id for row in found))
    ids, taken = {person.account_id for person in people}, []
    for row in found:
        assignment, applicant = assigned.get(row.account_id), accounts.get_account(tx, row.account_id)
        owner = assignment.staff_id if assignment else ""
        readers = {
            person.account_id
            for person in people
            if _is_for(person, row, owner, ids) and may_decide_about(tx, person, applicant)
        }
        if readers and review_reminders.claim(tx, row, now):
            audit.record(tx, "review_reminder_sent", now=now, account_id=row.account_id)
            taken.append((row, readers))
    return taken


def _take_devices(
    tx: Transaction, waiting: Sequence[Claim], people: Sequence[Account], now: int
) -> list[tuple[Claim, set[str]]]:
    """The same for devices that customers added."""
    taken = []
    for claim in waiting:
        readers = {person.account_id for person in people if _looks_at(tx, person, claim)}
        if readers and device_claims.note_reminder(tx, claim, now):
            details = {"serial_number": claim.serial_number}
            audit.record(tx, "review_reminder_sent", now=now, account_id=claim.account_id, details=details)
            taken.append((claim, readers))
    return taken


def _write(
    provider: Provider, tx: Transaction, person: Account, theirs: Sequence[DueApplication], added: Sequence[Claim]
) -> None:
    days = provider.settings.registration.review_working_days
    mail.promise_ends(
        provider,
        tx,
        to=mail.to_account(person),
        applications=[_told(row, row.waiting_since, days) for row in theirs[:LISTED]],
        devices=[
            {"serial_number": claim.serial_number, **_told(claim, claim.created_at, days)} for claim in added[:LISTED]
        ],
        count=len(theirs) + len(added),
    )


def _told(row: DueApplication | Claim, since: int, working_days: int) -> dict[str, Any]:
    return {"name": row.name, "company": row.company, "due_at": promised_until(since, working_days)}


def _looks_at(tx: Transaction, person: Account, claim: Claim) -> bool:
    """Whether somebody decides about a device: not their own, and within their limits with all that the account has."""
    if claim.account_id == person.account_id:
        return False
    return may_decide_about(tx, person, accounts.get_account(tx, claim.account_id), (claim.serial_number,))


def _is_for(person: Account, row: DueApplication, owner: str, deciders: set[str]) -> bool:
    """Whether somebody is reminded of it: its owner, or everybody where nobody who may decide has it."""
    if row.account_id == person.account_id:
        return False
    return owner == person.account_id or owner not in deciders
