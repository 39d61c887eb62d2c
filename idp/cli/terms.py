"""`idp terms`: the versions of the terms of use, which is in force, and how many accepted each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from idp.accounts.terms import find_changed_texts
from idp.cli.common import json_option, open_provider, print_json, print_table, with_settings
from idp.store.terms import count_acceptances

if TYPE_CHECKING:
    from idp.config import Settings


@click.group("terms")
def command() -> None:
    """The terms of use and their versions."""


@command.command("list")
@json_option
@with_settings
def list_command(settings: Settings, as_json: bool) -> None:
    """List the versions, newest first: languages, acceptances, and texts that were changed after somebody accepted them."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        counts = count_acceptances(tx)
    changed, in_force = find_changed_texts(provider), provider.terms.in_force(provider.clock())
    rows = [
        {
            "version": version,
            "in_force": version == in_force,
            "languages": sorted(provider.terms.versions.get(version, ())),
            "accepted": counts.get(version, 0),
            "changed": sorted({language for name, language in changed if name == version}),
        }
        for version in sorted({*provider.terms.versions, *counts}, reverse=True)
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("version", "", "languages", "accepted", "changed since"),
        [
            (
                str(row["version"]),
                "in force" if row["in_force"] else "",
                " ".join(provider.terms.versions.get(str(row["version"]), {})),
                str(row["accepted"]),
                " ".join(language for name, language in changed if name == row["version"]),
            )
            for row in rows
        ],
    )
