"""What a site remembers of its signed-in customer: the content of the encrypted refresh cookie, and how it is renewed.

The cookie persists to `session_expiry` where the customer asked to stay signed in, else it ends with the browser; in
both cases the session at the site ends when the provider's does, 12 hours after sign-in at most, and nothing here
moves that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from idp.relying_party.customer import Customer
from idp.relying_party.provider_client import GrantEnded, InvalidToken, ProviderClient, ProviderUnavailable

LONGEST = 12 * 3600
_HEAD_CLAIMS = ("iss", "aud", "exp", "iat", "nonce", "azp", "jti", "sub")
_PROTOCOL_CLAIMS = frozenset(
    (*_HEAD_CLAIMS, "sid", "auth_time", "acr", "amr", "at_hash", "c_hash", "s_hash", "session_expiry", "session_kept")
)
_EARLY = 30


@dataclass(frozen=True, slots=True)
class SiteSession:
    """One customer's session at one site."""

    subject: str
    sid: str
    claims: Mapping[str, Any]
    started_at: int
    expires_at: int
    kept: bool
    access_token: str
    access_expires_at: int
    refresh_token: str
    id_token: str
    checked_at: int

    @property
    def customer(self) -> Customer:
        """Who this is."""
        return Customer(self.subject, self.sid, self.claims, self.expires_at, self.kept)

    def to_cookie(self) -> dict[str, Any]:
        """The value that is encrypted."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_cookie(cls, value: Mapping[str, Any] | None, now: int) -> SiteSession | None:
        """The session in a decrypted cookie; None if there is none or it is over."""
        if value is None:
            return None
        try:
            session = cls(**value)
        except TypeError:
            return None
        return session if session.expires_at > now else None


def begin_session(provider: ProviderClient, tokens: Mapping[str, Any], nonce: str, now: int) -> SiteSession:
    """The session that a redeemed code opens (OpenID Connect Core §3.1.3).

    Claims come from the ID token and userinfo; `session_expiry` and `session_kept` say how long it may live.
    """
    id_token = str(tokens.get("id_token", ""))
    claims = provider.verify_id_token(id_token, nonce, now)
    session = SiteSession(
        subject=claims["sub"],
        sid=str(claims.get("sid", "")),
        claims={},
        started_at=now,
        expires_at=min(_instant(claims.get("session_expiry"), now + LONGEST), now + LONGEST),
        kept=claims.get("session_kept") is True,
        access_token=str(tokens["access_token"]),
        access_expires_at=now + _instant(tokens.get("expires_in"), 0),
        refresh_token=str(tokens.get("refresh_token", "")),
        id_token=id_token,
        checked_at=now,
    )
    return _with_userinfo(session, provider.userinfo(session.access_token), claims, now)


def renew_session(provider: ProviderClient, session: SiteSession, now: int) -> SiteSession:
    """The same session with claims of this moment, on new tokens where the access token has ended.

    Where new tokens came and then no claims, the session has the tokens and an old `checked_at`. Raises `GrantEnded` where the
    provider no longer knows the session, `ProviderUnavailable` where it does not answer.
    """
    if session.access_token and session.access_expires_at - _EARLY > now:
        try:
            return _with_userinfo(session, provider.userinfo(session.access_token), {}, now)
        except GrantEnded:
            pass
    if not session.refresh_token:
        raise GrantEnded("no refresh token")
    tokens = provider.refresh(session.refresh_token)
    fresh: Mapping[str, Any] = {}
    if tokens.get("id_token"):
        fresh = provider.verify_id_token(str(tokens["id_token"]), None, now)
        if fresh["sub"] != session.subject:
            raise InvalidToken("sub")
    session = replace(
        session,
        access_token=str(tokens["access_token"]),
        access_expires_at=now + _instant(tokens.get("expires_in"), 0),
        refresh_token=str(tokens.get("refresh_token") or session.refresh_token),
        id_token=str(tokens.get("id_token") or session.id_token),
        expires_at=min(session.expires_at, _instant(fresh.get("session_expiry"), session.expires_at)),
    )
    try:
        return _with_userinfo(session, provider.userinfo(session.access_token), fresh, now)
    except ProviderUnavailable:
        # The new refresh token must not get lost with the answer: after the grace the old one would be a replay.
        return session


def _with_userinfo(
    session: SiteSession, userinfo: Mapping[str, Any], id_claims: Mapping[str, Any], now: int
) -> SiteSession:
    if userinfo.get("sub") != session.subject:
        raise InvalidToken("sub")
    merged = {**session.claims, **id_claims, **userinfo}
    public = {name: value for name, value in merged.items() if name not in _PROTOCOL_CLAIMS}
    return replace(session, claims=public, checked_at=now)


def _instant(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
