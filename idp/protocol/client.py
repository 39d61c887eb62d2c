"""Client metadata: OpenID Connect Dynamic Client Registration 1.0 §2, RFC 7591 §2, and the logout specifications' names.

What is registered here is trusted later: redirects go to these addresses, tokens are signed with this algorithm, these
keys authenticate. What the provider cannot do yet is not among the values that can be registered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from idp.config import is_loopback_host

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")
GRANT_TYPES = ("authorization_code", "implicit", "refresh_token", "client_credentials")
RESPONSE_TYPES: Mapping[str, frozenset[str]] = {
    "code": frozenset({"authorization_code"}),
    "id_token": frozenset({"implicit"}),
    "id_token token": frozenset({"implicit"}),
    "code id_token": frozenset({"authorization_code", "implicit"}),
    "code token": frozenset({"authorization_code", "implicit"}),
    "code id_token token": frozenset({"authorization_code", "implicit"}),
}
"""Each with its grant types (OpenID Connect Registration §2); all but `code` are for those who register them (RD-10)."""
SUBJECT_TYPES = ("public", "pairwise")
SIGNING_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
MAC_ALGORITHMS = ("HS256", "HS384", "HS512")
KEY_ALGORITHMS = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
CONTENT_ALGORITHMS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
MOST_KEYS = 20
LONGEST_URI = 2000
MOST_URIS = 50

_CLIENT_ID = re.compile(r"[!#-\[\]-~]{1,255}")
_SCOPE = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
# Hosts become sources in the policies of our pages, where `;` and `,` would begin something else (CSP §2.2).
_NETLOC = re.compile(r"[A-Za-z0-9._-]*(?:\[[0-9A-Fa-f:.]+\])?(?::[0-9]*)?")
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
    _check_flows(found)
    _check_sector(found)
    _check_keys(found)
    for name in _SIGNED_ANSWERS:
        if found.get(name, "RS256") not in algorithms:
            raise ValueError(f"{name}: must be one of {', '.join(algorithms)} (keys.algorithms)")
    for name in _ENCRYPTED_ANSWERS:
        _check_encryption(found, name)


def _check_flows(found: dict[str, Any]) -> None:
    """Each response type with its grant types (OpenID Connect Registration §2)."""
    grants = set(found["grant_types"])
    uses_code = "authorization_code" in grants
    found.setdefault("response_types", ["code"] if uses_code else [])
    if grants & {"authorization_code", "implicit"} and not found.get("redirect_uris"):
        raise ValueError("redirect_uris: is missing; a client with authorization_code needs one")
    needed = frozenset().union(*(RESPONSE_TYPES[kind] for kind in found["response_types"]))
    if needed != grants & {"authorization_code", "implicit"}:
        raise ValueError(
            "response_types: code and the grant type authorization_code belong together,"
            " and so do id_token or token and the grant type implicit"
        )
    if "refresh_token" in grants and not uses_code:
        raise ValueError("grant_types: refresh_token needs authorization_code beside it")
    if "client_credentials" in grants and found["token_endpoint_auth_method"] == "none":
        raise ValueError("grant_types: client_credentials needs a client that authenticates")


def _check_sector(found: dict[str, Any]) -> None:
    """Subjects that belong to a sector need one that is clear (OpenID Connect Core §8.1)."""
    if found.get("subject_type") != "pairwise" or "sector_identifier_uri" in found:
        return
    addresses = [urlsplit(uri) for uri in found.get("redirect_uris", ())]
    if len({address.hostname or address.scheme for address in addresses}) > 1:
        raise ValueError(
            "sector_identifier_uri: is missing; redirect_uris with several hosts and pairwise subjects need it"
        )


def _check_keys(found: dict[str, Any]) -> None:
    """Keys come in one way (RFC 7591 §2), and who signs or wants encrypted answers has some."""
    if "jwks" in found and "jwks_uri" in found:
        raise ValueError("jwks: give either jwks or jwks_uri, not both")
    has_keys = "jwks" in found or "jwks_uri" in found
    if found["token_endpoint_auth_method"] == "private_key_jwt" and not has_keys:
        raise ValueError("token_endpoint_auth_method: private_key_jwt needs jwks or jwks_uri")
    method, algorithm = found["token_endpoint_auth_method"], found.get("token_endpoint_auth_signing_alg")
    fitting = {"private_key_jwt": SIGNING_ALGORITHMS, "client_secret_jwt": MAC_ALGORITHMS}.get(method)
    if algorithm is not None and fitting is not None and algorithm not in fitting:
        raise ValueError(f"token_endpoint_auth_signing_alg: must be one of {', '.join(fitting)} for {method}")


def _check_encryption(found: dict[str, Any], name: str) -> None:
    """`…_alg` turns encryption on, `…_enc` is A128CBC-HS256 unless it says otherwise (OpenID Connect Registration §2)."""
    if f"{name}_enc" in found and f"{name}_alg" not in found:
        raise ValueError(f"{name}_enc: needs {name}_alg beside it")
    if f"{name}_alg" in found:
        found.setdefault(f"{name}_enc", CONTENT_ALGORITHMS[0])
        if "jwks" not in found and "jwks_uri" not in found:
            raise ValueError(f"{name}_alg: needs jwks or jwks_uri with a key to encrypt to")


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


def _response_types(name: str, value: object) -> list[str]:
    """Sets of words; their order says nothing (OAuth 2.0 Multiple Response Types §3)."""
    found = []
    for words in _texts(name, value):
        kind = next((known for known in RESPONSE_TYPES if set(known.split()) == set(words.split())), None)
        if kind is None or len(words.split()) != len(set(words.split())):
            raise ValueError(f"{name}: must be among {', '.join(RESPONSE_TYPES)}")
        found.append(kind)
    return found


def _key_set(name: str, value: object) -> dict[str, Any]:
    """A key set (RFC 7517 §5) of public keys; a key that we cannot use is the client's own business."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys) or len(keys) > MOST_KEYS:
        raise ValueError(f'{name}: must be a key set with at most {MOST_KEYS} keys: {{"keys": [...]}}')
    if any(_PRIVATE_MEMBERS & key.keys() for key in keys):
        raise ValueError(
            f"{name}: holds a private or symmetric key; keep it, send the public half, and make a new pair"
        )
    return {"keys": keys}


def _request_uris(name: str, value: object) -> list[str]:
    """Where request objects may be fetched; a fragment belongs to the address (OpenID Connect Registration §2)."""
    return [_request_uri(name, one) for one in _texts(name, value)]


def _request_uri(name: str, value: str) -> str:
    address, sign, fragment = value.partition("#")
    return _page(name, address) + sign + (_text(name, fragment) if fragment else "")


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
    if not _NETLOC.fullmatch(parts.netloc):
        raise ValueError(f"{name}: the host must be a name or a number, with a port or without")
    if "#" in uri or "@" in parts.netloc:
        raise ValueError(f"{name}: must have neither a fragment nor a user")
    return uri


_SIGNED_ANSWERS = ("id_token_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg")
_ENCRYPTED_ANSWERS = ("id_token_encrypted_response", "userinfo_encrypted_response")

_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "application_type": _one_of("web", "native"),
    "backchannel_logout_session_required": _flag,
    "backchannel_logout_uri": _page,
    "client_name": _text,
    "client_uri": _page,
    "contacts": _texts,
    "default_acr_values": _texts,
    "default_max_age": _seconds,
    "description": _text,
    "frontchannel_logout_session_required": _flag,
    "frontchannel_logout_uri": _page,
    "grant_types": _some_of(*GRANT_TYPES),
    "id_token_encrypted_response_alg": _one_of(*KEY_ALGORITHMS),
    "id_token_encrypted_response_enc": _one_of(*CONTENT_ALGORITHMS),
    "id_token_signed_response_alg": _text,
    "initiate_login_uri": _page,
    "introspection_signed_response_alg": _text,
    "jwks": _key_set,
    "jwks_uri": _page,
    "logo_uri": _page,
    "policy_uri": _page,
    "post_logout_redirect_uris": _redirects,
    "redirect_uris": _redirects,
    "request_object_signing_alg": _one_of(*SIGNING_ALGORITHMS),
    "request_uris": _request_uris,
    "require_auth_time": _flag,
    "require_signed_request_object": _flag,
    "response_types": _response_types,
    "scope": _scope,
    "sector_identifier_uri": _page,
    "software_id": _text,
    "software_version": _text,
    "subject_type": _one_of(*SUBJECT_TYPES),
    "token_endpoint_auth_method": _one_of(*AUTH_METHODS),
    "token_endpoint_auth_signing_alg": _one_of(*SIGNING_ALGORITHMS, *MAC_ALGORITHMS),
    "tos_uri": _page,
    "userinfo_encrypted_response_alg": _one_of(*KEY_ALGORITHMS),
    "userinfo_encrypted_response_enc": _one_of(*CONTENT_ALGORITHMS),
    "userinfo_signed_response_alg": _text,
}

METADATA_NAMES = frozenset(_CHECKS)
"""Everything that can be registered."""
