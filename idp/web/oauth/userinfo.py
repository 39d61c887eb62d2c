"""`/oauth/userinfo`."""

from __future__ import annotations

from flask import Blueprint, Response

from idp.errors import ProtocolError
from idp.protocol.endpoint import answer_error
from idp.protocol.userinfo import answer_userinfo
from idp.web.context import provider
from idp.web.oauth.machine import ANY_METHOD, build_reading, read_request, respond

blueprint = Blueprint("oauth_userinfo", __name__)


@blueprint.route("/oauth/userinfo", methods=ANY_METHOD)
def userinfo() -> Response:
    """The claims of whoever the access token is about."""
    parts = provider()
    try:
        request = read_request()
    except ProtocolError as error:
        return respond(answer_error(error, endpoint="userinfo"))
    return respond(answer_userinfo(request, build_reading(parts), parts.clock()))
