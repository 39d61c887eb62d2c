"""`idp accounts export`, `close`, `reopen` and `erase`: somebody's data, and the end of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from idp.accounts.approval import Actor
from idp.accounts.closing import close_by_operator, erase_one, reopen_within
from idp.accounts.own_data import collect_own_data
from idp.cli.common import Refused, get_anybody, open_provider, print_json, stamp, with_settings
from idp.errors import Refusal
from idp.store import closings

if TYPE_CHECKING:
    from idp.config import Settings

_OPERATOR = Actor("operator", "")


@click.command("export")
@click.argument("account")
@with_settings
def export_command(settings: Settings, account: str) -> None:
    """Print everything held about ACCOUNT as JSON; no secret, no hash."""
    provider = open_provider(settings)
    print_json(collect_own_data(provider, get_anybody(provider, account).account_id))


@click.command("close")
@click.argument("account")
@click.option("--reason", required=True, help="Why, for the audit trail; the owner does not see it.")
@with_settings
def close_command(settings: Settings, account: str, reason: str) -> None:
    """Close ACCOUNT: everything ends, the owner is told, and it is erased after the waiting time."""
    provider = open_provider(settings)
    found = get_anybody(provider, account)
    try:
        closing = close_by_operator(provider, found, reason=reason)
    except Refusal as refusal:
        if refusal.key.startswith("reason_"):
            raise Refused("--reason must say something, in at most 2,000 characters") from None
        raise Refused(f"{found.user_name} is closed already") from None
    click.echo(f"{found.user_name} is closed; it is erased on {stamp(closing.erase_at)}")


@click.command("reopen")
@click.argument("account")
@with_settings
def reopen_command(settings: Settings, account: str) -> None:
    """Open ACCOUNT again within its waiting time."""
    provider = open_provider(settings)
    found = get_anybody(provider, account)
    try:
        with provider.database.transaction() as tx:
            reopen_within(provider, tx, found.account_id, _OPERATOR)
    except Refusal:
        raise Refused(f"{found.user_name} is not closed, or its waiting time is over") from None
    click.echo(f"{found.user_name} is open again")


@click.command("erase")
@click.argument("account")
@click.option("--yes", is_flag=True, help="Do it: there is no way back.")
@with_settings
def erase_command(settings: Settings, account: str, yes: bool) -> None:
    """Erase a closed ACCOUNT now, without the rest of its waiting time."""
    provider = open_provider(settings)
    found = get_anybody(provider, account)
    if not found.is_closed:
        raise Refused(f"{found.user_name} is not closed; first: idp accounts close {found.account_id} --reason …")
    if not yes:
        raise Refused("everything personal would be gone for good; add --yes to do it")
    with provider.database.transaction() as tx:
        closings.bring_forward(tx, found.account_id, provider.clock())
    if not erase_one(provider, found.account_id):
        raise Refused(f"{found.user_name} was erased already, or nobody closed it in the way that leads to an erasure")
    click.echo(f"{found.account_id} is erased")
