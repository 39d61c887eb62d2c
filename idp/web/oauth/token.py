"""`/oauth/token`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from idp.accounts.endings import apply_ending
from idp.errors import ProtocolError
from idp.policy.endings import Act
from idp.protocol.access_token import Issuing
from idp.protocol.endpoint import answer_error
from idp.protocol.token_endpoint import answer_token_request
from idp.store import audit
from idp.web.browser_session import client_address
from idp.web.context import provider
from idp.web.oauth.machine import ANY_METHOD, build_authentication, read_request, respond, slow_down_guesses

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.codes import Family
    from idp.store.database import Transaction

blueprint = Blueprint("oauth_token", __name__)


@blueprint.route("/oauth/token", methods=ANY_METHOD)
def token() -> Response:
    """Exchange a code or a refresh token."""
    parts = provider()
    try:
        request = read_request()
    except ProtocolError as error:
        return respond(answer_error(error, endpoint="token"))
    answer = answer_token_request(request, build_issuing(parts), parts.clock())
    return respond(slow_down_guesses(parts, answer, client_address()))


def build_issuing(parts: Provider) -> Issuing:
    """What the token endpoint works with."""

    def end_family(tx: Transaction, family: Family, *, kind: str, now: int) -> None:
        """Once for a family: the sites concerned are told, and the trail has one line."""
        ended = apply_ending(
            parts, tx, Act.TOKEN_REPLAYED, account_id=family.account_id, family_id=family.family_id, now=now
        )
        if ended.family_ids:
            audit.record(
                tx,
                kind,
                now=now,
                actor_kind="client",
                actor=family.client_id,
                account_id=family.account_id,
                client_id=family.client_id,
            )

    return Issuing(
        issuer=parts.settings.server.issuer,
        lifetimes=parts.settings.lifetimes,
        keyring=parts.keyring,
        master=parts.master,
        database=parts.database,
        find_client=parts.clients.find,
        authentication=build_authentication(parts),
        end_family=end_family,
        client_keys=parts.client_keys,
        jwt_resources=frozenset(parts.settings.tokens.jwt_resources),
        jwt_algorithms=parts.settings.tokens.jwt_algorithms,
    )
