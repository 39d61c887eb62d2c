"""JWTs that clients sign: assertions and request objects (RFC 7515, RFC 7519, RFC 8725).

Read strictly, then verified with a registered key or secret and an algorithm that the caller allows. What a header says
about keys (`jwk`, `jku`, `x5c`, `x5u`) is never looked at, `none` and `crit` are refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from idp.keys.keyring import LONGEST_JWT, InvalidJwt
from idp.protocol.client import MAC_ALGORITHMS, SIGNING_ALGORITHMS
from idp.protocol.client_keys import find_verification_keys
from idp.protocol.json_object import parse_json_object

if TYPE_CHECKING:
    from idp.protocol.client_keys import ClientKeys
    from idp.store.clients import RegisteredClient

SHORTEST_MAC_SECRET: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Octets of a secret that signs: as many as the hash has (RFC 7518 §3.2)."""

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class ClientJwt:
    """A JWT as it was sent; nothing in it is proven before `verify_client_jwt` or `check_mac` has passed."""

    text: str = field(repr=False)
    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def alg(self) -> str:
        """The algorithm that it says it was signed with."""
        return str(self.header["alg"])

    @property
    def kid(self) -> str | None:
        """The name of the key, if it says one."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    def get_text(self, name: str) -> str | None:
        """A claim that is a text."""
        value = self.claims.get(name)
        return value if isinstance(value, str) and value else None

    def get_instant(self, name: str) -> float | None:
        """A claim that is a number of seconds (RFC 7519 §2, NumericDate). Raises `InvalidJwt` for anything else."""
        value = self.claims.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InvalidJwt(f"{name} is no number")
        return value

    def is_for(self, accepted: Collection[str]) -> bool:
        """Whether all that it is addressed to is ours: who else it is for could use it here, or we there."""
        audience = self.claims.get("aud")
        addressed = audience if isinstance(audience, list) else [audience]
        return bool(addressed) and all(isinstance(one, str) and one in accepted for one in addressed)


def read_client_jwt(text: str, types: Collection[str] = ("jwt",)) -> ClientJwt:
    """Take a JWT apart without proving anything; `types` are the values that `typ` may have. Raises `InvalidJwt`."""
    parts = text.split(".") if len(text) <= LONGEST_JWT else []
    if len(parts) != 3 or not all(_BASE64URL.fullmatch(part) for part in parts):
        raise InvalidJwt("no signed JWT of a size that we read")
    header, claims = _parse_object(parts[0]), _parse_object(parts[1])
    if not isinstance(header.get("alg"), str) or "crit" in header or "b64" in header:
        raise InvalidJwt("alg or crit in the header")
    typ = header.get("typ", "jwt")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise InvalidJwt("another type of JWT")
    return ClientJwt(text, header, claims)


def verify_client_jwt(jwt: ClientJwt, client: RegisteredClient, algorithms: Collection[str], keys: ClientKeys) -> None:
    """Check the signature with the client's keys. Raises `InvalidJwt`, and `Busy` where a key set cannot be fetched now."""
    if jwt.alg not in algorithms or jwt.alg not in SIGNING_ALGORITHMS:
        raise InvalidJwt("alg is not the registered one")
    candidates = find_verification_keys(client, jwt.kid, jwt.alg, keys)
    try:
        _check(jwt, (candidate.key for candidate in candidates))
    except InvalidJwt:
        # A client may change its key without a new name, or without any.
        newer = find_verification_keys(client, jwt.kid, jwt.alg, keys, again=True)
        if newer == candidates:
            raise
        _check(jwt, (candidate.key for candidate in newer))


def check_mac(jwt: ClientJwt, secrets: Iterable[bytes], algorithms: Collection[str]) -> None:
    """Check the MAC with one of the client's secrets. Raises `InvalidJwt`."""
    if jwt.alg not in algorithms or jwt.alg not in MAC_ALGORITHMS:
        raise InvalidJwt("alg is not the registered one")
    long_enough = (secret for secret in secrets if len(secret) >= SHORTEST_MAC_SECRET[jwt.alg])
    _check(jwt, long_enough, OctKey.import_key)


def _check(jwt: ClientJwt, keys: Iterable[Any], prepare: Callable[[Any], Any] = lambda key: key) -> None:
    for key in keys:
        try:
            jws.deserialize_compact(jwt.text, prepare(key), registry=_REGISTRIES[jwt.alg])
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
        return
    raise InvalidJwt("no key of that name, or the signature does not hold")


def _parse_object(part: str) -> dict[str, Any]:
    """One part: base64url of UTF-8 of a JSON object whose members come once (RFC 8725 §2.6, §3.7)."""
    try:
        return parse_json_object(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except ValueError:
        raise InvalidJwt("no JSON object in UTF-8, or a member that comes twice") from None


class _OneAlgorithm(JWSRegistry):
    """Exactly one algorithm, and headers of any member: what we do not know in them has no effect (RFC 7515 §4)."""

    max_header_length = 4096

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise InvalidJwt("alg")
        return self.algorithms[name]


_REGISTRIES = {
    alg: _OneAlgorithm(algorithms=[alg], strict_check_header=False) for alg in (*SIGNING_ALGORITHMS, *MAC_ALGORITHMS)
}
