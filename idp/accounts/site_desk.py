"""Sites as administrators look after them: registered, switched off and on, given a new secret.

A client of the registration endpoint is the same row; what is said here is our policy and stays when it changes itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.accounts.endings import apply_ending
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.keys.secrets import new_identifier, new_long_secret, new_secret
from idp.policy.endings import Act
from idp.policy.staff import Permission
from idp.store import audit, clients, news, site_reports

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction
    from idp.store.site_reports import SiteReport

DAY = 86400


@dataclass(frozen=True, slots=True)
class By:
    """Who acts: a member of staff with the network address of the request, or with no id the operator at a terminal."""

    staff_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site that was just registered, with its secret where it has one, shown this once."""

    client_id: str
    secret: str


def list_sites(provider: Provider) -> list[tuple[RegisteredClient, SiteReport]]:
    """All sites with what is going on there, by name."""
    now = provider.clock()
    with provider.database.reading() as tx:
        reports = site_reports.report_sites(tx, now)
        found = clients.list_clients(tx)
    return sorted(((client, reports[client.client_id]) for client in found), key=lambda pair: pair[0].name.casefold())


def get_site(provider: Provider, client_id: str) -> tuple[RegisteredClient, SiteReport]:
    """One site. Raises `Refusal("client_unknown")`."""
    with provider.database.reading() as tx:
        client = _get(tx, client_id)
        return client, site_reports.report_sites(tx, provider.clock(), client_id)[client_id]


def find_feed_fault(provider: Provider, client_id: str) -> str:
    """Why a site's news could not be read the last time; "" where it could, or where it has none."""
    if client_id not in provider.settings.interests.feeds:
        return ""
    with provider.database.reading() as tx:
        return dict(news.list_faults(tx)).get(client_id, "")


def add_site(
    provider: Provider, by: By, details: Mapping[str, Any], *, require_approval: bool, first_party: bool
) -> NewSite:
    """Register a site from checked metadata. Raises `Refusal("not_permitted")`."""
    now, client_id = provider.clock(), new_identifier()
    with provider.database.transaction() as tx:
        _check(tx, by)
        clients.save_client(tx, client_id, details, require_approval=require_approval, first_party=first_party, now=now)
        client = _get(tx, client_id)
        secret = _give_secret(provider, tx, client, expires_at=None, overlap=0, now=now) if client.has_secret else ""
        _record(tx, by, "client_registered", client_id, now)
    return NewSite(client_id, secret)


def switch_site(provider: Provider, by: By, client_id: str, *, off: bool) -> int:
    """Switch a site off, which ends all its tokens, or on again; out: how many sign-ins ended.

    Raises `Refusal`: `not_permitted`, `client_unknown`, `decided_already` where it is so already.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        _check(tx, by)
        _get(tx, client_id)
        if not clients.set_client_disabled(tx, client_id, off, now):
            raise Refusal("decided_already")
        _record(tx, by, "client_disabled" if off else "client_enabled", client_id, now)
        if not off:
            return 0
        ended = apply_ending(provider, tx, Act.CLIENT_DISABLED, account_id=None, client_id=client_id, now=now)
    return len(ended.family_ids)


def renew_secret(provider: Provider, by: By, client_id: str, *, overlap: int, days: int = 0) -> str:
    """Give a site a new secret, which is shown this once; the old one works for `overlap` seconds more.

    `days`: when the new one ends, 0 for never. Raises `Refusal`: `not_permitted`, `client_unknown`, `client_has_no_secret`.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        _check(tx, by)
        client = _get(tx, client_id)
        if not client.has_secret:
            raise Refusal("client_has_no_secret", method=client.token_endpoint_auth_method)
        secret = _give_secret(
            provider, tx, client, expires_at=now + days * DAY if days else None, overlap=overlap, now=now
        )
        _record(tx, by, "client_secret_changed", client_id, now)
    return secret


def _give_secret(
    provider: Provider, tx: Transaction, client: RegisteredClient, *, expires_at: int | None, overlap: int, now: int
) -> str:
    secret = new_long_secret() if client.signs_with_secret else new_secret()
    seal_with = provider.master if client.signs_with_secret else None
    clients.set_client_secret(
        tx, client.client_id, secret, seal_with=seal_with, expires_at=expires_at, now=now, overlap=overlap
    )
    return secret


def _check(tx: Transaction, by: By) -> None:
    if by.staff_id:
        check_permission(tx, by.staff_id, Permission.EDIT_SITES)


def _get(tx: Transaction, client_id: str) -> RegisteredClient:
    client = clients.find_client(tx, client_id)
    if client is None:
        raise Refusal("client_unknown")
    return client


def _record(tx: Transaction, by: By, act: str, client_id: str, now: int) -> None:
    kind: audit.ActorKind = "staff" if by.staff_id else "operator"
    audit.record(tx, act, now=now, actor_kind=kind, actor=by.staff_id, client_id=client_id, address=by.address)
