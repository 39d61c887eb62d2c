"""`idp backup`: copy the whole database to a file, while the provider runs (RL-8)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from idp.accounts import restoring
from idp.cli.common import Refused, open_provider, operator, with_settings
from idp.store import audit_chain, backup
from idp.store.database import sqlite_path

if TYPE_CHECKING:
    from idp.config import Settings


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_settings
def command(settings: Settings, file: Path) -> None:
    """Copy the database to FILE, which must not exist; the provider may run meanwhile.

    The keys in [keys] directory are not in it. Keep a copy of them in another place: without the master key the copy
    cannot be used, and whoever has both can read everything.
    """
    if file.exists():
        raise Refused(f"{file} is there already; nothing was written")
    provider = open_provider(settings)
    restoring.note_backup(provider, operator())
    try:
        if settings.database.is_sqlite:
            backup.copy_sqlite(sqlite_path(settings.database.url), file)
        else:
            backup.dump_postgresql(settings.database.url, file)
    except backup.BackupFailed as error:
        raise Refused(f"{error}; nothing was written") from None
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}") from None
    click.echo(
        f"{file} holds the whole database ({file.stat().st_size:,} bytes). Not in it: the keys in [keys] directory"
    )
    head = audit_chain.verify(provider.database).head
    if head:
        click.echo(f"mark: {head.mark}")
