"""`idp registrations`: what was not confirmed in time, and what becomes of it (F-1.5, RG-11)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from idp.accounts.people_search import find_registrations
from idp.accounts.registration import KEPT_AFTER_EXPIRY, KEPT_AFTER_PURGE, forget_unconfirmed
from idp.accounts.staff_desk import send_confirmation_again
from idp.cli.common import Refused, json_option, open_provider, print_json, print_table, stamp, with_settings
from idp.errors import Refusal
from idp.store import registrations

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.store.registrations import Ended


STATES = ("sent", "confirmed", "expired", "replaced")


@click.group("registrations")
def command() -> None:
    """Registrations, and what becomes of those that are not confirmed."""


@command.command("list")
@click.option("--search", default="", help="Name, company, e-mail address, serial number or reference.")
@click.option("--state", default="sent", show_default=True, type=click.Choice(["all", *STATES]))
@json_option
@with_settings
def list_command(settings: Settings, search: str, state: str, as_json: bool) -> None:
    """List registrations, by default those that wait for their confirmation; the first page of them."""
    found = find_registrations(open_provider(settings), search, state="" if state == "all" else state).registrations
    if as_json:
        print_json([asdict(row) for row in found])
        return
    print_table(
        ("reference", "state", "sent", "name", "company", "e-mail", "serial number"),
        [
            (row.reference, row.state, stamp(row.sent_at), row.name, row.company, row.email, row.serial_number)
            for row in found
        ],
    )


@command.command("resend")
@click.argument("reference")
@with_settings
def resend_command(settings: Settings, reference: str) -> None:
    """Send the confirmation mail of the registration with this REFERENCE again, with a new link."""
    provider = open_provider(settings)
    wanted = next(
        (r for r in find_registrations(provider, reference).registrations if r.reference == reference.upper()), None
    )
    try:
        if wanted is None:
            raise Refusal("registration_unknown")
        send_confirmation_again(provider, staff_id="", registration_id=wanted.registration_id)
    except Refusal:
        raise Refused(f"{reference}: there is no such registration, or it cannot be confirmed any more") from None
    click.echo(f"{wanted.reference}: the mail goes to {wanted.email}")


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
