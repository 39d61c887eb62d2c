"""`id_token_hint`: OpenID Connect Core §3.1.2.1 and RP-Initiated Logout §2; ours, an ID token, for this client (RD-19).

An expired one is still a good hint: it says who, and opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

ID_TOKEN = "JWT"


class Verifier(Protocol):
    """What verifies our own tokens, retired keys included: the keyring. Raises `ValueError` for all others."""

    def verify_own_jwt(self, text: str, typ: str) -> Mapping[str, Any]:
        """The claims of a token that we signed with that `typ`; `exp` is not looked at."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a valid hint says, of subject and session as the client sees them."""

    subject: str
    client_id: str
    sid: str | None


def read_hint(text: str | None, verifier: Verifier, *, issuer: str, client_id: str | None = None) -> Hint | None:
    """The hint, or None where it is not one of our ID tokens for this client.

    Without a client (logout may leave it out) the token's only audience is the client.
    """
    if not text:
        return None
    try:
        claims = verifier.verify_own_jwt(text, ID_TOKEN)
    except ValueError:
        return None
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if claims.get("iss") != issuer or not isinstance(claims.get("sub"), str) or not isinstance(audiences, list):
        return None
    if not isinstance(claims.get("exp"), int):
        return None  # a signed answer of userinfo, which says nothing of a sign-in
    known = client_id or (audiences[0] if len(audiences) == 1 else claims.get("azp"))
    if not isinstance(known, str) or known not in audiences:
        return None
    sid = claims.get("sid")
    return Hint(claims["sub"], known, sid if isinstance(sid, str) else None)
