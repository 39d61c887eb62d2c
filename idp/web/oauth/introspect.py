"""`/oauth/introspect`."""

from __future__ import annotations

from flask import Blueprint, Response

from idp.errors import ProtocolError
from idp.protocol.endpoint import answer_error
from idp.protocol.introspection import answer_introspection
from idp.web.browser_session import client_address
from idp.web.context import provider
from idp.web.oauth.machine import ANY_METHOD, build_reading, read_request, respond, slow_down_guesses

blueprint = Blueprint("oauth_introspect", __name__)


@blueprint.route("/oauth/introspect", methods=ANY_METHOD)
def introspect() -> Response:
    """What a token says now."""
    parts = provider()
    try:
        request = read_request()
    except ProtocolError as error:
        return respond(answer_error(error, endpoint="introspection"))
    answer = answer_introspection(request, build_reading(parts), parts.clock())
    return respond(slow_down_guesses(parts, answer, client_address()))
