"""What the commands share: the `--config` and `--json` options, refusals, the provider behind them."""

from __future__ import annotations

import functools
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from idp.config import load_settings
from idp.errors import ConfigError
from idp.store import accounts

if TYPE_CHECKING:
    from rich.progress import Progress

    from idp.config import Settings
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction


class Refused(click.ClickException):
    """The command was understood and cannot be done: exit 1, and the words say why."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        """Print the reason plainly."""
        click.echo(self.format_message(), err=True)


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its `--config` option and checked settings as the argument `settings`."""

    @click.option("--config", "config_here", type=click.Path(path_type=Path), help="The settings file (or IDP_CONFIG).")
    @click.pass_context
    @functools.wraps(function)
    def wrapped(ctx: click.Context, /, config_here: Path | None, **values: Any) -> None:
        path = config_here or (ctx.obj or {}).get("config")
        try:
            settings = load_settings(path)
        except ConfigError as error:
            raise Refused(str(error)) from None
        try:
            function(settings=settings, **values)
        except ConfigError as error:
            # Found while the parts were put together, where the file is not known.
            names_key = str(error).partition(".")[0] in type(settings).model_fields
            raise Refused(f"{settings.source}: {error}" if names_key else str(error)) from None
        except Exception as error:
            from idp.store.database import is_away

            if not is_away(error):
                raise
            reason = str(getattr(error, "orig", error.__cause__) or error).partition("\n")[0]
            raise Refused(f"{settings.source}: database.url: the database cannot be reached: {reason}") from None

    return cast("Callable[..., None]", wrapped)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer with JSON for scripts.")


def open_provider(settings: Settings) -> Provider:
    """The provider that a short command acts on; it starts no worker."""
    from idp import create_app

    return cast("Provider", create_app(settings).extensions["idp"])


def get_account(tx: Transaction, text: str) -> Account:
    """The account that an operator names, by e-mail address, user name or id; closed ones too. Raises `Refused`."""
    found = accounts.find_by_identifier(tx, text) or accounts.find_account(tx, text)
    if found is None:
        raise Refused(f"there is no account {text}; find it with: idp accounts list --search TEXT")
    return found


def get_anybody(provider: Provider, text: str) -> Account:
    """The same outside a transaction."""
    with provider.database.reading() as tx:
        return get_account(tx, text)


def operator() -> str:
    """Who sits at the terminal, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def print_json(value: Any) -> None:
    """Print a value for scripts."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; one line each."""
    widths = [max(len(line[index]) for line in (titles, *rows)) for index in range(len(titles))]
    for line in (titles, *rows):
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def stamp(instant: int | None) -> str:
    """An instant in UTC with offset, as logs have it (LG-5)."""
    return datetime.fromtimestamp(instant, UTC).isoformat(sep=" ", timespec="minutes") if instant else ""


def progress() -> Progress:
    """A progress bar on the error output, so that what scripts read stays clean; nothing moves where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))
