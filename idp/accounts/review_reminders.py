"""Before the promise of a review breaks, whoever may decide gets a mail: once for each application.

An application that somebody has is theirs to be reminded of; what nobody has, everybody who may decide is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.staff_limits import may_decide_about
from idp.policy.approval import late_before, promised_until
from idp.policy.staff import Permission, is_at_work, is_permitted
from idp.store import account_list, accounts, audit, review_reminders, review_work

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
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
        people = [account for account in account_list.list_with_roles(tx) if _may_decide(account)]
    if not found or not people:
        return
    with provider.database.transaction() as tx:
        due = [row for row in found if review_reminders.claim(tx, row, now)]
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
            if theirs:
                mail.promise_ends(
                    provider,
                    tx,
                    to=mail.to_account(person),
                    applications=[
                        {
                            "name": row.name,
                            "company": row.company,
                            "due_at": promised_until(row.waiting_since, settings.review_working_days),
                        }
                        for row in theirs[:LISTED]
                    ],
                    count=len(theirs),
                )
        for row in due:
            audit.record(tx, "review_reminder_sent", now=now, account_id=row.account_id)


def _is_for(person: Account, row: DueApplication, owner: str, deciders: set[str]) -> bool:
    """Whether somebody is reminded of it: its owner, or everybody where nobody who may decide has it."""
    if row.account_id == person.account_id:
        return False
    return owner == person.account_id or owner not in deciders


def _may_decide(account: Account) -> bool:
    return is_at_work(account.access, account.approval_status) and is_permitted(account.roles, Permission.DECIDE)
