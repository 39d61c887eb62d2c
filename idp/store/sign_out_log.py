"""How sites were told that a session ended: back-channel deliveries from the outbox, front-channel ones from the trail.

One list, newest first; a page begins behind the key of the last row of the one before.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

STATES = ("done", "waiting", "dead", "asked")
"""Told, still being told, never told; and asked in the browser, which says nothing back."""

_BACK = (
    "SELECT 'back' AS channel, o.outbox_id AS number, o.created_at AS at, o.client_id, o.account_id, o.sid, o.attempts,"
    " o.done_at, o.last_error, o.available_at AS next_try_at, CASE WHEN o.done_at IS NOT NULL THEN 'done'"
    " WHEN o.dead_at IS NOT NULL THEN 'dead' ELSE 'waiting' END AS state FROM outbox o WHERE o.kind = 'backchannel_logout'"
)
_FRONT = (
    "SELECT 'front' AS channel, e.event_id AS number, e.at, e.client_id, e.account_id, NULL AS sid, 1 AS attempts,"
    " NULL AS done_at, NULL AS last_error, NULL AS next_try_at, 'asked' AS state FROM audit_events e"
    " WHERE e.act = 'frontchannel_logout'"
)
_PAGE = Statement(
    f"SELECT t.*, c.details AS client_details FROM ({_BACK} UNION ALL {_FRONT}) t"
    " LEFT JOIN clients c ON c.client_id = t.client_id"
    " WHERE (:client_id = '' OR t.client_id = :client_id) AND (:state = '' OR t.state = :state)"
    " AND (t.at < :at OR (t.at = :at AND (t.channel < :channel OR (t.channel = :channel AND t.number < :number))))"
    " ORDER BY t.at DESC, t.channel DESC, t.number DESC LIMIT :limit"
)
_SITES = Statement(
    "SELECT c.client_id, c.details FROM clients c WHERE c.client_id IN"
    " (SELECT client_id FROM outbox WHERE kind = 'backchannel_logout' UNION"
    "  SELECT client_id FROM audit_events WHERE act = 'frontchannel_logout')"
)
_NEWEST = (2**62, "z0")
_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class ToldSite:
    """One site that was to learn of a sign-out. `channel` is `back` or `front`; times are seconds since 1970."""

    channel: str
    number: int
    at: int
    client_id: str
    client_name: str
    account_id: str | None
    state: str
    attempts: int
    done_at: int | None
    last_error: str | None
    next_try_at: int | None

    @property
    def key(self) -> tuple[int, str]:
        """Where the next page goes on."""
        return self.at, f"{self.channel[0]}{self.number}"


def page_told_sites(
    tx: Transaction, *, client_id: str = "", state: str = "", after: tuple[int, str] | None = None, limit: int = 50
) -> list[ToldSite]:
    """The deliveries, newest first; of one site, or in one of `STATES`, where that is asked for."""
    at, key = after or _NEWEST
    channel = {"b": "back", "f": "front"}.get(key[:1], "zzz")
    number = int(key[1:]) if _NUMBER.fullmatch(key[1:]) else 0
    rows = tx.all(_PAGE, client_id=client_id, state=state, at=at, channel=channel, number=number, limit=limit)
    return [_told(row) for row in rows]


def list_told_sites(tx: Transaction) -> list[tuple[str, str]]:
    """Identifier and name of each site that was ever to learn of a sign-out, by name."""
    found = [(row["client_id"], _name(row["client_id"], row["details"])) for row in tx.all(_SITES)]
    return sorted(found, key=lambda site: site[1].casefold())


def _told(row: Row) -> ToldSite:
    values = {name: row[name] for name in ToldSite.__slots__ if name not in ("client_id", "client_name", "next_try_at")}
    client_id = row["client_id"] or ""
    return ToldSite(
        **values,
        client_id=client_id,
        client_name=_name(client_id, row["client_details"]),
        next_try_at=row["next_try_at"] if row["state"] == "waiting" else None,
    )


def _name(client_id: str, details: str | None) -> str:
    return str(json.loads(details or "{}").get("client_name") or client_id)
