"""OpenID Connect Back-Channel Logout 1.0: which site learns of an end, and the logout token that says so.

The row is written in the transaction of the act; the token is made when it is sent, so that it is at most two minutes old
however long the site was away (SE-10). `jti` belongs to the row: a repeated delivery is known as such by the site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from idp.keys.secrets import new_identifier
from idp.keys.subject import session_of, subject_of
from idp.store import outbox
from idp.store.clients import find_client

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction

KIND = "backchannel_logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_TYPE = "logout+jwt"
LIFETIME = 120


class Signer(Protocol):
    """What signs: the keyring."""

    def sign_jwt(self, claims: Mapping[str, Any], typ: str, alg: str) -> str:
        """The claims as a signed JWT."""


@dataclass(frozen=True, slots=True)
class LogoutDelivery:
    """What goes out: one form field to one address (Back-Channel Logout §2.5)."""

    url: str
    logout_token: str

    def __repr__(self) -> str:
        return f"LogoutDelivery({self.url!r})"


def announce_logout(
    tx: Transaction, master: MasterKey, *, client_id: str, account_id: str, sid: str | None, now: int
) -> bool:
    """Write the row that tells a site; False where the site has no back channel, or wants a `sid` and there is none."""
    client = find_client(tx, client_id)
    if client is None or not client.backchannel_logout_uri:
        return False
    if sid is None and client.details.get("backchannel_logout_session_required"):
        return False
    payload = {"client_id": client_id, "sub": account_id, "sid": sid, "jti": new_identifier()}
    outbox.enqueue(
        tx,
        master,
        kind=KIND,
        name="logout",
        payload=payload,
        now=now,
        account_id=account_id,
        client_id=client_id,
        sid=sid,
    )
    return True


def build_delivery(
    client: RegisteredClient | None,
    payload: Mapping[str, Any],
    *,
    issuer: str,
    signer: Signer,
    master: MasterKey,
    now: int,
) -> LogoutDelivery | None:
    """Where to send a row, and its token made now; None where the client or its address is gone."""
    if client is None or not client.backchannel_logout_uri:
        return None
    seen = {**payload, "sub": subject_of(payload["sub"], client.sector, master)}
    if payload.get("sid"):
        seen["sid"] = session_of(payload["sid"], client.sector, master)
    claims = build_logout_claims(issuer, client.client_id, seen, now)
    return LogoutDelivery(client.backchannel_logout_uri, signer.sign_jwt(claims, TOKEN_TYPE, client.id_token_algorithm))


def build_logout_claims(issuer: str, client_id: str, payload: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The claims of a logout token (Back-Channel Logout §2.4); never a nonce."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": client_id,
        "sub": payload["sub"],
        "iat": now,
        "exp": now + LIFETIME,
        "jti": payload["jti"],
        "events": {EVENT: {}},
    }
    if payload.get("sid"):
        claims["sid"] = payload["sid"]
    return claims
