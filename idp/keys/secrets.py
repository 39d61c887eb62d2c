"""Random secrets: 256 bits from the operating system, kept only as SHA-256 of purpose and value.

The purpose is part of what is hashed, so that one kind of secret never serves as another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

REFERENCE_LETTERS = "BCDFGHJKMNPQRSTVWXYZ23456789"
CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def new_secret() -> str:
    """A new 256-bit secret, 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_long_secret() -> str:
    """A new secret for signing: 86 characters, enough octets for every MAC (RFC 7518 §3.2)."""
    return secrets.token_urlsafe(64)


def new_identifier() -> str:
    """A new 128-bit identifier that says nothing, 22 URL-safe characters; it is no secret.

    It never begins with a dash, so that a command line does not take it for an option.
    """
    while (identifier := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return identifier


def new_reference(prefix: str = "") -> str:
    """A reference number for people: eight letters and digits that are not mistaken for each other, `XXXX-XXXX`."""
    letters = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(8))
    return f"{prefix}{letters[:4]}-{letters[4:]}"


def new_short_code() -> str:
    """A short code for typing: 8 characters from 20 letters (34 bits; only a bounded number of tries)."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(8))


def hash_secret(purpose: str, secret: str) -> bytes:
    """SHA-256 of purpose and secret: the primary key of its row."""
    return hashlib.sha256(purpose.encode() + b":" + secret.encode("utf-8", "surrogatepass")).digest()


def is_same(left: bytes | str, right: bytes | str) -> bool:
    """Compare in constant time."""
    first = left.encode() if isinstance(left, str) else left
    second = right.encode() if isinstance(right, str) else right
    return hmac.compare_digest(first, second)


def seal_under(purpose: str, secret: str, plain: bytes) -> bytes:
    """Encrypt what only the holder of a secret of ours may read, where its hash alone is kept beside it.

    Each secret seals one value, so that one nonce does for all (NIST SP 800-38D §8).
    """
    return _sealer(purpose, secret).encrypt(bytes(12), plain, None)


def open_under(purpose: str, secret: str, sealed: bytes) -> bytes:
    """Decrypt; raises `ValueError` where secret and content do not belong together."""
    try:
        return _sealer(purpose, secret).decrypt(bytes(12), sealed, None)
    except InvalidTag:
        raise ValueError("the sealed value does not open with this secret") from None


def _sealer(purpose: str, secret: str) -> AESGCM:
    return AESGCM(hash_secret(f"seal:{purpose}", secret))
