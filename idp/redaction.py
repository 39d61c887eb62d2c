"""Takes out of log lines what only its owner may know, whoever wrote the line and however it got there (GO-7, LG-4).

No line of ours names a secret; this is for the line that will be written one day, and for messages of libraries. Fields whose
name says so are emptied, and in all other texts whatever looks like one of our tokens, a JWT, a header with credentials, a
password in an address or a password's hash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

REMOVED = "(removed)"
DEEPEST = 6

_NAMES = """
access_token assertion authorization client_assertion client_secret code code_verifier cookie csrf_token current_password
handle id_token id_token_hint login_hint logout_token master_key new_password password password_hash private_key
refresh_token registration_access_token request secret secrets seed session_secret set_cookie temporary_password token tokens
"""
NAMES = frozenset(_NAMES.split())
"""Fields that are never written, whatever they hold."""

PUBLIC = frozenset(("kid", "mark"))
"""Fields that look like secrets and are public: names of keys, marks of the audit trail."""

_WORD = re.compile(r"[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]+){0,4}")
_HEADER = re.compile(r"\b(basic|bearer|dpop)( +)([A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_PASSWORD_HASH = re.compile(r"\$(?:argon2\w*|2[aby]|scrypt|pbkdf2\S*|5|6)\$[^\s'\"]+")
_TEMPORARY = re.compile(r"\b[A-Z]{4}(?:-[A-Z]{4}){4}\b")


def redact(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor: the line without secrets."""
    for name, value in line.items():
        if not name.startswith("_"):  # the formatter's own
            line[name] = _redact(name, value, 0)
    return line


def redact_text(text: str) -> str:
    """A text without what looks like a secret."""
    text = _WORD.sub(_judge_word, text)
    text = _HEADER.sub(_judge_credentials, text)
    text = _IN_ADDRESS.sub(f"://{REMOVED}@", text)
    text = _PASSWORD_HASH.sub(REMOVED, text)
    return _TEMPORARY.sub(REMOVED, text)


def _redact(name: str, value: Any, depth: int) -> Any:
    if name.lower().replace("-", "_") in NAMES and value not in (None, "", True, False):
        return REMOVED
    if isinstance(value, str):
        return value if name in PUBLIC else redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "backslashreplace"))
    if depth < DEEPEST and isinstance(value, Mapping):
        return {key: _redact(str(key), one, depth + 1) for key, one in value.items()}
    if depth < DEEPEST and isinstance(value, (list, tuple, set, frozenset)):
        return [_redact("", one, depth + 1) for one in value]
    return value


def _judge_word(match: re.Match[str]) -> str:
    """Random secrets are long and mix capitals, small letters and digits; names and digests of the audit trail do not."""
    text = match[0]
    first, dot, _rest = text.partition(".")
    if dot and first.startswith("eyJ"):
        return REMOVED
    is_mixed = any(map(str.isupper, first)) and any(map(str.islower, first)) and any(map(str.isdigit, first))
    return REMOVED if len(first) >= 40 and is_mixed else text


def _judge_credentials(match: re.Match[str]) -> str:
    """A word behind the name of a scheme is one of a sentence where it has small letters only."""
    return match[0] if match[3].islower() and match[3].isalpha() else f"{match[1]}{match[2]}{REMOVED}"
