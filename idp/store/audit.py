"""The audit trail: what happened, to whom, by whom, written in the transaction of the act. Rows are only added.

Details hold words and identifiers, never secrets, hashes or tokens (AD-3).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

ActorKind = Literal["customer", "staff", "rule", "client", "operator", "system"]
"""Who acted: the account's owner, a member of staff, an approval rule, a site, the command line, or we ourselves."""

_INSERT = Statement(
    "INSERT INTO audit_events (at, act, actor_kind, actor, account_id, registration_id, client_id, reference, address,"
    " details) VALUES (:now, :act, :actor_kind, :actor, :account_id, :registration_id, :client_id, :reference, :address,"
    " :details)"
)
_SELECT = (
    "SELECT e.*, a.given_name, a.family_name, a.user_name FROM audit_events e"
    " LEFT JOIN accounts a ON e.actor_kind IN ('staff', 'customer') AND a.account_id = e.actor"
)
_NEWEST_FIRST = " ORDER BY e.event_id DESC LIMIT :limit"
_OF_ACCOUNT = Statement(
    _SELECT + " WHERE e.account_id = :account_id OR e.registration_id = :registration_id" + _NEWEST_FIRST
)
_PAGE = Statement(_SELECT + " WHERE e.event_id < :before AND (:act = '' OR e.act = :act)" + _NEWEST_FIRST)
_LAST = 2**62


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the trail; `actor_name` is the name of a person who acted, as it is now."""

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
    """Add a line in the transaction of the act.

    `act` is a word such as `approval_changed`; `actor` the account id, rule key or client id that belongs to `actor_kind`;
    `account_id` whom it concerns; `address` where the request came from.
    """
    tx.run(
        _INSERT,
        now=now,
        act=act,
        actor_kind=actor_kind,
        actor=actor[:255],
        account_id=account_id,
        registration_id=registration_id,
        client_id=client_id,
        reference=reference,
        address=address[:64],
        details=json.dumps(dict(details or {}), ensure_ascii=True, separators=(",", ":")),
    )


def list_events(tx: Transaction, account_id: str, registration_id: str | None = None, limit: int = 100) -> list[Event]:
    """What concerns an account or its registration, newest first."""
    rows = tx.all(_OF_ACCOUNT, account_id=account_id, registration_id=registration_id, limit=limit)
    return _parse(rows)


def page_events(tx: Transaction, *, before: int | None = None, act: str = "", limit: int = 50) -> list[Event]:
    """The trail, newest first, from just below the event `before`."""
    return _parse(tx.all(_PAGE, before=_LAST if before is None else before, act=act, limit=limit))


def _parse(rows: Sequence[Row]) -> list[Event]:
    computed = ("actor_name", "details")
    return [
        Event(
            **{name: row[name] for name in Event.__slots__ if name not in computed},
            actor_name=f"{row['given_name'] or ''} {row['family_name'] or ''}".strip() or row["user_name"] or "",
            details=json.loads(row["details"]),
        )
        for row in rows
    ]
