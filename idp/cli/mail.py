"""`idp mail`: what became of mails and signals, another try for dead letters, a test mail, how each reads."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from idp.accounts.deliveries import retry_delivery, write_test_mail
from idp.cli.common import Refused, json_option, open_provider, print_json, print_table, stamp, with_settings
from idp.config import LANGUAGES
from idp.errors import Refusal
from idp.mail.previews import list_messages, preview
from idp.signals.worker import deliver_one
from idp.store import deliveries
from idp.store.outbox import MAIL

if TYPE_CHECKING:
    from idp.config import Settings


@click.group("mail")
def command() -> None:
    """Mails and signals: their fate, dead letters, a test."""


@command.command("list")
@click.option("--state", type=click.Choice(deliveries.STATES), help="Only those that wait, went out or were given up.")
@click.option("--signals", is_flag=True, help="What sites are told, instead of mails.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@with_settings
def list_command(settings: Settings, state: str | None, signals: bool, limit: int, as_json: bool) -> None:
    """List mails, the newest first."""
    provider = open_provider(settings)
    kind = "signals" if signals else MAIL
    with provider.database.reading() as tx:
        found = deliveries.page_deliveries(tx, now=provider.clock(), kind=kind, state=state or "", limit=limit)
    if as_json:
        print_json([asdict(fate) for fate in found])
        return
    rows = [
        (str(f.outbox_id), stamp(f.created_at), f.name, f.client_id or "", f.state, str(f.attempts), f.last_error or "")
        for f in found
    ]
    print_table(("number", "written", "what", "site", "state", "tries", "last error"), rows)


@command.command("retry")
@click.argument("numbers", type=int, nargs=-1)
@click.option("--all-dead", is_flag=True, help="Every dead letter, mails and signals.")
@with_settings
def retry_command(settings: Settings, numbers: tuple[int, ...], all_dead: bool) -> None:
    """Give dead letters another try; NUMBERS are those of `idp mail list --state dead`."""
    if bool(numbers) is all_dead:
        raise click.UsageError("give either numbers or --all-dead")
    provider = open_provider(settings)
    if all_dead:
        with provider.database.reading() as tx:
            numbers = tuple(deliveries.list_dead(tx))
    refused = []
    for number in numbers:
        try:
            click.echo(f"{number} ({retry_delivery(provider, number).name}) is tried again")
        except Refusal:
            refused.append(number)
    if refused:
        raise Refused(f"no dead letter: {', '.join(map(str, refused))}; see: idp mail list --state dead")


@command.command("test")
@click.argument("address")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@with_settings
def test_command(settings: Settings, address: str, language: str) -> None:
    """Send a test mail to ADDRESS now, and say what the mail server answered."""
    provider = open_provider(settings)
    try:
        number = write_test_mail(provider, address, language=language, hold=True)
    except Refusal:
        raise Refused(f"{address} is not an e-mail address") from None
    deliver_one(provider, number)
    with provider.database.reading() as tx:
        fate = deliveries.find_delivery(tx, number, provider.clock())
    if fate is None or fate.state != "done":
        reason = fate.last_error if fate else "it is gone"
        raise Refused(f"the mail did not go out: {reason}; it is number {number} of: idp mail list")
    click.echo(f"the mail to {address} went out")


@command.command("preview")
@click.argument("message", type=click.Choice(list(list_messages())))
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--html", "as_html", is_flag=True, help="The HTML part instead of the text part.")
@with_settings
def preview_command(settings: Settings, message: str, language: str, as_html: bool) -> None:
    """Print a mail with made-up values; nothing is sent."""
    made = preview(open_provider(settings), message, language)
    if as_html:
        click.echo(made.rendered.html)
    else:
        click.echo(f"From: {made.sender}\nSubject: {made.rendered.subject}\n\n{made.rendered.text}", nl=False)
    if made.fault:
        raise Refused(f"your own words for this mail do not serve: {made.fault}")
