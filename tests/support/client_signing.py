"""Clients that sign: their keys, and assertions as they would send them."""

from __future__ import annotations

import base64
import itertools
import json
import time
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.support.tokens import ISSUER, NOW

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")

_numbers = itertools.count()
_started = time.time_ns()


class AnyAlgorithm(JWSRegistry):
    """Signs with whatever a test names, with whatever header."""

    max_header_length = 100_000

    def get_alg(self, name: str) -> Any:
        """The algorithm of that name."""
        return self.algorithms[name]


@cache
def make_key(alg: str, number: int = 0) -> Any:
    """A private key for an algorithm; the same for the same number."""
    if alg in ("RS256", "PS256"):
        return RSAKey.generate_key(2048, {"kid": f"{alg}-{number}"})
    if alg == "ES256":
        return ECKey.generate_key("P-256", {"kid": f"{alg}-{number}"})
    return OKPKey.generate_key("Ed25519", {"kid": f"{alg}-{number}"})


def public_jwks(*keys: Any) -> dict[str, Any]:
    """The key set that a client registers."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def sign(header: dict[str, Any], payload: bytes, key: Any) -> str:
    """A compact JWS of any header and payload."""
    registry = AnyAlgorithm(strict_check_header=False)
    encoded = (json.dumps(header).encode(), payload)
    text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in encoded)
    signature = registry.get_alg(str(header["alg"])).sign(text.encode(), key)
    return text + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


def claims_for(client_id: str, **changes: Any) -> dict[str, Any]:
    """The claims of an assertion; a change to None leaves the claim out."""
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "jti": f"jti-{_started}-{next(_numbers)}",
        "iat": NOW,
        "exp": NOW + 60,
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def mac_key(secret: str) -> OctKey:
    """A client's secret as a key."""
    return OctKey.import_key(secret)
