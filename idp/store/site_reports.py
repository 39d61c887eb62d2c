"""What is going on at a site: sign-ins, running tokens, sign-outs that it was never told of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_REPORT = Statement(
    "SELECT c.client_id, (SELECT MAX(s.last_at) FROM session_clients s WHERE s.client_id = c.client_id) AS last_at,"
    " (SELECT COUNT(*) FROM token_families f WHERE f.client_id = c.client_id AND f.revoked_at IS NULL"
    "  AND f.expires_at > :now) AS running,"
    " (SELECT COUNT(*) FROM outbox o WHERE o.client_id = c.client_id AND o.kind <> 'mail' AND o.dead_at IS NOT NULL) AS dead"
    " FROM clients c WHERE (:client_id = '' OR c.client_id = :client_id)"
)


@dataclass(frozen=True, slots=True)
class SiteReport:
    """`last_at`: the last sign-in, as far back as sessions are kept; `running`: sign-ins that hold tokens now; `dead`:
    deliveries that were given up.
    """

    client_id: str
    last_at: int | None
    running: int
    dead: int


def report_sites(tx: Transaction, now: int, client_id: str = "") -> dict[str, SiteReport]:
    """The reports of all sites, or of one, by client id."""
    rows = tx.all(_REPORT, now=now, client_id=client_id)
    return {row["client_id"]: SiteReport(row["client_id"], row["last_at"], row["running"], row["dead"]) for row in rows}
