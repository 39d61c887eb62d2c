"""`idp restore`: put a copy of the database back, and let nothing that was used since be used again (RL-8)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from idp.accounts import restoring
from idp.cli.common import Refused, open_provider, operator, with_settings
from idp.cli.serve import only_server
from idp.store import audit_chain, backup

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.config import Settings
    from idp.provider import Provider

_AFTERWARDS = """\
Look after what is again as it was when the copy was made:
- accounts that were closed, suspended or rejected since: idp audit export of the lost database, if there is one
- signing keys that were removed since sign again: idp keys list, then idp keys rotate --now and idp keys remove KID
- passwords and secrets of sites that were changed since: the earlier ones work again
- what signed a site in is accepted again for up to ten minutes: start the provider no sooner than that after it stopped"""


@click.command("restore")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--already-back", is_flag=True, help="The database's own tools have put it back; do only the rest.")
@with_settings
def command(settings: Settings, file: Path | None, already_back: bool) -> None:
    """Put FILE, which `idp backup` made, back into an empty place, and end everything that was open in it.

    All sessions, tokens, codes, links in mails and temporary passwords end: those used since the copy would otherwise
    work a second time. Stop the provider first. Nothing is written over a database that is there.
    """
    if (file is None) != already_back:
        raise click.UsageError("give either FILE or --already-back")
    with only_server(settings):
        if file is None:
            _finish(open_provider(settings))
        elif settings.database.is_sqlite:
            _restore_sqlite(settings, file)
        else:
            _restore_postgresql(settings, file)


def _restore_sqlite(settings: Settings, file: Path) -> None:
    """Finish the copy under another name: the provider finds it only when nothing in it is open."""
    path = Path(settings.database.url.removeprefix("sqlite:///")).resolve()
    journal = path.with_name(path.name + "-wal")
    for there in (path, journal):
        if there.exists() and there.stat().st_size:
            raise Refused(f"{there} is there already; move it away, with {journal.name}. Nothing was changed")
    beside = path.with_name(path.name + ".restoring")
    for end in ("", "-wal", "-shm"):
        beside.with_name(beside.name + end).unlink(missing_ok=True)
    _try(lambda: backup.copy_sqlite(file, beside))
    database = settings.database.model_copy(update={"url": f"sqlite:///{beside}"})
    provider = open_provider(settings.model_copy(update={"database": database}))
    _finish(provider)
    provider.database.engine.dispose()
    beside.replace(path)


def _restore_postgresql(settings: Settings, file: Path) -> None:
    url = settings.database.url
    if backup.has_tables(url):
        raise Refused("database.url: this database is not empty; make a new one (createdb). Nothing was changed")
    _try(lambda: backup.restore_postgresql(url, file))
    _finish(open_provider(settings))


def _try(step: Callable[[], None]) -> None:
    try:
        step()
    except backup.BackupFailed as error:
        raise Refused(f"{error}. Nothing was changed") from None


def _finish(provider: Provider) -> None:
    done = restoring.finish_restoring(provider, operator())
    fault = audit_chain.verify(provider.database).fault
    for kind, number in done.ended.items():
        click.echo(f"{kind.replace('_', ' ')} ended: {number}")
    if done.waiting:
        click.echo(f"mails and signals that wait and may have been sent before: {done.waiting}")
    click.echo(_AFTERWARDS)
    if fault:
        click.echo(f"The audit trail is not whole at line {fault.event_id}; see: idp audit verify", err=True)
    else:
        click.echo("The audit trail is whole.")
