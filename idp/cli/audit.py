"""`idp audit`: read the trail, export it, and check that nobody has changed it (LG-1)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idp.accounts import audit_trail
from idp.cli.common import Refused, json_option, open_provider, print_json, print_table, stamp, with_settings
from idp.store import audit_chain
from idp.store.audit import TrailFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.config import Settings

_FAULTS = {
    "changed": "line {line} was changed or reordered, or the line before it was",
    "missing": "lines before line {line} are missing",
    "not chained": "line {line} was put in from outside",
    "cut": "the trail was cut off after line {line}",
    "head": "the row that says where the trail ends was changed; the lines up to {line} are whole",
    "not expected": "the expected line is not in the trail, which is whole up to line {line}: it may be an older copy",
}


@click.group()
def command() -> None:
    """The audit trail: list, export, verify."""


def _filters(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Up to this day, UTC."),
        click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on, UTC."),
        click.option("--about", default="", help="E-mail address, user name, site, reference or identifier."),
        click.option("--act", default="", help="One kind of line, such as approval_changed."),
    ):
        function = option(function)
    return function


@command.command("list")
@_filters
@click.option("--before", type=int, help="Continue below this line.")
@json_option
@with_settings
def list_command(settings: Settings, before: int | None, as_json: bool, **wanted: Any) -> None:
    """List the newest lines that fit."""
    provider = open_provider(settings)
    events = audit_trail.read_trail(provider, _filter(**wanted), actor_kind="operator", actor="", before=before)
    shown = events[: audit_trail.PAGE]
    if as_json:
        print_json([{name: getattr(event, name) for name in event.__slots__} for event in shown])
        return
    rows = [
        (
            str(e.event_id),
            stamp(e.at),
            e.act,
            e.actor_name or e.actor or e.actor_kind,
            e.account_id or e.client_id or "",
        )
        for e in shown
    ]
    print_table(("line", "when", "what", "who", "about"), rows)
    if len(events) > audit_trail.PAGE:
        click.echo(f"more: --before {shown[-1].event_id}", err=True)


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--format", "kind", type=click.Choice(list(audit_trail.EXPORTS)), default="jsonl", show_default=True)
@_filters
@with_settings
def export_command(settings: Settings, file: Path, kind: str, **wanted: Any) -> None:
    """Write the lines that fit to FILE (- for the terminal), newest first."""
    provider = open_provider(settings)
    pieces = audit_trail.export_trail(provider, _filter(**wanted), kind, actor_kind="operator", actor="")
    if str(file) == "-":
        sys.stdout.writelines(pieces)
        return
    try:
        with file.open("x", encoding="utf-8", newline="") as target:
            target.writelines(pieces)
    except FileExistsError:
        raise Refused(f"{file} is there already; nothing was written") from None
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}") from None


@command.command("verify")
@click.option(
    "--expect", default="", metavar="MARK", help="A mark that `verify` printed earlier and that was kept elsewhere."
)
@json_option
@with_settings
def verify_command(settings: Settings, expect: str, as_json: bool) -> None:
    """Check the whole chain; name the first bad line.

    It ends with a mark of the newest line. Keep it outside the database: whoever puts back an older copy of the whole
    database is found by giving it to --expect.
    """
    line, _, digest = expect.partition(":")
    if expect and not (line.isdecimal() and len(digest) == 64):
        raise click.BadParameter("a mark looks like 4711:5f3c…, as `idp audit verify` prints it", param_hint="--expect")
    verdict = audit_chain.verify(open_provider(settings).database, expected=expect)
    fault = verdict.fault
    words = _FAULTS[fault.kind].format(line=fault.event_id) if fault else ""
    mark = verdict.head.mark if verdict.head else ""
    if as_json:
        print_json(
            {
                "whole": fault is None,
                "lines": verdict.lines,
                "blank": verdict.blank,
                "mark": mark,
                "fault": {"kind": fault.kind, "line": fault.event_id, "words": words} if fault else None,
            }
        )
        if fault:
            sys.exit(1)
        return
    if fault:
        raise Refused(f"the audit trail is not whole: {words}")
    click.echo(f"the audit trail is whole: {verdict.lines} lines, {verdict.blank} of them of erased accounts")
    click.echo(f"mark: {mark}")


def _filter(act: str, about: str, since: datetime | None, until: datetime | None) -> TrailFilter:
    bounds = {}
    if since:
        bounds["since"] = int(since.replace(tzinfo=UTC).timestamp())
    if until:
        bounds["until"] = int(until.replace(tzinfo=UTC).timestamp()) + 86400
    return TrailFilter(act=act, about=about, **bounds)
