"""The audit trail: filtered, page by page, and as a file; reading it is a line of it (LG-1, LG-3)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Blueprint, Response, abort, request, url_for

from idp.accounts import audit_trail
from idp.i18n import end_of_day, start_of_day
from idp.policy.staff import Permission
from idp.store.audit import TrailFilter
from idp.web.browser_session import client_address
from idp.web.context import provider
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import read_choice, read_number, read_search
from idp.web.staff.words import EVENTS, options

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

blueprint = Blueprint("staff_trail", __name__, url_prefix="/staff/audit")

_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


@blueprint.get("")
@permitted(Permission.READ_AUDIT)
def trail() -> Response:
    """The trail, newest first."""
    before, args = read_number("before"), _args()
    events = audit_trail.read_trail(
        provider(), _filter(), actor_kind="staff", actor=member().account_id, before=before, address=client_address()
    )
    shown = events[: audit_trail.PAGE]
    has_more = len(events) > audit_trail.PAGE
    return render(
        "staff/audit.html",
        now=provider().clock(),
        events=shown,
        act_options=options(EVENTS),
        args=args,
        exports={kind: url_for("staff_trail.export", kind=kind, **args) for kind in audit_trail.EXPORTS},
        first_url=url_for("staff_trail.trail", **args) if before else None,
        next_url=url_for("staff_trail.trail", **args, before=shown[-1].event_id) if has_more else None,
    )


@blueprint.get("/export/<kind>")
@permitted(Permission.READ_AUDIT)
def export(kind: str) -> Response:
    """All lines that fit, as a file."""
    if kind not in audit_trail.EXPORTS:
        abort(404)
    pieces = audit_trail.export_trail(
        provider(), _filter(), kind, actor_kind="staff", actor=member().account_id, address=client_address()
    )
    day = datetime.fromtimestamp(provider().clock(), UTC).date().isoformat()
    answer = Response(pieces, content_type=_TYPES[kind])
    answer.headers["Content-Disposition"] = f'attachment; filename="audit-{day}.{kind}"'
    return answer


def _args() -> dict[str, Any]:
    """What the address says, with what cannot be left out."""
    values: dict[str, Any] = {
        "act": read_choice("act", tuple(EVENTS)),
        "about": read_search("about"),
        "since": _read_day("since", lambda day: day.isoformat()),
        "until": _read_day("until", lambda day: day.isoformat()),
    }
    return {name: value for name, value in values.items() if value}


def _filter() -> TrailFilter:
    args = _args()
    since, until = _read_day("since", start_of_day), _read_day("until", end_of_day)
    bounds = {name: value for name, value in (("since", since), ("until", until)) if value is not None}
    return TrailFilter(act=args.get("act", ""), about=args.get("about", ""), **bounds)


def _read_day(name: str, use: Callable[[date], T]) -> T | None:
    """A day as date fields send it; nothing where it is none."""
    try:
        return use(date.fromisoformat(request.args.get(name, "")))
    except (ValueError, OverflowError):
        return None
