"""The audit trail: what happened, to whom, by whom, written in the transaction of the act. Rows are only added.

Details hold words and identifiers, never secrets, hashes or tokens (AD-3).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from idp.store import audit_chain
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

ActorKind = Literal["customer", "staff", "rule", "client", "operator", "system"]
"""Who acted: the account's owner, a member of staff, an approval rule, a site, the command line, or we ourselves."""

_SELECT = (
    "SELECT e.*, a.given_name, a.family_name, a.user_name,"
    " s.given_name AS about_given, s.family_name AS about_family, s.user_name AS about_user FROM audit_events e"
    " LEFT JOIN accounts a ON e.actor_kind IN ('staff', 'customer') AND a.account_id = e.actor"
    " LEFT JOIN accounts s ON s.account_id = e.account_id"
)
_NEWEST_FIRST = " ORDER BY e.event_id DESC LIMIT :limit"
_OF_ACCOUNT = Statement(
    _SELECT + " WHERE e.account_id = :account_id OR e.registration_id = :registration_id" + _NEWEST_FIRST
)
_PAGE = Statement(
    _SELECT + " WHERE e.event_id < :before AND e.at >= :since AND e.at < :until AND (:act = '' OR e.act = :act)"
    " AND (:about = '' OR e.account_id = :about OR e.actor = :about OR e.registration_id = :about"
    "  OR e.client_id = :about OR e.reference = :about OR e.account_id IN"
    "  (SELECT account_id FROM accounts WHERE email_key = :key OR user_name_key = :key))" + _NEWEST_FIRST
)
_OWN = Statement(
    _SELECT + " WHERE e.account_id = :account_id AND e.at >= :since AND e.event_id < :before"
    " AND e.act IN (SELECT value FROM {texts(acts)} AS shown)" + _NEWEST_FIRST
)
_LAST = 2**62


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the trail; `actor_name` and `account_name` are the names of who acted and of whom it is about, as they are now."""

    event_id: int
    at: int
    act: str
    actor_kind: str
    actor: str
    actor_name: str
    account_id: str | None
    registration_id: str | None
    client_id: str | None
    reference: str | None
    address: str
    details: Mapping[str, Any]
    account_name: str = ""


def record(
    tx: Transaction,
    act: str,
    *,
    now: int,
    actor_kind: ActorKind = "system",
    actor: str = "",
    account_id: str | None = None,
    registration_id: str | None = None,
    client_id: str | None = None,
    reference: str | None = None,
    address: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add a line in the transaction of the act; it is numbered, chained and written as the last thing before the commit.

    `act` is a word such as `approval_changed`; `actor` the account id, rule key or client id that belongs to `actor_kind`;
    `account_id` whom it concerns; `address` where the request came from.
    """
    lines = tx.audit_lines
    lines.append(
        {
            "at": now,
            "act": act,
            "actor_kind": actor_kind,
            "actor": actor[:255],
            "account_id": account_id,
            "registration_id": registration_id,
            "client_id": client_id,
            "reference": reference,
            "address": address[:64],
            "details": json.dumps(dict(details or {}), ensure_ascii=True, separators=(",", ":")),
        }
    )
    tx.before_commit("audit", lambda: audit_chain.append(tx, lines))


def list_events(tx: Transaction, account_id: str, registration_id: str | None = None, limit: int = 100) -> list[Event]:
    """What concerns an account or its registration, newest first."""
    rows = tx.all(_OF_ACCOUNT, account_id=account_id, registration_id=registration_id, limit=limit)
    return _parse(rows)


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which lines: of one act, about or by one (identifier, site, reference, e-mail address or user name), and when.

    `since` is part of the time, `until` is not.
    """

    act: str = ""
    about: str = ""
    since: int = 0
    until: int = _LAST

    @property
    def details(self) -> dict[str, Any]:
        """What is set, for the line that says what somebody read."""
        values = {"act": self.act, "about": self.about, "since": self.since, "until": self.until % _LAST}
        return {name: value for name, value in values.items() if value}


def page_own_events(
    tx: Transaction, account_id: str, acts: Sequence[str], *, since: int, before: int | None = None, limit: int
) -> list[Event]:
    """What happened at an account since an instant, of these acts, newest first, from just below the event `before`."""
    rows = tx.all(
        _OWN,
        account_id=account_id,
        acts=json.dumps(list(acts)),
        since=since,
        before=_LAST if before is None else before,
        limit=limit,
    )
    return _parse(rows)


def page_events(
    tx: Transaction, wanted: TrailFilter | None = None, *, before: int | None = None, limit: int = 50
) -> list[Event]:
    """The trail, newest first, from just below the event `before`."""
    wanted = wanted or TrailFilter()
    rows = tx.all(
        _PAGE,
        before=_LAST if before is None else before,
        act=wanted.act,
        about=wanted.about,
        key=wanted.about.casefold(),
        since=wanted.since,
        until=wanted.until,
        limit=limit,
    )
    return _parse(rows)


def _parse(rows: Sequence[Row]) -> list[Event]:
    computed = ("actor_name", "account_name", "details")
    return [
        Event(
            **{name: row[name] for name in Event.__slots__ if name not in computed},
            actor_name=f"{row['given_name'] or ''} {row['family_name'] or ''}".strip() or row["user_name"] or "",
            account_name=f"{row['about_given'] or ''} {row['about_family'] or ''}".strip() or row["about_user"] or "",
            details=json.loads(row["details"]),
        )
        for row in rows
    ]
