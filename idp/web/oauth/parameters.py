"""The parameters of a protocol request, read from the raw bytes: Flask's own parsing would mend what must be refused."""

from __future__ import annotations

from flask import request

from idp.errors import ProtocolError
from idp.protocol.parameters import LONGEST_REQUEST, Parameters, parse_parameters

FORM = "application/x-www-form-urlencoded"


def read_parameters() -> Parameters:
    """Query and, for a POST, the form body together. Raises `ProtocolError` that stays on our own page."""
    query = request.environ.get("QUERY_STRING", "").encode("latin-1", "replace")
    if request.method != "POST":
        return parse_parameters(query)
    if request.mimetype != FORM:
        raise ProtocolError("invalid_request", "the body must be a form", status=415, may_redirect=False)
    if (request.content_length or 0) > LONGEST_REQUEST:
        raise ProtocolError("invalid_request", "the request is too large", status=413, may_redirect=False)
    return parse_parameters(query, request.get_data(cache=False, parse_form_data=False))
