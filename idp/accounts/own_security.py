"""What the owner of an account sees on the security page: browsers, what signing out everywhere ends, what happened lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store import audit, endings, sessions
from idp.store.approvals import list_open_sites
from idp.store.clients import find_client

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.audit import Event
    from idp.store.database import Transaction
    from idp.store.sessions import Session

PAGE = 25
SHOWN_SECONDS = 90 * 86400
CHANGED_SECONDS = 30 * 86400
CHANGES_SHOWN = 5

OWN_EVENTS = (
    "account_closed",
    "account_reopened",
    "account_locked",
    "approval_changed",
    "browser_unlocked",
    "consent_given",
    "consent_withdrawn",
    "data_exported",
    "device_added",
    "device_claim_accepted",
    "device_claim_refused",
    "device_claim_withdrawn",
    "device_claimed",
    "device_handed_on",
    "device_offer_expired",
    "device_offer_taken_back",
    "device_offered",
    "device_received",
    "device_refused",
    "device_removed",
    "email_change_cancelled",
    "email_change_requested",
    "email_changed",
    "email_restored",
    "email_verified",
    "interests_chosen",
    "old_account_moved",
    "password_changed",
    "password_reset",
    "profile_changed",
    "profile_completed",
    "registration_confirmed",
    "reset_link_sent",
    "roles_changed",
    "sign_in_refused",
    "sign_out",
    "sign_out_everywhere",
    "signed_in",
    "signed_out_elsewhere",
    "temporary_password_given",
    "temporary_password_used",
    "token_replayed",
    "user_name_changed",
)
"""The acts in the audit trail that the owner of an account reads about; `web.account.security_words` has their words."""

CHANGES = (
    "account_reopened",
    "approval_changed",
    "device_added",
    "device_claim_accepted",
    "device_claim_refused",
    "device_handed_on",
    "device_received",
    "device_removed",
    "email_change_requested",
    "email_changed",
    "email_restored",
    "interests_chosen",
    "old_account_moved",
    "password_changed",
    "password_reset",
    "profile_changed",
    "profile_completed",
    "registration_confirmed",
    "temporary_password_given",
    "user_name_changed",
)
"""Those of them that changed the account itself, as its overview tells them."""

_EACH_COUNTS = ("signed_in", "sign_in_refused")


@dataclass(frozen=True, slots=True)
class SignedInBrowser:
    """A live session with the names of the sites it opened."""

    session: Session
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Everywhere:
    """What signing out everywhere ends: how many browsers, at which sites, and which of those work while one is away."""

    browsers: int
    sites: tuple[str, ...]
    offline: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """A line of the trail, with the name of the site that it is about ("" where it is about none)."""

    event: Event
    site: str


def list_browsers(provider: Provider, account_id: str) -> tuple[list[SignedInBrowser], Everywhere]:
    """The browsers one is signed in with, last seen first, and what ends with all of them."""
    now = provider.clock()
    with provider.database.reading() as tx:
        found = [
            (session, endings.list_session_clients(tx, session.sid))
            for session in sessions.list_sessions(tx, account_id, now)
        ]
        offline = endings.list_offline_clients(tx, account_id, now)
        opened = {client_id for _session, clients in found for client_id in clients}
        opened |= {site.client_id for site in list_open_sites(tx, account_id, now)}
        names = {client_id: _name(tx, client_id) for client_id in opened | set(offline)}
    browsers = [SignedInBrowser(session, _sorted(names[one] for one in clients)) for session, clients in found]
    ends = Everywhere(len(browsers), _sorted(names.values()), _sorted(names[client_id] for client_id in offline))
    return browsers, ends


def list_own_events(
    provider: Provider,
    account_id: str,
    *,
    acts: Sequence[str] = OWN_EVENTS,
    seconds: int = SHOWN_SECONDS,
    before: int | None = None,
    limit: int = PAGE,
) -> tuple[list[OwnEvent], int | None]:
    """What happened at the account lately, newest first, of these acts; out: also below which event the next page begins.

    An act that the trail tells twice (the ending and what brought it) is one line here.
    """
    with provider.database.reading() as tx:
        since = provider.clock() - seconds
        found = audit.page_own_events(tx, account_id, acts, since=since, before=before, limit=2 * limit + 2)
        names = {event.client_id: _name(tx, event.client_id) for event in found if event.client_id}
    seen: set[tuple[int, str, str | None]] = set()
    lines = []
    for event in found:
        act = "sign_out" if event.act == "signed_out_elsewhere" else event.act
        if act in _EACH_COUNTS or (event.at, act, event.client_id) not in seen:
            lines.append(event)
        seen.add((event.at, act, event.client_id))
    shown = [OwnEvent(event, names.get(event.client_id or "", "")) for event in lines[:limit]]
    return shown, lines[limit].event_id + 1 if len(lines) > limit else None


def list_own_changes(provider: Provider, account_id: str) -> list[OwnEvent]:
    """What changed at the account in the last 30 days, the newest few."""
    found, _following = list_own_events(
        provider, account_id, acts=CHANGES, seconds=CHANGED_SECONDS, limit=CHANGES_SHOWN
    )
    return found


def _name(tx: Transaction, client_id: str) -> str:
    client = find_client(tx, client_id)
    return client.name if client else client_id


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=str.casefold))
