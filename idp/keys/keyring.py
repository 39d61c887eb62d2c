"""Signing keys: made, opened once, published, and used to sign and verify our own tokens (RFC 7515, RFC 7517, RFC 8037).

Rows come in as `SigningKey` values; the private half is sealed under the master key together with its `kid`. A key that
is retired still verifies and stays published until it is removed (OpenID Connect Core §10.1.1). Signing speaks to
`cryptography` with a ready header; whatever was sent to us is verified by joserfc.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from idp.errors import ConfigError

if TYPE_CHECKING:
    from idp.clock import Clock
    from idp.keys.master import MasterKey

ID_TOKEN_TYPE = "JWT"
DEFAULT_ALGORITHM = "RS256"
LONGEST_JWT = 16384

_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_KINDS: Mapping[str, Any] = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
_SIGN: Mapping[str, Callable[[Any, bytes], bytes]] = {
    "RS256": lambda key, text: bytes(key.sign(text, padding.PKCS1v15(), hashes.SHA256())),
    "PS256": lambda key, text: bytes(key.sign(text, _PSS, hashes.SHA256())),
    "ES256": lambda key, text: _sign_es256(key, text),  # noqa: PLW0108 - defined below
    "EdDSA": lambda key, text: bytes(key.sign(text)),
}


class InvalidJwt(ValueError):
    """A JWT that we did not sign, or not as this kind of token; the text is for the log."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A row: the public half in clear, the private half sealed."""

    kid: str
    alg: str
    public_jwk: Mapping[str, Any]
    sealed_private: bytes
    created_at: int
    active_from: int
    retired_at: int | None = None
    removed_at: int | None = None

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r}, {self.alg!r})"


def make_signing_key(alg: str, master: MasterKey, *, now: int, active_from: int) -> SigningKey:
    """Make a key pair; its `kid` is the thumbprint of the public half (RFC 7638).

    A thumbprint that begins with a dash would be taken for an option by `idp keys`; another pair is made then.
    """
    kid = "-"
    while kid.startswith("-"):
        private = _generate(alg)
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        key = _KINDS[alg].import_key(public)
        kid = key.thumbprint()
    plain = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    members = {**key.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"}
    return SigningKey(kid, alg, members, master.seal(plain, _identity(kid)), now, active_from)


class OpenKeys:
    """All keys of one version, opened and ready; never changed."""

    def __init__(self, rows: Iterable[SigningKey], master: MasterKey) -> None:
        published = sorted((row for row in rows if row.removed_at is None), key=lambda row: (row.active_from, row.kid))
        self._public = {row.kid: (row.alg, _KINDS[row.alg].import_key(dict(row.public_jwk))) for row in published}
        self._signing = [(row, _open_private(row, master)) for row in published if row.retired_at is None]
        self._headers: dict[tuple[str, str], bytes] = {}
        self.algorithms = tuple(dict.fromkeys(row.alg for row, _ in self._signing))
        self.jwks = _dump_jwks(row.public_jwk for row in published)
        self.jwks_etag = f'"{hashlib.sha256(self.jwks).hexdigest()[:32]}"'

    def sign(self, claims: Mapping[str, Any], typ: str, alg: str, now: int) -> str:
        """Sign with the newest key of this algorithm that is already active.

        Where clocks differ, the only key may have been made a moment ahead of ours; it signs all the same.
        """
        usable = [pair for pair in self._signing if pair[0].alg == alg]
        row, private = next((pair for pair in reversed(usable) if pair[0].active_from <= now), usable[0])
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        text = self._header(row, typ) + b"." + _b64(payload)
        return (text + b"." + _b64(_SIGN[alg](private, text))).decode()

    def verify(self, text: str, typ: str) -> dict[str, Any]:
        """The claims of a JWT that one of these keys signed as this type. Raises `InvalidJwt`."""
        if len(text) > LONGEST_JWT or not text.isascii():
            raise InvalidJwt("size or characters")
        try:
            header = jws.extract_compact(text.encode()).headers()
            kid = header.get("kid")
            alg, key = self._public[kid] if isinstance(kid, str) else ("", None)
            if key is None or header.get("alg") != alg or header.get("typ") != typ:
                raise InvalidJwt("kid, alg or typ")
            return dict(jwt.decode(text, key, registry=_REGISTRIES[alg]).claims)
        except InvalidJwt:
            raise
        except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidJwt(type(error).__name__) from None

    def _header(self, row: SigningKey, typ: str) -> bytes:
        known = self._headers.get((row.kid, typ))
        if known is None:
            members = {"alg": row.alg, "kid": row.kid, "typ": typ}
            known = self._headers[row.kid, typ] = _b64(json.dumps(members, separators=(",", ":")).encode())
        return known


class Keyring:
    """What signs and verifies for everybody; `find_keys` gives the newest version of the keys."""

    def __init__(self, find_keys: Callable[[], OpenKeys], clock: Clock) -> None:
        self._find_keys = find_keys
        self._clock = clock

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that a token can be signed with now."""
        return self._find_keys().algorithms

    def sign_jwt(self, claims: Mapping[str, Any], typ: str = ID_TOKEN_TYPE, alg: str = DEFAULT_ALGORITHM) -> str:
        """A signed JWT (RFC 7519); an algorithm without a key gives way to the default, which always has one."""
        keys = self._find_keys()
        return keys.sign(claims, typ, alg if alg in keys.algorithms else DEFAULT_ALGORITHM, self._clock())

    def verify_own_jwt(self, text: str, typ: str = ID_TOKEN_TYPE) -> dict[str, Any]:
        """The claims of a JWT that we signed as this type, also with a retired key. Raises `InvalidJwt`.

        Issuer, audience and times are the caller's to check: an expired ID token is a good hint.
        """
        return self._find_keys().verify(text, typ)

    def jwks(self) -> tuple[bytes, str]:
        """The published key set (RFC 7517 §5), ready to send, and its entity tag."""
        keys = self._find_keys()
        return keys.jwks, keys.jwks_etag


class _OneAlgorithm(JWSRegistry):
    """Exactly one algorithm for a key (JW-1); without joserfc's warning about the name EdDSA, which OPs still must use."""

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise InvalidJwt("alg")
        return self.algorithms[name]


_REGISTRIES = {alg: _OneAlgorithm(algorithms=[alg]) for alg in _KINDS}


def _generate(alg: str) -> Any:
    if alg in ("RS256", "PS256"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else ed25519.Ed25519PrivateKey.generate()


def _open_private(row: SigningKey, master: MasterKey) -> Any:
    try:
        plain = master.open(row.sealed_private, _identity(row.kid))
    except ValueError:
        raise ConfigError(
            "a signing key does not open with this master key; put back the one it was made with"
        ) from None
    # The seal is authenticated, so the primes need no second test, which would take 40 ms a key.
    return serialization.load_der_private_key(plain, None, unsafe_skip_rsa_key_validation=True)


def _sign_es256(key: Any, text: bytes) -> bytes:
    """A fixed-length signature (RFC 7518 §3.4), made without randomness (RFC 6979)."""
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _dump_jwks(keys: Iterable[Mapping[str, Any]]) -> bytes:
    published = [{name: value for name, value in key.items() if name not in _PRIVATE_MEMBERS} for key in keys]
    return json.dumps({"keys": published}, separators=(",", ":")).encode()


def _identity(kid: str) -> str:
    return f"signing_keys:{kid}"


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
