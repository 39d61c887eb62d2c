"""`idp clients`: the registered sites and services; switch one off or on, give it a new secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from idp.accounts.clients import delete_client
from idp.accounts.site_desk import By, renew_secret, switch_site
from idp.accounts.site_recipes import NAMES, write_recipe
from idp.cli.common import Refused, json_option, open_provider, print_json, print_table, with_settings
from idp.cli.initial_tokens import initial_tokens
from idp.errors import Refusal
from idp.store import clients

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction


@click.group("clients")
def command() -> None:
    """Registered sites and services."""


@command.command("list")
@json_option
@with_settings
def list_command(settings: Settings, as_json: bool) -> None:
    """List the registered clients."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = clients.list_clients(tx)
    if as_json:
        print_json([describe(client) for client in found])
    else:
        print_table(
            ("client_id", "name", "policy", "redirect URIs"),
            [(c.client_id, c.name, _policy(c), " ".join(sorted(c.redirect_uris))) for c in found],
        )


@command.command("show")
@click.argument("client_id")
@with_settings
def show_command(settings: Settings, client_id: str) -> None:
    """Show one client as JSON."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        print_json(describe(_get(tx, client_id)))


@command.command("disable")
@click.argument("client_id")
@with_settings
def disable_command(settings: Settings, client_id: str) -> None:
    """Switch a client off: all its tokens end at once."""
    provider = open_provider(settings)
    with _telling(client_id):
        ended = switch_site(provider, By(), client_id, off=True)
    click.echo(f"{client_id} is disabled; {ended} sign-ins at it have ended")


@command.command("enable")
@click.argument("client_id")
@with_settings
def enable_command(settings: Settings, client_id: str) -> None:
    """Switch a client on again."""
    provider = open_provider(settings)
    with _telling(client_id):
        switch_site(provider, By(), client_id, off=False)
    click.echo(f"{client_id} is enabled")


@command.command("new-secret")
@click.argument("client_id")
@click.option(
    "--valid-for",
    default=0,
    show_default=True,
    type=click.IntRange(0, 3650),
    help="Days until the new one ends; 0: never.",
)
@click.option(
    "--overlap",
    default=0,
    show_default=True,
    type=click.IntRange(0, 30 * 86400),
    help="Seconds the old one still works.",
)
@with_settings
def new_secret_command(settings: Settings, client_id: str, overlap: int, valid_for: int) -> None:
    """Give a client a new secret and print it, this once."""
    provider = open_provider(settings)
    with _telling(client_id):
        secret = renew_secret(provider, By(), client_id, overlap=overlap, days=valid_for)
    click.echo(secret)


@command.command("delete")
@click.argument("client_id")
@with_settings
def delete_command(settings: Settings, client_id: str) -> None:
    """Delete a client with all that it held; `disable` first tells it of the sign-ins that end."""
    provider = open_provider(settings)
    with provider.database.transaction() as tx:
        if not delete_client(provider, tx, client_id, actor_kind="operator", now=provider.clock()):
            raise Refused(f"there is no client {client_id}; see: idp clients list")
    click.echo(f"{client_id} is deleted")


@command.command("connect")
@click.argument("client_id")
@click.argument("library", type=click.Choice(list(NAMES)))
@with_settings
def connect_command(settings: Settings, client_id: str, library: str) -> None:
    """Print ready-made configuration for a library, with this client's values."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        made = write_recipe(_get(tx, client_id), settings.server.issuer, library)
    for name, text in made.files.items():
        click.echo(f"# {name}\n\n{text}")
    for place, example in made.places.items():
        click.echo(f"to fill in: ${{{place}}}{f' ({example})' if example else ''}", err=True)
    for row in made.differences:
        registered = row.registered or "nothing"
        click.echo(f"does not fit: {row.name}: the files need {row.needed}; registered is {registered}", err=True)


command.add_command(initial_tokens)


@contextmanager
def _telling(client_id: str) -> Iterator[None]:
    """Refusals in the words of the terminal; and nothing is changed."""
    try:
        yield
    except Refusal as refusal:
        if refusal.key == "client_has_no_secret":
            raise Refused(f"{client_id} has no secret: it is registered with {refusal.details['method']}") from None
        raise Refused(
            f"there is no client {client_id}; see: idp clients list"
            if refusal.key == "client_unknown"
            else f"{client_id} is so already; nothing was changed"
        ) from None


def _get(tx: Transaction, client_id: str) -> RegisteredClient:
    client = clients.find_client(tx, client_id)
    if client is None:
        raise Refused(f"there is no client {client_id}; see: idp clients list")
    return client


def describe(client: RegisteredClient) -> dict[str, Any]:
    """A client for scripts: its registered metadata and our policies, no secret."""
    return {
        **client.details,
        "client_id": client.client_id,
        "require_approval": client.require_approval,
        "first_party": client.first_party,
        "pkce_exempt": client.pkce_exempt,
        "disabled": client.disabled,
        "resources": list(client.resources),
        "may_introspect": sorted(client.may_introspect),
    }


def _policy(client: RegisteredClient) -> str:
    words = [
        "disabled" if client.disabled else "",
        "approved customers only" if client.require_approval else "everybody",
        "no consent page" if client.first_party else "",
        "NO PKCE" if client.pkce_exempt else "",
        "introspects" if client.may_introspect else "",
        "registered itself" if client.registration_hash else "",
    ]
    return ", ".join(word for word in words if word)
