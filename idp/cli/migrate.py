"""`idp migrate`: bring the database to the newest schema and make what is missing (master key, signing keys)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from idp.cli.common import open_provider, with_settings
from idp.store import schema

if TYPE_CHECKING:
    from idp.config import Settings


@click.command("migrate")
@with_settings
def command(settings: Settings) -> None:
    """Bring the database to the newest schema; safe to run again."""
    provider = open_provider(settings)
    provider.database.engine.dispose()
    click.echo(f"The database is at revision {schema.newest_revision()}.")
