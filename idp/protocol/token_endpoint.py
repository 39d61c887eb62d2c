"""The token endpoint (RFC 6749 §3.2, OpenID Connect Core §3.1.3): a request in, an answer out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import ProtocolError
from idp.protocol.authorization_server import TokenRequest, build_token_server
from idp.protocol.endpoint import Answer, answer_error

if TYPE_CHECKING:
    from idp.protocol.access_token import Issuing
    from idp.protocol.endpoint import EndpointRequest

_SERVER = build_token_server()


def answer_token_request(request: EndpointRequest, issuing: Issuing, now: int) -> Answer:
    """Parse, authenticate the client, run its grant in one transaction, answer."""
    token_request: TokenRequest | None = None
    try:
        token_request = TokenRequest(request, issuing, now)
        return _SERVER.answer(token_request)
    except ProtocolError as error:
        client = token_request.client if token_request else None
        return answer_error(error, endpoint="token", client_id=client.client_id if client else "")
