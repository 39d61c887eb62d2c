"""`[[clients]]` of an apply file: registered metadata names, our policies, and the secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.accounts.endings import apply_ending
from idp.cli.apply.plan import Change
from idp.cli.apply.values import Values
from idp.keys.secrets import hash_secret, is_same
from idp.policy.endings import Act
from idp.protocol.client import check_client_id, check_client_metadata
from idp.protocol.client_jwt import SHORTEST_MAC_SECRET
from idp.store import accounts, audit, clients

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.provider import Provider
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction

FLAGS = ("require_approval", "first_party", "pkce_exempt", "disabled")
POLICIES = (*FLAGS, "resources", "may_introspect", "access_token_format")
FORMATS = ("opaque", "jwt")
SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """One client of the file."""

    client_id: str
    details: Mapping[str, Any]
    require_approval: bool
    first_party: bool
    pkce_exempt: bool
    disabled: bool
    resources: tuple[str, ...]
    may_introspect: tuple[str, ...]
    access_token_format: str
    secret: str = field(default="", repr=False)


def parse_client_entry(entry: Mapping[str, Any], settings: Settings) -> ClientEntry:
    """One client. Raises `ValueError` with the key and what would be right."""
    client_id = check_client_id(entry.get("client_id"))
    metadata = {name: v for name, v in entry.items() if name not in (*POLICIES, "client_id", "client_secret")}
    details = check_client_metadata(metadata, settings.keys.algorithms)
    policies = {name: entry[name] for name in POLICIES if name in entry}
    values = Values(policies, POLICIES)
    method = details["token_endpoint_auth_method"]
    is_public = method == clients.PUBLIC
    found = ClientEntry(
        client_id=client_id,
        details=details,
        require_approval=values.flag("require_approval", True),
        first_party=values.flag("first_party", False),
        pkce_exempt=values.flag("pkce_exempt", False),
        disabled=values.flag("disabled", False),
        resources=values.texts("resources"),
        may_introspect=values.texts("may_introspect"),
        access_token_format=values.text("access_token_format") or FORMATS[0],
        secret=_parse_secret(entry.get("client_secret", ""), method, details.get("token_endpoint_auth_signing_alg")),
    )
    if found.access_token_format not in FORMATS:
        raise ValueError(f"access_token_format: must be {' or '.join(FORMATS)}")
    if is_public and found.pkce_exempt:
        raise ValueError("pkce_exempt: only a confidential client can be exempt; a public one needs PKCE")
    if is_public and found.may_introspect:
        raise ValueError("may_introspect: only a confidential client may introspect")
    return found


def _parse_secret(secret: object, method: str, alg: str | None) -> str:
    if not isinstance(secret, str) or not (secret.isascii() and secret.isprintable()) or len(secret) > 255:
        raise ValueError("client_secret: must be printable ASCII, at most 255 characters")
    if secret and not method.startswith("client_secret_"):
        raise ValueError(f"client_secret: a client with token_endpoint_auth_method {method} has no secret")
    shortest = SHORTEST_MAC_SECRET[alg or "HS256"] if method == clients.SIGNS_WITH_SECRET else SHORTEST_SECRET
    if secret and len(secret) < shortest:
        raise ValueError(
            f"client_secret: must have at least {shortest} characters; take {max(shortest, 43)} random ones"
        )
    return secret


def apply_client(provider: Provider, tx: Transaction, entry: ClientEntry, now: int) -> Change:
    """Register a client or bring it up to date; what it could not do any more ends."""
    old = clients.find_client(tx, entry.client_id)
    if old is None and accounts.find_account(tx, entry.client_id) is not None:
        # In the tokens that a client gets for itself, its id stands where people's numbers stand (RFC 9068 §5).
        raise ValueError("client_id: is the number of an account")
    changed = _changes(old, entry)
    if changed or old is None:
        clients.save_client(
            tx,
            entry.client_id,
            entry.details,
            require_approval=entry.require_approval,
            first_party=entry.first_party,
            pkce_exempt=entry.pkce_exempt,
            disabled=entry.disabled,
            resources=entry.resources,
            may_introspect=entry.may_introspect,
            access_token_format=entry.access_token_format,
            now=now,
        )
    signs = entry.details["token_endpoint_auth_method"] == clients.SIGNS_WITH_SECRET
    if entry.secret and not _has_secret(old, entry.secret, signs):
        seal_with = provider.master if signs else None
        clients.set_client_secret(tx, entry.client_id, entry.secret, seal_with=seal_with, now=now)
        changed.append("client_secret")
    if entry.disabled and old is not None and not old.disabled:
        apply_ending(provider, tx, Act.CLIENT_DISABLED, account_id=None, client_id=entry.client_id, now=now)
    if changed or old is None:
        act = "client_registered" if old is None else "client_changed"
        audit.record(tx, act, now=now, actor_kind="operator", client_id=entry.client_id, details={"values": changed})
    return _describe(old, entry, changed)


def _describe(old: RegisteredClient | None, entry: ClientEntry, changed: list[str]) -> Change:
    remarks = []
    method = entry.details["token_endpoint_auth_method"]
    kept = () if old is None else old.sealed_secrets if method == clients.SIGNS_WITH_SECRET else old.secret_hashes
    if method.startswith("client_secret_") and not entry.secret and not kept:
        remarks.append(f"has no secret yet; make one with: idp clients new-secret {entry.client_id}")
    if old is None:
        return Change("client", entry.client_id, "add", (), tuple(remarks))
    return Change("client", entry.client_id, "change" if changed else "keep", tuple(changed), tuple(remarks))


def _changes(old: RegisteredClient | None, entry: ClientEntry) -> list[str]:
    """The names of values that differ."""
    if old is None:
        return []
    names = sorted({*old.details, *entry.details})
    changed = [name for name in names if old.details.get(name) != entry.details.get(name)]
    changed += [name for name in (*FLAGS, "access_token_format") if getattr(old, name) != getattr(entry, name)]
    changed += [
        name for name in ("resources", "may_introspect") if set(getattr(old, name)) != set(getattr(entry, name))
    ]
    return changed


def _has_secret(old: RegisteredClient | None, secret: str, signs: bool) -> bool:
    """Whether the client has this secret, kept as its method needs it, and no other that would have to end."""
    if old is None:
        return False
    wanted = hash_secret("client", secret)
    has = any(is_same(known, wanted) and expires_at is None for known, expires_at in old.secret_hashes)
    return has and (wanted in old.sealed_secrets or not signs)
