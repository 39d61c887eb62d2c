"""Token revocation (RFC 7009): a client ends its own token, and learns nothing about any other.

An access token ends alone. With a refresh token, also one that was exchanged already, everything ends that came from the
same authorization (§2.1). No site is told: the one concerned is the one that asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import ProtocolError
from idp.protocol.client_authentication import authenticate_client
from idp.protocol.endpoint import NO_STORE, Answer, answer_error, read_form, require
from idp.store import audit, endings, tokens

if TYPE_CHECKING:
    from idp.protocol.client_authentication import ClientAuthentication
    from idp.protocol.endpoint import EndpointRequest
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction

REASON = "token_revoked"


def answer_revocation(request: EndpointRequest, parts: ClientAuthentication, now: int) -> Answer:
    """Authenticate the caller, then end its token; 200 also where there was none (§2.2).

    Both kinds are looked for, so `token_type_hint` is of no consequence (§2.1).
    """
    caller: RegisteredClient | None = None
    try:
        form = read_form(request)
        caller = authenticate_client(form, request.authorization, parts, now, "/oauth/revoke")
        token = require(form, "token")
        with parts.database.transaction() as tx:
            revoke_token(tx, token, caller, now)
        return Answer(200, NO_STORE)
    except ProtocolError as error:
        return answer_error(error, endpoint="revocation", client_id=caller.client_id if caller else "")


def revoke_token(tx: Transaction, token: str, caller: RegisteredClient, now: int) -> None:
    """End an access token, or the family of a refresh token, if it is the caller's."""
    if tokens.revoke_access_token(tx, token, caller.client_id, now):
        return
    family = tokens.lock_family_of_refresh_token(tx, token, caller.client_id)
    if family is None or not endings.end_family(tx, family.family_id, reason=REASON, now=now):
        return
    audit.record(
        tx,
        REASON,
        now=now,
        actor_kind="client",
        actor=caller.client_id,
        account_id=family.account_id,
        client_id=caller.client_id,
    )
