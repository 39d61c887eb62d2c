"""Discovery and JWKS: what is promised is mounted, what is mounted is promised."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from authlib.oauth2 import rfc9207
from authlib.oidc.discovery import OpenIDProviderMetadata
from flask import Flask

from idp.config import DatabaseSettings, KeySettings, RegistrationSettings, Server, Settings
from idp.protocol.discovery import ENDPOINTS, build_metadata
from tests.support.tokens import House, MovableClock, make_app

PATHS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


def test_both_addresses_say_the_same(house: House) -> None:
    """OpenID Connect Discovery §4 and RFC 8414 §3."""
    http = house.app.test_client()
    first, second = (http.get(path) for path in PATHS)
    assert first.data == second.data
    assert first.headers["Content-Type"] == "application/json"
    assert first.get_json()["issuer"] == "http://localhost"


def test_it_is_derived_from_the_mounted_routes(house: House) -> None:
    """Each endpoint that is named answers, and no endpoint below /oauth/ is forgotten."""
    document = house.app.test_client().get(PATHS[0]).get_json()
    mounted = {rule.rule for rule in house.app.url_map.iter_rules()}
    named = {urlsplit(document[name]).path for name in ENDPOINTS.values() if name in document}
    assert named == mounted & set(ENDPOINTS)
    assert {
        "/oauth/token",
        "/oauth/userinfo",
        "/oauth/introspect",
        "/oauth/revoke",
        "/oauth/jwks",
        "/oauth/authorize",
    } <= named


def test_an_unmounted_endpoint_is_not_named() -> None:
    """The document follows the routes."""
    document = build_metadata("https://id.example", {"/oauth/token"}, ["RS256"])
    assert [name for name in ENDPOINTS.values() if name in document] == ["token_endpoint"]


def test_authlibs_validator_accepts_it(house: House) -> None:
    """With an https issuer, as in life (an oracle; its classes check each member)."""
    paths = {rule.rule for rule in house.app.url_map.iter_rules()} | {"/oauth/authorize", "/oauth/logout"}
    document = build_metadata("https://id.example/x", paths, ["RS256", "ES256"])
    metadata = OpenIDProviderMetadata(document)
    metadata.validate([rfc9207.AuthorizationServerMetadata])


def test_standard_members(house: House) -> None:
    """What relying parties and the certification look for."""
    document = house.app.test_client().get(PATHS[0]).get_json()
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is True
    assert document["id_token_signing_alg_values_supported"][0] == "RS256"
    assert document["end_session_endpoint"].endswith("/oauth/logout")
    for channel in ("backchannel", "frontchannel"):
        assert document[f"{channel}_logout_supported"] is True
        assert document[f"{channel}_logout_session_supported"] is True
    assert {"openid", "profile", "email", "approval", "interests", "session"} <= set(document["scopes_supported"])
    assert {"approval_status", "interests", "region", "session_expiry", "sub"} <= set(document["claims_supported"])
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    assert document["grant_types_supported"][:3] == ["authorization_code", "refresh_token", "client_credentials"]
    assert {"address", "phone"} <= set(document["scopes_supported"])
    assert "none" in document["revocation_endpoint_auth_methods_supported"]
    for endpoint in ("token", "introspection", "revocation"):
        assert {"client_secret_jwt", "private_key_jwt"} <= set(document[f"{endpoint}_endpoint_auth_methods_supported"])
        assert {"RS256", "HS256"} <= set(document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"])


def test_signed_answers_are_offered(house: House) -> None:
    """With the algorithms that there are keys for (Discovery §3, RFC 9701 §7)."""
    document = house.app.test_client().get(PATHS[0]).get_json()
    for name in ("id_token", "userinfo", "introspection"):
        assert document[f"{name}_signing_alg_values_supported"] == ["RS256", "ES256", "PS256", "EdDSA"]


@pytest.mark.parametrize("path", [*PATHS, "/oauth/jwks"])
def test_documents_have_an_entity_tag(house: House, path: str) -> None:
    """304 for who has it (RFC 9110 §13.1.2); cached for a minute only, so that a removed key is gone soon (JW-9)."""
    first = house.app.test_client().get(path)
    again = house.app.test_client().get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Cache-Control"] == "public, max-age=60"


def test_an_issuer_with_a_path(house_url: str, house_keys: Path) -> None:
    """Endpoints live below it; the well-known part stands before it (RFC 8414 §3.1) or behind it (Discovery §4.1)."""
    app: Flask = make_app(house_url, house_keys, MovableClock(), issuer="http://localhost/id")
    http = app.test_client()
    for path in ("/id" + PATHS[0], "/id" + PATHS[1], PATHS[1] + "/id"):
        document = http.get(path).get_json()
        assert (document["issuer"], document["token_endpoint"]) == (
            "http://localhost/id",
            "http://localhost/id/oauth/token",
        )
    assert http.get(urlsplit(document["jwks_uri"]).path).status_code == 200
    assert http.post("/id/oauth/token").get_json()["error"] == "invalid_request"


def test_the_key_set_is_public(house: House) -> None:
    """A `kid`, `alg` and `use` for each, and no private or symmetric member (JW-8)."""
    answer = house.app.test_client().get("/oauth/jwks")
    keys = answer.get_json()["keys"]
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert {key["alg"] for key in keys} == {"RS256", "ES256", "PS256", "EdDSA"}
    assert len({key["kid"] for key in keys}) == len(keys)
    assert {key["use"] for key in keys} == {"sig"}
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {member for key in keys for member in key}


def test_settings_reach_the_document(house_url: str, house_keys: Path) -> None:
    """Terms and privacy notice are named where they exist."""
    from idp import create_app

    settings = Settings(
        server=Server(issuer="http://localhost"),
        database=DatabaseSettings(url=house_url),
        keys=KeySettings(directory=house_keys),
        registration=RegistrationSettings(terms_url="https://www.example/terms"),
    )
    document = create_app(settings).test_client().get(PATHS[0]).get_json()
    assert (document["op_tos_uri"], "op_policy_uri" in document) == ("https://www.example/terms", False)
    assert document["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
