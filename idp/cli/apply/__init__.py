"""`idp apply FILE`: bring clients, accounts, approval rules and serial numbers to what a TOML file says.

The file is read whole before anything is written, and written in one transaction: all of it or nothing. Applying it again
changes nothing. With `--dry-run` the same is done and taken back, so that the plan shows what would really happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from idp.cli.apply import accounts, clients, rules
from idp.cli.apply.accounts import AccountEntry
from idp.cli.apply.clients import ClientEntry
from idp.cli.apply.plan import Change, summary
from idp.cli.apply.rules import SerialEntry
from idp.cli.apply.values import FileFault, read_file
from idp.cli.common import Refused, json_option, open_provider, print_json, with_settings

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.policy.rules import Rule
    from idp.provider import Provider
    from idp.store.database import Transaction

Entry = TypeVar("Entry")


class _TakeBack(Exception):
    """Ends the transaction of a dry run."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the file says, checked."""

    clients: list[ClientEntry]
    accounts: list[AccountEntry]
    rules: list[Rule]
    serial_numbers: list[SerialEntry]


@click.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show the plan, change nothing.")
@json_option
@with_settings
def command(settings: Settings, file: Path, dry_run: bool, as_json: bool) -> None:
    """Bring clients, accounts, rules and serial numbers to what FILE says."""
    try:
        wanted = parse_file(file, settings)
        changes = apply(open_provider(settings), wanted, dry_run=dry_run)
    except FileFault as fault:
        raise Refused(str(fault)) from None
    except ValueError as fault:
        raise Refused(f"{file}: {fault}; nothing was changed") from None
    if as_json:
        print_json({"dry_run": dry_run, "changes": [change.as_json() for change in changes]})
        return
    for change in changes:
        click.echo(str(change))
    click.echo(summary(changes) + (" (--dry-run: nothing was changed)" if dry_run else ""))


def parse_file(path: Path, settings: Settings) -> Wanted:
    """Read and check the whole file. Raises `FileFault` with every fault found."""
    content = read_file(path)
    faults: list[str] = []
    wanted = Wanted(
        clients=_parse(content, "clients", lambda entry, _: clients.parse_client_entry(entry, settings), faults),
        accounts=_parse(content, "accounts", lambda entry, _: accounts.parse_account_entry(entry, settings), faults),
        rules=_parse(content, "approval_rules", lambda entry, _: rules.parse_rule_entry(entry), faults),
        serial_numbers=_parse(content, "serial_numbers", lambda entry, _: rules.parse_serial_entry(entry), faults),
    )
    listed = content.get("serial_number_file")
    if listed is not None:
        try:
            wanted.serial_numbers.extend(rules.read_serial_file(path.parent / str(listed)))
        except ValueError as error:
            faults.append(f"serial_number_file: {error}")
    faults += _doubles("clients", (entry.client_id for entry in wanted.clients))
    faults += _doubles("accounts", (entry.email.lower() for entry in wanted.accounts))
    faults += _doubles("approval_rules", (rule.rule_key for rule in wanted.rules))
    if faults:
        raise FileFault("\n".join(f"{path}: {fault}" for fault in faults))
    return wanted


def _parse(
    content: Mapping[str, Any],
    section: str,
    parse: Callable[[Mapping[str, Any], int], Entry],
    faults: list[str],
) -> list[Entry]:
    found = []
    for number, entry in enumerate(content.get(section, []), 1):
        try:
            found.append(parse(entry, number))
        except ValueError as error:
            faults.append(f"{section}[{number}]: {error}")
    return found


def _doubles(section: str, keys: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    doubled = [key for key in keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    return [f"{section}: {key} stands there twice" for key in doubled]


def apply(provider: Provider, wanted: Wanted, *, dry_run: bool = False) -> list[Change]:
    """Carry it out in one transaction; out: what changed. Raises `ValueError` where file and database disagree."""
    people = wanted.accounts if dry_run else accounts.hash_new_passwords(provider, wanted.accounts)
    changes: list[Change] = []
    try:
        with provider.database.transaction() as tx:
            changes = _write(provider, tx, wanted, people)
            if dry_run:
                raise _TakeBack
    except _TakeBack:
        pass
    return changes


def _write(provider: Provider, tx: Transaction, wanted: Wanted, people: list[AccountEntry]) -> list[Change]:
    now = provider.clock()
    changes = [clients.apply_client(provider, tx, entry, now) for entry in wanted.clients]
    changes += rules.apply_rules(tx, wanted.rules, now)
    if wanted.serial_numbers:
        changes.append(rules.apply_serials(tx, wanted.serial_numbers))
    changes += [accounts.apply_account(tx, entry, now) for entry in people]
    return changes
