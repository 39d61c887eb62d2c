"""The encrypted cookies of a site: compact JWE, direct encryption, A256GCM (RFC 7516, RFC 7518 §4.5).

What it was made for is authenticated with the value, so that one cookie never serves as another.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_MINIMUM_KEY = 16


class CookieBox:
    """Seals and opens JSON values for one site."""

    def __init__(self, secret_key: str | bytes, client_id: str) -> None:
        secret = secret_key.encode() if isinstance(secret_key, str) else secret_key
        if len(secret) < _MINIMUM_KEY:
            raise ValueError("secret_key: at least 16 random bytes are needed to encrypt the site's cookies")
        self._key = OctKey.import_key(hashlib.blake2b(client_id.encode(), key=secret[:64], digest_size=32).digest())

    def seal(self, purpose: str, value: dict[str, Any]) -> str:
        """Encrypt a JSON value for one purpose."""
        plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM", "cty": purpose}, plain, self._key)

    def open(self, purpose: str, text: str | None) -> dict[str, Any] | None:
        """Decrypt; None for whatever is not ours, not whole, or made for something else."""
        if not text or len(text) > 16384:
            return None
        try:
            opened = jwe.decrypt_compact(text, self._key, algorithms=["dir", "A256GCM"])
            if opened.headers().get("cty") != purpose or opened.plaintext is None:
                return None
            value = json.loads(opened.plaintext)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return value if isinstance(value, dict) else None
