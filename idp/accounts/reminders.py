"""Reminders for registrations that nobody confirmed yet: each at most once, with a new link (F-1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.registration import DAY, send_confirmation
from idp.store import accounts, registrations

if TYPE_CHECKING:
    from idp.provider import Provider


def remind_unconfirmed(provider: Provider) -> None:
    """Housekeeping: remind on the days of `registration.reminder_days`; who missed one by an outage gets the latest only."""
    now = provider.clock()
    days = sorted(provider.settings.registration.reminder_days)
    for number, day in reversed(list(enumerate(days, start=1))):
        with provider.database.reading() as tx:
            due = registrations.list_due_reminders(tx, number=number, before=now - day * DAY, now=now)
        for registration_id in due:
            _remind(provider, registration_id, number, now)


def _remind(provider: Provider, registration_id: str, number: int, now: int) -> None:
    with provider.database.transaction() as tx:
        if not registrations.note_reminder(tx, registration_id, number):
            return
        registration = registrations.find_registration(tx, registration_id)
        if registration is not None and accounts.find_by_email(tx, registration.email) is None:
            send_confirmation(provider, tx, registration, None, now, is_reminder=True)
