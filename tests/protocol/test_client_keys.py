"""Keys of clients: which of them are candidates, and when a key set is fetched again."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.errors import Busy
from idp.protocol import client_keys
from idp.protocol.client_keys import (
    FRESH_SECONDS,
    PAUSE_SECONDS,
    STALE_SECONDS,
    ClientKeys,
    find_encryption_key,
    find_verification_keys,
    parse_keys,
)
from idp.signals.fetcher import Answer, Fetcher
from idp.store.clients import RegisteredClient
from tests.support.listener import Listener, answer_with, listening
from tests.support.tokens import House, MovableClock


@cache
def public(kind: str, number: int = 0) -> dict[str, Any]:
    """A public key as a client would register it; the same for the same number."""
    makers: Mapping[str, Callable[[], Any]] = {
        "RSA": lambda: RSAKey.generate_key(2048),
        "P-256": lambda: ECKey.generate_key("P-256"),
        "P-384": lambda: ECKey.generate_key("P-384"),
        "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
        "X25519": lambda: OKPKey.generate_key("X25519"),
    }
    return dict(makers[kind]().as_dict(private=False))


def client(**details: Any) -> RegisteredClient:
    """A client with these metadata."""
    return RegisteredClient(
        client_id="site",
        name="site",
        redirect_uris=frozenset(),
        post_logout_redirect_uris=frozenset(),
        scopes=frozenset(),
        grant_types=frozenset(),
        response_types=frozenset(),
        token_endpoint_auth_method="private_key_jwt",
        initiate_login_uri=None,
        backchannel_logout_uri=None,
        frontchannel_logout_uri=None,
        require_approval=False,
        first_party=False,
        pkce_exempt=False,
        disabled=False,
        resources=(),
        may_introspect=frozenset(),
        details=details,
    )


def with_keys(*keys: Mapping[str, Any]) -> RegisteredClient:
    """A client that registered these keys."""
    return client(jwks={"keys": [dict(key) for key in keys]})


def no_fetch(_uri: str) -> Answer:
    """What must not happen."""
    raise AssertionError("nothing is to be fetched")


def kids(found: Any) -> list[str | None]:
    """The names of what was found."""
    return [key.kid for key in found]


@pytest.fixture
def clock() -> MovableClock:
    """Seconds that a test moves."""
    return MovableClock()


@pytest.fixture
def inline(clock: MovableClock) -> ClientKeys:
    """Keys of clients that registered them."""
    return ClientKeys(no_fetch, clock)


def test_the_key_of_that_name_and_kind(inline: ClientKeys) -> None:
    """`kid`, `kty`, `crv`, `use`, `alg` and `key_ops` all have to fit (RFC 7517 §4)."""
    site = with_keys(
        {**public("RSA"), "kid": "rsa"},
        {**public("P-256"), "kid": "ec", "use": "sig"},
        {**public("P-256", 1), "kid": "enc", "use": "enc"},
        {**public("Ed25519"), "kid": "ed", "key_ops": ["verify"]},
        {**public("RSA", 1), "kid": "ps", "alg": "PS256"},
        {**public("P-384"), "kid": "384"},
    )
    assert kids(find_verification_keys(site, "rsa", "RS256", inline)) == ["rsa"]
    assert kids(find_verification_keys(site, "ps", "PS256", inline)) == ["ps"]
    assert kids(find_verification_keys(site, "ps", "RS256", inline)) == []
    assert kids(find_verification_keys(site, "ec", "ES256", inline)) == ["ec"]
    assert kids(find_verification_keys(site, "ec", "RS256", inline)) == []
    assert kids(find_verification_keys(site, "enc", "ES256", inline)) == []
    assert kids(find_verification_keys(site, "384", "ES256", inline)) == []
    assert kids(find_verification_keys(site, "ed", "EdDSA", inline)) == ["ed"]
    assert kids(find_verification_keys(site, "other", "RS256", inline)) == []
    for alg in ("none", "HS256", "RS512", ""):
        assert kids(find_verification_keys(site, None, alg, inline)) == []


def test_without_a_name_all_that_fit_are_candidates(inline: ClientKeys) -> None:
    """A header without `kid`, or keys without one (OpenID Connect Core §10.1)."""
    site = with_keys(public("RSA"), {**public("RSA", 1), "kid": "b"}, public("P-256"))
    assert kids(find_verification_keys(site, None, "RS256", inline)) == ["b", None]
    assert kids(find_verification_keys(site, "b", "RS256", inline)) == ["b", None]
    assert kids(find_verification_keys(site, "c", "RS256", inline)) == [None]


def test_the_key_to_encrypt_to(inline: ClientKeys) -> None:
    """One marked for encryption comes before one for anything; one for signatures is never taken."""
    site = with_keys(
        {**public("RSA"), "kid": "any"},
        {**public("RSA", 1), "kid": "enc", "use": "enc"},
        {**public("P-256"), "kid": "sig", "use": "sig"},
    )
    found = find_encryption_key(site, "RSA-OAEP-256", inline)
    assert found is not None
    assert found.kid == "enc"
    assert find_encryption_key(site, "ECDH-ES", inline) is None
    agreed = find_encryption_key(with_keys(public("X25519")), "ECDH-ES+A128KW", inline)
    assert agreed is not None
    assert agreed.kind == "X25519"
    assert find_encryption_key(client(), "RSA-OAEP", inline) is None


UNUSABLE = [
    5,
    {},
    {"kty": []},
    {"kty": {}},
    {"kty": "oct", "k": "AAAA"},
    {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
    {"kty": "RSA"},
    {"kty": "RSA", "n": 5, "e": "AQAB"},
    {"kty": "RSA", "n": "é" * 400, "e": "AQAB"},
    {"kty": "RSA", "n": "_" * 171, "e": "AQAB"},
    {"kty": "RSA", "n": "_" * 5000, "e": "AQAB"},
    {"kty": "RSA", "n": "_" * 342, "e": "AA"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    {"kty": "EC", "crv": [], "x": "AA", "y": "AA"},
    {"kty": "OKP", "crv": "Ed25519", "x": "!!"},
    {"kty": "OKP", "crv": "P-256", "x": "AA"},
]


@pytest.mark.parametrize("key", UNUSABLE)
def test_a_key_that_we_cannot_use_is_passed_over(key: object) -> None:
    """Unknown kinds, weak and broken ones: the others of the set still serve (RFC 7517 §5)."""
    assert kids(parse_keys({"keys": [key, {**public("RSA"), "kid": "good"}]})) == ["good"]


@pytest.mark.parametrize("value", [None, [], 5, {}, {"keys": None}, {"keys": {}}, {"keys": [None]}])
def test_what_is_no_key_set_has_no_keys(value: object) -> None:
    """Whatever is in the row."""
    assert parse_keys(value) == ()


def test_names_that_are_no_text_do_not_count() -> None:
    """A `kid` that is a number names nothing."""
    assert kids(parse_keys({"keys": [{**public("RSA"), "kid": 7, "use": 5, "alg": []}]})) == [None]
    assert parse_keys({"keys": [{**public("RSA"), "key_ops": "verify"}]}) == ()


def test_a_private_member_stays_behind() -> None:
    """Should a fetched set hold one, we do not keep it (JW-8)."""
    private = RSAKey.generate_key(2048).as_dict(private=True)
    (found,) = parse_keys({"keys": [private]})
    assert not found.key.is_private
    assert "d" not in found.key.as_dict()


def test_a_set_is_parsed_once_until_it_changes(inline: ClientKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing a key is slow; a changed registration has other keys at once."""
    counted: list[object] = []
    real = client_keys.parse_keys
    monkeypatch.setattr(client_keys, "parse_keys", lambda value: counted.append(value) or real(value))
    site = with_keys({**public("RSA"), "kid": "a"})
    for _ in range(3):
        assert kids(find_verification_keys(site, "a", "RS256", inline)) == ["a"]
    again = replace(site, details=json.loads(json.dumps(site.details)))
    assert kids(find_verification_keys(again, "a", "RS256", inline)) == ["a"]
    assert len(counted) == 1
    changed = with_keys({**public("RSA", 1), "kid": "b"})
    assert kids(find_verification_keys(changed, "a", "RS256", inline)) == []
    assert len(counted) == 2


class KeySite:
    """A client's web server, with the keys it publishes now."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [{**public("RSA"), "kid": "a"}]
        self.status = "200 OK"
        self.body: bytes | None = None
        self.seconds = 0.0

    def __call__(self, connection: socket.socket) -> None:
        time.sleep(self.seconds)
        body = json.dumps({"keys": self.keys}).encode() if self.body is None else self.body
        answer_with(self.status, body, "Content-Type: application/jwk-set+json\r\n")(connection)


@contextmanager
def publishing(clock: MovableClock) -> Iterator[tuple[KeySite, Listener, RegisteredClient, ClientKeys]]:
    """A client whose keys are at an address of its own, fetched by the real fetcher."""
    site = KeySite()
    with listening(site) as listener:
        keys = ClientKeys(Fetcher([listener.host]).get, clock)
        yield site, listener, client(jwks_uri=listener.url("/jwks")), keys


def test_a_published_set_is_fetched_once(clock: MovableClock) -> None:
    """And again when it has become old."""
    with publishing(clock) as (site, listener, registered, keys):
        for _ in range(3):
            assert kids(find_verification_keys(registered, "a", "RS256", keys)) == ["a"]
        assert len(listener.requests) == 1
        assert listener.requests[0].startswith(b"GET /jwks HTTP/1.1\r\n")
        site.keys = [{**public("RSA", 1), "kid": "b"}]
        clock.now += FRESH_SECONDS - 1
        assert kids(find_verification_keys(registered, "a", "RS256", keys)) == ["a"]
        clock.now += 1
        assert kids(find_verification_keys(registered, "a", "RS256", keys)) == []
        assert kids(find_verification_keys(registered, "b", "RS256", keys)) == ["b"]
        assert len(listener.requests) == 2


def test_an_unknown_name_fetches_again_but_not_at_once(clock: MovableClock) -> None:
    """Rotation at the client works (OpenID Connect Core §10.1.1), and nobody makes us call it without end."""
    with publishing(clock) as (site, listener, registered, keys):
        find_verification_keys(registered, "a", "RS256", keys)
        site.keys.insert(0, {**public("RSA", 1), "kid": "b"})
        for kid in ("b", "c", "d"):
            assert find_verification_keys(registered, kid, "RS256", keys) == ()
        assert len(listener.requests) == 1
        clock.now += PAUSE_SECONDS
        assert kids(find_verification_keys(registered, "b", "RS256", keys)) == ["b"]
        assert kids(find_verification_keys(registered, "a", "RS256", keys)) == ["a"]
        assert find_verification_keys(registered, "c", "RS256", keys) == ()
        assert len(listener.requests) == 2


def test_a_key_to_encrypt_to_is_fetched_too(clock: MovableClock) -> None:
    """The same set, the same rules."""
    with publishing(clock) as (site, listener, registered, keys):
        assert find_encryption_key(registered, "ECDH-ES", keys) is None
        site.keys.append({**public("P-256"), "kid": "e"})
        clock.now += PAUSE_SECONDS
        found = find_encryption_key(registered, "ECDH-ES", keys)
        assert found is not None
        assert found.kid == "e"
        assert len(listener.requests) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Oops", b""),
        ("302 Found", b""),
        ("200 OK", b"<html>"),
        ("200 OK", b"\xff\xfe"),
        ("200 OK", b"[]"),
        ("200 OK", b'{"keys":{}}'),
        ("200 OK", b"[" * 60000),
        ("200 OK", b" " * 70000),
    ],
)
def test_a_set_that_does_not_come_leaves_the_old_one(clock: MovableClock, status: str, body: bytes) -> None:
    """For a day; then its keys are nobody's."""
    with publishing(clock) as (site, listener, registered, keys):
        find_verification_keys(registered, "a", "RS256", keys)
        site.status, site.body = status, body
        clock.now += FRESH_SECONDS
        assert kids(find_verification_keys(registered, "a", "RS256", keys)) == ["a"]
        clock.now += 1
        assert kids(find_verification_keys(registered, "a", "RS256", keys)) == ["a"]
        assert len(listener.requests) == 2
        clock.now += STALE_SECONDS
        assert find_verification_keys(registered, "a", "RS256", keys) == ()


def test_an_address_that_we_do_not_call_has_no_keys(clock: MovableClock) -> None:
    """The fetcher's rules hold here as well (SS-1)."""
    with publishing(clock) as (_site, listener, registered, _keys):
        keys = ClientKeys(Fetcher().get, clock)
        assert find_verification_keys(registered, "a", "RS256", keys) == ()
        assert listener.requests == []


def test_many_threads_fetch_once(clock: MovableClock) -> None:
    """Whoever comes meanwhile waits for the first."""
    with publishing(clock) as (site, listener, registered, keys):
        site.seconds = 0.2
        found: list[list[str | None]] = []
        threads = [
            threading.Thread(target=lambda: found.append(kids(find_verification_keys(registered, "a", "RS256", keys))))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [["a"]] * 8
        assert len(listener.requests) == 1


def test_slow_addresses_do_not_take_all_threads(clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few at a time; whoever comes then is told to try again (SS-3)."""
    monkeypatch.setattr(client_keys, "WAIT_SECONDS", 0.05)
    with publishing(clock) as (site, listener, _registered, keys):
        site.seconds = 0.6
        others = [client(jwks_uri=listener.url(f"/{n}")) for n in range(client_keys.MOST_FETCHES)]
        threads = [threading.Thread(target=find_verification_keys, args=(one, "a", "RS256", keys)) for one in others]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        for uri in ("/0", "/another"):
            with pytest.raises(Busy):
                find_verification_keys(client(jwks_uri=listener.url(uri)), "a", "RS256", keys)
        for thread in threads:
            thread.join()


def test_nothing_is_fetched_inside_a_transaction(house: House) -> None:
    """A transaction that waits for a stranger's server would hold up everybody."""
    registered = client(jwks_uri="https://site.example/jwks")
    with house.provider.database.transaction(), pytest.raises(RuntimeError, match="before the transaction"):
        find_encryption_key(registered, "RSA-OAEP", house.provider.client_keys)


def test_the_oldest_sets_are_forgotten(clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded number stays in memory (RX-2)."""
    monkeypatch.setattr(client_keys, "MOST_SETS", 2)
    answers = json.dumps({"keys": [{**public("RSA"), "kid": "a"}]}).encode()
    asked: list[str] = []

    def fetch(uri: str) -> Answer:
        asked.append(uri)
        return Answer(200, "application/json", answers)

    keys = ClientKeys(fetch, clock)
    for name in "abca":
        find_verification_keys(client(jwks_uri=f"https://{name}.example/"), "a", "RS256", keys)
    assert len(asked) == 4
