"""Between Flask and the endpoints for machines: the request as a value, the answer as a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.exceptions import HTTPException

from idp.accounts.guessing import take_wrong_credentials
from idp.errors import ProtocolError
from idp.protocol.access_token import Reading
from idp.protocol.client_authentication import ClientAuthentication
from idp.protocol.endpoint import Answer, EndpointRequest, answer_json

if TYPE_CHECKING:
    from idp.provider import Provider

ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""Routed for every method, so that a wrong one is told in the endpoint's own JSON."""

CACHE_SECONDS = 60
UNAUTHORIZED = 401


def read_request() -> EndpointRequest:
    """The request as it came. Raises `ProtocolError` where the body is larger than the server takes, or broken off."""
    try:
        body = request.get_data(cache=False)
    except HTTPException as error:
        raise ProtocolError("invalid_request", "the body cannot be read", status=error.code or 400) from None
    return EndpointRequest(
        method=request.method,
        query=request.query_string,
        content_type=request.headers.get("Content-Type", ""),
        authorization=request.environ.get("HTTP_AUTHORIZATION"),
        accept=request.headers.get("Accept", ""),
        body=body,
    )


def slow_down_guesses(parts: Provider, answer: Answer, address: str) -> Answer:
    """An endpoint's answer, or 429 where it would tell a network once too often that credentials do not fit (CA-4)."""
    if answer.status != UNAUTHORIZED:
        return answer
    now = parts.clock()
    until = take_wrong_credentials(parts, address, now)
    if until is None:
        return answer
    wait = {"Retry-After": str(max(1, until - now))}
    return answer_json(
        429, {"error": "temporarily_unavailable", "error_description": "too many wrong credentials, wait"}, wait
    )


def build_reading(parts: Provider) -> Reading:
    """What the endpoints work with that say what a token says."""
    return Reading(
        issuer=parts.settings.server.issuer,
        keyring=parts.keyring,
        master=parts.master,
        database=parts.database,
        find_client=parts.clients.find,
        client_keys=parts.client_keys,
        authentication=build_authentication(parts),
    )


def build_authentication(parts: Provider) -> ClientAuthentication:
    """What clients are authenticated with."""
    return ClientAuthentication(
        issuer=parts.settings.server.issuer,
        find_client=parts.clients.find,
        client_keys=parts.client_keys,
        master=parts.master,
        database=parts.database,
    )


def respond(answer: Answer) -> Response:
    """The answer as it stands."""
    response = Response(answer.body, status=answer.status)
    response.headers.pop("Content-Type", None)
    response.headers.extend(answer.headers)
    return response


def respond_cached(body: bytes, etag: str, content_type: str) -> Response:
    """A public document; 304 for whoever has it (RFC 9110 §13.1.2)."""
    response = Response(body, content_type=content_type)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = f"public, max-age={CACHE_SECONDS}"
    response.make_conditional(request)
    return response
