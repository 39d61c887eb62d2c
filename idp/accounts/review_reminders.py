"""Before the promise of a review breaks, whoever may decide gets a mail: once for each application and each device.

An application that somebody has is theirs to be reminded of; what nobody has, everybody who may decide is. Of devices that
customers added, everybody is who decides about them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp import mail
from idp.accounts.staff_limits import may_decide_about
from idp.policy.approval import late_before, promised_until
from idp.policy.staff import Permission, is_at_work, is_permitted
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

    Nothing is marked as told where nobody may decide, so that it is told once somebody may.
    """
    settings, now = provider.settings.registration, provider.clock()
    if not settings.review_reminder_hours:
        return
    before = late_before(now + settings.review_reminder_hours * 3600, settings.review_working_days)
    with provider.database.reading() as tx:
        found = review_reminders.list_due(tx, before=before)
        waiting = device_claims.list_due(tx, before=before)
        people = [account for account in account_list.list_with_roles(tx) if _may_decide(account)]
    if not (found or waiting) or not people:
        return
    with provider.database.transaction() as tx:
        due = [row for row in found if review_reminders.claim(tx, row, now)]
        claims = [claim for claim in waiting if device_claims.note_reminder(tx, claim, now)]
        assigned = review_work.list_assignments(tx, (row.account_id for row in due))
        owners = {account_id: one.staff_id for account_id, one in assigned.items()}
        ids = {person.account_id for person in people}
        for person in people:
            theirs = [
                row
                for row in due
                if _is_for(person, row, owners.get(row.account_id, ""), ids)
                and may_decide_about(tx, person, accounts.get_account(tx, row.account_id))
            ]
            added = [claim for claim in claims if _looks_at(tx, person, claim)]
            if theirs or added:
                days = settings.review_working_days
                mail.promise_ends(
                    provider,
                    tx,
                    to=mail.to_account(person),
                    applications=[_told(row, row.waiting_since, days) for row in theirs[:LISTED]],
                    devices=[
                        {"serial_number": claim.serial_number, **_told(claim, claim.created_at, days)}
                        for claim in added[:LISTED]
                    ],
                    count=len(theirs) + len(added),
                )
        for row in due:
            audit.record(tx, "review_reminder_sent", now=now, account_id=row.account_id)
        for claim in claims:
            audit.record(
                tx,
                "review_reminder_sent",
                now=now,
                account_id=claim.account_id,
                details={"serial_number": claim.serial_number},
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


def _may_decide(account: Account) -> bool:
    return is_at_work(account.access, account.approval_status) and is_permitted(account.roles, Permission.DECIDE)
