"""The queue of applications that wait for staff: pages by key, filters, counts, and who has which one open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.approver_limits import NO_LIMITS, Limits
from idp.store.database import Statement
from idp.store.review_work import IS_ASSIGNED
from idp.store.search import understand

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

PENDING = (
    "a.approval_status = 'pending' AND a.access <> 'closed'"
    " AND NOT EXISTS (SELECT 1 FROM old_accounts o WHERE o.account_id = a.account_id AND o.completed_at IS NULL)"
)
"""Customers of the old portal wait for a decision only once they came over with a complete profile."""

_WITHIN = (
    " AND (:any_country = 1 OR a.country IN {texts(countries)})"
    " AND (:any_family = 1 OR (EXISTS (SELECT 1 FROM devices d WHERE d.account_id = a.account_id)"
    " AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.account_id = a.account_id"
    " AND SUBSTR(d.serial_number, 1, 2) NOT IN {texts(families)})))"
)
"""What an approver with limits decides about, as `policy.staff.is_within_limits` says."""

_FIELDS = (
    "SELECT a.account_id, a.given_name, a.family_name, a.email, a.company, a.country, a.approval_updated_at AS waiting_since,"
    " r.reference, r.client_id, (SELECT MAX(d.serial_number) FROM devices d WHERE d.account_id = a.account_id) AS serial_number"
)
_FROM = (
    " FROM accounts a LEFT JOIN registrations r ON r.registration_id = a.registration_id"
    " WHERE " + PENDING + _WITHIN + " AND (:country = '' OR a.country = :country)"
    " AND (:assignee = '' OR (:assignee = 'nobody' AND NOT "
    + IS_ASSIGNED.format("")
    + ") OR "
    + IS_ASSIGNED.format(" AND x.staff_id = :assignee")
    + ")"
    " AND (:to_confirm = '' OR EXISTS (SELECT 1 FROM proposals o WHERE o.kind = 'decision' AND o.account_id = a.account_id"
    " AND o.staff_id <> :to_confirm))"
    " AND (:late_before = 0 OR a.approval_updated_at < :late_before)"
    " AND (:family = '' OR EXISTS (SELECT 1 FROM devices d WHERE d.account_id = a.account_id"
    "  AND SUBSTR(d.serial_number, 1, 2) = :family))"
    "{people}"
)
_OLDEST_FIRST = (
    _FIELDS + _FROM + " AND (a.approval_updated_at > :at OR (a.approval_updated_at = :at AND a.account_id > :id))"
    " ORDER BY a.approval_updated_at, a.account_id LIMIT :limit"
)
_NEWEST_FIRST = (
    _FIELDS + _FROM + " AND (a.approval_updated_at < :at OR (a.approval_updated_at = :at AND a.account_id < :id))"
    " ORDER BY a.approval_updated_at DESC, a.account_id DESC LIMIT :limit"
)
_COUNT = "SELECT COUNT(*) AS count, MIN(a.approval_updated_at) AS oldest" + _FROM
_COUNTRIES = Statement(
    "SELECT a.country AS value, COUNT(*) AS count FROM accounts a WHERE "
    + PENDING
    + _WITHIN
    + " GROUP BY a.country ORDER BY a.country"
)
_FAMILIES = Statement(
    "SELECT SUBSTR(d.serial_number, 1, 2) AS value, COUNT(DISTINCT d.account_id) AS count FROM devices d"
    " JOIN accounts a ON a.account_id = d.account_id WHERE "
    + PENDING
    + _WITHIN
    + " GROUP BY SUBSTR(d.serial_number, 1, 2) ORDER BY 1"
)
_ASSIGNEES = Statement(
    "SELECT x.staff_id AS value, COUNT(*) AS count FROM accounts a JOIN review_assignments x ON x.account_id = a.account_id"
    " JOIN accounts s ON s.account_id = x.staff_id AND s.access = 'active' AND s.roles <> ''"
    " WHERE " + PENDING + _WITHIN + " GROUP BY x.staff_id"
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


def page_queue(tx: Transaction, chosen: Filter, *, after: tuple[int, str] | None, limit: int) -> list[Waiting]:
    """Applications from just behind the key `after`."""
    statement = _NEWEST_FIRST if chosen.newest_first else _OLDEST_FIRST
    at, account_id = after or (_LAST if chosen.newest_first else _FIRST)
    wanted = understand(tx, chosen.text)
    rows = tx.all(wanted.narrow(statement), **_values(chosen), **wanted.values, at=at, id=account_id, limit=limit)
    return [Waiting(**{name: row[name] for name in Waiting.__slots__}) for row in rows]


def count_queue(tx: Transaction, chosen: Filter) -> tuple[int, int | None]:
    """How many applications the filter leaves, and since when the oldest has waited."""
    wanted = understand(tx, chosen.text)
    row = tx.one(wanted.narrow(_COUNT), **_values(chosen), **wanted.values)
    return (int(row["count"]), row["oldest"]) if row else (0, None)


def list_countries(tx: Transaction, limits: Limits) -> list[tuple[str, int]]:
    """The countries in the queue with their numbers."""
    return [(row["value"], row["count"]) for row in tx.all(_COUNTRIES, **_limits(limits))]


def list_families(tx: Transaction, limits: Limits) -> list[tuple[str, int]]:
    """The serial families in the queue with their numbers."""
    return [(row["value"], row["count"]) for row in tx.all(_FAMILIES, **_limits(limits))]


def count_by_assignee(tx: Transaction, limits: Limits) -> dict[str, int]:
    """How many waiting applications each member of staff has."""
    return {row["value"]: row["count"] for row in tx.all(_ASSIGNEES, **_limits(limits))}


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
    return {
        "country": chosen.country,
        "family": chosen.family,
        "late_before": chosen.late_before,
        "assignee": chosen.assignee,
        "to_confirm": chosen.to_confirm,
        **_limits(chosen.limits),
    }


def _limits(limits: Limits) -> dict[str, str | int]:
    return {
        "any_country": int(not limits.countries),
        "countries": json.dumps(sorted(limits.countries)),
        "any_family": int(not limits.families),
        "families": json.dumps(sorted(limits.families)),
    }


def _name(row: Row) -> str:
    return f"{row['given_name']} {row['family_name']}".strip() or str(row["user_name"])
