"""The ID token, read by libraries that know nothing of us."""

from __future__ import annotations

import json

import jwt as pyjwt
import pytest
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from idp.protocol.id_token import half_hash
from tests.support.tokens import ISSUER, NOW, House, add_client

ALGORITHMS = ["RS256", "ES256", "PS256"]


def jwks(house: House) -> dict[str, list[dict[str, str]]]:
    """The published keys."""
    return dict(house.app.test_client().get("/oauth/jwks").get_json())


@pytest.mark.parametrize("alg", [*ALGORITHMS, "EdDSA"])
def test_each_algorithm_is_read_by_pyjwt(house: House, alg: str) -> None:
    """Signature, `kid` and half hash for each algorithm that a client may register."""
    add_client(house.provider, "other", id_token_signed_response_alg=alg, require_approval=False)
    body = house.tokens("other")
    header = pyjwt.get_unverified_header(body["id_token"])
    (key,) = [key for key in jwks(house)["keys"] if key["kid"] == header["kid"]]
    assert (header["alg"], header["typ"], key["alg"]) == (alg, "JWT", alg)
    claims = pyjwt.decode(
        body["id_token"],
        pyjwt.PyJWK(key).key,
        algorithms=[alg],
        audience="other",
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["at_hash"] == half_hash(body["access_token"], alg)
    assert claims["azp"] == "other"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_authlibs_validator_accepts_it(house: House, alg: str) -> None:
    """Every claim that Authlib's relying party checks (OpenID Connect Core §3.1.3.7) (JW-12)."""
    add_client(house.provider, "other", id_token_signed_response_alg=alg, require_approval=False)
    body = house.tokens("other")
    keys = KeySet.import_key_set(json.loads(json.dumps(jwks(house))))
    decoded = jwt.decode(body["id_token"], keys, registry=JWSRegistry(algorithms=[alg]))
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": "other"}},
        {"client_id": "other", "nonce": "n-1", "access_token": body["access_token"]},
    )
    claims.validate(now=NOW)


def test_an_algorithm_without_a_key_gives_way_to_the_default(house: House) -> None:
    """A registration from before the settings changed is no server error (GO-1)."""
    add_client(house.provider, "other", id_token_signed_response_alg="ES512", require_approval=False)
    assert pyjwt.get_unverified_header(house.tokens("other")["id_token"])["alg"] == "RS256"


def test_no_openid_no_id_token(house: House) -> None:
    """A plain OAuth request gets none, and no nonce gets no nonce."""
    assert "id_token" not in house.tokens(scope="email")
    token = house.tokens(nonce=None)["id_token"]
    assert "nonce" not in pyjwt.decode(token, options={"verify_signature": False})


def test_the_half_hash_of_the_standard() -> None:
    """OpenID Connect Core, appendix A.3."""
    assert half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
