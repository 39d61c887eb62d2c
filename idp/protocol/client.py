"""Client metadata: OpenID Connect Dynamic Client Registration 1.0 §2, RFC 7591 §2, and the logout specifications' names.

What is registered here is trusted later: redirects go to these addresses, tokens are signed with this algorithm. Left out:
response types other than `code`, encrypted answers, pairwise subjects, keys of clients.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from idp.config import is_loopback_host

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
GRANT_TYPES = ("authorization_code", "refresh_token")
LONGEST_URI = 2000
MOST_URIS = 50

_CLIENT_ID = re.compile(r"[!#-\[\]-~]{1,255}")
_SCOPE = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")


def check_client_id(client_id: object) -> str:
    """A client identifier: visible ASCII (RFC 6749 Appendix A.1, without blanks). Raises `ValueError`."""
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise ValueError("client_id: must be 1 to 255 visible ASCII characters without blanks and quotes")
    return client_id


def check_client_metadata(metadata: Mapping[str, Any], algorithms: Iterable[str]) -> dict[str, Any]:
    """The metadata as it is kept, defaults filled in. Raises `ValueError` with the name and what would be right."""
    unknown = sorted(set(metadata) - set(_CHECKS))
    if unknown:
        raise ValueError(f"{unknown[0]}: is not known; known are: {', '.join(sorted(_CHECKS))}")
    found = {name: check(name, metadata[name]) for name, check in _CHECKS.items() if name in metadata}
    found.setdefault("grant_types", ["authorization_code"])
    found.setdefault("token_endpoint_auth_method", "client_secret_basic")
    _check_together(found, tuple(algorithms))
    return found


def _check_together(found: dict[str, Any], algorithms: tuple[str, ...]) -> None:
    uses_code = "authorization_code" in found["grant_types"]
    found.setdefault("response_types", ["code"] if uses_code else [])
    if uses_code and not found.get("redirect_uris"):
        raise ValueError("redirect_uris: is missing; a client with authorization_code needs one")
    if uses_code != ("code" in found["response_types"]):
        raise ValueError("response_types: code and the grant type authorization_code belong together")
    if "refresh_token" in found["grant_types"] and not uses_code:
        raise ValueError("grant_types: refresh_token needs authorization_code beside it")
    algorithm = found.get("id_token_signed_response_alg", "RS256")
    if algorithm not in algorithms:
        raise ValueError(f"id_token_signed_response_alg: must be one of {', '.join(algorithms)} (keys.algorithms)")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 1000:
        raise ValueError(f"{name}: must be a text on one line")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name}: must be true or false")
    return value


def _seconds(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name}: must be a number of seconds")
    return value


def _scope(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > 1000 or not _SCOPE.fullmatch(value):
        raise ValueError(f"{name}: must be scopes with one blank between them, such as 'openid profile'")
    return value


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_URIS:
        raise ValueError(f"{name}: must be a list of at most {MOST_URIS} texts")
    return [_text(name, one) for one in value]


def _one_of(*allowed: str) -> Callable[[str, object], str]:
    def check(name: str, value: object) -> str:
        if value not in allowed:
            raise ValueError(f"{name}: must be {' or '.join(allowed)}")
        return str(value)

    return check


def _some_of(*allowed: str) -> Callable[[str, object], list[str]]:
    def check(name: str, value: object) -> list[str]:
        found = _texts(name, value)
        if set(found) - set(allowed):
            raise ValueError(f"{name}: must be among {', '.join(allowed)}")
        return found

    return check


def _page(name: str, value: object) -> str:
    """An address that browsers or we ourselves open: https, or http on loopback; no fragment, no user, no wildcard."""
    uri = _uri(name, value)
    parts = urlsplit(uri)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(parts.hostname or "")):
        raise ValueError(f"{name}: must be an https address; http works only for localhost and loopback addresses")
    return uri


def _redirects(name: str, value: object) -> list[str]:
    """Where answers go (RFC 9700 §2.1): compared as they are written, so nothing in them may be vague."""
    return [_redirect(name, one) for one in _texts(name, value)]


def _redirect(name: str, value: str) -> str:
    uri = _uri(name, value)
    if _PRIVATE_SCHEME.fullmatch(urlsplit(uri).scheme):
        return uri  # an app's own scheme, a domain name read backwards (RFC 8252 §7.1)
    return _page(name, uri)


def _uri(name: str, value: object) -> str:
    uri = _text(name, value)
    try:
        parts = urlsplit(uri)
        has_sound_port = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"{name}: is not an address") from None
    if not uri.isascii() or len(uri) > LONGEST_URI or any(c in uri for c in " \\*<>\"'") or not has_sound_port:
        raise ValueError(f"{name}: must be an absolute address without blanks, quotes and asterisks")
    if not parts.scheme or not (parts.netloc or _PRIVATE_SCHEME.fullmatch(parts.scheme)):
        raise ValueError(f"{name}: must be an absolute address, such as https://site.example.com/callback")
    if "#" in uri or "@" in parts.netloc:
        raise ValueError(f"{name}: must have neither a fragment nor a user")
    return uri


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "application_type": _one_of("web", "native"),
    "backchannel_logout_session_required": _flag,
    "backchannel_logout_uri": _page,
    "client_name": _text,
    "client_uri": _page,
    "contacts": _texts,
    "default_max_age": _seconds,
    "description": _text,
    "grant_types": _some_of(*GRANT_TYPES),
    "id_token_signed_response_alg": _text,
    "initiate_login_uri": _page,
    "logo_uri": _page,
    "policy_uri": _page,
    "post_logout_redirect_uris": _redirects,
    "redirect_uris": _redirects,
    "require_auth_time": _flag,
    "response_types": _some_of("code"),
    "scope": _scope,
    "software_id": _text,
    "software_version": _text,
    "subject_type": _one_of("public"),
    "token_endpoint_auth_method": _one_of(*AUTH_METHODS),
    "tos_uri": _page,
}
