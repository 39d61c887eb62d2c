"""Token introspection (RFC 7662): what a token says now, told to those it concerns.

A client may ask about its own tokens and about tokens for an audience that it may introspect; everything else is
`{"active": false}` in the same bytes, whatever the reason (IN-2, IN-3). Answers as JWT (RFC 9701) are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.errors import ProtocolError
from idp.protocol.access_token import find_live_token
from idp.protocol.claims import build_approval_claims
from idp.protocol.client_authentication import authenticate_client, invalid_client
from idp.protocol.endpoint import Answer, answer_error, answer_json, read_form, require
from idp.store import tokens

if TYPE_CHECKING:
    from idp.protocol.access_token import LiveToken
    from idp.protocol.client_authentication import FindClient
    from idp.protocol.endpoint import EndpointRequest
    from idp.store.clients import RegisteredClient
    from idp.store.database import Database, Transaction

INACTIVE = {"active": False}


def answer_introspection(
    request: EndpointRequest, database: Database, find_client: FindClient, issuer: str, now: int
) -> Answer:
    """Authenticate the caller, then tell. An unknown `token_type_hint` is of no consequence (§2.1)."""
    caller: RegisteredClient | None = None
    try:
        form = read_form(request)
        caller = authenticate_client(form, request.authorization, find_client, now)
        if caller.is_public:
            raise invalid_client("a public client cannot introspect (CA-9)")
        token = require(form, "token")
        with database.reading() as tx:
            return answer_json(200, introspect(tx, token, caller, find_client, issuer, now))
    except ProtocolError as error:
        return answer_error(error, endpoint="introspection", client_id=caller.client_id if caller else "")


def introspect(
    tx: Transaction, token: str, caller: RegisteredClient, find_client: FindClient, issuer: str, now: int
) -> dict[str, Any]:
    """The members of an introspection response (§2.2)."""
    live = find_live_token(tx, token, find_client, now)
    if live is not None:
        return _describe(live, issuer, "Bearer") if may_see(caller, live) else INACTIVE
    live = find_live_token(tx, token, find_client, now, find=tokens.find_refresh_token)
    if live is not None and live.client.client_id == caller.client_id:
        return _describe(live, issuer, None)
    return INACTIVE


def may_see(caller: RegisteredClient, live: LiveToken) -> bool:
    """Its own token, or one for an audience that it may ask about."""
    return live.client.client_id == caller.client_id or not caller.may_introspect.isdisjoint(live.facts.audience)


def _describe(live: LiveToken, issuer: str, token_type: str | None) -> dict[str, Any]:
    """A token that a client got for itself is about the client (RFC 9068 §2.2)."""
    facts = live.facts
    answer: dict[str, Any] = {
        "active": True,
        "iss": issuer,
        "sub": facts.account_id or facts.client_id,
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
    return answer
