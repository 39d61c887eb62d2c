"""Client authentication (RFC 6749 §2.3, OpenID Connect Core §9): secrets here, signed assertions in `client_assertion`.

Exactly one method in a request, and it is the one that the client is registered with (CA-1). Whatever is wrong with the
credentials, the answer is the same 401 (CA-2, CA-8).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from idp.errors import ProtocolError
from idp.keys.keyring import InvalidJwt
from idp.keys.secrets import hash_secret, is_same
from idp.protocol.client_assertion import accept_assertion, method_of, read_assertion

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.protocol.client_jwt import ClientJwt
    from idp.protocol.client_keys import ClientKeys
    from idp.store.clients import RegisteredClient
    from idp.store.database import Database

FindClient = Callable[[str], "RegisteredClient | None"]

METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")
TOKEN_PATH = "/oauth/token"
LONGEST_HEADER = 4096
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="idp", charset="UTF-8"'}
_NO_SECRET = bytes(32)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client sent about itself; `secrets` are the spellings that it may have meant."""

    method: str
    client_id: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    assertion: ClientJwt | None = None


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    """What clients are authenticated with; the same at every endpoint."""

    issuer: str
    find_client: FindClient
    client_keys: ClientKeys
    master: MasterKey
    database: Database

    def audiences(self, path: str) -> frozenset[str]:
        """Whom an assertion may be addressed to: the issuer, the token endpoint, and the endpoint that was called.

        OpenID Connect Core §9 names the token endpoint, RFC 7523 §3 leaves it open, newer profiles name the issuer.
        """
        return frozenset((self.issuer, self.issuer + TOKEN_PATH, self.issuer + path))


def authenticate_client(
    form: Mapping[str, str], authorization: str | None, parts: ClientAuthentication, now: int, path: str = TOKEN_PATH
) -> RegisteredClient:
    """The client that asks at the endpoint of this path; to be called while no transaction is open.

    Raises `ProtocolError`: `invalid_client`, or `invalid_request` for two methods at once. Raises `Busy` where a client's
    key set cannot be fetched now.
    """
    credentials = read_credentials(form, authorization)
    client = parts.find_client(credentials.client_id)
    # The comparison is made for unknown clients too, so that both take the same time.
    has_secret = has_valid_secret(client, credentials.secrets, now)
    if client is None or client.disabled or client.token_endpoint_auth_method != credentials.method:
        raise invalid_client(f"{_name(credentials)} is unknown, disabled, or registered with another method")
    if credentials.assertion is not None:
        try:
            accept_assertion(credentials.assertion, client, parts, parts.audiences(path), now)
        except InvalidJwt as fault:
            raise invalid_client(f"assertion of {_name(credentials)}: {fault}") from None
    elif not client.is_public and not has_secret:
        raise invalid_client(f"wrong secret for {_name(credentials)}")
    return client


def read_credentials(form: Mapping[str, str], authorization: str | None) -> Credentials:
    """Find the one method that was used."""
    client_id = form.get("client_id")
    has_assertion = "client_assertion" in form or "client_assertion_type" in form
    if (authorization is not None) + ("client_secret" in form) + has_assertion > 1:
        raise ProtocolError("invalid_request", "use one way of client authentication, not two")
    if authorization is not None or has_assertion:
        credentials = _read_basic(authorization) if authorization is not None else _read_assertion(form)
        if client_id is not None and client_id != credentials.client_id:
            raise ProtocolError("invalid_request", "client_id differs from the authenticated client")
        return credentials
    if client_id is None:
        raise invalid_client("no credentials")
    if "client_secret" in form:
        return Credentials("client_secret_post", client_id, (form["client_secret"],))
    return Credentials("none", client_id)


def has_valid_secret(client: RegisteredClient | None, secrets: tuple[str, ...], now: int) -> bool:
    """Whether one of the spellings is a secret of the client that has not ended; every pair is compared."""
    kept = client.secret_hashes if client else ()
    valid = [secret_hash for secret_hash, expires_at in kept if expires_at is None or expires_at > now]
    found = False
    for secret in secrets:
        offered = hash_secret("client", secret)
        for secret_hash in valid or [_NO_SECRET]:
            found |= is_same(offered, secret_hash)
    return found


def invalid_client(detail: str) -> ProtocolError:
    """401 with a challenge, the same words for every cause; the cause goes to the log."""
    return ProtocolError(
        "invalid_client", "client authentication failed", status=401, detail=detail, headers=_CHALLENGE
    )


def _name(credentials: Credentials) -> str:
    """Who it said it was, for the log."""
    return ascii(credentials.client_id[:80])


def _read_assertion(form: Mapping[str, str]) -> Credentials:
    """A signed assertion, not yet proven: who it says it is, and with which method."""
    try:
        jwt = read_assertion(form)
    except InvalidJwt as fault:
        raise invalid_client(f"assertion: {fault}") from None
    return Credentials(method_of(jwt), str(jwt.claims["sub"]), assertion=jwt)


def _read_basic(authorization: str) -> Credentials:
    """The Basic scheme with both halves urlencoded first (RFC 7617, RFC 6749 §2.3.1); many clients forget to encode."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > LONGEST_HEADER:
        raise invalid_client("not the Basic scheme")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        raw_id, colon, raw_secret = text.partition(":")
        client_id, secret = _unquote(raw_id), _unquote(raw_secret)
    except (binascii.Error, ValueError):
        raise invalid_client("malformed Basic credentials") from None
    if not colon or not client_id or not secret or not (text.isprintable() and client_id.isprintable()):
        raise invalid_client("empty or unprintable Basic credentials")
    return Credentials("client_secret_basic", client_id, tuple(dict.fromkeys((secret, raw_secret))))


def _unquote(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
