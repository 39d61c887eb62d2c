"""`idp clients initial-token`: what lets developers register their sites themselves (RFC 7591 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from idp.cli.common import Refused, json_option, open_provider, print_json, print_table, stamp, with_settings
from idp.keys.secrets import new_secret
from idp.store import audit, client_registration

if TYPE_CHECKING:
    from idp.config import Settings

DAY = 86400


@click.group("initial-token")
def initial_tokens() -> None:
    """Initial access tokens, with which sites register themselves."""


@initial_tokens.command("new")
@click.argument("label")
@click.option("--uses", default=1, show_default=True, type=click.IntRange(0, 100_000), help="Sites; 0: any number.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(0, 3650), help="Valid so long; 0: for ever.")
@with_settings
def new_command(settings: Settings, label: str, uses: int, days: int) -> None:
    """Make a token and print it, this once; LABEL says whom it is for."""
    if not label.strip() or not label.isprintable() or len(label) > 100:
        raise click.BadParameter("must be a text on one line of at most 100 characters", param_hint="LABEL")
    provider = open_provider(settings)
    now, token = provider.clock(), new_secret()
    with provider.database.transaction() as tx:
        if any(known.label == label for known in client_registration.list_initial_tokens(tx)):
            raise Refused(f"there is one labelled {label} already; revoke it, or take another label")
        expires_at = now + days * DAY if days else None
        client_registration.add_initial_token(tx, token, label, uses=uses or None, expires_at=expires_at, now=now)
        audit.record(tx, "initial_token_made", now=now, actor_kind="operator", details={"initial_token": label})
    if settings.clients.registration == "closed":
        click.echo('registration is closed; set clients.registration = "token" to let it be used', err=True)
    click.echo(token)


@initial_tokens.command("list")
@json_option
@with_settings
def list_command(settings: Settings, as_json: bool) -> None:
    """List the tokens by their labels."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = client_registration.list_initial_tokens(tx)
    if as_json:
        names = ("label", "uses_left", "created_at", "expires_at")
        print_json([{name: getattr(token, name) for name in names} for token in found])
    else:
        rows = [(t.label, "any" if t.uses_left is None else str(t.uses_left), stamp(t.expires_at)) for t in found]
        print_table(("label", "uses left", "ends"), rows)


@initial_tokens.command("revoke")
@click.argument("label")
@with_settings
def revoke_command(settings: Settings, label: str) -> None:
    """Revoke a token; sites that registered with it stay."""
    provider = open_provider(settings)
    now = provider.clock()
    with provider.database.transaction() as tx:
        if not client_registration.revoke_initial_tokens(tx, label):
            raise Refused(f"there is none labelled {label}; see: idp clients initial-token list")
        audit.record(tx, "initial_token_revoked", now=now, actor_kind="operator", details={"initial_token": label})
    click.echo(f"{label} is revoked")
