"""The queue of applications that wait for staff: pages by key, filters, counts, and who has which one open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from idp.store.approver_limits import NO_LIMITS, Limits
from idp.store.database import Statement
from idp.store.review_work import IS_ASSIGNED
from idp.store.search import EVERYBODY, Wanted

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

PENDING = (
    "a.approval_status = 'pending' AND a.access <> 'closed'"
    " AND NOT EXISTS (SELECT 1 FROM old_accounts o WHERE o.account_id = a.account_id AND o.completed_at IS NULL)"
)
"""Customers of the old portal wait for a decision only once they came over with a complete profile."""

_FILTERS = {
    "countries": " AND a.country IN {texts(countries)}",
    "families": " AND EXISTS (SELECT 1 FROM devices d WHERE d.account_id = a.account_id)"
    " AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.account_id = a.account_id"
    " AND SUBSTR(d.serial_number, 1, 2) NOT IN {texts(families)})",
    "country": " AND a.country = :country",
    "family": " AND EXISTS (SELECT 1 FROM devices d WHERE d.account_id = a.account_id"
    " AND SUBSTR(d.serial_number, 1, 2) = :family)",
    "nobody": " AND NOT " + IS_ASSIGNED.format(""),
    "assignee": " AND " + IS_ASSIGNED.format(" AND x.staff_id = :assignee"),
    "to_confirm": " AND EXISTS (SELECT 1 FROM proposals o WHERE o.kind = 'decision' AND o.account_id = a.account_id"
    " AND o.staff_id <> :to_confirm)",
    "late_before": " AND a.approval_updated_at < :late_before",
}
"""What narrows the queue, in this order; a statement has only what is asked for, so that the whole queue stays quick.

`countries` and `families` are the limits of an approver, as `policy.staff.is_within_limits` says.
"""

_FIELDS = (
    "SELECT a.account_id, a.given_name, a.family_name, a.email, a.company, a.country, a.approval_updated_at AS waiting_since,"
    " r.reference, r.client_id, (SELECT MAX(d.serial_number) FROM devices d WHERE d.account_id = a.account_id) AS serial_number"
)
_FROM = (
    " FROM accounts a LEFT JOIN registrations r ON r.registration_id = a.registration_id"
    " WHERE " + PENDING + "{filters}{people}"
)
_OLDEST_FIRST = (
    _FIELDS + _FROM + " AND (a.approval_updated_at > :at OR (a.approval_updated_at = :at AND a.account_id > :id))"
    " ORDER BY a.approval_updated_at, a.account_id LIMIT :limit"
)
_NEWEST_FIRST = (
    _FIELDS + _FROM + " AND (a.approval_updated_at < :at OR (a.approval_updated_at = :at AND a.account_id < :id))"
    " ORDER BY a.approval_updated_at DESC, a.account_id DESC LIMIT :limit"
)
_COUNT = "SELECT COUNT(*) AS count" + _FROM
_SUMMARY = (
    "SELECT COUNT(*) AS total, MIN(a.approval_updated_at) AS oldest,"
    " COALESCE(SUM(CASE WHEN a.approval_updated_at < :late THEN 1 ELSE 0 END), 0) AS late,"
    " COALESCE(SUM(CASE WHEN a.approval_updated_at < :soon THEN 1 ELSE 0 END), 0) AS soon"
    " FROM accounts a WHERE " + PENDING + "{filters}"
)
_PROPOSED = (
    "SELECT COUNT(*) AS count FROM proposals p CROSS JOIN accounts a WHERE a.account_id = p.account_id"
    " AND p.kind = 'decision' AND p.staff_id <> :staff_id AND " + PENDING + "{filters}"
)
_COUNTRIES = (
    "SELECT a.country AS value, COUNT(*) AS count FROM accounts a WHERE "
    + PENDING
    + "{filters} GROUP BY a.country ORDER BY a.country"
)
_FAMILIES = (
    "SELECT SUBSTR(d.serial_number, 1, 2) AS value, COUNT(DISTINCT d.account_id) AS count FROM devices d"
    " JOIN accounts a ON a.account_id = d.account_id WHERE "
    + PENDING
    + "{filters} GROUP BY SUBSTR(d.serial_number, 1, 2) ORDER BY 1"
)
_ASSIGNEES = (
    # CROSS JOIN: SQLite takes the tables in this order, and the assignments are few.
    "SELECT x.staff_id AS value, COUNT(*) AS count FROM review_assignments x CROSS JOIN accounts a"
    " CROSS JOIN accounts s WHERE a.account_id = x.account_id AND s.account_id = x.staff_id AND s.access = 'active'"
    " AND s.roles <> '' AND " + PENDING + "{filters} GROUP BY x.staff_id"
)
_DONE = Statement(
    "SELECT d.created_at - COALESCE((SELECT MAX(p.created_at) FROM approval_decisions p WHERE p.account_id = d.account_id"
    " AND p.decision_id < d.decision_id AND p.new_status = 'pending'), a.created_at) AS waited"
    " FROM approval_decisions d JOIN accounts a ON a.account_id = d.account_id"
    " WHERE d.old_status = 'pending' AND d.actor_kind = 'staff' AND d.created_at >= :since"
)
_LOOK = Statement(
    "INSERT INTO review_looks (account_id, staff_id, seen_at) VALUES (:account_id, :staff_id, :now)"
    " ON CONFLICT (account_id, staff_id) DO UPDATE SET seen_at = excluded.seen_at"
)
_LOOKS = Statement(
    "SELECT l.account_id, l.staff_id, l.seen_at, s.given_name, s.family_name, s.user_name FROM review_looks l"
    " JOIN accounts s ON s.account_id = l.staff_id WHERE l.seen_at > :since AND l.staff_id <> :staff_id"
    " ORDER BY l.seen_at DESC"
)
_FORGET_LOOKS = Statement("DELETE FROM review_looks WHERE account_id = :account_id OR seen_at < :before")

LOOK_SECONDS = 300
"""How long after opening an application somebody counts as being on it."""

NOBODY = "nobody"
"""Who has an application that nobody has."""

_FIRST, _LAST = (-1, ""), (2**62, "")


@dataclass(frozen=True, slots=True)
class Filter:
    """What the queue is narrowed to; everything empty is the whole queue. `late_before` is 0 where lateness does not matter.

    `assignee` is a member of staff, or `NOBODY`. `to_confirm`: who looks for what
    colleagues proposed. `limits` are those of whoever looks.
    """

    text: str = ""
    country: str = ""
    family: str = ""
    late_before: int = 0
    newest_first: bool = False
    assignee: str = ""
    to_confirm: str = ""
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Summary:
    """How many wait, since when the oldest, how many longer than promised, and how many of the others are due soon."""

    total: int
    oldest: int | None
    late: int
    soon: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the queue."""

    account_id: str
    given_name: str
    family_name: str
    email: str
    company: str
    country: str
    waiting_since: int
    reference: str | None
    client_id: str | None
    serial_number: str | None

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}".strip() or self.email

    @property
    def key(self) -> tuple[int, str]:
        """Where the next page goes on."""
        return self.waiting_since, self.account_id


@dataclass(frozen=True, slots=True)
class Look:
    """A colleague has an application open."""

    account_id: str
    staff_name: str
    seen_at: int


def page_queue(
    tx: Transaction, chosen: Filter, wanted: Wanted = EVERYBODY, *, after: tuple[int, str] | None, limit: int
) -> list[Waiting]:
    """Applications from just behind the key `after`; `wanted` is the filter's text, understood."""
    statement = _NEWEST_FIRST if chosen.newest_first else _OLDEST_FIRST
    at, account_id = after or (_LAST if chosen.newest_first else _FIRST)
    values = _values(chosen)
    narrowed = wanted.narrow(_spell(statement, values))
    rows = tx.all(narrowed, **values, **wanted.values, at=at, id=account_id, limit=limit)
    return [Waiting(**{name: row[name] for name in Waiting.__slots__}) for row in rows]


def count_queue(tx: Transaction, chosen: Filter, wanted: Wanted = EVERYBODY) -> int:
    """How many applications the filter leaves."""
    values = _values(chosen)
    row = tx.one(wanted.narrow(_spell(_COUNT, values)), **values, **wanted.values)
    return int(row["count"]) if row else 0


def summarize(tx: Transaction, limits: Limits, *, late: int, soon: int) -> Summary:
    """The whole queue of somebody with these limits: what has waited since before `late`, and since before `soon`."""
    row = _all(tx, _SUMMARY, limits, late=late, soon=soon)[0]
    return Summary(row["total"], row["oldest"], int(row["late"]), int(row["soon"]) - int(row["late"]))


def count_proposed(tx: Transaction, staff_id: str, limits: Limits) -> int:
    """How many applications wait for this member of staff to confirm what a colleague proposed."""
    return int(_all(tx, _PROPOSED, limits, staff_id=staff_id)[0]["count"])


def list_countries(tx: Transaction, limits: Limits = NO_LIMITS) -> list[tuple[str, int]]:
    """The countries in the queue with their numbers."""
    return [(row["value"], row["count"]) for row in _all(tx, _COUNTRIES, limits)]


def list_families(tx: Transaction, limits: Limits = NO_LIMITS) -> list[tuple[str, int]]:
    """The serial families in the queue with their numbers."""
    return [(row["value"], row["count"]) for row in _all(tx, _FAMILIES, limits)]


def count_by_assignee(tx: Transaction, limits: Limits) -> dict[str, int]:
    """How many waiting applications each member of staff has."""
    return {row["value"]: row["count"] for row in _all(tx, _ASSIGNEES, limits)}


def decided_since(tx: Transaction, since: int) -> list[int]:
    """How long each application had waited that staff decided since an instant."""
    return [row["waited"] for row in tx.all(_DONE, since=since)]


def note_look(tx: Transaction, account_id: str, staff_id: str, now: int) -> None:
    """Remember that somebody has this application open."""
    tx.run(_LOOK, account_id=account_id, staff_id=staff_id, now=now)


def list_looks(tx: Transaction, staff_id: str, now: int) -> Mapping[str, Look]:
    """What colleagues have open now, by account; the latest where there are several."""
    looks: dict[str, Look] = {}
    for row in tx.all(_LOOKS, since=now - LOOK_SECONDS, staff_id=staff_id):
        looks.setdefault(row["account_id"], Look(row["account_id"], _name(row), row["seen_at"]))
    return looks


def forget_looks(tx: Transaction, account_id: str, now: int) -> None:
    """The application is decided: nobody is on it any more; old looks go as well."""
    tx.run(_FORGET_LOOKS, account_id=account_id, before=now - LOOK_SECONDS)


def _values(chosen: Filter) -> dict[str, str | int]:
    """What narrows this queue, by the keys of `_FILTERS`; what does not is left out."""
    values: dict[str, str | int] = {
        "country": chosen.country,
        "family": chosen.family,
        "nobody" if chosen.assignee == NOBODY else "assignee": chosen.assignee,
        "to_confirm": chosen.to_confirm,
        "late_before": chosen.late_before,
        **_limits(chosen.limits),
    }
    return {name: value for name, value in values.items() if value}


def _limits(limits: Limits) -> dict[str, str | int]:
    return {name: json.dumps(values) for name, values in limits.told.items() if values}


def _spell(sql: str, values: Mapping[str, str | int]) -> str:
    """The statement with the conditions of these values in it."""
    return sql.replace("{filters}", "".join(condition for name, condition in _FILTERS.items() if name in values))


@lru_cache(maxsize=32)
def _statement(sql: str) -> Statement:
    return Statement(sql)


def _all(tx: Transaction, sql: str, limits: Limits, **values: str | int) -> Sequence[Row]:
    """The rows of a statement about everything within these limits."""
    narrowed = _limits(limits)
    return tx.all(_statement(_spell(sql, narrowed)), **narrowed, **values)


def _name(row: Row) -> str:
    return f"{row['given_name']} {row['family_name']}".strip() or str(row["user_name"])
