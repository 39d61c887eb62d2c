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
    from idp.protocol.access_token import LiveToken, Reading
    from idp.protocol.endpoint import EndpointRequest
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction

INACTIVE = {"active": False}


def answer_introspection(request: EndpointRequest, reading: Reading, now: int) -> Answer:
    """Authenticate the caller, then tell. An unknown `token_type_hint` is of no consequence (§2.1)."""
    caller: RegisteredClient | None = None
    try:
        form = read_form(request)
        caller = authenticate_client(form, request.authorization, reading.find_client, now)
        if caller.is_public:
            raise invalid_client("a public client cannot introspect (CA-9)")
        token = require(form, "token")
        with reading.database.reading() as tx:
            told = introspect(tx, reading, token, caller, now)
        return answer_json(200, told)
    except ProtocolError as error:
        return answer_error(error, endpoint="introspection", client_id=caller.client_id if caller else "")


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
    return answer
