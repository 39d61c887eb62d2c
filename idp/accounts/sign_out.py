"""Signing out: the session ends here and now, and each site that it opened is told (DESIGN, "What ends what")."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from idp.signals.backchannel import KIND
from idp.store import endings, outbox
from idp.store.clients import find_client

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.clients import RegisteredClient

WAIT_SECONDS = 1.0
LOOK_EVERY = 0.05
PATIENCE_SECONDS = 10


@unique
class Told(Enum):
    """How far a site is: it has answered, it is being told, or the customer had better close the browser."""

    YES = "yes"
    WAITING = "waiting"
    NO = "no"


@dataclass(frozen=True, slots=True)
class SignedOutSite:
    """A site that the ended session had opened."""

    client: RegisteredClient
    told: Told


def sign_out(provider: Provider, account_id: str, sid: str) -> None:
    """End the session, and wait a moment for the sites to answer (1 s at most)."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        apply_ending(provider, tx, Act.SIGN_OUT, account_id=account_id, sid=sid, now=now)
    until = time.monotonic() + WAIT_SECONDS
    while _is_under_way(provider, sid) and time.monotonic() < until:
        time.sleep(LOOK_EVERY)


def list_signed_out_sites(provider: Provider, sid: str, ended_at: int) -> list[SignedOutSite]:
    """Each site that the session opened, and whether it knows; after 10 s nobody waits any longer."""
    now = provider.clock()
    with provider.database.reading() as tx:
        clients = [find_client(tx, client_id) for client_id in endings.list_session_clients(tx, sid)]
        states = {row.client_id: row.state for row in outbox.fate(tx, now=now, sid=sid, kind=KIND) if row.kind == KIND}
    is_over = now - ended_at >= PATIENCE_SECONDS
    sites = [SignedOutSite(client, _told(states.get(client.client_id), is_over)) for client in clients if client]
    return sorted(sites, key=lambda site: site.client.name.casefold())


def list_open_sites(provider: Provider, sid: str) -> list[str]:
    """The names of the sites that a session opened, to say beforehand what signing out will do."""
    with provider.database.reading() as tx:
        clients = [find_client(tx, client_id) for client_id in endings.list_session_clients(tx, sid)]
    return sorted(client.name for client in clients if client)


def _told(state: str | None, is_over: bool) -> Told:
    if state == "done":
        return Told.YES
    return Told.WAITING if state in ("waiting", "sending") and not is_over else Told.NO


def _is_under_way(provider: Provider, sid: str) -> bool:
    with provider.database.reading() as tx:
        rows = outbox.fate(tx, now=provider.clock(), sid=sid, kind=KIND)
    return any(row.kind == KIND and row.state in ("waiting", "sending") for row in rows)
