"""Reading the audit trail: page by page, or whole as a file; that somebody read it is a line of it (LG-3)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from idp.store import audit

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.audit import ActorKind, Event, TrailFilter

PAGE = 50
_BATCH = 1000
_COLUMNS = (
    "event_id",
    "at",
    "act",
    "actor_kind",
    "actor",
    "actor_name",
    "account_id",
    "registration_id",
    "client_id",
    "reference",
    "address",
)


def read_trail(
    provider: Provider, wanted: TrailFilter, *, actor_kind: ActorKind, actor: str, before: int | None, address: str = ""
) -> list[Event]:
    """A page of the trail and one line more, newest first."""
    with provider.database.transaction() as tx:
        events = audit.page_events(tx, wanted, before=before, limit=PAGE + 1)
        audit.record(
            tx,
            "audit_read",
            now=provider.clock(),
            actor_kind=actor_kind,
            actor=actor,
            address=address,
            details={**wanted.details, "before": before},
        )
    return events


def export_trail(
    provider: Provider, wanted: TrailFilter, kind: str, *, actor_kind: ActorKind, actor: str, address: str = ""
) -> Iterator[str]:
    """The lines that fit as a file, in pieces, newest first; `kind` is a key of `EXPORTS`.

    It ends at the line that tells of the export; what is written meanwhile is not in it.
    """
    write = EXPORTS[kind]
    with provider.database.transaction() as tx:
        newest = audit.page_events(tx, limit=1)
        audit.record(
            tx,
            "audit_exported",
            now=provider.clock(),
            actor_kind=actor_kind,
            actor=actor,
            address=address,
            details={**wanted.details, "kind": kind},
        )
    before = newest[0].event_id + 1 if newest else 0
    return write(_pages(provider, wanted, before))


def _pages(provider: Provider, wanted: TrailFilter, before: int) -> Iterator[list[Event]]:
    while True:
        with provider.database.reading() as tx:
            events = audit.page_events(tx, wanted, before=before, limit=_BATCH)
        if not events:
            return
        yield events
        before = events[-1].event_id


def _write_csv(pages: Iterator[list[Event]]) -> Iterator[str]:
    yield _csv_lines([[*_COLUMNS, "details"]])
    for events in pages:
        yield _csv_lines(
            [[*(getattr(event, name) for name in _COLUMNS), json.dumps(dict(event.details))] for event in events]
        )


def _csv_lines(rows: list[list[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[harmless_cell(value) for value in row] for row in rows])
    return text.getvalue()


_FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")


def harmless_cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula is quoted, in full-width signs too (CWE-1236, IV-9)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _write_json_lines(pages: Iterator[list[Event]]) -> Iterator[str]:
    for events in pages:
        yield "".join(
            json.dumps({**{name: getattr(event, name) for name in _COLUMNS}, "details": dict(event.details)}) + "\n"
            for event in events
        )


EXPORTS: dict[str, Callable[[Iterator[list[Event]]], Iterator[str]]] = {"csv": _write_csv, "jsonl": _write_json_lines}
"""How a file of the trail is written, by the ending of its name."""
