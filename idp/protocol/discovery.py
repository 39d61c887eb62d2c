"""The provider's metadata (OpenID Connect Discovery §3, RFC 8414 §2), derived from the settings and the mounted routes.

An endpoint that is not mounted is not named. What we leave out is said to be left out where the standard's default would
promise it (`request_uri`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from idp.config import LANGUAGES
from idp.policy.authentication_context import ACR_VALUES
from idp.protocol.authorization_request import SCOPES
from idp.protocol.authorization_response import RESPONSE_MODES
from idp.protocol.authorization_server import GRANT_TYPES
from idp.protocol.claims import SCOPE_CLAIMS
from idp.protocol.client import (
    CONTENT_ALGORITHMS,
    KEY_ALGORITHMS,
    MAC_ALGORITHMS,
    RESPONSE_TYPES,
    SIGNING_ALGORITHMS,
    SUBJECT_TYPES,
)
from idp.protocol.client_authentication import METHODS

OPENID_PATH = "/.well-known/openid-configuration"
OAUTH_PATH = "/.well-known/oauth-authorization-server"

ENDPOINTS: Mapping[str, str] = {
    "/oauth/authorize": "authorization_endpoint",
    "/oauth/token": "token_endpoint",
    "/oauth/userinfo": "userinfo_endpoint",
    "/oauth/jwks": "jwks_uri",
    "/oauth/introspect": "introspection_endpoint",
    "/oauth/revoke": "revocation_endpoint",
    "/oauth/register": "registration_endpoint",
    "/oauth/logout": "end_session_endpoint",
    "/oauth/par": "pushed_authorization_request_endpoint",
    "/oauth/device_authorization": "device_authorization_endpoint",
    "/oauth/check_session": "check_session_iframe",
}
_ASSERTION_ALGORITHMS = [*SIGNING_ALGORITHMS, *MAC_ALGORITHMS]
_TOKEN_CLAIMS = (
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "nonce",
    "sid",
    "at_hash",
    "c_hash",
    "s_hash",
)


def build_metadata(
    issuer: str, paths: Collection[str], algorithms: Sequence[str], *, policy_uri: str = "", tos_uri: str = ""
) -> dict[str, Any]:
    """The document, for these mounted paths and these signing algorithms."""
    metadata: dict[str, Any] = {"issuer": issuer}
    metadata |= {name: issuer + path for path, name in ENDPOINTS.items() if path in paths}
    metadata |= {
        "scopes_supported": list(SCOPES),
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": [*GRANT_TYPES, "implicit"],
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": list(algorithms),
        "id_token_encryption_alg_values_supported": list(KEY_ALGORITHMS),
        "id_token_encryption_enc_values_supported": list(CONTENT_ALGORITHMS),
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": _ASSERTION_ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": list(ACR_VALUES),
        "display_values_supported": ["page", "popup", "touch"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claim_types_supported": ["normal"],
        "claims_supported": list(
            dict.fromkeys((*_TOKEN_CLAIMS, *(name for names in SCOPE_CLAIMS.values() for name in names)))
        ),
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "ui_locales_supported": list(LANGUAGES),
    }
    if "userinfo_endpoint" in metadata:
        metadata["userinfo_signing_alg_values_supported"] = list(algorithms)
        metadata["userinfo_encryption_alg_values_supported"] = list(KEY_ALGORITHMS)
        metadata["userinfo_encryption_enc_values_supported"] = list(CONTENT_ALGORITHMS)
    if "introspection_endpoint" in metadata:
        metadata["introspection_signing_alg_values_supported"] = list(algorithms)
        metadata["introspection_endpoint_auth_methods_supported"] = [name for name in METHODS if name != "none"]
        metadata["introspection_endpoint_auth_signing_alg_values_supported"] = _ASSERTION_ALGORITHMS
    if "revocation_endpoint" in metadata:
        metadata["revocation_endpoint_auth_methods_supported"] = list(METHODS)
        metadata["revocation_endpoint_auth_signing_alg_values_supported"] = _ASSERTION_ALGORITHMS
    if "end_session_endpoint" in metadata:
        for channel in ("backchannel", "frontchannel"):
            metadata |= {f"{channel}_logout_supported": True, f"{channel}_logout_session_supported": True}
    metadata |= {name: uri for name, uri in (("op_policy_uri", policy_uri), ("op_tos_uri", tos_uri)) if uri}
    return metadata
