"""`idp accounts`: find accounts, look at one, change an address, give and take roles, make some up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from idp.accounts import made_up_people, people_search
from idp.accounts.device_moves import move_device_by_operator
from idp.accounts.email_change import change_email_by_operator
from idp.accounts.identifiers import parse_email
from idp.accounts.serial_numbers import parse_serial_number
from idp.accounts.staff_roles import check_limited_roles, set_roles
from idp.cli.closing import close_command, erase_command, export_command, reopen_command
from idp.cli.common import (
    Refused,
    get_account,
    json_option,
    open_provider,
    print_json,
    print_table,
    progress,
    stamp,
    with_settings,
)
from idp.cli.old_portal import import_command, progress_command
from idp.cli.owners import reset_link_command, temporary_password_command, withdraw_command
from idp.errors import Refusal
from idp.policy.staff import ROLES
from idp.store import account_list, accounts, approvals, audit, outbox
from idp.store.database import Conflict

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.store.accounts import Account


_WHY_NOT = {
    "account_unknown": "the account is closed",
    "device.too_many": "the new owner has {most} devices, which is the most",
    "email.changed": "the address was changed meanwhile; look again",
    "email.invalid": "EMAIL must be one address, such as name@company.com",
    "email.same": "the account has this address already",
    "email.taken": "another account has this address",
    "serial_number.invalid": "SERIAL_NUMBER: two letters, three digits and a letter, such as AB123Z",
    "limits.families": "--family: two capital letters each, such as AB, not {value!r}",
    "limits.countries": "--country: two letters each, such as DE, not {value!r}",
    "limits.not_for_roles": "--family and --country are for approvers who are not administrators",
    "reason_missing": "--reason: say how you made sure who asks, and why",
    "reason_too_long": "--reason is too long",
    "transfer.over": "this account does not have the device",
    "transfer.receiver_unknown": "--to: there is no open account with this address or user name",
    "transfer.same_account": "--to is the account that has the device now",
}


@click.group("accounts")
def command() -> None:
    """Find accounts, look at one, change an address, give and take roles, make some up."""


command.add_command(import_command)
command.add_command(progress_command)
for _one in (
    export_command,
    close_command,
    reopen_command,
    erase_command,
    reset_link_command,
    temporary_password_command,
    withdraw_command,
):
    command.add_command(_one)


@command.command("list")
@click.option("--search", default="", help="Name, company, e-mail address, user name or serial number.")
@click.option("--status", default="", type=click.Choice(["", "pending", "approved", "rejected", "suspended"]))
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 100_000))
@json_option
@with_settings
def list_command(settings: Settings, search: str, status: str, limit: int, as_json: bool) -> None:
    """List accounts, oldest first."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = account_list.list_accounts(tx, search=search, status=status, limit=limit)
    if as_json:
        print_json([describe(account) for account in found])
    else:
        print_table(
            ("user name", "e-mail", "name", "company", "approval", "roles"),
            [(a.user_name, a.email, a.name, a.company, a.approval_status, " ".join(sorted(a.roles))) for a in found],
        )


@command.command("show")
@click.argument("account")
@json_option
@with_settings
def show_command(settings: Settings, account: str, as_json: bool) -> None:
    """Show one account: by e-mail address, user name or id."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = get_account(tx, account)
        value = describe(found)
        value["serial_numbers"] = accounts.list_serial_numbers(tx, found.account_id)
        value["decisions"] = [
            {
                "at": line.created_at,
                "old": line.old_status,
                "new": line.new_status,
                "by": f"{line.actor_kind} {line.actor}".strip(),
                "reason": line.reason,
            }
            for line in approvals.list_decisions(tx, found.account_id)
        ]
        value["mails"] = [
            {"message": f.name, "state": f.state, "at": f.created_at, "error": f.last_error}
            for f in outbox.fate(tx, account_id=found.account_id, now=provider.clock(), limit=20)
        ]
    if as_json:
        print_json(value)
    else:
        _print_account(value)


@command.command("roles")
@click.argument("account")
@click.argument("roles", nargs=-1, type=click.Choice(sorted(ROLES)))
@click.option("--family", "families", multiple=True, help="An approver decides only about these serial families.")
@click.option(
    "--country", "countries", multiple=True, help="An approver decides only about applicants of these countries."
)
@with_settings
def roles_command(
    settings: Settings, account: str, roles: tuple[str, ...], families: tuple[str, ...], countries: tuple[str, ...]
) -> None:
    """Give an account exactly these ROLES and limits; none takes them all."""
    provider = open_provider(settings)
    try:
        limits = check_limited_roles(roles, families, countries)
    except Refusal as refusal:
        raise Refused(_WHY_NOT[refusal.key].format(**refusal.details)) from None
    now = provider.clock()
    with provider.database.transaction() as tx:
        found = get_account(tx, account)
        if found.is_closed and roles:
            raise Refused(f"{found.user_name}: {_WHY_NOT['account_unknown']}")
        details = set_roles(tx, found, frozenset(roles), limits, now)
        audit.record(tx, "roles_changed", now=now, actor_kind="operator", account_id=found.account_id, details=details)
    only = ", ".join(sorted(limits.families) + sorted(limits.countries))
    click.echo(f"{found.user_name}: {' '.join(sorted(roles)) or 'no roles'}{f', only {only}' if only else ''}")


@command.command("email")
@click.argument("account")
@click.argument("email")
@click.option("--reason", required=True, help="How you made sure who asks, and why; it stays in the audit trail.")
@with_settings
def email_command(settings: Settings, account: str, email: str, reason: str) -> None:
    """Give ACCOUNT the address EMAIL; both addresses are told, and the old one can undo it."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = get_account(tx, account)
    try:
        address = parse_email(email)
        change_email_by_operator(provider, found.account_id, address, reason=reason)
    except Refusal as refusal:
        raise Refused(_WHY_NOT[refusal.key]) from None
    click.echo(f"{found.user_name}: {address}; both addresses are told, and links in earlier mails are void")


@command.command("move-device")
@click.argument("account")
@click.argument("serial_number")
@click.option("--to", "receiver", required=True, help="E-mail address or user name of the new owner.")
@click.option("--reason", required=True, help="How you made sure who asks, and why; it stays in the audit trail.")
@with_settings
def move_device_command(settings: Settings, account: str, serial_number: str, receiver: str, reason: str) -> None:
    """Give the device SERIAL_NUMBER of ACCOUNT to another account; both owners are told."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = get_account(tx, account)
    try:
        serial = parse_serial_number(serial_number)
        reference = move_device_by_operator(provider, found.account_id, serial, receiver=receiver, reason=reason)
    except Refusal as refusal:
        raise Refused(_WHY_NOT[refusal.key].format(**refusal.details)) from None
    click.echo(f"{serial}: {receiver} owns it now; reference {reference}, and both owners are told")


@command.command("generate")
@click.argument("count", type=click.IntRange(0, 1_000_000))
@click.option(
    "--waiting", default=0, show_default=True, type=click.IntRange(0, 100_000), help="Who wait for a decision."
)
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 10_000), help="The same people for the same seed."
)
@with_settings
def generate_command(settings: Settings, count: int, waiting: int, seed: int) -> None:
    """Make up COUNT people to try the desk at its real size; only for a provider on this machine."""
    if not settings.issuer_is_loopback:
        raise Refused(f"{settings.source}: server.issuer: made-up people are for a provider on this machine only")
    provider = open_provider(settings)
    with progress() as bar:
        written = bar.add_task("people", total=count + waiting)
        try:
            made_up_people.generate(
                provider, count, waiting, seed=seed, advance=lambda more: bar.advance(written, more)
            )
        except Conflict:
            raise Refused(f"people of seed {seed} are there already; take another --seed") from None
        words = bar.add_task("words for the search", total=None)
        people_search.read_changed_words(provider)
        provider.database.learn_sizes()
        bar.update(words, total=1, completed=1)
    click.echo(f"{count} accounts and {waiting} waiting registrations were made up")


def describe(account: Account) -> dict[str, Any]:
    """An account for scripts; standard claim names, no secret."""
    return {
        "account_id": account.account_id,
        "email": account.email,
        "preferred_username": account.user_name,
        "given_name": account.given_name,
        "family_name": account.family_name,
        "company": account.company,
        "country": account.country,
        "locale": account.locale,
        "access": account.access,
        "approval_status": account.approval_status,
        "approval_updated_at": account.approval_updated_at,
        "roles": sorted(account.roles),
        "created_at": account.created_at,
        "last_sign_in_at": account.last_sign_in_at,
    }


def _print_account(value: dict[str, Any]) -> None:
    for name, content in value.items():
        if name in ("roles", "serial_numbers"):
            click.echo(f"{name:20} {' '.join(content)}")
        elif not isinstance(content, list):
            click.echo(f"{name:20} {stamp(content) if name.endswith('_at') else content}")
    for line in value["decisions"]:
        click.echo(f"{stamp(line['at'])}  {line['old']} → {line['new']}  by {line['by']}  {line['reason']}")
    for line in value["mails"]:
        click.echo(f"{stamp(line['at'])}  mail {line['message']}: {line['state']}  {line['error'] or ''}")
