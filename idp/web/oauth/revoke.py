"""`/oauth/revoke`."""

from __future__ import annotations

from flask import Blueprint, Response

from idp.errors import ProtocolError
from idp.protocol.endpoint import answer_error
from idp.protocol.revocation import answer_revocation
from idp.web.browser_session import client_address
from idp.web.context import provider
from idp.web.oauth.machine import ANY_METHOD, build_authentication, read_request, respond, slow_down_guesses

blueprint = Blueprint("oauth_revoke", __name__)


@blueprint.route("/oauth/revoke", methods=ANY_METHOD)
def revoke() -> Response:
    """End a token."""
    parts = provider()
    try:
        request = read_request()
    except ProtocolError as error:
        return respond(answer_error(error, endpoint="revocation"))
    answer = answer_revocation(request, build_authentication(parts), parts.clock())
    return respond(slow_down_guesses(parts, answer, client_address()))
