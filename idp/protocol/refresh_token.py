"""Refresh tokens (RFC 6749 §6, RFC 9700 §4.14): each use rotates, and an honest customer is never thrown out.

Inside the grace (30 s) the old token gets the same successor again, derived from it with a keyed hash, so that two tabs, a
lost answer or a retry all end up with one token. After the grace, or once the successor was used, the old one is a replay
and ends the family (RF-2, RF-3). Both are counted apart. Nothing here moves the end of the family (RF-8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.errors import ProtocolError
from idp.protocol.access_token import Issuing, get_account, issue_tokens
from idp.protocol.endpoint import require
from idp.protocol.resource_indicators import find_audience, parse_resources
from idp.store import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.config import LifetimeSettings
    from idp.store.clients import RegisteredClient
    from idp.store.codes import Family
    from idp.store.database import Transaction
    from idp.store.tokens import Rotation

SUCCESSOR = "refresh-successor"


@dataclass(frozen=True, slots=True)
class Refresh:
    """The parameters of the request; no scope means all that was granted, and so does no resource."""

    refresh_token: str = field(repr=False)
    scopes: frozenset[str]
    resources: tuple[str, ...] = ()


def parse_refresh(form: Mapping[str, str]) -> Refresh:
    """Parse once."""
    return Refresh(
        require(form, "refresh_token"),
        frozenset(form.get("scope", "").split()),
        parse_resources(form.get("resource")),
    )


def rotate_refresh_token(
    tx: Transaction, issuing: Issuing, client: RegisteredClient, refresh: Refresh, now: int
) -> dict[str, Any] | ProtocolError:
    """Exchange the token for its successor and a new access token, or say why not; either way the caller commits."""
    family = tokens.lock_family_of_refresh_token(tx, refresh.refresh_token, client.client_id)
    if family is None or not family.is_live(now):
        return _invalid_grant("unknown, another client's, or its family ended")
    rotation = tokens.get_rotation(tx, refresh.refresh_token)
    if rotation.expires_at <= now:
        return _invalid_grant("expired")
    if _is_replay(rotation, issuing.lifetimes.refresh_grace, now):
        tokens.count_incident(tx, family.family_id, "refresh_replay", now)
        issuing.end_family(tx, family, kind="refresh_replay", now=now)
        return _invalid_grant("replayed")
    try:
        scopes = find_scopes(family, client, refresh.scopes)
        account = get_account(tx, family.account_id, client)
        find_audience(refresh.resources, parse_resources(family.resources), client)
    except ProtocolError as refusal:
        return refusal
    successor = _rotate(tx, issuing, family, refresh.refresh_token, rotation, now)
    return issue_tokens(
        tx,
        issuing,
        family,
        account,
        client,
        scopes,
        resources=refresh.resources,
        refresh_token=successor,
        is_first=False,
        now=now,
    )


def find_scopes(family: Family, client: RegisteredClient, asked: frozenset[str]) -> frozenset[str]:
    """What the new access token may do: never more than was granted, or than the client may still ask for (RF-11)."""
    granted = frozenset(family.scope.split())
    if not asked <= granted:
        raise ProtocolError("invalid_scope", "the scope is wider than what was granted")
    allowed = (asked or granted) & (client.scopes or granted)
    if not allowed:
        raise ProtocolError("invalid_scope", "no scope is left that the client may use")
    return allowed


def refresh_expiry(family: Family, lifetimes: LifetimeSettings, now: int) -> int:
    """With its family, so with the session; one for offline access also when it is not used for long."""
    return min(now + lifetimes.offline_idle, family.expires_at) if family.offline else family.expires_at


def _is_replay(rotation: Rotation, grace: int, now: int) -> bool:
    if rotation.rotated_at is None:
        return False
    return rotation.is_successor_used or now >= rotation.rotated_at + grace


def _rotate(tx: Transaction, issuing: Issuing, family: Family, token: str, rotation: Rotation, now: int) -> str:
    """The successor: made once, and derived again for whoever asks inside the grace."""
    successor = issuing.master.derive_token(SUCCESSOR, token)
    if rotation.rotated_at is not None:
        tokens.count_incident(tx, family.family_id, "refresh_race", now)
        return successor
    tokens.mark_rotated(tx, token, now)
    expires_at = refresh_expiry(family, issuing.lifetimes, now)
    tokens.insert_refresh_token(tx, family, successor, predecessor=token, now=now, expires_at=expires_at)
    return successor


def _invalid_grant(detail: str) -> ProtocolError:
    return ProtocolError("invalid_grant", "the refresh token is not valid any more", detail=detail)
