"""`idp keys`: the signing keys; change them, take one away in an emergency. All instances follow within a second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from idp.cli import master_key
from idp.cli.common import Refused, json_option, open_provider, print_json, print_table, with_settings
from idp.errors import Refusal
from idp.policy.key_rotation import KeyState, find_state
from idp.signals import key_rotation
from idp.store import signing_keys

if TYPE_CHECKING:
    from idp.config import Settings

_WORDS = {
    "key.unknown": "there is no such key; see: idp keys list",
    "key.retired_already": "this key signs no more already",
    "key.is_the_only_one": "no other key signs with {alg}; make one first: idp keys rotate --alg {alg} --now",
}


@click.group("keys")
def command() -> None:
    """Signing keys: publish the next one, retire the old one, remove one that was stolen; and the master key."""


command.add_command(master_key.command)


@command.command("list")
@click.option("--all", "with_removed", is_flag=True, help="Also the removed ones.")
@json_option
@with_settings
def list_command(settings: Settings, with_removed: bool, as_json: bool) -> None:
    """List the keys and what each is for now."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        keys = signing_keys.list_signing_keys(tx, with_removed=with_removed)
    times, now = key_rotation.times_of(keys), provider.clock()
    rows: list[dict[str, Any]] = [
        {"kid": key.kid, "alg": key.alg, "state": find_state(key, times, now).value, "active_from": key.active_from}
        for key in times
    ]
    if as_json:
        print_json(rows)
    else:
        table = [(row["kid"], row["alg"], _describe(row, now)) for row in rows]
        print_table(("kid", "alg", "state"), table)


@command.command("rotate")
@click.option("--alg", "algorithms", multiple=True, help="Only this algorithm; may be given more than once.")
@click.option(
    "--now", "at_once", is_flag=True, help="Sign with it at once: sites fetch the key set again by themselves."
)
@with_settings
def rotate_command(settings: Settings, algorithms: tuple[str, ...], at_once: bool) -> None:
    """Make and publish the next key; it signs after [keys] publish_hours, and the old one stays until it is not needed."""
    unknown = set(algorithms) - set(settings.keys.algorithms)
    if unknown:
        raise Refused(f"{min(unknown)} is not among keys.algorithms: {', '.join(settings.keys.algorithms)}")
    provider = open_provider(settings)
    for key in key_rotation.rotate_keys(provider, algorithms or settings.keys.algorithms, at_once=at_once):
        when = "signs now" if at_once else f"is published now and signs from {_moment(key.active_from)}"
        click.echo(f"{key.kid} ({key.alg}) {when}")


@command.command("retire")
@click.argument("kid")
@with_settings
def retire_command(settings: Settings, kid: str) -> None:
    """Let a key sign no more; it stays published until the last token it signed has ended."""
    provider = open_provider(settings)
    try:
        key = key_rotation.retire_key(provider, kid)
    except Refusal as refusal:
        raise Refused(_WORDS[refusal.key].format(**refusal.details)) from None
    until = provider.clock() + key_rotation.schedule_of(provider).longest_life
    click.echo(f"{key.kid} ({key.alg}) signs no more; it stays published until {_moment(until)}")


@command.command("remove")
@click.argument("kid")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings
def remove_command(settings: Settings, kid: str, yes: bool) -> None:
    """Take a compromised key away at once: everything it signed is void."""
    if not yes:
        click.confirm(
            "ID tokens and JWT access tokens signed with this key are void at once, and sites that keep them will ask their"
            " customers to sign in again. Remove it?",
            abort=True,
        )
    try:
        replacement = key_rotation.remove_key(open_provider(settings), kid)
    except Refusal as refusal:
        raise Refused(_WORDS[refusal.key].format(**refusal.details)) from None
    click.echo(f"{kid} is removed")
    if replacement is not None:
        click.echo(f"{replacement.kid} ({replacement.alg}) signs in its place")


def _describe(row: dict[str, Any], now: int) -> str:
    if row["state"] == KeyState.PUBLISHED.value:
        return f"published, signs from {_moment(row['active_from'])}"
    if row["state"] == KeyState.SIGNING.value:
        return f"signing for {(now - row['active_from']) // 86400} days"
    return str(row["state"])


def _moment(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M UTC")
