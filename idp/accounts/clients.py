"""Deleting clients, at their own wish or unused: what they held ends in the transaction that takes the row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from idp.store import audit, client_registration

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.audit import ActorKind
    from idp.store.database import Transaction


UNUSED_DAYS = 30
AT_ONCE = 100


def forget_unused_clients(provider: Provider) -> None:
    """Delete what strangers registered and nobody uses, so that open registration does not fill the database (RX-4)."""
    now = provider.clock()
    while True:
        with provider.database.transaction() as tx:
            unused = client_registration.list_unused(tx, now - UNUSED_DAYS * 86400, AT_ONCE)
            for client_id in unused:
                delete_client(provider, tx, client_id, actor_kind="system", now=now)
        if len(unused) < AT_ONCE:
            return


def delete_client(provider: Provider, tx: Transaction, client_id: str, *, actor_kind: ActorKind, now: int) -> bool:
    """Delete a client; its tokens and waiting requests end as if it had been disabled. False: there is none.

    The row goes first: a site that is no more has no back channel to be told by.
    """
    if not client_registration.delete_client(tx, client_id):
        return False
    apply_ending(provider, tx, Act.CLIENT_DISABLED, account_id=None, client_id=client_id, now=now)
    actor = client_id if actor_kind == "client" else ""
    audit.record(tx, "client_deleted", now=now, actor_kind=actor_kind, actor=actor, client_id=client_id)
    return True
