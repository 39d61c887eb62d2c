"""`idp accounts import FILE` and `idp accounts old-portal`: bring customers of the old portal over, and see who has come."""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idp.accounts import old_import, people_search
from idp.accounts.audit_trail import harmless_cell
from idp.accounts.old_import import OldCustomer
from idp.accounts.old_passwords import read_old_hash
from idp.accounts.old_portal import report_progress
from idp.cli.common import Refused, json_option, open_provider, print_json, print_table, progress, with_settings
from idp.cli.old_rows import BadRow, UnreadableFile, digest_of, parse_row, read_rows
from idp.errors import Refusal

if TYPE_CHECKING:
    from rich.progress import Progress

    from idp.config import Settings
    from idp.provider import Provider

KINDS = {
    "missing": "row id or e-mail address missing",
    "bad_value": "a value that cannot be right",
    "bad_serial": "a serial number that cannot be right",
    "bad_hash": "a password hash that is not known, not whole or too dear to compute",
    "row_twice": "the row id stands in the file before",
    "email_twice": "the e-mail address stands in the file before",
    "user_name_twice": "the user name stands in the file before",
    "email_taken": "the e-mail address has an account here",
    "user_name_taken": "the user name belongs to an account here",
}


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not imported, and why."""

    number: int
    row_id: str
    email: str
    kind: str
    words: str


@dataclass(slots=True)
class Report:
    """What a look at the whole file found."""

    rows: int = 0
    importable: int = 0
    already: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    weak: int = 0
    missing: Counter[str] = field(default_factory=Counter)

    def refuse(self, number: int, row_id: str, email: str, kind: str, words: str = "") -> None:
        """Note a row that is not imported."""
        self.refused.append(RefusedRow(number, row_id, email, kind, words or KINDS[kind]))

    def count(self, customer: OldCustomer) -> None:
        """Count a row that can be imported."""
        self.importable += 1
        old = read_old_hash(customer.password_hash) if customer.password_hash else None
        self.formats[old.format if old else "none"] += 1
        self.weak += bool(old and old.is_weak)
        self.missing.update(customer.missing)

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "rows": self.rows,
            "importable": self.importable,
            "already": self.already,
            "refused": dict(sorted(Counter(row.kind for row in self.refused).items())),
            "formats": dict(sorted(self.formats.items())),
            "weak": self.weak,
            "missing": dict(sorted(self.missing.items())),
        }


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show the report, import nothing.")
@click.option(
    "--source",
    default="old-portal",
    show_default=True,
    metavar="NAME",
    help="Which portal the row ids are of; a row id is imported once.",
)
@click.option(
    "--result",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the refused rows are listed; FILE.refused.csv by default.",
)
@json_option
@with_settings
def import_command(
    settings: Settings, file: Path, dry_run: bool, source: str, result: Path | None, as_json: bool
) -> None:
    """Import customers of an old portal from FILE, CSV or JSON lines (docs/old-portal.md).

    First the whole file is looked at and every collision is reported. An import that was stopped goes on where it stopped
    when it is called again. Exit 0: every row is here; 1: some were refused; 2: the file cannot be read.
    """
    if not source or len(source) > 32 or not source.isprintable():
        raise click.BadParameter("must have 1 to 32 characters", param_hint="--source")
    provider = open_provider(settings)
    refusals = result or file.with_name(file.name + ".refused.csv")
    try:
        with progress() as bar:
            report = look_at(provider, source, file, bar)
            if not as_json:
                bar.stop()
                print_report(report)
                bar.start()
            imported = 0 if dry_run else run_import(provider, source, file, report, bar)
        _write_refused(refusals, report)
    except UnreadableFile as fault:
        raise click.UsageError(str(fault)) from None
    except Refusal:
        raise Refused("the same source is being imported elsewhere at this moment; this import stopped") from None
    except OSError as fault:
        raise Refused(f"{refusals}: cannot be written: {fault.strerror}") from None
    if as_json:
        print_json({"dry_run": dry_run, "imported": imported, **report.as_json(), "result": str(refusals)})
    else:
        click.echo("nothing was imported (--dry-run)" if dry_run else f"{imported} imported")
        if report.refused:
            click.echo(f"{len(report.refused)} refused rows, each with its reason: {refusals}")
    if report.refused:
        sys.exit(1)


@click.command("old-portal")
@json_option
@with_settings
def progress_command(settings: Settings, as_json: bool) -> None:
    """How far the imported customers have come over, per hash format and by week."""
    found = report_progress(open_provider(settings))
    end = settings.old_portal.weak_hashes_end
    if as_json:
        print_json(
            {
                "imported": found.imported,
                "moved": found.moved,
                "waiting": found.waiting,
                "incomplete": found.incomplete,
                "weak_kept": found.weak_kept,
                "weak_hashes_end": end.isoformat() if end else None,
                "formats": [
                    {"format": f.hash_format, "weak": f.is_weak, "imported": f.imported, "moved": f.moved}
                    for f in found.formats
                ],
                "ways": dict(found.ways),
                "weeks": {_day(week): count for week, count in found.weeks},
                "sources": {source: count for source, count, _ in found.sources},
            }
        )
        return
    click.echo(f"{found.imported:>8}  imported")
    click.echo(f"{found.moved:>8}  moved, {found.incomplete} of them with an incomplete profile")
    click.echo(f"{found.waiting:>8}  still waiting")
    click.echo(
        f"{found.weak_kept:>8}  weak hashes still kept; their end: {end or 'not set (old_portal.weak_hashes_end)'}"
    )
    if found.formats:
        click.echo("")
        print_table(
            ("format", "weak", "imported", "moved", "waiting"),
            [
                (f.hash_format, "weak" if f.is_weak else "", str(f.imported), str(f.moved), str(f.waiting))
                for f in found.formats
            ],
        )
    if found.weeks:
        click.echo("")
        print_table(("week from", "moved"), [(_day(week), str(count)) for week, count in found.weeks])


def _day(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).date().isoformat()


def look_at(provider: Provider, source: str, file: Path, bar: Progress) -> Report:
    """Read the whole file and find everything that keeps rows from being imported."""
    report = Report()
    task = bar.add_task("looking", total=None)
    seen: dict[str, set[str]] = {"row": set(), "email": set(), "user_name": set()}
    batch: list[tuple[int, OldCustomer]] = []
    for number, row in enumerate(read_rows(file), 1):
        report.rows = number
        customer = _read(row, number, report)
        if customer is not None and _is_first(customer, number, seen, report):
            batch.append((number, customer))
        if len(batch) == old_import.BATCH:
            _compare(provider, source, batch, report)
            batch = []
        if number % old_import.BATCH == 0:
            bar.update(task, completed=number)
    _compare(provider, source, batch, report)
    report.refused.sort(key=lambda refused: refused.number)
    bar.update(task, total=report.rows, completed=report.rows)
    return report


def run_import(provider: Provider, source: str, file: Path, report: Report, bar: Progress) -> int:
    """Import in batches what the look found importable, going on where an import of the same file stopped."""
    digest, skip = digest_of(file), {refused.number for refused in report.refused}
    before = old_import.begin_import(provider, source, digest)
    task = bar.add_task("importing", total=report.rows, completed=before)
    imported = 0
    for after, numbered in _batches(file, before, skip):
        done = old_import.import_batch(provider, source, digest, list(numbered.values()), before=before, after=after)
        imported += done.imported
        rows = {customer.row_id: (number, customer) for number, customer in numbered.items()}
        for row_id, kind in done.refused.items():
            number, customer = rows[row_id]
            report.refuse(number, row_id, customer.email, kind)
        bar.update(task, completed=after)
        before = after
    words = bar.add_task("words for the search", total=None)
    people_search.read_changed_words(provider)
    bar.update(words, total=1, completed=1)
    old_import.finish_import(provider, source)
    return imported


def _batches(file: Path, done: int, skip: set[int]) -> Iterator[tuple[int, dict[int, OldCustomer]]]:
    """The customers of each batch behind the rows that are done, by row number, and the last row of the batch."""
    batch: dict[int, OldCustomer] = {}
    number = done
    for number, row in enumerate(read_rows(file), 1):
        if number <= done:
            continue
        if number not in skip and not isinstance(row, BadRow):
            batch[number] = parse_row(row)
        if number % old_import.BATCH == 0:
            yield number, batch
            batch = {}
    if batch or number % old_import.BATCH:
        yield number, batch


def _read(row: Any, number: int, report: Report) -> OldCustomer | None:
    try:
        if isinstance(row, BadRow):
            raise row
        return parse_row(row)
    except BadRow as bad:
        email = row.get("email", "") if isinstance(row, dict) else ""
        report.refuse(number, bad.row_id, email if isinstance(email, str) else "", bad.kind, str(bad))
        return None


def _is_first(customer: OldCustomer, number: int, seen: dict[str, set[str]], report: Report) -> bool:
    """Whether no row before it has the same row id, e-mail address or user name."""
    keys = {"row": customer.row_id, "email": customer.email_key, "user_name": customer.user_name_key}
    for name, key in keys.items():
        if key and key in seen[name]:
            report.refuse(number, customer.row_id, customer.email, f"{name}_twice")
            return False
    for name, key in keys.items():
        seen[name].add(key)
    return True


def _compare(provider: Provider, source: str, batch: list[tuple[int, OldCustomer]], report: Report) -> None:
    known, collisions = old_import.find_collisions(provider, source, [customer for _, customer in batch])
    for number, customer in batch:
        if customer.row_id in known:
            report.already += 1
        elif customer.row_id in collisions:
            report.refuse(number, customer.row_id, customer.email, collisions[customer.row_id])
        else:
            report.count(customer)


def print_report(report: Report) -> None:
    """The report for people."""
    click.echo(f"{report.rows:>8}  rows in the file")
    click.echo(f"{report.importable:>8}  can be imported")
    click.echo(f"{report.already:>8}  are here already")
    click.echo(f"{len(report.refused):>8}  are refused")
    for kind, count in Counter(row.kind for row in report.refused).most_common():
        click.echo(f"{'':>8}  {count:>8}  {KINDS[kind]}")
    for name, count in sorted(report.formats.items()):
        click.echo(f"{count:>8}  {'without a password' if name == 'none' else 'passwords in ' + name}")
    if report.weak:
        click.echo(f"{report.weak:>8}  of these hashes are weak (old_portal.weak_hashes_end)")
    for name, count in report.missing.most_common():
        click.echo(f"{count:>8}  will be asked for {name}")


def _write_refused(path: Path, report: Report) -> None:
    """The refused rows, readable by their owner only: they hold addresses."""
    report.refused.sort(key=lambda refused: refused.number)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "row_id", "email", "kind", "reason"))
        for row in report.refused:
            writer.writerow(map(harmless_cell, (row.number, row.row_id, row.email, row.kind, row.words)))
