"""Dynamic client registration (RFC 7591, OpenID Connect Dynamic Client Registration 1.0) and its management (RFC 7592).

Who may register is a setting: nobody, whoever has an initial access token, or anybody, so many in an hour. A client that
registered itself reads, changes and deletes its registration with a token of its own. It cannot give itself what is our
policy (whom it may ask about, whether it is shown without consent), nor switch itself on again. Secrets and tokens are
told once and kept as hashes, so that reading a registration does not show the secret again. We fetch nothing but
`sector_identifier_uri`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from idp.errors import ProtocolError
from idp.keys.secrets import new_identifier, new_long_secret, new_secret
from idp.protocol.client_authentication import has_valid_secret
from idp.protocol.endpoint import NO_STORE, Answer, answer_error, answer_json
from idp.protocol.registration_request import (
    check_registration,
    check_sector_identifier,
    invalid_metadata,
    read_registration,
)
from idp.store import audit, client_registration, clients

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.protocol.endpoint import EndpointRequest
    from idp.signals.fetcher import Answer as Fetched
    from idp.store.clients import RegisteredClient
    from idp.store.database import Database, Transaction

PATH = "/oauth/register"
DAY = 86400

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="idp"'}
_NOT_SENT = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")
"""What an update must not contain (RFC 7592 §2.2)."""


class DeleteClient(Protocol):
    """Deletes a client and ends what it held."""

    def __call__(self, tx: Transaction, client_id: str, now: int) -> None:
        """In the transaction of the act."""


@dataclass(frozen=True, slots=True)
class Registering:
    """What the registration endpoints work with.

    `take_try` counts a registration without an initial access token; it answers when to come again, or None.
    """

    issuer: str
    mode: Literal["closed", "token", "open"]
    algorithms: Sequence[str]
    require_pkce: bool
    secret_days: int
    master: MasterKey
    database: Database
    fetch: Callable[[str], Fetched]
    take_try: Callable[[int], int | None]
    delete_client: DeleteClient


def answer_registration(request: EndpointRequest, parts: Registering, now: int) -> Answer:
    """Register a client: 201 with all that was registered (RFC 7591 §3.2.1)."""
    try:
        _check_method(request, "POST")
        initial_token = _check_may_register(request, parts, now)
        details = check_registration(read_registration(request), parts.algorithms)
        check_sector_identifier(details, parts.fetch)
        with parts.database.transaction() as tx:
            return answer_json(201, register_client(tx, parts, details, initial_token, now))
    except ProtocolError as error:
        return answer_error(error, endpoint="registration")


def answer_management(request: EndpointRequest, client_id: str, parts: Registering, now: int) -> Answer:
    """Read, change or delete one registration (RFC 7592 §2)."""
    try:
        _check_method(request, "GET", "PUT", "DELETE")
        token = _read_bearer(request) or ""
        if request.method == "PUT":
            return _change(request, client_id, token, parts, now)
        if request.method == "DELETE":
            with parts.database.transaction() as tx:
                _get_own(tx, client_id, token, lock=True)
                parts.delete_client(tx, client_id, now)
            return Answer(204, NO_STORE)
        with parts.database.reading() as tx:
            client = _get_own(tx, client_id, token)
        return answer_json(200, _describe(parts, client_id, client.details, client.created_at, token))
    except ProtocolError as error:
        return answer_error(error, endpoint="registration", client_id=client_id)


def register_client(
    tx: Transaction, parts: Registering, details: Mapping[str, Any], initial_token: str | None, now: int
) -> dict[str, Any]:
    """Make the client, its secret and its token. Raises `ProtocolError` where the initial access token is used up now."""
    label = None if initial_token is None else client_registration.use_initial_token(tx, initial_token, now)
    if initial_token is not None and label is None:
        raise _refused("the initial access token is used up")
    client_id, token = new_identifier(), new_secret()
    clients.save_client(tx, client_id, details, pkce_exempt=_is_exempt(parts, details), now=now)
    client_registration.set_registration(tx, client_id, token, initial_token)
    told = _give_secret(tx, parts, client_id, details, now)
    by = {"registration": "open"} if label is None else {"initial_token": label}
    _record(tx, "client_registered", client_id, now, by)
    return _describe(parts, client_id, details, now, token) | told


def _change(request: EndpointRequest, client_id: str, token: str, parts: Registering, now: int) -> Answer:
    """Put a whole new registration in the place of the old one; what is left out is as if it had never been said."""
    with parts.database.reading() as tx:
        _get_own(tx, client_id, token)
    sent = read_registration(request)
    if sent.get("client_id") != client_id:
        raise invalid_metadata("client_id: must be there and the one that is changed")
    if any(name in sent for name in _NOT_SENT):
        raise invalid_metadata(f"{', '.join(_NOT_SENT)}: must not be sent")
    details = check_registration(sent, parts.algorithms)
    check_sector_identifier(details, parts.fetch)
    with parts.database.transaction() as tx:
        old = _get_own(tx, client_id, token, lock=True)
        _check_own_secret(old, sent, now)
        told = _save_change(tx, parts, old, details, now)
    return answer_json(200, _describe(parts, client_id, details, old.created_at, token) | told)


def _save_change(
    tx: Transaction, parts: Registering, old: RegisteredClient, details: Mapping[str, Any], now: int
) -> dict[str, Any]:
    """What is our policy stays as it is; a secret that the new method needs and the client has not is made."""
    changed = sorted(name for name in {*old.details, *details} if old.details.get(name) != details.get(name))
    clients.save_client(
        tx,
        old.client_id,
        details,
        require_approval=old.require_approval,
        first_party=old.first_party,
        pkce_exempt=old.pkce_exempt or _is_exempt(parts, details),
        resources=old.resources,
        may_introspect=sorted(old.may_introspect),
        access_token_format=old.access_token_format,
        now=now,
    )
    told: dict[str, Any] = {}
    if not details["token_endpoint_auth_method"].startswith("client_secret_"):
        client_registration.drop_secrets(tx, old.client_id)
    elif not _has_fitting_secret(old, details, now):
        told = _give_secret(tx, parts, old.client_id, details, now)
    _record(tx, "client_changed", old.client_id, now, {"values": changed})
    return told


def _give_secret(
    tx: Transaction, parts: Registering, client_id: str, details: Mapping[str, Any], now: int
) -> dict[str, Any]:
    """A secret where the method needs one, and what is said about it, this once (RFC 7591 §3.2.1)."""
    method = details["token_endpoint_auth_method"]
    if not method.startswith("client_secret_"):
        return {}
    signs = method == clients.SIGNS_WITH_SECRET
    secret = new_long_secret() if signs else new_secret()
    expires_at = now + parts.secret_days * DAY if parts.secret_days else None
    seal_with = parts.master if signs else None
    clients.set_client_secret(tx, client_id, secret, seal_with=seal_with, expires_at=expires_at, now=now)
    return {"client_secret": secret, "client_secret_expires_at": expires_at or 0}


def _has_fitting_secret(client: RegisteredClient, details: Mapping[str, Any], now: int) -> bool:
    valid = {one for one, expires_at in client.secret_hashes if expires_at is None or expires_at > now}
    signs = details["token_endpoint_auth_method"] == clients.SIGNS_WITH_SECRET
    return bool(valid & set(client.sealed_secrets) if signs else valid)


def _check_own_secret(client: RegisteredClient, sent: Mapping[str, Any], now: int) -> None:
    """A secret that is sent along is the client's own: it cannot choose another (RFC 7592 §2.2)."""
    secret = sent.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and has_valid_secret(client, (secret,), now)):
        raise invalid_metadata("client_secret: is not the one that was issued; leave it out")


def _describe(
    parts: Registering, client_id: str, details: Mapping[str, Any], issued_at: int, token: str
) -> dict[str, Any]:
    """The client information response (RFC 7591 §3.2.1, RFC 7592 §3), without the secret."""
    return {
        **details,
        "client_id": client_id,
        "client_id_issued_at": issued_at,
        "registration_access_token": token,
        "registration_client_uri": f"{parts.issuer}{PATH}/{client_id}",
    }


def _check_method(request: EndpointRequest, *allowed: str) -> None:
    if request.method not in allowed:
        names = ", ".join(allowed)
        raise ProtocolError("invalid_request", f"this endpoint takes {names}", status=405, headers={"Allow": names})


def _check_may_register(request: EndpointRequest, parts: Registering, now: int) -> str | None:
    """The initial access token, which is still good, or None where none is needed (RFC 7591 §3)."""
    token = _read_bearer(request)
    if token is None and parts.mode == "open":
        wait_until = parts.take_try(now)
        if wait_until is not None:
            raise ProtocolError(
                "temporarily_unavailable",
                "too many registrations; try again later",
                status=429,
                headers={"Retry-After": str(max(1, wait_until - now))},
            )
        return None
    with parts.database.reading() as tx:
        if token is None or not client_registration.is_initial_token(tx, token, now):
            raise _refused(
                "an initial access token is needed" if token is None else "the initial access token is no good"
            )
    return token


def _get_own(tx: Transaction, client_id: str, token: str, *, lock: bool = False) -> RegisteredClient:
    """The client whose token this is. One that was switched off cannot do anything about it."""
    client = client_registration.find_registered(tx, client_id, token, lock=lock)
    if client is None:
        raise _refused("the registration access token is no good")
    if client.disabled:
        raise ProtocolError("access_denied", "the client is disabled", status=403)
    return client


def _read_bearer(request: EndpointRequest) -> str | None:
    """The token of the header (RFC 6750 §2.1), or None where there is no header."""
    if request.authorization is None:
        return None
    scheme, _, token = request.authorization.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token.isascii() or not token:
        raise _refused("not a bearer token")
    return token


def _refused(detail: str) -> ProtocolError:
    """401 with a challenge (RFC 6750 §3, RFC 7592 §2)."""
    return ProtocolError("invalid_token", "a valid token is needed here", status=401, detail=detail, headers=_CHALLENGE)


def _is_exempt(parts: Registering, details: Mapping[str, Any]) -> bool:
    """A test setting; a public client is never exempt."""
    return not parts.require_pkce and details["token_endpoint_auth_method"] != clients.PUBLIC


def _record(tx: Transaction, act: str, client_id: str, now: int, details: Mapping[str, Any]) -> None:
    audit.record(tx, act, now=now, actor_kind="client", actor=client_id, client_id=client_id, details=details)
