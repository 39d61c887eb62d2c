"""`idp accounts reset-link`, `temporary-password` and `withdraw`: what owners ask customer care for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from idp.accounts.sites import withdraw_consent_for
from idp.accounts.staff_desk import send_reset_link_for
from idp.accounts.temporary_password import give_temporary_password
from idp.cli.common import Refused, get_anybody, open_provider, stamp, with_settings
from idp.errors import Refusal

if TYPE_CHECKING:
    from idp.config import Settings


@click.command("reset-link")
@click.argument("account")
@with_settings
def reset_link_command(settings: Settings, account: str) -> None:
    """Send the owner of ACCOUNT a link to choose a new password (F-2.3)."""
    provider = open_provider(settings)
    found = get_anybody(provider, account)
    try:
        reference = send_reset_link_for(provider, staff_id="", account_id=found.account_id)
    except Refusal:
        raise Refused(f"{found.user_name} is closed") from None
    click.echo(f"{found.user_name}: the link goes to {found.email}; reference {reference}")


@click.command("temporary-password")
@click.argument("account")
@with_settings
def temporary_password_command(settings: Settings, account: str) -> None:
    """Give ACCOUNT a temporary password, printed this once; its own ends, and all its sessions (F-2.5)."""
    provider = open_provider(settings)
    found = get_anybody(provider, account)
    try:
        given = give_temporary_password(provider, staff_id="", account_id=found.account_id)
    except Refusal:
        raise Refused(f"{found.user_name} is closed") from None
    click.echo(f"{found.user_name}: {given.password} until {stamp(given.expires_at)}")


@click.command("withdraw")
@click.argument("account")
@click.argument("client_id")
@with_settings
def withdraw_command(settings: Settings, account: str, client_id: str) -> None:
    """Take back what ACCOUNT permitted the site CLIENT_ID (RF-12)."""
    provider = open_provider(settings)
    found = get_anybody(provider, account)
    try:
        was_there = withdraw_consent_for(provider, staff_id="", account_id=found.account_id, client_id=client_id)
    except Refusal:
        raise Refused(f"{found.user_name} is closed") from None
    if not was_there:
        raise Refused(f"{found.user_name} permitted {client_id} nothing")
    click.echo(f"{found.user_name}: {client_id} has no consent any more")
