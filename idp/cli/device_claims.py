"""`idp approvals devices` and `device`: devices in doubt that customers added, and the operator's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from idp.accounts.device_claims import decide_claim, list_claims, promised_by
from idp.accounts.serial_numbers import parse_serial_number
from idp.cli.common import (
    Refused,
    get_account,
    json_option,
    open_provider,
    print_json,
    print_table,
    stamp,
    with_settings,
)
from idp.errors import Refusal

if TYPE_CHECKING:
    from idp.config import Settings

_WHY_NOT = {
    "account_unknown": "this account is closed",
    "claim.over": "this device does not wait for staff (any more)",
    "reason_missing": "--reason: say why not; the customer reads it",
    "reason_too_long": "--reason is too long",
    "serial_number.invalid": "SERIAL_NUMBER: two letters, three digits and a letter, such as AB123Z",
}


@click.command("devices")
@json_option
@with_settings
def devices_command(settings: Settings, as_json: bool) -> None:
    """List the devices that wait for staff, oldest first."""
    provider = open_provider(settings)
    found, _count = list_claims(provider)
    if as_json:
        print_json(
            [
                {
                    "account_id": claim.account_id,
                    "name": claim.name,
                    "company": claim.company,
                    "serial_number": claim.serial_number,
                    "since": claim.created_at,
                    "due_at": promised_by(provider, claim),
                }
                for claim in found
            ]
        )
        return
    print_table(
        ("since", "due", "serial number", "name", "company", "account"),
        [
            (
                stamp(claim.created_at),
                stamp(promised_by(provider, claim)),
                claim.serial_number,
                claim.name,
                claim.company,
                claim.account_id,
            )
            for claim in found
        ],
    )


@click.command("device")
@click.argument("account")
@click.argument("serial_number")
@click.argument("act", type=click.Choice(["accept", "refuse"]))
@click.option("--reason", default="", help="What the customer reads; needed to refuse.")
@with_settings
def device_command(settings: Settings, account: str, serial_number: str, act: str, reason: str) -> None:
    """Let ACCOUNT own a device that waits, or not; the customer is told."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = get_account(tx, account)
    try:
        serial = parse_serial_number(serial_number)
        decide_claim(
            provider,
            staff_id=None,
            account_id=found.account_id,
            serial_number=serial,
            accepts=act == "accept",
            reason=reason,
        )
    except Refusal as refusal:
        raise Refused(_WHY_NOT.get(refusal.key, refusal.key)) from None
    click.echo(
        f"{found.user_name}: {serial} {'is owned now' if act == 'accept' else 'was refused'}; the mail is on its way"
    )
