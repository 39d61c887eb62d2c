"""Registered clients and their secrets: rows parsed once into frozen values, cached until their version changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idp.keys.secrets import hash_secret
from idp.store.database import Statement
from idp.store.notes import CLIENTS_VERSION, Watched, change_version

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.database import Database, Row, Transaction

PUBLIC = "none"
SIGNS_WITH_SECRET = "client_secret_jwt"

_FIND = Statement("SELECT * FROM clients WHERE client_id = :client_id")
_LIST = Statement("SELECT * FROM clients ORDER BY client_id")
_SECRETS = Statement("SELECT secret_hash, sealed, expires_at FROM client_secrets WHERE client_id = :client_id")
_ALL_SECRETS = Statement("SELECT client_id, secret_hash, sealed, expires_at FROM client_secrets")
_SAVE = Statement(
    "INSERT INTO clients (client_id, details, require_approval, first_party, pkce_exempt, disabled, resources,"
    " may_introspect, access_token_format, created_at, updated_at) VALUES (:client_id, :details, :require_approval,"
    " :first_party, :pkce_exempt, :disabled, :resources, :may_introspect, :access_token_format, :now, :now)"
    " ON CONFLICT (client_id) DO UPDATE SET details = excluded.details,"
    " require_approval = excluded.require_approval, first_party = excluded.first_party, pkce_exempt = excluded.pkce_exempt,"
    " disabled = excluded.disabled, resources = excluded.resources, may_introspect = excluded.may_introspect,"
    " access_token_format = excluded.access_token_format, updated_at = excluded.updated_at"
)
_SET_DISABLED = Statement(
    "UPDATE clients SET disabled = :disabled, updated_at = :now WHERE client_id = :client_id AND disabled <> :disabled"
)
_ADD_SECRET = Statement(
    "INSERT INTO client_secrets (client_id, secret_hash, sealed, created_at, expires_at) VALUES (:client_id, :secret_hash,"
    " :sealed, :now, :expires_at) ON CONFLICT (client_id, secret_hash) DO UPDATE SET sealed = excluded.sealed,"
    " expires_at = excluded.expires_at"
)
_FORGET_SEALED = Statement(
    "UPDATE client_secrets SET sealed = NULL WHERE client_id = :client_id AND sealed IS NOT NULL"
)
_END_OTHER_SECRETS = Statement(
    "UPDATE client_secrets SET expires_at = :at WHERE client_id = :client_id AND secret_hash <> :secret_hash"
    " AND (expires_at IS NULL OR expires_at > :at)"
)
_DELETE_ENDED_SECRETS = Statement(
    "DELETE FROM client_secrets WHERE client_id = :client_id AND expires_at IS NOT NULL AND expires_at <= :now"
)


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A site or service, as it is registered (RFC 7591 §2, OpenID Connect Registration §2).

    Secrets are hashes with their ends; `sealed_secrets` has those by hash that the client signs with.
    `details` keeps the metadata under its registered names; what is asked often has a field of its own. An empty
    `scopes` means that nothing was registered, so that every scope of ours may be asked for. Response types have their
    words in alphabetical order, as their order says nothing (OAuth 2.0 Multiple Response Types §3).
    """

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
    frontchannel_logout_uri: str | None
    require_approval: bool
    first_party: bool
    pkce_exempt: bool
    disabled: bool
    resources: tuple[str, ...]
    may_introspect: frozenset[str]
    access_token_format: str = "opaque"
    created_at: int = 0
    registration_hash: bytes | None = field(default=None, repr=False)
    secret_hashes: tuple[tuple[bytes, int | None], ...] = field(default=(), repr=False)
    sealed_secrets: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_public(self) -> bool:
        """Whether the client has no secret (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == PUBLIC

    @property
    def has_secret(self) -> bool:
        """Whether the client is registered for a secret, to send or to sign with."""
        return self.token_endpoint_auth_method.startswith("client_secret_")

    @property
    def signs_with_secret(self) -> bool:
        """Whether the secret itself is kept, sealed, beside its hash."""
        return self.token_endpoint_auth_method == SIGNS_WITH_SECRET

    @property
    def uri(self) -> str | None:
        """The client's home page."""
        return self._page("client_uri")

    @property
    def logo_uri(self) -> str | None:
        """A picture of the client, shown where an end-user is on the way to it (OpenID Connect Registration §2)."""
        return self._page("logo_uri")

    @property
    def policy_uri(self) -> str | None:
        """What the client does with what it learns."""
        return self._page("policy_uri")

    @property
    def tos_uri(self) -> str | None:
        """The client's terms of use."""
        return self._page("tos_uri")

    def _page(self, name: str) -> str | None:
        value = self.details.get(name)
        return value if isinstance(value, str) else None

    @property
    def audience(self) -> tuple[str, ...]:
        """Whom its access tokens are for: the registered resources, or the client itself (RFC 9068 §3)."""
        return self.resources or (self.client_id,)

    @property
    def sector(self) -> str | None:
        """The host that its subjects belong to, if it sees other ones than the public ones (OpenID Connect Core §8.1).

        That of `sector_identifier_uri`, or the one host of its redirect URIs; an app's own scheme stands for its host.
        """
        if self.details.get("subject_type") != "pairwise":
            return None
        uri = self.details.get("sector_identifier_uri") or min(self.redirect_uris, default="")
        parts = urlsplit(uri)
        return parts.hostname or parts.scheme or self.client_id

    @property
    def default_max_age(self) -> int | None:
        """Seconds after which a sign-in is too old for it, where a request says nothing (OpenID Connect Registration §2)."""
        value = self.details.get("default_max_age")
        return value if isinstance(value, int) else None

    @property
    def id_token_algorithm(self) -> str:
        """The algorithm of its ID tokens; RS256 where it said nothing (OpenID Connect Core §15.1)."""
        return str(self.details.get("id_token_signed_response_alg", "RS256"))


class Clients:
    """All clients by id, never older than a second."""

    def __init__(self, database: Database) -> None:
        self._watched: Watched[Mapping[str, RegisteredClient]] = Watched(
            database, CLIENTS_VERSION, lambda tx: {client.client_id: client for client in list_clients(tx)}
        )

    def find(self, client_id: str) -> RegisteredClient | None:
        """The client of that id, disabled or not."""
        return self._watched.get().get(client_id)

    def all(self) -> Mapping[str, RegisteredClient]:
        """All of them; the same object until one changes."""
        return self._watched.get()


def find_client(tx: Transaction, client_id: str) -> RegisteredClient | None:
    """The client of that id, disabled or not, as this transaction sees it."""
    row = tx.one(_FIND, client_id=client_id)
    return None if row is None else _parse(row, tx.all(_SECRETS, client_id=client_id))


def list_clients(tx: Transaction) -> list[RegisteredClient]:
    """All clients in the order of their ids."""
    secrets: dict[str, list[Row]] = {}
    for secret in tx.all(_ALL_SECRETS):
        secrets.setdefault(secret["client_id"], []).append(secret)
    return [_parse(row, secrets.get(row["client_id"], ())) for row in tx.all(_LIST)]


def save_client(
    tx: Transaction,
    client_id: str,
    details: Mapping[str, Any],
    *,
    require_approval: bool = True,
    first_party: bool = False,
    pkce_exempt: bool = False,
    disabled: bool = False,
    resources: Sequence[str] = (),
    may_introspect: Sequence[str] = (),
    access_token_format: str = "opaque",
    now: int,
) -> None:
    """Register a client, or change it; `details` was checked by `protocol.client`, and holds no secret."""
    tx.run(
        _SAVE,
        client_id=client_id,
        details=_dump(dict(details)),
        require_approval=require_approval,
        first_party=first_party,
        pkce_exempt=pkce_exempt,
        disabled=disabled,
        resources=_dump(list(resources)),
        may_introspect=_dump(list(may_introspect)),
        access_token_format=access_token_format,
        now=now,
    )
    if details.get("token_endpoint_auth_method") != SIGNS_WITH_SECRET:
        tx.run(_FORGET_SEALED, client_id=client_id)
    change_version(tx, CLIENTS_VERSION)


def set_client_secret(
    tx: Transaction,
    client_id: str,
    secret: str,
    *,
    seal_with: MasterKey | None = None,
    expires_at: int | None = None,
    now: int,
    overlap: int = 0,
) -> None:
    """Give a client its secret; the ones it had work for `overlap` seconds more, and not beyond their own end (CA-3).

    `seal_with` is for a client that signs with its secret, which we must be able to read; of all others a hash is kept.
    """
    secret_hash = hash_secret("client", secret)
    sealed = seal_with.seal(secret.encode(), _identity(client_id, secret_hash)) if seal_with else None
    tx.run(_ADD_SECRET, client_id=client_id, secret_hash=secret_hash, sealed=sealed, now=now, expires_at=expires_at)
    tx.run(_END_OTHER_SECRETS, client_id=client_id, secret_hash=secret_hash, at=now + overlap)
    tx.run(_DELETE_ENDED_SECRETS, client_id=client_id, now=now)
    change_version(tx, CLIENTS_VERSION)


def open_secrets(client: RegisteredClient, master: MasterKey, now: int) -> list[bytes]:
    """The secrets that the client may sign with now."""
    valid = [secret_hash for secret_hash, expires_at in client.secret_hashes if expires_at is None or expires_at > now]
    sealed = client.sealed_secrets
    return [master.open(sealed[one], _identity(client.client_id, one)) for one in valid if one in sealed]


def set_client_disabled(tx: Transaction, client_id: str, disabled: bool, now: int) -> bool:
    """Switch a client off or on; whoever switches it off also applies the ending. False: no such client, or it is so already."""
    changed = tx.run(_SET_DISABLED, client_id=client_id, disabled=disabled, now=now) == 1
    change_version(tx, CLIENTS_VERSION)
    return changed


def _parse(row: Row, secrets: Sequence[Row]) -> RegisteredClient:
    details = json.loads(row["details"])
    return RegisteredClient(
        client_id=row["client_id"],
        name=details.get("client_name") or row["client_id"],
        redirect_uris=frozenset(details.get("redirect_uris", ())),
        post_logout_redirect_uris=frozenset(details.get("post_logout_redirect_uris", ())),
        scopes=frozenset(str(details.get("scope", "")).split()),
        grant_types=frozenset(details.get("grant_types", ["authorization_code"])),
        response_types=frozenset(" ".join(sorted(kind.split())) for kind in details.get("response_types", ["code"])),
        token_endpoint_auth_method=details.get("token_endpoint_auth_method", "client_secret_basic"),
        initiate_login_uri=details.get("initiate_login_uri"),
        backchannel_logout_uri=details.get("backchannel_logout_uri"),
        frontchannel_logout_uri=details.get("frontchannel_logout_uri"),
        require_approval=bool(row["require_approval"]),
        first_party=bool(row["first_party"]),
        pkce_exempt=bool(row["pkce_exempt"]),
        disabled=bool(row["disabled"]),
        resources=tuple(json.loads(row["resources"])),
        may_introspect=frozenset(json.loads(row["may_introspect"])),
        access_token_format=row["access_token_format"],
        created_at=row["created_at"],
        registration_hash=None if row["registration_hash"] is None else bytes(row["registration_hash"]),
        secret_hashes=tuple((bytes(secret["secret_hash"]), secret["expires_at"]) for secret in secrets),
        sealed_secrets={
            bytes(one["secret_hash"]): bytes(one["sealed"]) for one in secrets if one["sealed"] is not None
        },
        details=details,
    )


def _identity(client_id: str, secret_hash: bytes) -> str:
    return f"client_secrets:{client_id}:{secret_hash.hex()}"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
