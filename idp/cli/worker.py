"""`idp worker`: deliver mails and signals in a process of its own, beside servers with `[server] worker = false`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from idp.cli.common import open_provider, print_json, with_settings
from idp.logs import configure_logging
from idp.signals.worker import Worker, drain_once

if TYPE_CHECKING:
    from idp.config import Settings


@click.command("worker")
@click.option("--once", is_flag=True, help="Deliver what is due, then end.")
@with_settings
def command(settings: Settings, once: bool) -> None:
    """Deliver mails and signals until SIGTERM or Ctrl-C."""
    configure_logging(settings.server.log_level)
    provider = open_provider(settings)
    if once:
        print_json({"tried": drain_once(provider)})
        return
    worker = Worker(provider)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: worker.ask_to_stop())
    worker.start()
    click.echo("Delivering mails and signals (Ctrl-C stops)")
    worker.wait()
    worker.stop()
