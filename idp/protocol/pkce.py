"""Proof Key for Code Exchange (RFC 7636), method S256 only; that a challenge is there is checked where the code is asked for."""

from __future__ import annotations

import base64
import hashlib
import re

from idp.keys.secrets import is_same

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


def is_verified(challenge: str | None, verifier: str | None) -> bool:
    """Match the code_verifier with the stored challenge (RFC 7636 §4.6); one without the other never matches (CO-6)."""
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    return _VERIFIER.match(verifier) is not None and is_same(make_challenge(verifier), challenge)


def make_challenge(verifier: str) -> str:
    """BASE64URL(SHA256(verifier)) (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
