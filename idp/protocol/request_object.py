"""Request objects: OpenID Connect Core §6, RFC 9101. Parameters in a JWT that the client signed, by value or by reference.

What the object says wins over what stands beside it; what only stands beside it is kept, as OpenID Connect has it (§6.1),
except for clients that always sign: for them nothing unsigned counts (RFC 9101 §5, §10.5). By reference works only for
addresses that the client registered, compared with their fragment; the fragment is no hash here. Unsigned objects are
refused (`none` is no algorithm of ours). Encrypted objects are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.errors import ProtocolError
from idp.keys.keyring import InvalidJwt
from idp.protocol.client import SIGNING_ALGORITHMS
from idp.protocol.client_jwt import read_client_jwt, verify_client_jwt
from idp.protocol.parameters import LONGEST_VALUE, Parameters
from idp.signals.fetcher import FetchFailed, FetchRefused

if TYPE_CHECKING:
    from idp.protocol.client_jwt import ClientJwt
    from idp.protocol.client_keys import ClientKeys
    from idp.signals.fetcher import Answer
    from idp.store.clients import RegisteredClient

BY_VALUE, BY_REFERENCE = "request", "request_uri"
SKEW = 60
_TYPES = ("jwt", "oauth-authz-req+jwt")
_NO_OBJECT = "the request_uri gives no request object"  # whatever is there, so that nobody scans through us (SS-2)
_NOT_PARAMETERS = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})


@dataclass(frozen=True, slots=True)
class RequestObjects:
    """What objects are read with; `fetch` is the guarded fetcher's `get`."""

    issuer: str
    find_client: Callable[[str], RegisteredClient | None]
    client_keys: ClientKeys
    fetch: Callable[[str], Answer]


def merge_request_object(parameters: Parameters, objects: RequestObjects, now: int) -> Parameters:
    """The parameters with those of the request object laid over them. Call it outside of transactions.

    Raises `ProtocolError` that may travel by redirect, if what stands beside the object says where to. An unknown client
    is left to whoever checks clients.
    """
    sent = {name for name in (BY_VALUE, BY_REFERENCE) if name in parameters.values or name in parameters.faults}
    client = objects.find_client(parameters.get("client_id") or "")
    if client is None or client.disabled:
        return parameters
    always_signs = client.details.get("require_signed_request_object") is True
    if not sent:
        if always_signs:
            raise ProtocolError("invalid_request", "this client signs its requests")
        return parameters
    if len(sent) == 2 or sent & set(parameters.faults):
        raise ProtocolError("invalid_request", "send either request or request_uri, once")
    text = parameters.get(BY_VALUE) or _fetch(str(parameters.get(BY_REFERENCE)), client, objects)
    try:
        said = _read(text, client, objects, now)
    except InvalidJwt as error:
        raise ProtocolError(
            "invalid_request_object", "the request object is not valid", detail=f"request object: {error}"
        ) from None
    return _lay_over(parameters, said, is_alone=always_signs)


def _fetch(uri: str, client: RegisteredClient, objects: RequestObjects) -> str:
    if uri not in client.details.get("request_uris", ()):
        raise ProtocolError("invalid_request_uri", "the request_uri is not registered for this client")
    try:
        answer = objects.fetch(uri.partition("#")[0])
    except (FetchRefused, FetchFailed) as error:
        raise ProtocolError("invalid_request_uri", _NO_OBJECT, detail=str(error)) from None
    if answer.status != 200 or not answer.body.isascii():
        raise ProtocolError("invalid_request_uri", _NO_OBJECT, detail=f"status {answer.status}")
    return answer.body.decode("ascii").strip()


def _read(text: str, client: RegisteredClient, objects: RequestObjects, now: int) -> dict[str, str]:
    """Verify, and turn the claims into parameters. Raises `InvalidJwt`."""
    jwt = read_client_jwt(text, _TYPES)
    registered = client.details.get("request_object_signing_alg")
    verify_client_jwt(jwt, client, (str(registered),) if registered else SIGNING_ALGORITHMS, objects.client_keys)
    _check_claims(jwt, client.client_id, objects.issuer, now)
    return {name: _to_parameter(name, value) for name, value in jwt.claims.items() if name not in _NOT_PARAMETERS}


def _check_claims(jwt: ClientJwt, client_id: str, issuer: str, now: int) -> None:
    """RFC 9101 §4, §10.8: made by this client, for us, now; no assertion that is used as a request."""
    claims = jwt.claims
    if claims.get("iss", client_id) != client_id or claims.get("client_id", client_id) != client_id:
        raise InvalidJwt("iss or client_id is not the client")
    if "aud" in claims and issuer not in (claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]):
        raise InvalidJwt("meant for somebody else")
    if claims.get("sub") == client_id or {BY_VALUE, BY_REFERENCE} & claims.keys():
        raise InvalidJwt("sub is the client, or an object within the object")
    ends_at, begins_at = jwt.get_instant("exp"), jwt.get_instant("nbf")
    if (ends_at is not None and ends_at <= now - SKEW) or (begins_at is not None and begins_at > now + SKEW):
        raise InvalidJwt("expired, or not valid yet")


def _to_parameter(name: str, value: Any) -> str:
    """A claim as the parameter that it stands for (§6.1: numbers and objects as JSON has them)."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = value
    elif isinstance(value, int):
        text = str(value)
    elif isinstance(value, dict):
        text = json.dumps(value, separators=(",", ":"))
    elif isinstance(value, list) and all(isinstance(one, str) for one in value):
        text = " ".join(value)
    else:
        raise InvalidJwt(f"the value of {name[:50]!a} is no parameter")
    if len(text) > LONGEST_VALUE or any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text):
        raise InvalidJwt(f"the value of {name[:50]!a} is too long or has control characters")
    return text


def _lay_over(parameters: Parameters, said: Mapping[str, str], *, is_alone: bool) -> Parameters:
    """§6.1: client and response type must be the same in both places, where both say them."""
    for name in ("client_id", "response_type"):
        beside = parameters.get(name)
        if name in said and beside is not None and sorted(said[name].split()) != sorted(beside.split()):
            raise ProtocolError("invalid_request_object", f"{name} differs between request object and request")
    if is_alone:
        return Parameters({"client_id": parameters.values["client_id"], **_sent(said)}, {})
    kept = {name: value for name, value in parameters.values.items() if name not in (BY_VALUE, BY_REFERENCE)}
    faults = {name: fault for name, fault in parameters.faults.items() if name not in said}
    return Parameters({**kept, **_sent(said)}, faults)


def _sent(said: Mapping[str, str]) -> dict[str, str]:
    """A parameter without a value counts as absent (RFC 6749 §3.1)."""
    return {name: value for name, value in said.items() if value}
