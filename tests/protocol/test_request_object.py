"""Request objects by value and by reference (OpenID Connect Core §6, RFC 9101): signed by the client, and they win."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from idp.errors import ProtocolError
from idp.protocol.client_keys import ClientKeys
from idp.protocol.parameters import Parameters
from idp.protocol.request_object import RequestObjects, merge_request_object
from idp.signals.fetcher import Fetcher
from idp.store.clients import RegisteredClient, find_client
from tests.support.client_signing import make_key, public_jwks, sign
from tests.support.listener import Listener, answer_with, listening
from tests.support.lobby import CALLBACK, NOW, Lobby, answer_of, request_parameters

ISSUER = "http://localhost:8000"
KEYS = {alg: make_key(alg) for alg in ("RS256", "PS256", "ES256", "EdDSA")}
BESIDE = {"client_id": "signer", "response_type": "code", "scope": "openid"}


def make_object(alg: str = "RS256", header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
    """A request object; None leaves a claim out."""
    signer = key or KEYS[alg]
    said = {"iss": "signer", "aud": ISSUER, "client_id": "signer", "exp": NOW + 60, **claims}
    body = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
    return sign({"alg": alg, "kid": signer.kid, **(header or {})}, body, signer)


@pytest.fixture
def signer(still_lobby: Lobby) -> RegisteredClient:
    """A client with a key for each algorithm."""
    with still_lobby.provider.database.reading() as tx:
        found = find_client(tx, "signer")
    assert found
    return found


@pytest.fixture(scope="module")
def still_lobby(tmp_path_factory: pytest.TempPathFactory) -> Lobby:
    """One provider for what is refused before a row is changed."""
    folder = tmp_path_factory.mktemp("lobby")
    lobby = Lobby(f"sqlite:///{folder}/idp.sqlite3", folder / "keys")
    lobby.add_client("signer", first_party=True, require_approval=False, details=signer_details())
    return lobby


def signer_details(**more: Any) -> dict[str, Any]:
    """Its metadata."""
    return {"jwks": public_jwks(*KEYS.values()), "redirect_uris": [CALLBACK, CALLBACK + "?two"], **more}


def merge(client: RegisteredClient, fetch: Callable[[str], Any] = lambda _: None, **parameters: str) -> Parameters:
    """The parameters with the object laid over them."""
    keys = ClientKeys(fetch, lambda: NOW)
    objects = RequestObjects(ISSUER, {"signer": client}.get, keys, fetch)
    return merge_request_object(Parameters({**BESIDE, **parameters}, {}), objects, NOW)


def refuse(client: RegisteredClient, **parameters: str) -> str:
    """The error code of a refusal."""
    with pytest.raises(ProtocolError) as refusal:
        merge(client, **parameters)
    assert refusal.value.may_redirect
    return refusal.value.error


@pytest.mark.parametrize("alg", KEYS)
def test_the_object_wins(signer: RegisteredClient, alg: str) -> None:
    """§6.1: what it says is taken, what only stands beside it is kept, and nothing of the object itself is left."""
    said = {"redirect_uri": CALLBACK + "?two", "state": "in", "max_age": 7, "claims": {"userinfo": {"name": None}}}
    said |= {"prompt": ["login", "consent"], "flag": True}
    found = merge(signer, request=make_object(alg, **said), redirect_uri=CALLBACK, state="beside", nonce="n")
    assert found.values == {
        **BESIDE,
        "redirect_uri": CALLBACK + "?two",
        "state": "in",
        "nonce": "n",
        "max_age": "7",
        "claims": '{"userinfo":{"name":null}}',
        "prompt": "login consent",
        "flag": "true",
    }


REFUSED: list[dict[str, Any]] = [
    {"iss": "other"},
    {"client_id": "other"},
    {"aud": "https://another.example"},
    {"aud": []},
    {"exp": NOW - 60},
    {"exp": "soon"},
    {"nbf": NOW + 61},
    {"sub": "signer"},
    {"request": "x"},
    {"request_uri": "https://site.example/r"},
    {"response_type": "id_token"},
    {"state": ["a", 5]},
    {"state": "s\x00"},
    {"state": "s" * 4001},
    {"state": 1.5},
    {"header": {"typ": "logout+jwt"}},
    {"header": {"kid": "unknown"}},
    {"key": make_key("RS256", 7)},
]


@pytest.mark.parametrize("changes", REFUSED)
def test_what_does_not_hold_is_refused(signer: RegisteredClient, changes: dict[str, Any]) -> None:
    """RFC 9101 §6, §10: another's, for another, too old, no assertion, no object within it, no other algorithm.

    JA-1, JW-5.
    """
    assert refuse(signer, request=make_object(**changes)) == "invalid_request_object"


def test_unsigned_objects_are_refused(signer: RegisteredClient) -> None:
    """`none` is no algorithm of ours; nor is a MAC with the client's secret, which nobody registered (JA-1, JW-1)."""
    head, body, _ = make_object().split(".")
    for text in (f"eyJhbGciOiJub25lIn0.{body}.", f"eyJhbGciOiJub25lIn0.{body}", f"{head}.{body}.", "x", "a.b.c", "."):
        assert refuse(signer, request=text) == "invalid_request_object"


def test_the_registered_algorithm_is_the_only_one(signer: RegisteredClient) -> None:
    """`request_object_signing_alg` (OpenID Connect Registration §2) (JA-1)."""
    strict = replace(signer, details={**signer.details, "request_object_signing_alg": "ES256"})
    assert merge(strict, request=make_object("ES256", state="x")).get("state") == "x"
    assert refuse(strict, request=make_object("RS256")) == "invalid_request_object"


def test_who_always_signs_is_held_to_it(signer: RegisteredClient) -> None:
    """`require_signed_request_object` (RFC 9101 §10.5)."""
    strict = replace(signer, details={**signer.details, "require_signed_request_object": True})
    assert refuse(strict) == "invalid_request"


def test_both_ways_at_once_are_one_too_many(signer: RegisteredClient) -> None:
    """§6.1."""
    assert refuse(signer, request=make_object(), request_uri="https://site.example/r") == "invalid_request"


@pytest.fixture
def shelf() -> Iterator[tuple[Listener, list[bytes]]]:
    """Where the client keeps its object."""
    kept = [make_object(state="fetched").encode()]

    def answer(connection: socket.socket) -> None:
        answer_with("200 OK", kept[0], "Content-Type: application/jwt\r\n")(connection)

    with listening(answer) as listener:
        yield listener, kept


def test_by_reference_for_registered_addresses(signer: RegisteredClient, shelf: tuple[Listener, list[bytes]]) -> None:
    """§6.2, module request-uri-signed-rs256: compared with the fragment, which is no hash and is not sent.

    JA-2, SS-4.
    """
    listener, kept = shelf
    uri = listener.url("/object") + "#anything"
    registered = replace(signer, details={**signer.details, "request_uris": [uri]})
    fetch = Fetcher([listener.host]).get
    assert merge(registered, fetch, request_uri=uri).get("state") == "fetched"
    assert b"anything" not in listener.requests[0]
    for other in (listener.url("/object"), uri + "2", listener.url("/else")):
        with pytest.raises(ProtocolError) as refusal:
            merge(registered, fetch, request_uri=other)
        assert refusal.value.error == "invalid_request_uri"
    kept[0] = b"\xff"
    with pytest.raises(ProtocolError) as refusal:
        merge(registered, fetch, request_uri=uri)
    assert refusal.value.error == "invalid_request_uri"
    with pytest.raises(ProtocolError) as refusal:
        merge(registered, Fetcher().get, request_uri=uri)
    assert refusal.value.error == "invalid_request_uri"


def test_the_endpoint_takes_objects(lobby: Lobby) -> None:
    """By GET and by POST; errors go where the request beside the object says, also the silent ones."""
    lobby.add_client("signer", first_party=True, require_approval=False, details=signer_details())
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    text = make_object(redirect_uri=CALLBACK, state="in", iss=None, aud=None, exp=None)
    usual = request_parameters(client_id="signer")
    assert answer_of(browser.authorize(**{**usual, "request": text}))["state"] == "in"
    parked = browser.web.post("/oauth/authorize", data={**usual, "request": text})
    assert answer_of(browser.get(parked.headers["Location"]))["state"] == "in"
    bad = {**usual, "request": text[:-4]}
    assert answer_of(browser.authorize(**bad))["error"] == "invalid_request_object"
    parked = browser.web.post("/oauth/authorize", data=bad)
    assert answer_of(browser.get(parked.headers["Location"]))["error"] == "invalid_request_object"
    assert answer_of(lobby.browser().authorize(**{**bad, "prompt": "none"}))["error"] == "invalid_request_object"
    only_inside = {name: value for name, value in usual.items() if name not in ("redirect_uri", "state")}
    assert answer_of(browser.get("/oauth/authorize?" + urlencode({**only_inside, "request": text})))["state"] == "in"
    unknown = browser.authorize(**{**usual, "client_id": "nobody", "request": text})
    assert 'id="error-title"' in unknown.text


def test_nothing_unsigned_counts_for_who_always_signs(signer: RegisteredClient) -> None:
    """RFC 9101 §5, §10.5: whoever holds the browser adds nothing to what the client signed (PA-2)."""
    strict = replace(signer, details={**signer.details, "require_signed_request_object": True})
    found = merge(strict, request=make_object(state="in", response_type="code"), prompt="none", scope="openid email")
    assert found.values == {"client_id": "signer", "state": "in", "response_type": "code"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_always_signs_is_answered_either_way(lobby: Lobby, method: str) -> None:
    """The object of a POST is read before it waits; when it comes back there is nothing left to sign, nor to forge."""
    details = signer_details(require_signed_request_object=True)
    lobby.add_client("signer", first_party=True, require_approval=False, details=details)
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())

    def send(parameters: dict[str, str]) -> dict[str, str]:
        if method == "GET":
            return answer_of(browser.authorize(**parameters))
        parked = browser.web.post("/oauth/authorize", data=parameters)
        return answer_of(browser.get(parked.headers["Location"]))

    usual = request_parameters(client_id="signer")
    assert "code" in send({**usual, "request": make_object(**usual)})
    assert send(usual)["error"] == "invalid_request"
    assert send({**usual, "request": make_object(**usual)[:-4]})["error"] == "invalid_request_object"
