"""Userinfo (OpenID Connect Core §5.3) with a bearer token (RFC 6750): in the header, or in the body of a POST.

The token comes from one place, never from the address (IN-7). A client that registered `userinfo_signed_response_alg` gets
a signed answer, with issuer and audience in it; one that registered `userinfo_encrypted_response_alg` an encrypted one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idp.errors import ProtocolError
from idp.protocol.access_token import find_live_token
from idp.protocol.claims import build_account_claims, build_session_claims, find_wanted_claims
from idp.protocol.encryption import find_envelope
from idp.protocol.endpoint import Answer, answer_error, answer_json, answer_jwt, encode_json
from idp.protocol.parameters import parse_parameters
from idp.store import accounts

if TYPE_CHECKING:
    from typing import Any

    from idp.protocol.access_token import LiveToken, Reading
    from idp.protocol.endpoint import EndpointRequest
    from idp.store.database import Transaction

JWT_TYPE = "application/jwt"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,4000}=*\Z")


def answer_userinfo(request: EndpointRequest, reading: Reading, now: int) -> Answer:
    """The claims that the token's scopes stand for, as they are now."""
    try:
        token = read_bearer_token(request)
        with reading.database.reading() as tx:
            live = find_live_token(tx, reading, token, now)
            if live is None:
                raise _challenge(401, "invalid_token", "the access token is unknown, expired or revoked")
            claims = find_claims(tx, live, now)
        return _tell(reading, live, claims)
    except ProtocolError as error:
        return answer_error(error, endpoint="userinfo")


def find_claims(tx: Transaction, live: LiveToken, now: int) -> dict[str, Any]:
    """All but the subject. Raises `ProtocolError`, `insufficient_scope` (RFC 6750 §3.1)."""
    scopes = live.facts.scopes
    account = accounts.find_account(tx, live.facts.account_id) if live.facts.account_id else None
    if account is None or "openid" not in scopes:
        raise _challenge(403, "insufficient_scope", "the access token is not for userinfo", scope="openid")
    names = find_wanted_claims(scopes, live.facts.claims, "userinfo", live.client.scopes)
    claims = build_account_claims(account, names)
    return claims | build_session_claims(live.facts.session_end(now), live.facts.kept, names)


def _tell(reading: Reading, live: LiveToken, claims: dict[str, Any]) -> Answer:
    """In JSON, or signed, encrypted, or first one and then the other, as the client registered it (§5.3.2)."""
    client = live.client
    claims = claims | {"sub": live.subject_for(client, reading.master)}
    alg = client.details.get("userinfo_signed_response_alg")
    envelope = find_envelope(client, "userinfo", reading.client_keys)
    if alg is None and envelope is None:
        return answer_json(200, claims)
    content = encode_json(claims).decode()
    if alg is not None:
        claims |= {"iss": reading.issuer, "aud": client.client_id}
        content = reading.keyring.sign_jwt(claims, alg=alg)
    return answer_jwt(envelope.seal(content, is_jwt=alg is not None) if envelope else content, JWT_TYPE)


def read_bearer_token(request: EndpointRequest) -> str:
    """The token from the one place where it may be (RFC 6750 §2.1, §2.2)."""
    if request.method not in ("GET", "HEAD", "POST"):
        raise ProtocolError(
            "invalid_request", "userinfo takes GET and POST", status=405, headers={"Allow": "GET, HEAD, POST"}
        )
    query = parse_parameters(request.query)
    if "access_token" in {*query.values, *query.faults}:
        raise _challenge(400, "invalid_request", "the token belongs in the header, not in the address")
    in_body = _read_body(request)
    if request.authorization is None and in_body is None:
        # Nothing was sent, so the challenge names no error (RFC 6750 §3.1).
        raise ProtocolError("invalid_token", "an access token is needed", status=401, headers=_CHALLENGE)
    if request.authorization is None:
        return _check_token(in_body or "")
    if in_body is not None:
        raise _challenge(400, "invalid_request", "send the token in one place only")
    scheme, _, token = request.authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise _challenge(401, "invalid_token", "not a bearer token")
    return _check_token(token.strip(" "))


def _read_body(request: EndpointRequest) -> str | None:
    if request.method != "POST" or not request.is_form:
        return None
    parameters = parse_parameters(request.body)
    if "access_token" in parameters.faults:
        raise _challenge(400, "invalid_request", "the access_token parameter is not usable")
    return parameters.get("access_token")


def _check_token(token: str) -> str:
    if not _TOKEN.match(token):
        raise _challenge(401, "invalid_token", "the access token is malformed")
    return token


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="idp"'}


def _challenge(status: int, error: str, description: str, scope: str = "") -> ProtocolError:
    """An error with its challenge (RFC 6750 §3)."""
    value = f'Bearer realm="idp", error="{error}", error_description="{description}"'
    if scope:
        value += f', scope="{scope}"'
    return ProtocolError(error, description, status=status, headers={"WWW-Authenticate": value})
