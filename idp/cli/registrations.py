"""`idp registrations`: what was not confirmed in time, and what becomes of it (F-1.5, RG-11)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from idp.accounts.registration import KEPT_AFTER_EXPIRY, KEPT_AFTER_PURGE, forget_unconfirmed
from idp.cli.common import json_option, open_provider, print_json, print_table, stamp, with_settings
from idp.store import registrations

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.store.registrations import Ended


@click.group("registrations")
def command() -> None:
    """Registrations that were not confirmed."""


@command.command("purge")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@json_option
@with_settings
def purge_command(settings: Settings, dry_run: bool, as_json: bool) -> None:
    """Clean up now what the worker cleans up by itself: mark what ran out, then empty it, then delete it.

    A registration that was confirmed is never part of it.
    """
    provider = open_provider(settings)
    now = provider.clock()
    with provider.database.reading() as tx:
        found = registrations.report_ended(tx, now=now, delete_before=now - KEPT_AFTER_PURGE)
    rows = [(one, _step(one, now)) for one in found]
    rows = [(one, step) for one, step in rows if step]
    if as_json:
        print_json([{**asdict(one), "step": step} for one, step in rows])
    else:
        print_table(
            ("reference", "e-mail", "sent", "ran out", "what happens"),
            [(one.reference, one.email, stamp(one.sent_at), stamp(one.expires_at), step) for one, step in rows],
        )
    if not dry_run:
        forget_unconfirmed(provider)


def _step(one: Ended, now: int) -> str:
    """What the next clean-up does with it; nothing where it waits for its next step."""
    if one.purged_at is not None:
        return "delete"
    if one.expires_at <= now - KEPT_AFTER_EXPIRY:
        return "empty"
    return "mark" if one.state == "sent" else ""
