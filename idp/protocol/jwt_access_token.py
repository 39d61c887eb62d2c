"""Access tokens as JWTs (RFC 9068), for resource servers that read them without asking.

They are rows like the others, so that they can be revoked, introspected and used at userinfo; there also their signature is
checked, so that nothing is left of them when their key is taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.keys.secrets import new_identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idp.keys.keyring import Keyring
    from idp.store.codes import Family

TOKEN_TYPE = "at+jwt"


def build_access_token_claims(
    family: Family | None,
    *,
    client_id: str,
    subject: str,
    scope: str,
    audience: Sequence[str],
    issuer: str,
    now: int,
    expires_at: int,
) -> dict[str, Any]:
    """The claims (§2.2); how the end-user signed in, where there is one."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "client_id": client_id,
        "iat": now,
        "exp": expires_at,
        "jti": new_identifier(),
    }
    if scope:
        claims["scope"] = scope
    if family is not None:
        claims |= {"auth_time": family.auth_time, "amr": family.amr.split()}
        if family.acr is not None:
            claims["acr"] = family.acr
    return claims


def is_void(token: str, keyring: Keyring) -> bool:
    """Whether the token is a JWT that no published key signed: its key was taken away since ("signing key compromised")."""
    if "." not in token:
        return False  # an opaque one has no dots
    try:
        keyring.verify_own_jwt(token, TOKEN_TYPE)
    except ValueError:
        return True
    return False
