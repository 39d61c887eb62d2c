"""What a client says about itself when it registers (OpenID Connect Dynamic Client Registration 1.0 §2, RFC 7591 §2).

Metadata that we do not know is left out of the record, as both standards say; what we know must hold. Here are the rules
for strangers, beside those for everybody in `client`: defaults, kinds of application, scopes of ours only, and the file
behind `sector_identifier_uri`. We leave out software statements (refused), and names in several languages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import urlsplit

from idp.errors import ProtocolError
from idp.protocol.authorization_request import SCOPES
from idp.protocol.client import METADATA_NAMES, RESPONSE_TYPES, check_client_metadata
from idp.protocol.json_object import parse_json_object
from idp.signals.fetcher import FetchFailed, FetchRefused

if TYPE_CHECKING:
    from idp.protocol.endpoint import EndpointRequest
    from idp.signals.fetcher import Answer

DEFAULTS: Mapping[str, Any] = {
    "application_type": "web",
    "id_token_signed_response_alg": "RS256",
    "subject_type": "public",
}
"""Beside those of `check_client_metadata` (OpenID Connect Registration §2)."""

_FLOWS = ("authorization_code", "implicit")
_NOT_IN_A_DESCRIPTION = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


def read_registration(request: EndpointRequest) -> dict[str, Any]:
    """The JSON object of the body. Raises `ProtocolError`."""
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise invalid_metadata("the body must be application/json")
    try:
        return parse_json_object(request.body)
    except ValueError:
        raise invalid_metadata("the body is no JSON object in UTF-8, or has a member twice") from None


def check_registration(sent: Mapping[str, Any], algorithms: Iterable[str]) -> dict[str, Any]:
    """The metadata as it is kept, defaults filled in. Raises `ProtocolError` with the standards' codes."""
    if sent.get("software_statement") is not None:
        raise ProtocolError("unapproved_software_statement", "software statements are not accepted here")
    given = {name: value for name, value in sent.items() if name in METADATA_NAMES and value is not None}
    metadata = {**DEFAULTS, **given}
    _narrow_scope(metadata)
    _fit_grant_types(metadata)
    try:
        found = check_client_metadata(metadata, algorithms)
        _check_application_type(found)
        _check_initiate_login_uri(found)
    except ValueError as fault:
        raise _explain(str(fault)) from None
    return found


def check_sector_identifier(details: Mapping[str, Any], fetch: Callable[[str], Answer]) -> None:
    """All redirect URIs stand in the file that speaks for the sector (OpenID Connect Registration §5). Raises `ProtocolError`.

    To be called while no transaction is open.
    """
    uri = details.get("sector_identifier_uri")
    if uri is None:
        return
    try:
        answer = fetch(uri)
        listed = json.loads(answer.body.decode("utf-8")) if answer.status == 200 else None
        detail = f"status {answer.status}"
    except (FetchRefused, FetchFailed) as error:
        listed, detail = None, str(error)
    except (ValueError, RecursionError):
        listed, detail = None, "no JSON"
    if not isinstance(listed, list):  # one answer for whatever is there, so that nobody scans through us (SS-2)
        raise invalid_metadata("sector_identifier_uri: does not answer 200 with a JSON array", detail=detail)
    if not all(redirect_uri in listed for redirect_uri in details.get("redirect_uris", ())):
        raise invalid_metadata("sector_identifier_uri: does not list every one of redirect_uris")


def invalid_metadata(description: str, *, detail: str = "") -> ProtocolError:
    """`invalid_client_metadata` (RFC 7591 §3.2.2)."""
    return ProtocolError("invalid_client_metadata", _NOT_IN_A_DESCRIPTION.sub("'", description), detail=detail)


def _explain(fault: str) -> ProtocolError:
    """The fault of a check, which begins with the name of what is wrong."""
    if fault.startswith("redirect_uris:"):
        return ProtocolError("invalid_redirect_uri", _NOT_IN_A_DESCRIPTION.sub("'", fault))
    return invalid_metadata(fault)


def _narrow_scope(metadata: dict[str, Any]) -> None:
    """Scopes of ours only: those of resource servers are given by the operator (RFC 7591 §2 allows a subset)."""
    scope = metadata.get("scope")
    if not isinstance(scope, str):
        return
    known = [name for name in dict.fromkeys(scope.split()) if name in SCOPES]
    if not known:
        raise invalid_metadata("scope: has no scope that a client can register for itself")
    metadata["scope"] = " ".join(known)


def _fit_grant_types(metadata: dict[str, Any]) -> None:
    """Grant types follow from response types where the client left them out; a flow that none of these uses is left out."""
    kinds, grants = metadata.get("response_types"), metadata.get("grant_types")
    if kinds is None and _are_texts(grants) and "authorization_code" in grants:
        kinds = ["code"]
    if not _are_texts(kinds) or not (grants is None or _are_texts(grants)):
        return
    known = {frozenset(kind.split()): needed for kind, needed in RESPONSE_TYPES.items()}
    needed = frozenset[str]().union(*(known.get(frozenset(kind.split()), frozenset()) for kind in kinds))
    metadata["grant_types"] = (
        sorted(needed) if grants is None else [one for one in grants if one in needed or one not in _FLOWS]
    )


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _check_application_type(found: Mapping[str, Any]) -> None:
    """A web site is at https, an app at an address of its own or on its user's machine (OpenID Connect Registration §2)."""
    is_native = found["application_type"] == "native"
    for uri in found.get("redirect_uris", ()):
        parts = urlsplit(uri)
        if is_native:
            continue  # its own scheme, loopback, or a claimed https address (RFC 8252 §7): all that `client` lets through
        if parts.scheme not in ("http", "https"):
            raise ValueError("redirect_uris: an app's own scheme needs the application_type native")
        if "implicit" in found["grant_types"] and (parts.scheme != "https" or parts.hostname == "localhost"):
            raise ValueError("redirect_uris: with the grant type implicit must be https, and not at localhost")


def _check_initiate_login_uri(found: Mapping[str, Any]) -> None:
    """Https and nothing else (OpenID Connect Core §4)."""
    if not found.get("initiate_login_uri", "https:").startswith("https:"):
        raise ValueError("initiate_login_uri: must be an https address")
