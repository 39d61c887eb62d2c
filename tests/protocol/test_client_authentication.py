"""Who calls: exactly one method, the registered one, at every endpoint; whatever is wrong, the same 401."""

from __future__ import annotations

import base64

import pytest
from werkzeug.test import TestResponse

from idp.store import clients
from tests.support.tokens import NOW, SECRET, House, add_client, basic

ENDPOINTS = {
    "/oauth/token": {"grant_type": "refresh_token", "refresh_token": "x"},
    "/oauth/introspect": {"token": "x"},
    "/oauth/revoke": {"token": "x"},
}
PATHS = pytest.mark.parametrize("path", ENDPOINTS)


def is_let_in(answer: TestResponse) -> bool:
    """Past client authentication, wherever that leads."""
    return answer.status_code == 200 or answer.get_json()["error"] == "invalid_grant"


def encoded(text: bytes) -> str:
    """A Basic header with these bytes."""
    return "Basic " + base64.b64encode(text).decode()


@PATHS
@pytest.mark.parametrize(
    "authorization",
    [
        basic("site", "wrong" * 9),
        basic("nobody", SECRET),
        basic("public", SECRET),
        basic("site", ""),
        basic("", SECRET),
        basic("", ""),
        encoded(b"site"),
        encoded(b"site:\xff\xfe"),
        encoded(b"\xff:secret"),
        encoded("site:sécret".encode()),
        encoded(b"si%ffte:" + SECRET.encode()),
        encoded(b"site:\0" + SECRET.encode()),
        encoded(b"site:" + b"x" * 5000),
        "Basic ????",
        "Basic",
        "Basic " + "A" * 5,
        "Bearer " + SECRET,
        "",
        " ",
        "Básic x",
    ],
)
def test_bad_credentials_get_one_answer(still_house: House, path: str, authorization: str) -> None:
    """Malformed, unknown, wrong: the same 401 with its challenge, never a 500 (CA-2, CA-8, GO-1)."""
    answer = still_house.post(path, ENDPOINTS[path], None, Authorization=authorization)
    known = still_house.post(path, ENDPOINTS[path], None, Authorization=basic("site", "wrong" * 9))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert (
        answer.get_json()
        == known.get_json()
        == {
            "error": "invalid_client",
            "error_description": "client authentication failed",
        }
    )


@PATHS
@pytest.mark.parametrize(
    ("client_id", "form", "status", "error"),
    [
        ("site", {"client_secret": SECRET}, 400, "invalid_request"),
        ("site", {"client_id": "site", "client_secret": SECRET}, 400, "invalid_request"),
        ("site", {"client_id": "other"}, 400, "invalid_request"),
        ("site", {"client_assertion": "x.y.z", "client_assertion_type": "jwt"}, 400, "invalid_request"),
        (None, {"client_id": "site", "client_secret": SECRET}, 401, "invalid_client"),
        (None, {"client_id": "site"}, 401, "invalid_client"),
        (None, {"client_id": "nobody"}, 401, "invalid_client"),
        (None, {"client_id": "public", "client_secret": SECRET}, 401, "invalid_client"),
        (None, {"client_secret": SECRET}, 401, "invalid_client"),
        (None, {}, 401, "invalid_client"),
    ],
)
def test_one_method_and_the_registered_one(
    still_house: House, path: str, client_id: str | None, form: dict[str, str], status: int, error: str
) -> None:
    """Two at once, contradictions, and methods that the client is not registered for (CA-1)."""
    answer = still_house.post(path, {**ENDPOINTS[path], **form}, client_id)
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)


@PATHS
def test_the_right_credentials_are_let_in(house: House, path: str) -> None:
    """Basic, with the same id repeated in the body, and POST for who is registered for it."""
    add_client(house.provider, "poster", token_endpoint_auth_method="client_secret_post")
    form = ENDPOINTS[path]
    assert is_let_in(house.post(path, form))
    assert is_let_in(house.post(path, {**form, "client_id": "site"}))
    assert is_let_in(house.post(path, {**form, "client_id": "poster", "client_secret": SECRET}, None))
    assert not is_let_in(house.post(path, form, "poster"))
    assert is_let_in(house.post(path, form, None, Authorization=basic("site", SECRET).replace("Basic", "bASIC")))


def test_basic_halves_are_urlencoded(house: House) -> None:
    """As the standard says; who forgets it is understood too (RFC 6749 §2.3.1)."""
    secret = "a+b%2F" + "x" * 40
    with house.provider.database.transaction() as tx:
        clients.set_client_secret(tx, "site", secret, now=NOW)
    form = ENDPOINTS["/oauth/token"]
    spelled = secret.replace("%", "%25").replace("+", "%2B")
    for sent in (secret, spelled):
        assert is_let_in(house.post("/oauth/token", form, None, Authorization=basic("site", sent)))


def test_a_public_client_has_only_its_id(house: House) -> None:
    """At the token endpoint; introspection is not for it (CA-9)."""
    assert is_let_in(house.post("/oauth/token", {**ENDPOINTS["/oauth/token"], "client_id": "public"}, None))
    answer = house.post("/oauth/introspect", {"token": "x", "client_id": "public"}, None)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


@PATHS
def test_a_disabled_client_is_unknown(house: House, path: str) -> None:
    """At once in this process."""
    with house.provider.database.transaction() as tx:
        clients.set_client_disabled(tx, "site", True, NOW)
    assert house.post(path, ENDPOINTS[path]).status_code == 401


def test_secrets_overlap_and_end(house: House) -> None:
    """While one replaces the other both work; then the old one ends (CA-3)."""
    new, path = "n" * 43, "/oauth/token"
    with house.provider.database.transaction() as tx:
        clients.set_client_secret(tx, "site", new, now=NOW, overlap=60)
    for secret in (SECRET, new):
        assert is_let_in(house.post(path, ENDPOINTS[path], None, Authorization=basic("site", secret)))
    house.clock.now += 60
    assert not is_let_in(house.post(path, ENDPOINTS[path], None, Authorization=basic("site", SECRET)))
    assert is_let_in(house.post(path, ENDPOINTS[path], None, Authorization=basic("site", new)))


def test_secrets_are_kept_as_hashes(house: House) -> None:
    """A reader of the database cannot be the client (CA-3)."""
    with house.provider.database.reading() as tx:
        client = clients.find_client(tx, "site")
        assert client is not None
        assert SECRET not in repr(client)
        assert [len(secret_hash) for secret_hash, _ in client.secret_hashes] == [32]
        assert SECRET.encode() not in client.secret_hashes[0][0]
