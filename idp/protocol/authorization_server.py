"""Authlib's framework-free server and grants, with bodies that call our functions.

Authlib gives the registry and the life cycle of a grant (validate, then answer). Request, client authentication, tokens and
errors are ours: its own have gaps that our tests keep open to view (values of a query, two methods in one request, no
memory of used codes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from idp.errors import ProtocolError
from idp.protocol.access_token import with_envelope
from idp.protocol.authorization_code import parse_code_redemption, redeem_code
from idp.protocol.client_authentication import authenticate_client
from idp.protocol.client_credentials import issue_client_token, parse_client_credentials
from idp.protocol.endpoint import Answer, answer_json, read_form, require
from idp.protocol.refresh_token import parse_refresh, rotate_refresh_token

if TYPE_CHECKING:
    from idp.protocol.access_token import Issuing
    from idp.protocol.endpoint import EndpointRequest
    from idp.store.clients import RegisteredClient


class TokenRequest(OAuth2Request):
    """One request to the token endpoint: sound parameters of the body, and what it is answered with."""

    def __init__(self, request: EndpointRequest, issuing: Issuing, now: int) -> None:
        # Not the base's: it judges the scheme of each request, where ours judges the issuer once, at the start.
        self.method = request.method
        self.values = read_form(request)
        self.payload = BasicOAuth2Payload(self.values)  # type: ignore[assignment]  # Authlib says None
        self.authorization = request.authorization
        self.issuing = issuing
        self.now = now
        self.client: RegisteredClient | None = None  # type: ignore[assignment]  # Authlib says None
        self.step: Any = None


class TokenServer(AuthorizationServer):
    """The registry of grants; it holds no request."""

    def answer(self, request: TokenRequest) -> Answer:
        """Find the grant, let it validate and answer. Raises `ProtocolError`."""
        answer: Answer = self.create_token_response(request)  # type: ignore[no-untyped-call]
        return answer

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Ours is one already."""
        return request

    def get_token_grant(self, request: TokenRequest) -> Any:
        """The grant of this type (RFC 6749 §5.2)."""
        grant_type = require(request.values, "grant_type")
        for grant, _extensions in self._token_grants:
            if grant_type == grant.GRANT_TYPE:
                return grant(request, self)
        raise ProtocolError("unsupported_grant_type", "this grant type is not supported")

    def authenticate_client(self, request: TokenRequest, methods: Any, endpoint: str = "token") -> RegisteredClient:
        """Ours decides which method is right (CA-1)."""
        return authenticate_client(request.values, request.authorization, request.issuing.authentication, request.now)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens; what must be known is written where it happens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        """Our answer, with our headers."""
        return answer_json(status, body)


class OurGrant:
    """What all grants do: authenticate, check that the client may use the grant, and run one step in a transaction."""

    GRANT_TYPE: str
    request: TokenRequest

    def check_client(self) -> RegisteredClient:
        """The authenticated client, if it is registered for this grant type."""
        client: RegisteredClient = self.authenticate_token_endpoint_client()  # type: ignore[attr-defined]
        self.request.client = client
        if self.GRANT_TYPE not in client.grant_types:
            raise ProtocolError("unauthorized_client", "the client is not registered for this grant type")
        return client

    def run(self, step: Any) -> tuple[int, dict[str, Any], list[Any]]:
        """One transaction, which also commits what outlives a refusal: the spent code, the ended family."""
        request = self.request

        def take(issuing: Issuing) -> Any:
            with issuing.database.transaction(durable=False) as tx:
                return step(tx, issuing, request.client, request.step, request.now)

        outcome = with_envelope(request.issuing, take)
        if isinstance(outcome, ProtocolError):
            raise outcome
        return 200, outcome, []


class CodeGrant(OurGrant, AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib says None of both attributes
    """`authorization_code`."""

    def validate_token_request(self) -> None:
        """Client first, then the parameters."""
        self.check_client()
        self.request.step = parse_code_redemption(self.request.values)

    def create_token_response(self) -> Any:
        """Spend, then mint."""
        return self.run(redeem_code)


class RefreshGrant(OurGrant, RefreshTokenGrant):  # type: ignore[misc]  # Authlib says None of both attributes
    """`refresh_token`."""

    def validate_token_request(self) -> None:
        """Client first, then the parameters."""
        self.check_client()
        self.request.step = parse_refresh(self.request.values)

    def create_token_response(self) -> Any:
        """Rotate, then mint."""
        return self.run(rotate_refresh_token)


class ClientGrant(OurGrant, ClientCredentialsGrant):  # type: ignore[misc]  # Authlib says None of both attributes
    """`client_credentials`."""

    def validate_token_request(self) -> None:
        """Client first, then the parameters."""
        self.check_client()
        self.request.step = parse_client_credentials(self.request.values)

    def create_token_response(self) -> Any:
        """Mint."""
        return self.run(issue_client_token)


GRANTS = (CodeGrant, RefreshGrant, ClientGrant)
GRANT_TYPES = tuple(grant.GRANT_TYPE for grant in GRANTS)


def build_token_server() -> TokenServer:
    """The server with its grants."""
    server = TokenServer()  # type: ignore[no-untyped-call]  # Authlib has no annotations
    for grant in GRANTS:
        server.register_grant(grant)  # type: ignore[no-untyped-call]
    return server
