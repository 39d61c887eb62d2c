"""Client metadata (OpenID Connect Registration §2, RFC 7591 §2): what is registered is trusted later."""

from __future__ import annotations

from typing import Any

import pytest

from idp.protocol.client import check_client_id, check_client_metadata

ALGORITHMS = ("RS256", "ES256")
GOOD = {"redirect_uris": ["https://site.example/callback"]}


def check(**changes: Any) -> dict[str, Any]:
    """The usual metadata, changed."""
    return check_client_metadata({**GOOD, **changes}, ALGORITHMS)


def test_defaults_are_the_standards() -> None:
    """Absent metadata means what RFC 7591 §2 says."""
    assert check() == {
        **GOOD,
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    }


@pytest.mark.parametrize(
    "uri",
    [
        "https://site.example/callback",
        "https://site.example:8443/callback?fixed=1",
        "http://127.0.0.1:8001/callback",
        "http://localhost/callback",
        "http://[::1]:1/cb",
        "com.example.app:/callback",
        "com.example.app://callback",
    ],
)
def test_redirect_uris_that_can_be_registered(uri: str) -> None:
    """https, loopback, and an app's own scheme (RFC 8252 §7)."""
    assert check(redirect_uris=[uri])["redirect_uris"] == [uri]


@pytest.mark.parametrize(
    "uri",
    [
        "http://site.example/callback",
        "https://site.example/callback#fragment",
        "https://site.example/callback#",
        "https://user@site.example/callback",
        "https://*.site.example/callback",
        "https://site.example/call back",
        "https://site.example\\@evil.example/",
        "https://site.example/ü",
        "https:///callback",
        "https://site.example:0x50/",
        "https://site.example;frame-ancestors/callback",
        "https://site.example,default-src/callback",
        "https://site.example%3b/callback",
        "https://[::1]x/callback",
        "com.example.app://a;frame-ancestors/callback",
        "//site.example/callback",
        "/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/callback",
        "",
        7,
        None,
        "https://site.example/" + "a" * 2000,
    ],
)
def test_redirect_uris_that_cannot(uri: object) -> None:
    """Nothing vague, nothing that runs, nothing in clear text beyond this machine (RFC 9700 §2.1)."""
    with pytest.raises(ValueError, match="redirect_uris"):
        check(redirect_uris=[uri])


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": "https://site.example/"}, "redirect_uris"),
        ({"redirect_uris": ["https://site.example/"] * 51}, "redirect_uris"),
        ({"grant_types": ["implicit"]}, "response_types"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"response_types": ["id_token"]}, "response_types"),
        ({"grant_types": ["refresh_token"]}, "grant_types"),
        ({"response_types": ["token"]}, "response_types"),
        ({"response_types": []}, "response_types"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "token_endpoint_auth_method"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
        ({"id_token_signed_response_alg": "PS256"}, "id_token_signed_response_alg"),
        ({"subject_type": "private"}, "subject_type"),
        ({"scope": "openid  profile"}, "scope"),
        ({"scope": 'openid "'}, "scope"),
        ({"backchannel_logout_uri": "http://site.example/out"}, "backchannel_logout_uri"),
        ({"initiate_login_uri": "javascript:x"}, "initiate_login_uri"),
        ({"logo_uri": "http://site.example/logo.png"}, "logo_uri"),
        ({"backchannel_logout_session_required": "true"}, "backchannel_logout_session_required"),
        ({"client_name": "A\nB"}, "client_name"),
        ({"default_max_age": -1}, "default_max_age"),
        ({"default_max_age": True}, "default_max_age"),
        ({"jwks_url": "https://site.example/jwks"}, "jwks_url: is not known"),
        ({"jwks_uri": "http://site.example/jwks"}, "jwks_uri"),
        ({"jwks": {"keys": []}, "jwks_uri": "https://site.example/jwks"}, "jwks: give either"),
        ({"jwks": {"keys": [{"kty": "RSA", "n": "x", "e": "AQAB", "d": "x"}]}}, "jwks: holds a private"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "x"}]}}, "jwks: holds a private"),
        ({"jwks": []}, "jwks: must be a key set"),
        ({"jwks": {"keys": ["x"]}}, "jwks: must be a key set"),
        ({"jwks": {"keys": [{}] * 21}}, "jwks: must be a key set"),
        ({"id_token_encrypted_response_alg": "RSA1_5"}, "id_token_encrypted_response_alg"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "id_token_encrypted_response_alg: needs jwks"),
        ({"userinfo_encrypted_response_enc": "A128GCM"}, "userinfo_encrypted_response_enc: needs"),
        ({"userinfo_signed_response_alg": "none"}, "userinfo_signed_response_alg"),
        ({"introspection_signed_response_alg": "HS256"}, "introspection_signed_response_alg"),
        ({"request_object_signing_alg": "none"}, "request_object_signing_alg"),
        ({"request_uris": ["http://site.example/request"]}, "request_uris"),
        ({"frontchannel_logout_uri": "http://site.example/out"}, "frontchannel_logout_uri"),
        ({"response_types": ["code code"]}, "response_types"),
        ({"software_statement": "e30.e30."}, "software_statement: is not known"),
    ],
)
def test_metadata_that_cannot_work_is_named(changes: dict[str, Any], name: str) -> None:
    """The name, and what would be right."""
    with pytest.raises(ValueError, match=name):
        check(**changes)


def test_encrypted_answers_have_the_standards_default() -> None:
    """A128CBC-HS256 where the client named only how its key is used (OpenID Connect Registration §2)."""
    found = check(id_token_encrypted_response_alg="RSA-OAEP", jwks_uri="https://site.example/jwks")
    assert found["id_token_encrypted_response_enc"] == "A128CBC-HS256"


def test_a_request_uri_keeps_its_fragment() -> None:
    """It may hold a hash, and is compared with it (OpenID Connect Registration §2)."""
    uri = "https://site.example/request#abc"
    assert check(request_uris=[uri])["request_uris"] == [uri]


def test_a_service_without_a_browser_needs_no_redirect() -> None:
    """A client that only introspects."""
    assert check_client_metadata({"grant_types": []}, ALGORITHMS)["response_types"] == []


@pytest.mark.parametrize("client_id", ["a b", "", "x" * 256, 'a"b', "ü", "a\\b", None, 7])
def test_client_ids_are_visible_ascii(client_id: object) -> None:
    """RFC 6749 Appendix A.1, without blanks."""
    with pytest.raises(ValueError, match="client_id"):
        check_client_id(client_id)
