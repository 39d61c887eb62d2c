"""What a customer permitted which site, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.endings import apply_ending
from idp.accounts.staff_rights import get_account_for
from idp.policy.endings import Act
from idp.policy.staff import Permission
from idp.store import audit, grants
from idp.store.clients import find_client

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction


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
    with provider.database.transaction() as tx:
        return _withdraw(provider, tx, account_id, client_id)


def withdraw_consent_for(
    provider: Provider, *, staff_id: str, account_id: str, client_id: str, address: str = ""
) -> bool:
    """Staff take it back for a customer who asks them to (RF-12); False where there was nothing.

    `staff_id`: empty for the operator at the command line.

    Raises `Refusal`: `not_permitted`, `account_unknown`.
    """
    with provider.database.transaction() as tx:
        get_account_for(tx, staff_id, account_id, Permission.WITHDRAW_CONSENT)
        by_operator = not staff_id
        return _withdraw(
            provider, tx, account_id, client_id, staff_id=staff_id, by_operator=by_operator, address=address
        )


def _withdraw(
    provider: Provider,
    tx: Transaction,
    account_id: str,
    client_id: str,
    *,
    staff_id: str = "",
    by_operator: bool = False,
    address: str = "",
) -> bool:
    now = provider.clock()
    if not grants.delete_grant(tx, account_id, client_id):
        return False
    ended = apply_ending(
        provider,
        tx,
        Act.CONSENT_WITHDRAWN,
        account_id=account_id,
        client_id=client_id,
        staff_id=staff_id,
        by_operator=by_operator,
        now=now,
    )
    if not ended.family_ids:  # else the ending stands in the trail
        audit.record(
            tx,
            "consent_withdrawn",
            now=now,
            actor_kind="staff" if staff_id else "operator" if by_operator else "customer",
            actor=staff_id or ("" if by_operator else account_id),
            account_id=account_id,
            client_id=client_id,
            address=address,
        )
    return True
