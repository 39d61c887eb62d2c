"""Clients that sign instead of sending a secret: `private_key_jwt` and `client_secret_jwt` (OpenID Connect Core §9, RFC 7523).

An assertion names the client as issuer and subject, is addressed to us and to nobody else, ends soon, and is accepted once:
the database decides that (CA-5, CA-6). The algorithm is the registered one, or one that fits the method. We leave out
SAML assertions, and the assertion as a grant (RFC 7523 §2.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from idp.keys.keyring import InvalidJwt
from idp.protocol.client import MAC_ALGORITHMS, SIGNING_ALGORITHMS
from idp.protocol.client_jwt import ClientJwt, check_mac, read_client_jwt, verify_client_jwt
from idp.store import assertions, clients

if TYPE_CHECKING:
    from collections.abc import Collection

    from idp.protocol.client_authentication import ClientAuthentication
    from idp.store.clients import RegisteredClient

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METHOD_ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "private_key_jwt": SIGNING_ALGORITHMS,
    "client_secret_jwt": MAC_ALGORITHMS,
}
LONGEST_LIFE = 600
"""Seconds that an assertion may still have; it is remembered until then (CA-5)."""
SKEW = 30
"""Seconds by which the client's clock may differ from ours."""
LONGEST_JTI = 500

_TYPES = ("jwt", "client-authentication+jwt")


def read_assertion(form: Mapping[str, str]) -> ClientJwt:
    """The assertion of a request, unproven; its subject is the client. Raises `InvalidJwt`."""
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidJwt("client_assertion_type is missing or another one")
    jwt = read_client_jwt(form.get("client_assertion", ""), _TYPES)
    if jwt.get_text("sub") is None or jwt.claims.get("iss") != jwt.claims["sub"]:
        raise InvalidJwt("iss and sub are not both the client")
    return jwt


def method_of(jwt: ClientJwt) -> str:
    """The method of client authentication that this algorithm belongs to."""
    return "client_secret_jwt" if jwt.alg in MAC_ALGORITHMS else "private_key_jwt"


def accept_assertion(
    jwt: ClientJwt, client: RegisteredClient, parts: ClientAuthentication, audiences: Collection[str], now: int
) -> None:
    """Verify it with the client's key or secret, check what it says, and use it up. Raises `InvalidJwt` or `Busy`.

    The signature comes before anything is written: an assertion that is not proven changes nothing (CA-7).
    """
    method = client.token_endpoint_auth_method
    registered = client.details.get("token_endpoint_auth_signing_alg")
    algorithms = (str(registered),) if registered else METHOD_ALGORITHMS[method]
    if method == "private_key_jwt":
        verify_client_jwt(jwt, client, algorithms, parts.client_keys)
    else:
        check_mac(jwt, clients.open_secrets(client, parts.master, now), algorithms)
    ends_at = _check_claims(jwt, audiences, now)
    with parts.database.transaction(durable=False) as tx:
        if not assertions.use_assertion(tx, client.client_id, str(jwt.claims["jti"]), ends_at):
            raise InvalidJwt("the assertion was used before")


def _check_claims(jwt: ClientJwt, audiences: Collection[str], now: int) -> int:
    """Addressee, times, and the identifier that is used once; out: until when it must be remembered."""
    if not jwt.is_for(audiences):
        raise InvalidJwt("aud is not ours, or not ours alone")
    ends_at = jwt.get_instant("exp")
    if ends_at is None or not now - SKEW < ends_at <= now + LONGEST_LIFE + SKEW:
        raise InvalidJwt("exp is missing, past or too far ahead")
    if any((jwt.get_instant(name) or 0) > now + SKEW for name in ("iat", "nbf")):
        raise InvalidJwt("iat or nbf is ahead")
    jti = jwt.get_text("jti")
    if jti is None or len(jti) > LONGEST_JTI:
        raise InvalidJwt("jti is missing or too long")
    return math.ceil(ends_at) + SKEW
