"""What a customer permitted which site, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from idp.store import audit, grants
from idp.store.clients import find_client

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.clients import RegisteredClient


@dataclass(frozen=True, slots=True)
class PermittedSite:
    """A site, what it may know, and since when."""

    client: RegisteredClient
    scope: frozenset[str]
    granted_at: int


def list_permitted_sites(provider: Provider, account_id: str) -> list[PermittedSite]:
    """The sites that the customer permitted something, by name."""
    with provider.database.reading() as tx:
        found = [(find_client(tx, client_id), scope, at) for client_id, scope, at in grants.list_grants(tx, account_id)]
    sites = [PermittedSite(client, scope, at) for client, scope, at in found if client is not None]
    return sorted(sites, key=lambda site: site.client.name.casefold())


def withdraw_consent(provider: Provider, account_id: str, client_id: str) -> bool:
    """Forget what a site was permitted and end its tokens (DESIGN, "What ends what"); False where there was nothing."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        if not grants.delete_grant(tx, account_id, client_id):
            return False
        ended = apply_ending(provider, tx, Act.CONSENT_WITHDRAWN, account_id=account_id, client_id=client_id, now=now)
        if not ended.family_ids:  # else the ending stands in the trail
            audit.record(
                tx,
                "consent_withdrawn",
                now=now,
                actor_kind="customer",
                actor=account_id,
                account_id=account_id,
                client_id=client_id,
            )
        return True
