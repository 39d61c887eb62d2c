"""Signing out: the session ends here and now, and each site that it opened is told (DESIGN, "What ends what")."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from idp.signals.backchannel import KIND
from idp.store import audit, endings, outbox
from idp.store.clients import find_client

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.clients import RegisteredClient

WAIT_SECONDS = 1.0
LOOK_EVERY = 0.05
PATIENCE_SECONDS = 10


@unique
class Told(Enum):
    """How far a site is: it has answered, its page was opened in this browser, it is being told, or nobody knows."""

    YES = "yes"
    ASKED = "asked"
    WAITING = "waiting"
    NO = "no"


@dataclass(frozen=True, slots=True)
class SignedOutSite:
    """A site that the ended session had opened."""

    client: RegisteredClient
    told: Told


def sign_out(provider: Provider, account_id: str, sid: str, *, everywhere: bool = False) -> list[RegisteredClient]:
    """End the session, and wait a moment for the sites to answer (1 s at most). `everywhere`: end all that is signed in.

    Out: the sites that the browser itself must tell (Front-Channel Logout 1.0); each stands in the audit trail.
    """
    act = Act.SIGN_OUT_EVERYWHERE if everywhere else Act.SIGN_OUT
    now = provider.clock()
    with provider.database.transaction() as tx:
        opened = [find_client(tx, client_id) for client_id in endings.list_session_clients(tx, sid)]
        apply_ending(provider, tx, act, account_id=account_id, sid=sid, now=now)
        in_front = [client for client in opened if client is not None and client.frontchannel_logout_uri]
        for client in in_front:
            audit.record(
                tx,
                "frontchannel_logout",
                now=now,
                account_id=account_id,
                client_id=client.client_id,
                details={"sid": sid},
            )
    until = time.monotonic() + WAIT_SECONDS
    while _is_under_way(provider, sid) and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
    return in_front


def list_signed_out_sites(provider: Provider, sid: str, ended_at: int) -> list[SignedOutSite]:
    """Each site that the session opened, and whether it knows; after 10 s nobody waits any longer."""
    now = provider.clock()
    with provider.database.reading() as tx:
        clients = [find_client(tx, client_id) for client_id in endings.list_session_clients(tx, sid)]
        states = {row.client_id: row.state for row in outbox.fate(tx, now=now, sid=sid, kind=KIND) if row.kind == KIND}
    is_over = now - ended_at >= PATIENCE_SECONDS
    sites = [
        SignedOutSite(client, _told(client, states.get(client.client_id), is_over)) for client in clients if client
    ]
    return sorted(sites, key=lambda site: site.client.name.casefold())


def list_open_sites(provider: Provider, sid: str) -> list[str]:
    """The names of the sites that a session opened, to say beforehand what signing out will do."""
    with provider.database.reading() as tx:
        clients = [find_client(tx, client_id) for client_id in endings.list_session_clients(tx, sid)]
    return sorted(client.name for client in clients if client)


def _told(client: RegisteredClient, state: str | None, is_over: bool) -> Told:
    if state == "done":
        return Told.YES
    if client.frontchannel_logout_uri and state not in ("waiting", "sending"):
        return Told.ASKED
    return Told.WAITING if state in ("waiting", "sending") and not is_over else Told.NO


def _is_under_way(provider: Provider, sid: str) -> bool:
    with provider.database.reading() as tx:
        rows = outbox.fate(tx, now=provider.clock(), sid=sid, kind=KIND)
    return any(row.kind == KIND and row.state in ("waiting", "sending") for row in rows)
