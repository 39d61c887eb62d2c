"""The `idp` command: serve, look after, and set up the provider from a terminal.

Each command is a module here, imported when it is called, so that `idp --help` is quick. All take `--config FILE` or
`IDP_CONFIG`; `--json` where a script would read the answer. Exit 0 done, 1 refused, 2 wrong use.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

COMMANDS = {
    "serve": "idp.cli.serve",
    "worker": "idp.cli.worker",
    "demo": "idp.cli.demo",
    "check": "idp.cli.check",
    "migrate": "idp.cli.migrate",
    "apply": "idp.cli.apply",
    "clients": "idp.cli.clients",
    "accounts": "idp.cli.accounts",
    "approvals": "idp.cli.approvals",
    "reasons": "idp.cli.reasons",
    "rules": "idp.cli.rules",
    "registrations": "idp.cli.registrations",
    "terms": "idp.cli.terms",
    "keys": "idp.cli.keys",
    "audit": "idp.cli.audit",
    "mail": "idp.cli.mail",
    "backup": "idp.cli.backup",
    "restore": "idp.cli.restore",
}


class Commands(click.Group):
    """The commands by name; module `idp.cli.x` has a click command called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the module of one command."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name]).command
        return command


@click.command(cls=Commands)
@click.option("--config", type=click.Path(path_type=Path), envvar="IDP_CONFIG", help="The settings file.")
@click.version_option(package_name="idp", prog_name="idp")
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """An OpenID Connect provider for a company's customer sites."""
    ctx.obj = {"config": config}


def run(arguments: list[str] | None = None) -> Any:
    """Run the command without leaving the process (for tests)."""
    return main(args=arguments, standalone_mode=False)
