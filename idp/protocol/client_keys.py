"""The public keys of clients (RFC 7517; OpenID Connect Core §10.1.1, §10.2.1): what verifies them, and what we encrypt to.

A key set comes with the registration (`jwks`) or from an address (`jwks_uri`) through the guarded fetcher. It is parsed
once per version. A fetched one is fetched again when it has become old, or when a key is wanted that it does not have, but
not more often than `PAUSE_SECONDS` for one address, and never while a transaction is open. Keys that we cannot use are
the client's own business. We leave out certificates (`x5c`, `x5t`); keys inside a token's header are never looked at.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.errors import Busy
from idp.protocol.client import MOST_KEYS
from idp.signals.fetcher import FetchFailed, FetchRefused

if TYPE_CHECKING:
    from idp.clock import Clock
    from idp.signals.fetcher import Answer
    from idp.store.clients import RegisteredClient

FRESH_SECONDS = 600
"""How long a fetched key set is taken as it is: a key that was taken out of it works no longer than this."""
PAUSE_SECONDS = 10
"""The shortest time between two fetches of one address, however many unknown keys are named."""
STALE_SECONDS = 86_400
"""How long a key set still serves where its address has stopped answering."""
MOST_SETS = 1_000
MOST_FETCHES = 2
WAIT_SECONDS = 2.0

_SIGNING: Mapping[str, tuple[str, ...]] = {
    "RS256": ("RSA",),
    "PS256": ("RSA",),
    "ES256": ("P-256",),
    "EdDSA": ("Ed25519",),
}
_RSA_WRAPS = ("RSA-OAEP", "RSA-OAEP-256")
_CURVES_TO_AGREE = ("P-256", "P-384", "P-521", "X25519")
_SMALLEST_MODULUS, _LARGEST_MODULUS = 2048, 8192
_MEMBERS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "RSA": (RSAKey, ("n", "e")),
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
}

log = structlog.get_logger("idp.protocol")


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One public key: joserfc's object, and what the client says about it. `kind` is RSA or the name of the curve."""

    key: Any = field(repr=False)
    kind: str
    kid: str | None
    alg: str | None
    use: str | None
    operations: frozenset[str]

    def verifies(self, alg: str) -> bool:
        """Whether it may be tried on a signature of this algorithm (RFC 7517 §4.2 to §4.4)."""
        fits = self.kind in _SIGNING.get(alg, ()) and self.alg in (None, alg) and self.use in (None, "sig")
        return fits and (not self.operations or "verify" in self.operations)

    def encrypts(self, alg: str) -> bool:
        """Whether we may encrypt to it with this algorithm."""
        kinds = ("RSA",) if alg in _RSA_WRAPS else _CURVES_TO_AGREE if alg.startswith("ECDH-ES") else ()
        wanted = {"encrypt", "wrapKey"} if alg in _RSA_WRAPS else {"deriveKey", "deriveBits"}
        fits = self.kind in kinds and self.alg in (None, alg) and self.use in (None, "enc")
        return fits and (not self.operations or not wanted.isdisjoint(self.operations))


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A key set from an address: when it came, and when it was last asked for."""

    keys: tuple[ClientKey, ...]
    came_at: int | None
    tried_at: int


def find_verification_keys(
    client: RegisteredClient, kid: str | None, alg: str, keys: ClientKeys, *, again: bool = False
) -> tuple[ClientKey, ...]:
    """The keys that a signature of this client may have been made with, best first; empty where there is none.

    With a `kid` it is the keys of that name, and then those without a name; a fetched set without the name is fetched
    again, and so is any where `again` says that those were not the right ones. Raises `Busy` where that cannot be done now.
    """

    def fitting(found: Iterable[ClientKey]) -> list[ClientKey]:
        return [key for key in found if key.verifies(alg) and (kid is None or key.kid in (kid, None))]

    def has_it(found: Iterable[ClientKey]) -> bool:
        return not again and any(kid is None or key.kid == kid for key in fitting(found))

    return tuple(sorted(fitting(keys.of(client, has_it)), key=lambda key: key.kid is None))


def find_encryption_key(client: RegisteredClient, alg: str, keys: ClientKeys) -> ClientKey | None:
    """The key that we encrypt to for this client: one marked for it (`use` is `enc`) before one for anything.

    Ask before the transaction begins: a key set may have to be fetched. Raises `Busy` where that cannot be done now.
    """
    found = [key for key in keys.of(client, lambda all_: any(key.encrypts(alg) for key in all_)) if key.encrypts(alg)]
    return min(found, key=lambda key: key.use is None, default=None)


class ClientKeys:
    """Key sets of clients, parsed; safe to share between threads.

    `fetch` is the guarded fetcher's `get`. `is_in_transaction` tells whether this thread has a transaction open, in which
    nothing may be fetched. At most `MOST_FETCHES` addresses are asked at a time, so that slow ones cannot take all
    threads; whoever has waited a little is told to try again.
    """

    def __init__(
        self, fetch: Callable[[str], Answer], clock: Clock, is_in_transaction: Callable[[], bool] = lambda: False
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._is_in_transaction = is_in_transaction
        self._lock = threading.Lock()
        self._fetching = threading.BoundedSemaphore(MOST_FETCHES)
        self._uri_locks: dict[str, threading.Lock] = {}
        self._inline: OrderedDict[str, tuple[object, tuple[ClientKey, ...]]] = OrderedDict()
        self._fetched: OrderedDict[str, _Fetched] = OrderedDict()

    def of(
        self, client: RegisteredClient, suffices: Callable[[Iterable[ClientKey]], bool] = any
    ) -> tuple[ClientKey, ...]:
        """The client's usable keys; fetched again where they are old, or do not suffice. Raises `Busy`."""
        uri = client.details.get("jwks_uri")
        return self._from_address(uri, suffices) if isinstance(uri, str) else self._from_registration(client)

    def _from_registration(self, client: RegisteredClient) -> tuple[ClientKey, ...]:
        registered = client.details.get("jwks")
        with self._lock:
            known = self._inline.get(client.client_id)
        if known is None or (known[0] is not registered and known[0] != registered):
            known = (registered, parse_keys(registered))
            with self._lock:
                _keep(self._inline, client.client_id, known)
        return known[1]

    def _from_address(self, uri: str, suffices: Callable[[Iterable[ClientKey]], bool]) -> tuple[ClientKey, ...]:
        known = self._known(uri)
        if self._may_serve(known, suffices):
            return known.keys
        if self._is_in_transaction():
            raise RuntimeError("keys of clients are found before the transaction begins")
        with self._lock:
            alone = self._uri_locks.setdefault(uri, threading.Lock())
        if not alone.acquire(timeout=WAIT_SECONDS):
            raise Busy
        try:
            known = self._known(uri)  # another thread may have fetched it meanwhile
            return known.keys if self._may_serve(known, suffices) else self._renew(uri, known).keys
        finally:
            alone.release()
            with self._lock:
                self._uri_locks.pop(uri, None)

    def _known(self, uri: str) -> _Fetched:
        with self._lock:
            return self._fetched.get(uri) or _Fetched((), None, -PAUSE_SECONDS)

    def _may_serve(self, known: _Fetched, suffices: Callable[[Iterable[ClientKey]], bool]) -> bool:
        """Whether what is known is fresh and enough, or was asked for a moment ago."""
        now = self._clock()
        is_fresh = known.came_at is not None and 0 <= now - known.came_at < FRESH_SECONDS
        return (is_fresh and suffices(known.keys)) or 0 <= now - known.tried_at < PAUSE_SECONDS

    def _renew(self, uri: str, known: _Fetched) -> _Fetched:
        """Fetch the set; where that fails, the one we have serves on for a while."""
        if not self._fetching.acquire(timeout=WAIT_SECONDS):
            raise Busy
        try:
            keys = read_key_set(self._fetch(uri))
            renewed = _Fetched(keys, self._clock(), self._clock())
        except (FetchRefused, FetchFailed, ValueError) as error:
            now = self._clock()
            log.warning("the key set of a client did not come", uri=uri, why=str(error))
            is_too_old = known.came_at is None or now - known.came_at >= STALE_SECONDS
            renewed = _Fetched(() if is_too_old else known.keys, None if is_too_old else known.came_at, now)
        finally:
            self._fetching.release()
        with self._lock:
            _keep(self._fetched, uri, renewed)
        return renewed


def read_key_set(answer: Answer) -> tuple[ClientKey, ...]:
    """The keys of a fetched set (RFC 7517 §5). Raises `ValueError`."""
    if answer.status != 200:
        raise ValueError(f"answered {answer.status}")
    try:
        value = json.loads(answer.body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ValueError("is no JSON") from None
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        raise ValueError("is no key set")
    return parse_keys(value)


def parse_keys(value: object) -> tuple[ClientKey, ...]:
    """The keys of a set that we can use; the others are passed over (RFC 7517 §5)."""
    members = value.get("keys") if isinstance(value, Mapping) else None
    found = (_parse_key(one) for one in (members if isinstance(members, list) else [])[:MOST_KEYS])
    return tuple(key for key in found if key is not None)


def _parse_key(value: object) -> ClientKey | None:
    """One key. Only its public members go on, so that nothing else in it can be meant for anything."""
    if not isinstance(value, Mapping):
        return None
    kty, crv = value.get("kty"), value.get("crv")
    kind = crv if kty in ("EC", "OKP") else kty
    members = {name: value.get(name) for name in _MEMBERS.get(str(kty), (None, ()))[1]}
    operations = value.get("key_ops", [])
    if kind not in ("RSA", "Ed25519", *_CURVES_TO_AGREE) or not all(isinstance(one, str) for one in members.values()):
        return None
    if not isinstance(operations, list) or not all(isinstance(one, str) for one in operations):
        return None
    if kty == "RSA" and not _SMALLEST_MODULUS <= _bits(members["n"]) <= _LARGEST_MODULUS:
        return None
    try:
        key = _MEMBERS[str(kty)][0].import_key({"kty": kty, **members})
        key.public_key  # noqa: B018 - joserfc computes it here, and refuses points that are on no curve
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None
    kid, alg, use = (_text(value.get(name)) for name in ("kid", "alg", "use"))
    return ClientKey(key, str(kind), kid, alg, use, frozenset(operations))


def _bits(modulus: str | None) -> int:
    """The length of a number in base64url; 0 where it is none."""
    try:
        text = base64.urlsafe_b64decode(str(modulus) + "=" * (-len(str(modulus)) % 4))
    except ValueError:
        return 0
    return int.from_bytes(text[:_LARGEST_MODULUS], "big").bit_length()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _keep(cache: OrderedDict[str, Any], name: str, value: object) -> None:
    """Put it in, and the oldest out where there are too many."""
    cache[name] = value
    cache.move_to_end(name)
    while len(cache) > MOST_SETS:
        cache.popitem(last=False)
