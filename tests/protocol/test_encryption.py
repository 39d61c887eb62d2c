"""Answers that only the client can read: signed, then encrypted to a key of its own."""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.protocol.client import CONTENT_ALGORITHMS, KEY_ALGORITHMS
from idp.protocol.id_token_hint import read_hint
from idp.store.clients import set_client_disabled
from tests.support.lobby import CALLBACK, Lobby, answer_of
from tests.support.tokens import ISSUER, NOW, House, add_client, claims_of


@cache
def private(kind: str) -> Any:
    """The client's key; the same for the whole run."""
    parameters = {"kid": f"enc-{kind}", "use": "enc"}
    if kind == "RSA":
        return RSAKey.generate_key(2048, parameters)
    return OKPKey.generate_key(kind, parameters) if kind == "X25519" else ECKey.generate_key(kind, parameters)


def kind_for(alg: str) -> str:
    """Which key goes with an algorithm."""
    return "P-256" if alg.startswith("ECDH") else "RSA"


def jwks(*kinds: str) -> dict[str, Any]:
    """The key set that the client registers."""
    return {"keys": [private(kind).as_dict(private=False) for kind in kinds]}


def open_(token: str, alg: str, enc: str, kind: str = "") -> jwe.CompactEncryption:
    """What the client finds inside."""
    return jwe.decrypt_compact(token, private(kind or kind_for(alg)), algorithms=[alg, enc])


def add_secretive(house: House, answer: str, alg: str, enc: str, **changes: Any) -> None:
    """A client that wants this answer encrypted."""
    details = {f"{answer}_encrypted_response_alg": alg, f"{answer}_encrypted_response_enc": enc}
    details = {"jwks": jwks(kind_for(alg)), **details, **changes}
    add_client(house.provider, "other", require_approval=False, **details)


@pytest.mark.parametrize("enc", CONTENT_ALGORITHMS)
@pytest.mark.parametrize("alg", KEY_ALGORITHMS)
def test_an_id_token_in_an_envelope(still_house: House, alg: str, enc: str) -> None:
    """For each algorithm that can be registered: inside is the signed token, with the same claims as without (§10.2)."""
    add_client(still_house.provider, "other", require_approval=False)
    plain = claims_of(still_house.tokens("other")["id_token"])
    add_secretive(still_house, "id_token", alg, enc, id_token_signed_response_alg="ES256")
    body = still_house.tokens("other")
    found = open_(body["id_token"], alg, enc)
    header = found.headers()
    assert (header["alg"], header["enc"], header["cty"], header["kid"]) == (
        alg, enc, "JWT", f"enc-{kind_for(alg)}"
    )  # fmt: skip
    assert found.plaintext is not None
    inner = found.plaintext.decode()
    told = still_house.provider.keyring.verify_own_jwt(inner)
    assert told.keys() == plain.keys()
    assert (told["aud"], told["sub"], told["nonce"]) == ("other", still_house.anna.account_id, "n-1")
    assert still_house.refresh(body["refresh_token"], "other").get_json()["id_token"].count(".") == 4


def test_the_inner_token_is_a_good_hint(house: House) -> None:
    """The client takes it out before it sends it back (§3.1.2.1)."""
    add_secretive(house, "id_token", "RSA-OAEP-256", "A256GCM")
    token = house.tokens("other")["id_token"]
    inner = (open_(token, "RSA-OAEP-256", "A256GCM").plaintext or b"").decode()
    assert read_hint(inner, house.provider.keyring, issuer=ISSUER, client_id="other") is not None
    assert read_hint(token, house.provider.keyring, issuer=ISSUER, client_id="other") is None


@pytest.mark.parametrize("kind", ["X25519", "P-384"])
def test_other_curves_agree_too(house: House, kind: str) -> None:
    """Whatever curve the client's key is on (RFC 8037 §3.2)."""
    add_secretive(house, "id_token", "ECDH-ES+A256KW", "A256GCM", jwks=jwks(kind))
    assert open_(house.tokens("other")["id_token"], "ECDH-ES+A256KW", "A256GCM", kind).plaintext


def test_userinfo_encrypted(house: House) -> None:
    """The claims as JSON inside, in `application/jwt` (§5.3.2)."""
    plain = house.userinfo(house.tokens("portal")["access_token"]).get_json()
    add_secretive(house, "userinfo", "ECDH-ES", "A128CBC-HS256")
    answer = house.userinfo(house.tokens("other")["access_token"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jwt")
    found = open_(answer.get_data(as_text=True), "ECDH-ES", "A128CBC-HS256")
    assert "cty" not in found.headers()
    assert json.loads(found.plaintext or b"") == plain


def test_userinfo_signed_and_encrypted(house: House) -> None:
    """Signed first (§5.3.2)."""
    add_secretive(house, "userinfo", "RSA-OAEP", "A128GCM", userinfo_signed_response_alg="ES256")
    answer = house.userinfo(house.tokens("other")["access_token"])
    found = open_(answer.get_data(as_text=True), "RSA-OAEP", "A128GCM")
    assert found.headers()["cty"] == "JWT"
    told = house.provider.keyring.verify_own_jwt((found.plaintext or b"").decode())
    assert (told["iss"], told["aud"], told["sub"]) == (ISSUER, "other", house.anna.account_id)


def test_without_a_key_nothing_is_told_and_nothing_is_spent(house: House) -> None:
    """Never in clear what was to be encrypted; the code is as good as before (GO-1)."""
    add_secretive(house, "id_token", "RSA-OAEP", "A128GCM", jwks=jwks("P-256"))
    code = house.code("other")
    answer = house.redeem(code, "other")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert house.count("access_tokens") == 0
    add_secretive(house, "id_token", "RSA-OAEP", "A128GCM")
    assert house.redeem(code, "other").status_code == 200
    add_secretive(house, "userinfo", "RSA-OAEP", "A128GCM", jwks=jwks("P-256"))
    answer = house.userinfo(house.tokens("other")["access_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_a_refusal_is_as_it_was(house: House) -> None:
    """A code that was used ends its family, also for a client with encryption (CO-2)."""
    add_secretive(house, "id_token", "ECDH-ES", "A128GCM")
    code = house.code("other")
    token = house.redeem(code, "other").get_json()["access_token"]
    assert house.redeem(code, "other").get_json()["error"] == "invalid_grant"
    assert house.introspect(token, "other") == {"active": False}
    with house.provider.database.transaction() as tx:
        set_client_disabled(tx, "other", True, NOW)
    assert house.redeem(house.code("other"), "other").status_code == 401


def test_the_authorization_endpoint_encrypts_too(lobby: Lobby) -> None:
    """An ID token from the front channel (§3.2.2.5)."""
    details = {
        "jwks": jwks("RSA"),
        "id_token_encrypted_response_alg": "RSA-OAEP",
        "id_token_encrypted_response_enc": "A128GCM",
        "grant_types": ["implicit"],
        "response_types": ["id_token"],
    }
    lobby.add_client("own", require_approval=False, first_party=True, details=details)
    browser = lobby.browser()
    browser.sign_in(lobby.add_account("ada"))
    challenge = {"code_challenge": None, "code_challenge_method": None}
    answer = browser.authorize(client_id="own", response_type="id_token", **challenge)
    location = answer.headers["Location"]
    assert location.startswith(f"{CALLBACK}#")
    token = dict(pair.split("=") for pair in location.partition("#")[2].split("&"))["id_token"]
    inner = (open_(token, "RSA-OAEP", "A128GCM").plaintext or b"").decode()
    assert claims_of(inner)["aud"] == "own"
    assert lobby.rows("SELECT count(*) AS n FROM token_families")[0]["n"] == 1


def test_a_client_with_a_code_alone_needs_no_key_there(lobby: Lobby) -> None:
    """Its ID token comes from the token endpoint."""
    details = {"jwks": jwks("P-256"), "id_token_encrypted_response_alg": "RSA-OAEP"}
    lobby.add_client("own", require_approval=False, first_party=True, details=details)
    browser = lobby.browser()
    browser.sign_in(lobby.add_account("ada"))
    assert "code" in answer_of(browser.authorize(client_id="own"))


def test_nothing_of_it_is_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Neither token nor claims (GO-7)."""
    caplog.set_level(logging.DEBUG)
    add_secretive(house, "id_token", "ECDH-ES", "A128GCM")
    token = house.tokens("other")["id_token"]
    assert token not in caplog.text
    assert "n-1" not in caplog.text


def test_discovery_offers_it(house: House) -> None:
    """What can be registered, and nothing else."""
    document = house.app.test_client().get("/.well-known/openid-configuration").get_json()
    for name in ("id_token", "userinfo"):
        assert document[f"{name}_encryption_alg_values_supported"] == list(KEY_ALGORITHMS)
        assert document[f"{name}_encryption_enc_values_supported"] == list(CONTENT_ALGORITHMS)
