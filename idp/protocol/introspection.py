"""Token introspection (RFC 7662): what a token says now, told to those it concerns.

A client may ask about its own tokens and about tokens for an audience that it may introspect; everything else is
`{"active": false}`, whatever the reason (IN-2, IN-3). Whoever asks for it in `Accept`, or registered
`introspection_signed_response_alg`, gets the answer as a signed JWT (RFC 9701); encrypted ones are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.errors import ProtocolError
from idp.keys.keyring import DEFAULT_ALGORITHM
from idp.protocol.access_token import find_live_token
from idp.protocol.claims import build_approval_claims, build_interest_claims
from idp.protocol.client_authentication import authenticate_client, invalid_client
from idp.protocol.endpoint import Answer, answer_error, answer_json, answer_jwt, read_form, require
from idp.store import tokens

if TYPE_CHECKING:
    from idp.protocol.access_token import LiveToken, Reading
    from idp.protocol.endpoint import EndpointRequest
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction

TOKEN_TYPE = "token-introspection+jwt"
INACTIVE = {"active": False}


def answer_introspection(request: EndpointRequest, reading: Reading, now: int) -> Answer:
    """Authenticate the caller, then tell. An unknown `token_type_hint` is of no consequence (§2.1)."""
    caller: RegisteredClient | None = None
    try:
        form = read_form(request)
        caller = authenticate_client(form, request.authorization, reading.authentication, now, "/oauth/introspect")
        if caller.is_public:
            raise invalid_client("a public client cannot introspect (CA-9)")
        token = require(form, "token")
        with reading.database.reading() as tx:
            told = introspect(tx, reading, token, caller, now)
        return _tell(request, reading, caller, told, now)
    except ProtocolError as error:
        return answer_error(error, endpoint="introspection", client_id=caller.client_id if caller else "")


def _tell(
    request: EndpointRequest, reading: Reading, caller: RegisteredClient, told: dict[str, Any], now: int
) -> Answer:
    """In JSON, or in a member of its own of a JWT, so that it is never taken for another kind of token (RFC 9701 §5)."""
    alg = caller.details.get("introspection_signed_response_alg")
    if not wants_jwt(request.accept, is_registered=alg is not None):
        return answer_json(200, told)
    claims = {"iss": reading.issuer, "aud": caller.client_id, "iat": now, "token_introspection": told}
    token = reading.keyring.sign_jwt(claims, TOKEN_TYPE, alg or DEFAULT_ALGORITHM)
    return answer_jwt(token, f"application/{TOKEN_TYPE}")


def wants_jwt(accept: str, *, is_registered: bool) -> bool:
    """Whether the caller names the JWT's media type (RFC 9701 §4), or registered for it and does not name JSON instead."""
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return f"application/{TOKEN_TYPE}" in named or (is_registered and "application/json" not in named)


def introspect(tx: Transaction, reading: Reading, token: str, caller: RegisteredClient, now: int) -> dict[str, Any]:
    """The members of an introspection response (§2.2)."""
    live = find_live_token(tx, reading, token, now)
    if live is not None:
        return _describe(reading, live, caller, "Bearer") if may_see(caller, live) else INACTIVE
    live = find_live_token(tx, reading, token, now, find=tokens.find_refresh_token)
    if live is not None and live.client.client_id == caller.client_id:
        return _describe(reading, live, caller, None)
    return INACTIVE


def may_see(caller: RegisteredClient, live: LiveToken) -> bool:
    """Its own token, or one for an audience that it may ask about."""
    return live.client.client_id == caller.client_id or not caller.may_introspect.isdisjoint(live.facts.audience)


def _describe(reading: Reading, live: LiveToken, caller: RegisteredClient, token_type: str | None) -> dict[str, Any]:
    """What the token says, of its subject as the caller knows them."""
    facts = live.facts
    answer: dict[str, Any] = {
        "active": True,
        "iss": reading.issuer,
        "sub": live.subject_for(caller, reading.master),
        "client_id": facts.client_id,
        "iat": facts.issued_at,
        "exp": facts.expires_at,
    }
    if facts.scopes:
        answer["scope"] = " ".join(sorted(facts.scopes))
    if token_type:
        answer["token_type"] = token_type
        answer["aud"] = facts.audience[0] if len(facts.audience) == 1 else list(facts.audience)
    if facts.approval_status is not None and facts.approval_updated_at is not None:
        answer |= build_approval_claims(facts.approval_status, facts.approval_updated_at)
    if "interests" in facts.scopes:
        answer |= build_interest_claims(facts.account_claims)
    return answer
