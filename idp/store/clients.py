"""Registered clients and their secrets, read into frozen values (RFC 7591 §2, OpenID Connect Registration §2).

`details` keeps the metadata under its registered names; what is asked often has a field of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.store.database import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idp.store.database import Row, Transaction

PUBLIC = "none"

_FIND = Statement("SELECT * FROM clients WHERE client_id = :client_id")
_SECRETS = Statement("SELECT secret_hash, expires_at FROM client_secrets WHERE client_id = :client_id")



@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A site or service, as it is registered."""

    client_id: str
    name: str
    redirect_uris: frozenset[str]
    post_logout_redirect_uris: frozenset[str]
    scopes: frozenset[str]
    grant_types: frozenset[str]
    response_types: frozenset[str]
    token_endpoint_auth_method: str
    initiate_login_uri: str | None
    backchannel_logout_uri: str | None
    require_approval: bool
    first_party: bool
    pkce_exempt: bool
    disabled: bool
    resources: tuple[str, ...]
    may_introspect: tuple[str, ...]
    secret_hashes: tuple[tuple[bytes, int | None], ...] = field(default=(), repr=False)
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_public(self) -> bool:
        """Whether the client has no secret (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == PUBLIC

    @property
    def uri(self) -> str | None:
        """The client's home page."""
        value = self.details.get("client_uri")
        return value if isinstance(value, str) else None


def find_client(tx: Transaction, client_id: str) -> RegisteredClient | None:
    """The client of that id, disabled or not."""
    row = tx.one(_FIND, client_id=client_id)
    return None if row is None else parse_client(row, tx.all(_SECRETS, client_id=client_id))


def parse_client(row: Row, secrets: Sequence[Row] = ()) -> RegisteredClient:
    """The client behind a row; absent metadata has the standards' defaults (RFC 7591 §2)."""
    details = json.loads(row["details"])
    return RegisteredClient(
        client_id=row["client_id"],
        name=details.get("client_name") or row["client_id"],
        redirect_uris=frozenset(details.get("redirect_uris", ())),
        post_logout_redirect_uris=frozenset(details.get("post_logout_redirect_uris", ())),
        scopes=frozenset(str(details.get("scope", "")).split()),
        grant_types=frozenset(details.get("grant_types", ["authorization_code"])),
        response_types=frozenset(details.get("response_types", ["code"])),
        token_endpoint_auth_method=details.get("token_endpoint_auth_method", "client_secret_basic"),
        initiate_login_uri=details.get("initiate_login_uri"),
        backchannel_logout_uri=details.get("backchannel_logout_uri"),
        require_approval=bool(row["require_approval"]),
        first_party=bool(row["first_party"]),
        pkce_exempt=bool(row["pkce_exempt"]),
        disabled=bool(row["disabled"]),
        resources=tuple(json.loads(row["resources"])),
        may_introspect=tuple(json.loads(row["may_introspect"])),
        secret_hashes=tuple((bytes(secret["secret_hash"]), secret["expires_at"]) for secret in secrets),
        details=details,
    )
