"""The client credentials grant (RFC 6749 §4.4): a service acts for itself, so there is no end-user and no refresh token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.errors import ProtocolError
from idp.protocol.access_token import Issuing, issue_access_token
from idp.protocol.authorization_request import SCOPES, STAFF_SCOPES
from idp.protocol.resource_indicators import parse_resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The parameters of the request; no scope means all that the client is registered for, and so does no resource."""

    scopes: frozenset[str]
    resources: tuple[str, ...] = ()


def parse_client_credentials(form: Mapping[str, str]) -> ClientCredentials:
    """Parse once."""
    return ClientCredentials(frozenset(form.get("scope", "").split()), parse_resources(form.get("resource")))


def issue_client_token(
    tx: Transaction, issuing: Issuing, client: RegisteredClient, asked: ClientCredentials, now: int
) -> dict[str, Any] | ProtocolError:
    """An access token for the client itself, or why not."""
    if client.is_public:
        return ProtocolError("unauthorized_client", "a client without a secret or key cannot act for itself")
    # The scopes of ours are about an end-user, and there is none.
    allowed = client.scopes - frozenset(SCOPES) - frozenset(STAFF_SCOPES)
    if not asked.scopes <= allowed:
        return ProtocolError("invalid_scope", "the scope is not one that the client may use for itself")
    return issue_access_token(tx, issuing, None, client, asked.scopes or allowed, resources=asked.resources, now=now)
