"""The ID token (OpenID Connect Core §2, §3.1.3.6, §12.2): a fresh set of claims for each, reserved names cannot be overlaid.

Profile, e-mail, address and phone come from userinfo, if there is an access token to ask it with (§5.4); approval,
interests and session stand in the ID token too, so that a site which calls nothing else knows them.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.protocol.claims import build_account_claims, build_session_claims, find_wanted_claims

if TYPE_CHECKING:
    from idp.store.accounts import Account
    from idp.store.clients import RegisteredClient
    from idp.store.codes import Family

TOLD_HERE_TOO = frozenset({"approval", "interests", "session"})
_HASHES = {"EdDSA": "sha512"}


@dataclass(frozen=True, slots=True)
class Bound:
    """What an ID token comes with, and so is bound to (§3.1.3.6, §3.3.2.11; `s_hash`: FAPI 1.0 Part 2 §5.2.2.1)."""

    access_token: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    state: str | None = field(default=None, repr=False)

    @property
    def comes_alone(self) -> bool:
        """Whether the client gets nothing else, so nothing to ask userinfo with (response type `id_token`)."""
        return self.access_token is None and self.code is None

    def hashes(self, alg: str) -> dict[str, str]:
        """The claims that bind; one for each thing that is there."""
        pairs = (("at_hash", self.access_token), ("c_hash", self.code), ("s_hash", self.state))
        return {name: half_hash(value, alg) for name, value in pairs if value is not None}


def build_id_token_claims(
    family: Family,
    account: Account,
    client: RegisteredClient,
    scopes: frozenset[str],
    *,
    subject: str,
    sid: str | None,
    issuer: str,
    alg: str,
    bound: Bound,
    is_first: bool,
    now: int,
    expires_at: int,
) -> dict[str, Any]:
    """The claims; `auth_time` is that of the sign-in also after a refresh, where the nonce is left out (§12.2).

    `subject` and `sid` are as this client sees them.
    """
    session_end = family.session_end(now)
    told = scopes if bound.comes_alone else scopes & TOLD_HERE_TOO
    names = find_wanted_claims(told, family.claims, "id_token", client.scopes)
    claims = build_account_claims(account, names) | build_session_claims(session_end, family.kept, names)
    if is_first and family.nonce is not None:
        claims["nonce"] = family.nonce
    if sid is not None and session_end is not None:
        claims["sid"] = sid
    if family.acr is not None:
        claims["acr"] = family.acr
    return claims | {
        "iss": issuer,
        "sub": subject,
        "aud": family.client_id,
        "azp": family.client_id,
        "iat": now,
        "exp": expires_at,
        "auth_time": family.auth_time,
        "amr": family.amr.split(),
        **bound.hashes(alg),
    }


def half_hash(value: str, alg: str) -> str:
    """The left half of the hash that goes with the signature (§3.1.3.6)."""
    digest = hashlib.new(_HASHES.get(alg, "sha256"), value.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
