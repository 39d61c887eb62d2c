"""Tokens are issued here, and read here: access tokens with an audience (RFC 6750, RFC 8707 §2), and what comes along.

No access or ID token outlives the session it came from. Whether a token is live is decided from what the database says
now: an ended account, a disabled client or a withdrawn approval shows at once (IN-4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from idp.errors import ProtocolError
from idp.keys.keyring import DEFAULT_ALGORITHM
from idp.keys.secrets import new_secret
from idp.keys.subject import session_of, subject_of
from idp.protocol.client_authentication import FindClient
from idp.protocol.encryption import Envelope, find_envelope
from idp.protocol.id_token import Bound, build_id_token_claims
from idp.protocol.jwt_access_token import TOKEN_TYPE, build_access_token_claims, is_void
from idp.protocol.resource_indicators import find_audience, parse_resources
from idp.store import accounts, tokens

if TYPE_CHECKING:
    from idp.config import LifetimeSettings
    from idp.keys.keyring import Keyring
    from idp.keys.master import MasterKey
    from idp.protocol.client_authentication import ClientAuthentication
    from idp.protocol.client_keys import ClientKeys
    from idp.store.accounts import Account
    from idp.store.clients import RegisteredClient
    from idp.store.codes import Family
    from idp.store.database import Database, Transaction
    from idp.store.tokens import TokenFacts


Outcome = TypeVar("Outcome")


class EndFamily(Protocol):
    """Ends a family whose code or refresh token was used again, and tells who must know."""

    def __call__(self, tx: Transaction, family: Family, *, kind: str, now: int) -> None:
        """In the transaction that found it."""


@dataclass(frozen=True, slots=True)
class Issuing:
    """What the token endpoint works with.

    `jwt_resources`: resource servers that want their access tokens as JWTs, `jwt_algorithms`: those among them that do not
    want RS256. `envelope`: what ID tokens are encrypted with, once `with_envelope` has found it.
    """

    issuer: str
    lifetimes: LifetimeSettings
    keyring: Keyring
    master: MasterKey
    database: Database
    find_client: FindClient
    authentication: ClientAuthentication
    end_family: EndFamily
    client_keys: ClientKeys
    jwt_resources: frozenset[str] = frozenset()
    jwt_algorithms: Mapping[str, str] = field(default_factory=dict)
    envelope: Envelope | None = None

    def find_algorithm(self, audience: Sequence[str]) -> str:
        """How a JWT for these is signed: RS256 (RFC 9068 §2.1), but where all of them want something else."""
        wanted = {self.jwt_algorithms.get(resource, DEFAULT_ALGORITHM) for resource in audience}
        return wanted.pop() if len(wanted) == 1 else DEFAULT_ALGORITHM


@dataclass(frozen=True, slots=True)
class Reading:
    """What the endpoints work with that say what a token says."""

    issuer: str
    keyring: Keyring
    master: MasterKey
    database: Database
    find_client: FindClient
    client_keys: ClientKeys
    authentication: ClientAuthentication


@dataclass(frozen=True, slots=True)
class LiveToken:
    """A token that is good now, and who holds it."""

    facts: TokenFacts = field(repr=False)
    client: RegisteredClient

    def subject_for(self, client: RegisteredClient, master: MasterKey) -> str:
        """Whom the token is about, as this client sees them; a token that a client got for itself is about that client."""
        account_id = self.facts.account_id
        return self.facts.client_id if account_id is None else subject_of(account_id, client.sector, master)


class NeedsEnvelope(Exception):
    """The client wants its ID token encrypted, and its key is not at hand: nothing was done, and it may have to be fetched."""

    def __init__(self, client: RegisteredClient) -> None:
        super().__init__(client.client_id)
        self.client = client


def with_envelope(issuing: Issuing, step: Callable[[Issuing], Outcome]) -> Outcome:
    """Take a step that has a transaction of its own; again, with the key at hand, where the client wants encryption.

    A key may have to be fetched, which no transaction waits for. Raises `ProtocolError` where there is none, and `Busy`.
    """
    try:
        return step(issuing)
    except NeedsEnvelope as needed:
        envelope = find_envelope(needed.client, "id_token", issuing.client_keys)
        return step(replace(issuing, envelope=envelope))


def issue_tokens(
    tx: Transaction,
    issuing: Issuing,
    family: Family,
    account: Account,
    client: RegisteredClient,
    scopes: frozenset[str],
    *,
    resources: tuple[str, ...],
    refresh_token: str | None,
    is_first: bool,
    now: int,
) -> dict[str, Any]:
    """The members of a token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).

    Signed before the commit: what cannot be signed was not issued.
    """
    answer = issue_access_token(tx, issuing, family, client, scopes, resources=resources, now=now)
    if refresh_token is not None:
        answer["refresh_token"] = refresh_token
    if "openid" in scopes:
        bound = Bound(access_token=answer["access_token"])
        answer["id_token"] = sign_id_token(issuing, family, account, client, scopes, bound, is_first=is_first, now=now)
    return answer


def issue_access_token(
    tx: Transaction,
    issuing: Issuing,
    family: Family | None,
    client: RegisteredClient,
    scopes: frozenset[str],
    *,
    resources: tuple[str, ...] = (),
    now: int,
) -> dict[str, Any]:
    """An access token with what is said beside it, at the token and at the authorization endpoint (RFC 6749 §5.1, §4.2.2).

    Without a family it is the client's own. `resources`: what it shall be for, of all that was granted. Raises
    `ProtocolError`, `invalid_target`.
    """
    scope = " ".join(sorted(scopes))
    audience = find_audience(resources, parse_resources(family.resources) if family else (), client)
    is_jwt = client.access_token_format == "jwt" or not issuing.jwt_resources.isdisjoint(audience)
    lifetime = issuing.lifetimes.jwt_access_token if is_jwt else issuing.lifetimes.access_token
    expires_at = _earliest(family, now, lifetime) if family else now + lifetime
    token = new_secret()
    if is_jwt:
        claims = build_access_token_claims(
            family,
            client_id=client.client_id,
            subject=subject_of(family.account_id, client.sector, issuing.master) if family else client.client_id,
            scope=scope,
            audience=audience,
            issuer=issuing.issuer,
            now=now,
            expires_at=expires_at,
        )
        token = issuing.keyring.sign_jwt(claims, TOKEN_TYPE, issuing.find_algorithm(audience))
    tokens.insert_access_token(
        tx,
        token,
        client_id=client.client_id,
        family=family,
        scope=scope,
        audience=audience,
        now=now,
        expires_at=expires_at,
    )
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": expires_at - now, "scope": scope}
    return answer if scope else {name: value for name, value in answer.items() if name != "scope"}


def sign_id_token(
    issuing: Issuing,
    family: Family,
    account: Account,
    client: RegisteredClient,
    scopes: frozenset[str],
    bound: Bound,
    *,
    is_first: bool,
    now: int,
) -> str:
    """The ID token for this client, encrypted where it registered for that; `is_first` is False after a refresh.

    Raises `NeedsEnvelope`: steps that may sign an ID token are taken through `with_envelope`.
    """
    is_encrypted = "id_token_encrypted_response_alg" in client.details
    if is_encrypted and issuing.envelope is None:
        raise NeedsEnvelope(client)
    alg = client.id_token_algorithm
    claims = build_id_token_claims(
        family,
        account,
        client,
        scopes,
        subject=subject_of(account.account_id, client.sector, issuing.master),
        sid=None if family.sid is None else session_of(family.sid, client.sector, issuing.master),
        issuer=issuing.issuer,
        alg=alg,
        bound=bound,
        is_first=is_first,
        now=now,
        expires_at=_earliest(family, now, issuing.lifetimes.id_token),
    )
    token = issuing.keyring.sign_jwt(claims, alg=alg)
    return issuing.envelope.seal(token, is_jwt=True) if is_encrypted and issuing.envelope else token


def get_account(tx: Transaction, account_id: str, client: RegisteredClient) -> Account:
    """The account, if it is open and the client's policy lets it through (RF-9). Raises `invalid_grant`."""
    account = accounts.find_account(tx, account_id)
    if account is None or account.is_closed:
        raise ProtocolError("invalid_grant", "the grant has ended", detail="account closed")
    if client.require_approval and account.approval_status != "approved":
        raise ProtocolError("invalid_grant", "the grant has ended", detail="account not approved")
    return account


def find_live_token(
    tx: Transaction,
    reading: Reading,
    token: str,
    now: int,
    *,
    find: Callable[[Transaction, str, int], TokenFacts | None] = tokens.find_access_token,
) -> LiveToken | None:
    """What a token says, if it is good now: not expired or revoked, account open, client on, approval as it requires."""
    if is_void(token, reading.keyring):
        return None
    facts = find(tx, token, now)
    client = reading.find_client(facts.client_id) if facts else None
    if facts is None or client is None or client.disabled or facts.account_access == "closed":
        return None
    if client.require_approval and facts.account_id is not None and facts.approval_status != "approved":
        return None
    return LiveToken(facts, client)


def _earliest(family: Family, now: int, lifetime: int) -> int:
    session_end = family.session_end(now)
    return min(now + lifetime, family.expires_at, family.expires_at if session_end is None else session_end)
