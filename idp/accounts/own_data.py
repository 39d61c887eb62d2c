"""What is held about oneself: read on a page, or taken along as a file (Art. 15 and 20 GDPR)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.store import audit, clients, personal_data

if TYPE_CHECKING:
    from idp.provider import Provider


def collect_own_data(provider: Provider, account_id: str) -> dict[str, Any]:
    """Everything held about an account, by table, with the names of sites; no secret and no hash."""
    with provider.database.reading() as tx:
        held = personal_data.collect(tx, account_id)
        named = {row["client_id"] for rows in held.values() for row in rows if row.get("client_id")}
        found = {client_id: clients.find_client(tx, client_id) for client_id in named}
    for rows in held.values():
        for row in rows:
            if row.get("client_id"):
                client = found[row["client_id"]]
                row["site"] = client.name if client else row["client_id"]
    return held


def export_own_data(provider: Provider, account_id: str) -> dict[str, Any]:
    """The file that the owner takes along; that it was taken is a line of the trail."""
    now = provider.clock()
    held = collect_own_data(provider, account_id)
    with provider.database.transaction() as tx:
        audit.record(tx, "data_exported", now=now, actor_kind="customer", actor=account_id, account_id=account_id)
    return {
        "issuer": provider.settings.server.issuer,
        "exported_at": now,
        "data": held,
        "left_out": personal_data.LEFT_OUT,
    }
