"""Signing keys: sealed, published, one for each purpose, and only our own tokens verify."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from idp.errors import ConfigError
from idp.keys.keyring import InvalidJwt, Keyring, OpenKeys, SigningKey, make_signing_key
from idp.keys.master import MasterKey

NOW = 1_800_000_000
MASTER = MasterKey(bytes(range(32)))
ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")
CLAIMS = {"iss": "https://id.example", "sub": "ä", "exp": NOW}


@pytest.fixture(scope="module")
def rows() -> dict[str, SigningKey]:
    """A key of each kind."""
    return {alg: make_signing_key(alg, MASTER, now=NOW, active_from=NOW) for alg in ALGORITHMS}


def ring(*rows: SigningKey) -> Keyring:
    """A keyring of these rows."""
    keys = OpenKeys(rows, MASTER)
    return Keyring(lambda: keys, lambda: NOW)


def part(value: Any) -> str:
    """A segment."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_is_signed_verifies(rows: dict[str, SigningKey], alg: str) -> None:
    """With each algorithm; an expired token too, its times are the caller's to judge."""
    keyring = ring(*rows.values())
    assert keyring.verify_own_jwt(keyring.sign_jwt(CLAIMS, alg=alg)) == CLAIMS


def test_types_do_not_stand_for_each_other(rows: dict[str, SigningKey]) -> None:
    """A logout token is no ID token (JW-4)."""
    keyring = ring(rows["ES256"], rows["RS256"])
    token = keyring.sign_jwt(CLAIMS, "logout+jwt", "ES256")
    assert keyring.verify_own_jwt(token, "logout+jwt") == CLAIMS
    with pytest.raises(InvalidJwt):
        keyring.verify_own_jwt(token)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: "a.b",
        lambda token: "..",
        lambda token: token[:-2],
        lambda token: token + "A" * 20000,
        lambda token: token.replace(".", ".é", 1),
        lambda token: part({"alg": "none", "typ": "JWT"}) + "." + token.split(".")[1] + ".",
        lambda token: ".".join([token.split(".")[0], part({**CLAIMS, "sub": "eve"}), token.split(".")[2]]),
        lambda token: ".".join([token.split(".")[0], part([]), token.split(".")[2]]),
        lambda token: part([1]) + "." + token.partition(".")[2],
        lambda token: part({"alg": 1, "kid": {}}) + "." + token.partition(".")[2],
        lambda token: part({"alg": "ES256", "kid": "x" * 400}) + "." + token.partition(".")[2],
        lambda token: "W" * 15000 + "." + token.partition(".")[2],
    ],
)
def test_foreign_tokens_are_refused(rows: dict[str, SigningKey], change: Any) -> None:
    """Cut, changed, unsigned, malformed, oversized: one kind of error (JW-1, JW-3, JW-6)."""
    keyring = ring(rows["ES256"], rows["RS256"])
    with pytest.raises(InvalidJwt):
        keyring.verify_own_jwt(change(keyring.sign_jwt(CLAIMS, alg="ES256")))


def test_the_key_decides_the_algorithm(rows: dict[str, SigningKey]) -> None:
    """A header cannot choose another algorithm or bring its own key (JW-1, JW-2)."""
    keyring = ring(rows["RS256"], rows["PS256"])
    rs, ps = keyring.sign_jwt(CLAIMS), keyring.sign_jwt(CLAIMS, alg="PS256")
    header = {"typ": "JWT", "kid": rows["RS256"].kid}
    for alg in ("PS256", "HS256", "none"):
        with pytest.raises(InvalidJwt):
            keyring.verify_own_jwt(part({**header, "alg": alg}) + "." + rs.partition(".")[2])
    with pytest.raises(InvalidJwt):
        keyring.verify_own_jwt(part({**header, "alg": "RS256"}) + "." + ps.partition(".")[2])
    stranger = make_signing_key("RS256", MASTER, now=NOW, active_from=NOW)
    token = ring(stranger).sign_jwt(CLAIMS)
    with pytest.raises(InvalidJwt):
        keyring.verify_own_jwt(token)
    with pytest.raises(InvalidJwt):
        keyring.verify_own_jwt(
            part({**header, "alg": "RS256", "jwk": dict(stranger.public_jwk)}) + "." + token.partition(".")[2]
        )


def test_a_new_key_is_published_before_it_signs(rows: dict[str, SigningKey]) -> None:
    """And a retired one stays to verify, until it is removed (JW-9)."""
    old = rows["RS256"]
    coming = make_signing_key("RS256", MASTER, now=NOW, active_from=NOW + 60)
    token = ring(old).sign_jwt(CLAIMS)
    both = ring(old, coming)
    assert json.loads(base64.urlsafe_b64decode(both.sign_jwt(CLAIMS).split(".")[0] + "=="))["kid"] == old.kid
    assert {key["kid"] for key in json.loads(both.jwks()[0])["keys"]} == {old.kid, coming.kid}
    active = replace(coming, active_from=NOW)
    after = ring(replace(old, retired_at=NOW), active)
    assert after.verify_own_jwt(token) == CLAIMS
    removed = ring(replace(old, retired_at=NOW, removed_at=NOW), active)
    with pytest.raises(InvalidJwt):
        removed.verify_own_jwt(token)
    assert [key["kid"] for key in json.loads(removed.jwks()[0])["keys"]] == [coming.kid]


def test_the_private_half_is_sealed_with_its_kid(rows: dict[str, SigningKey]) -> None:
    """It opens with this master key and this row only (JW-8, CR-3, CR-2)."""
    row = rows["ES256"]
    with pytest.raises(ConfigError):
        OpenKeys([row], MasterKey(bytes(32)))
    with pytest.raises(ConfigError):
        OpenKeys([replace(row, sealed_private=rows["RS256"].sealed_private)], MASTER)
    assert "d" not in row.public_jwk
    assert "sealed" not in repr(row)


def test_ecdsa_needs_no_randomness(rows: dict[str, SigningKey]) -> None:
    """Two doors give the same bytes (RFC 6979)."""
    keyring = ring(rows["ES256"], rows["RS256"])
    assert keyring.sign_jwt(CLAIMS, alg="ES256") == keyring.sign_jwt(CLAIMS, alg="ES256")


def test_the_only_key_signs_even_ahead_of_its_time(rows: dict[str, SigningKey]) -> None:
    """Another instance made it a moment ago, and our clock is behind (GO-10)."""
    key = replace(rows["RS256"], active_from=NOW + 2)
    keyring = ring(key)
    assert keyring.verify_own_jwt(keyring.sign_jwt(CLAIMS)) == CLAIMS


def test_no_kid_looks_like_an_option() -> None:
    """`idp keys retire KID` takes every one of them."""
    assert not any(make_signing_key("EdDSA", MASTER, now=NOW, active_from=NOW).kid.startswith("-") for _ in range(300))
