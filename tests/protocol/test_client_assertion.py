"""Clients that sign: who may, what an assertion must say, and that each is accepted once (RFC 7523 §3)."""

from __future__ import annotations

import base64
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.accounts.session_ends import forget_old_tokens
from idp.errors import Busy
from idp.protocol.client_jwt import SHORTEST_MAC_SECRET
from idp.store import clients
from tests.support.client_signing import ALGORITHMS, ASSERTION_TYPE, claims_for, mac_key, make_key, public_jwks, sign
from tests.support.listener import answer_with, listening
from tests.support.tokens import FORM, ISSUER, NOW, SECRET, House, add_client, basic, furnish, make_app

TOKEN = "/oauth/token"
ENDPOINTS = {TOKEN: {"grant_type": "refresh_token", "refresh_token": "x"}, "/oauth/introspect": {"token": "x"}}
ENDPOINTS["/oauth/revoke"] = {"token": "x"}
PATHS = pytest.mark.parametrize("path", ENDPOINTS)
LONG_SECRET = "L" * 64


def add_signer(house: House, client_id: str = "signer", **details: Any) -> None:
    """A client with a key for each algorithm."""
    given = {
        "jwks": public_jwks(*(make_key(alg) for alg in ALGORITHMS)),
        "token_endpoint_auth_method": "private_key_jwt",
    }
    add_client(house.provider, client_id, **(given | details))


def add_mac_signer(house: House, secret: str = LONG_SECRET, **details: Any) -> None:
    """A client that signs with its secret."""
    add_client(house.provider, "mac", token_endpoint_auth_method="client_secret_jwt", **details)
    with house.provider.database.transaction() as tx:
        clients.set_client_secret(tx, "mac", secret, seal_with=house.provider.master, now=NOW)


def assertion(
    client_id: str = "signer", alg: str = "RS256", header: Any = None, key: Any = None, **changes: Any
) -> str:
    """An assertion; changes are claims, None leaves one out."""
    signer = key or make_key(alg)
    head = {"alg": alg, "kid": signer.kid, **(header or {})}
    body = json.dumps(claims_for(client_id, **changes)).encode()
    return sign({name: value for name, value in head.items() if value is not None}, body, signer)


def send(house: House, text: str, path: str = TOKEN, **form: str) -> TestResponse:
    """The assertion at an endpoint."""
    sent = {**ENDPOINTS[path], "client_assertion_type": ASSERTION_TYPE, "client_assertion": text, **form}
    return house.post(path, {name: value for name, value in sent.items() if value}, None)


def is_let_in(answer: TestResponse) -> bool:
    """Past client authentication, wherever that leads."""
    return answer.status_code == 200 or answer.get_json()["error"] == "invalid_grant"


def is_turned_away(answer: TestResponse) -> bool:
    """The one answer to whatever is wrong with credentials."""
    body = {"error": "invalid_client", "error_description": "client authentication failed"}
    return answer.status_code == 401 and answer.get_json() == body


@PATHS
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_client_signs_with_its_key(house: House, path: str, alg: str) -> None:
    """`private_key_jwt` at every endpoint that authenticates clients (OpenID Connect Core §9)."""
    add_signer(house)
    assert is_let_in(send(house, assertion(alg=alg), path))
    assert is_let_in(send(house, assertion(alg=alg), path, client_id="signer"))


def test_a_code_is_redeemed_with_an_assertion(house: House) -> None:
    """The whole step, with tokens at its end."""
    add_signer(house, resources=["site"])
    form = {"grant_type": "authorization_code", "code": house.code("signer"), "redirect_uri": "https://site.example/cb"}
    answer = send(house, assertion(), **form, code_verifier="v" * 43, refresh_token="")
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    "aud",
    [ISSUER, ISSUER + TOKEN, [ISSUER], [ISSUER + TOKEN], [ISSUER, ISSUER + TOKEN]],
)
def test_an_assertion_is_for_the_issuer_or_the_token_endpoint(house: House, aud: Any) -> None:
    """Both, as one text or a list (RFC 7523 §3; older clients name the endpoint, newer ones the issuer)."""
    add_signer(house)
    for path in ENDPOINTS:
        assert is_let_in(send(house, assertion(aud=aud), path))


def test_an_assertion_may_be_for_the_endpoint_that_was_called(house: House) -> None:
    """Only there."""
    add_signer(house)
    for path in ENDPOINTS:
        assert is_let_in(send(house, assertion(aud=ISSUER + path), path))
    assert is_turned_away(send(house, assertion(aud=ISSUER + "/oauth/introspect"), "/oauth/revoke"))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"iss": None},
        {"iss": ["signer"]},
        {"sub": "other"},
        {"sub": None},
        {"sub": ["signer"], "iss": ["signer"]},
        {"sub": 5, "iss": 5},
        {"sub": "", "iss": ""},
        {"aud": None},
        {"aud": "https://another.example"},
        {"aud": ISSUER + "/"},
        {"aud": [ISSUER, "https://another.example"]},
        {"aud": [ISSUER, 5]},
        {"aud": []},
        {"aud": {"a": ISSUER}},
        {"exp": None},
        {"exp": NOW - 30},
        {"exp": NOW + 631},
        {"exp": NOW + 10**9},
        {"exp": 10**400},
        {"exp": "soon"},
        {"exp": True},
        {"exp": [NOW + 60]},
        {"nbf": NOW + 31},
        {"iat": NOW + 31},
        {"iat": "now"},
        {"nbf": {}},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": "j" * 501},
        {"header": {"alg": "RS512"}},
        {"header": {"alg": "PS256", "kid": "RS256-0"}, "key": make_key("PS256")},
        {"header": {"kid": "unknown"}},
        {"header": {"kid": "ES256-0"}},
        {"header": {"typ": "at+jwt"}},
        {"header": {"typ": "logout+jwt"}},
        {"header": {"typ": "oauth-authz-req+jwt"}},
        {"header": {"typ": 5}},
        {"header": {"crit": ["x"], "x": 1}},
        {"key": make_key("RS256", 1)},
        {"header": {"jwk": make_key("RS256", 1).as_dict(private=False), "kid": None}, "key": make_key("RS256", 1)},
        {"header": {"jku": "https://evil.example/jwks", "kid": None}, "key": make_key("RS256", 1)},
    ],
)
def test_an_assertion_that_says_something_else_is_refused(signing_house: House, changes: dict[str, Any]) -> None:
    """Issuer, subject, addressee, times, identifier, algorithm, type, key: one answer for all (CA-5, CA-8).

    JW-1, JW-2, JW-3, JW-4, JW-5.
    """
    assert is_turned_away(send(signing_house, assertion(**changes)))


@pytest.fixture(scope="module")
def signing_house(tmp_path_factory: pytest.TempPathFactory, house_keys: Path) -> House:
    """One for tables of what is refused; made once, on SQLite."""
    house = furnish(f"sqlite:///{tmp_path_factory.mktemp('signing')}/idp.sqlite3", house_keys)
    add_signer(house)
    add_signer(house, "pinned", token_endpoint_auth_signing_alg="ES256")
    return house


@pytest.mark.parametrize("ahead", [0, 10, 30])
def test_clocks_may_differ_a_little(signing_house: House, ahead: int) -> None:
    """Made by a clock that is ahead, or behind (CA-5, CR-6)."""
    assert is_let_in(send(signing_house, assertion(iat=NOW + ahead, nbf=NOW + ahead)))
    assert is_let_in(send(signing_house, assertion(iat=None, exp=NOW - ahead + 1)))
    assert is_let_in(send(signing_house, assertion(exp=NOW + 600 + ahead)))
    assert is_let_in(send(signing_house, assertion(exp=NOW + 60.5)))


@pytest.mark.parametrize(
    "typ", [None, "JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"]
)
def test_types_of_an_assertion(signing_house: House, typ: str | None) -> None:
    """None, the usual one, and the one of its own."""
    assert is_let_in(send(signing_house, assertion(header={"typ": typ})))


def test_unknown_members_of_the_header_say_nothing(signing_house: House) -> None:
    """RFC 7515 §4: what is not understood is ignored."""
    assert is_let_in(send(signing_house, assertion(header={"x-made-by": "us", "x5t": "abc"})))


def test_the_registered_algorithm_is_the_only_one(signing_house: House) -> None:
    """`token_endpoint_auth_signing_alg` pins it (CA-5)."""
    assert is_let_in(send(signing_house, assertion("pinned", "ES256")))
    for alg in ("RS256", "PS256", "EdDSA"):
        assert is_turned_away(send(signing_house, assertion("pinned", alg)))


def raw(header: bytes, payload: bytes, signature: bytes = b"x") -> str:
    """Three parts of anything."""
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, payload, signature))


GOOD_CLAIMS = json.dumps(claims_for("signer")).encode()
HEADER = b'{"alg":"RS256","kid":"RS256-0"}'


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x.y.z",
        "..",
        "a.b.c.d",
        "a.b.c.d.e",
        "ä.b.c",
        "eyJ.eyJ.x",
        raw(b'{"alg":"none"}', GOOD_CLAIMS),
        raw(b'{"alg":"none"}', GOOD_CLAIMS).rpartition(".")[0] + ".",
        raw(b'{"alg":5}', GOOD_CLAIMS),
        raw(b"{}", GOOD_CLAIMS),
        raw(b"[]", GOOD_CLAIMS),
        raw(b"null", b"null"),
        raw(b'{"alg":"RS256","alg":"none"}', GOOD_CLAIMS),
        raw(b'{"alg":"RS256","b64":false}', GOOD_CLAIMS),
        raw(HEADER, b"{}"),
        raw(HEADER, b"[" * 2500),
        raw(HEADER, GOOD_CLAIMS.decode().encode("utf-16")),
        raw(HEADER, b'{"iss":"signer","sub":"signer","sub":"site"}'),
        raw(HEADER, b'{"iss":NaN,"sub":NaN}'),
        raw(HEADER, b'{"iss":"\\ud800","sub":"\\ud800"}'),
        raw(HEADER, b'{"iss":"a\\u0000b","sub":"a\\u0000b"}'),
        raw(HEADER, GOOD_CLAIMS),
        raw(b'{"alg":"HS256"}', GOOD_CLAIMS),
        raw(b'{"alg":"RSA-OAEP","enc":"A128GCM"}', GOOD_CLAIMS),
        raw(HEADER, GOOD_CLAIMS) + "=",
    ],
)
def test_what_is_no_assertion_is_refused(signing_house: House, text: str) -> None:
    """Malformed in any way: the same 401, never a 500 (CA-2, GO-1, JW-3, JW-5, JW-6, IV-6)."""
    for path in ENDPOINTS:
        assert is_turned_away(send(signing_house, text, path))


def test_one_way_of_authentication_in_a_request(signing_house: House) -> None:
    """Two at once are refused, and so is a client_id that differs (RFC 6749 §2.3, CA-1)."""
    form = {**ENDPOINTS[TOKEN], "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion()}
    with_header = signing_house.post(TOKEN, form, None, Authorization=basic("site", SECRET))
    for answer in (with_header, send(signing_house, assertion(), client_secret=SECRET)):
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    other = send(signing_house, assertion(), client_id="site")
    assert (other.status_code, other.get_json()["error"]) == (400, "invalid_request")
    for missing in ("client_assertion", "client_assertion_type"):
        assert is_turned_away(send(signing_house, assertion(), **{missing: ""}))
    assert is_turned_away(send(signing_house, assertion(), client_assertion_type="jwt"))


def test_the_registered_method_is_the_only_one(signing_house: House) -> None:
    """A client with a key has no secret, and one with a secret signs nothing (CA-1)."""
    assert is_turned_away(signing_house.post(TOKEN, ENDPOINTS[TOKEN], None, Authorization=basic("signer", SECRET)))
    assert is_turned_away(signing_house.post(TOKEN, {**ENDPOINTS[TOKEN], "client_id": "signer"}, None))
    assert is_turned_away(send(signing_house, assertion("site")))
    assert is_turned_away(send(signing_house, assertion("public")))
    assert is_turned_away(send(signing_house, assertion("nobody")))
    signed_with_secret = sign({"alg": "HS256"}, GOOD_CLAIMS, mac_key(LONG_SECRET))
    assert is_turned_away(send(signing_house, signed_with_secret))


def test_a_public_key_is_no_secret(signing_house: House) -> None:
    """The classic confusion: HS256 with the public key as its secret (RFC 8725 §2.1) (JW-1)."""
    public = make_key("RS256").as_pem(private=False)
    key = mac_key("placeholder" * 9)
    key._raw_value = public  # joserfc does not take a public key for a secret
    assert is_turned_away(send(signing_house, sign({"alg": "HS256", "kid": "RS256-0"}, GOOD_CLAIMS, key)))


def test_an_assertion_is_accepted_once(house: House, house_keys: Path) -> None:
    """At whatever endpoint and instance (CA-6)."""
    add_signer(house)
    text = assertion()
    assert is_let_in(send(house, text))
    for path in ENDPOINTS:
        assert is_turned_away(send(house, text, path))
    other = make_app(house.provider.settings.database.url, house_keys, house.clock).test_client()
    form = {**ENDPOINTS[TOKEN], "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
    assert is_turned_away(other.post(TOKEN, data=form, content_type=FORM))


def test_many_at_once_are_accepted_once(house: House) -> None:
    """The database decides the winner (CA-6)."""
    add_signer(house)
    text = assertion()
    answers: list[TestResponse] = []
    threads = [threading.Thread(target=lambda: answers.append(send(house, text))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(is_let_in, answers)) == [False] * 7 + [True]


def test_the_identifier_belongs_to_the_client(house: House) -> None:
    """Another client's `jti` of the same text is another one."""
    add_signer(house)
    add_signer(house, "second")
    assert is_let_in(send(house, assertion(jti="same")))
    assert is_let_in(send(house, assertion("second", jti="same")))


def test_what_is_not_proven_uses_nothing_up(house: House) -> None:
    """Who knows an identifier cannot spend it (CA-7)."""
    add_signer(house)
    assert is_turned_away(send(house, assertion(jti="mine", key=make_key("RS256", 1))))
    assert is_turned_away(send(house, assertion(jti="mine", aud="https://another.example")))
    assert house.count("used_assertions") == 0
    assert is_let_in(send(house, assertion(jti="mine")))


def test_used_assertions_are_forgotten_when_nobody_takes_them(house: House) -> None:
    """The memory is bounded (CA-6)."""
    add_signer(house)
    send(house, assertion())
    assert house.count("used_assertions") == 1
    forget_old_tokens(house.provider)
    assert house.count("used_assertions") == 1
    house.clock.now += 2 * 86400
    forget_old_tokens(house.provider)
    assert house.count("used_assertions") == 0


def test_a_disabled_client_signs_in_vain(house: House) -> None:
    """As with a secret."""
    add_signer(house, disabled=True)
    assert is_turned_away(send(house, assertion()))


def test_keys_come_from_the_clients_own_address(house: House) -> None:
    """`jwks_uri`: fetched when an assertion comes, refused where it cannot be fetched."""
    body = json.dumps(public_jwks(make_key("RS256"))).encode()
    with listening(answer_with("200 OK", body)) as site:
        add_signer(house, jwks=None, jwks_uri=site.url("/jwks"))
        assert is_turned_away(send(house, assertion()))  # the operator has not allowed this machine
        assert site.requests == []
        house.clock.now += 60
        allow(house, site.host)
        assert is_let_in(send(house, assertion(iat=None, exp=house.clock.now + 60)))
        assert len(site.requests) == 1


@pytest.mark.parametrize("kid", ["same", None])
def test_a_key_may_change_without_a_new_name(house: House, kid: str | None) -> None:
    """The published set is fetched again where the known key does not fit, but not at once (OpenID Connect Core §10.1.1)."""
    old, new = make_key("RS256"), make_key("RS256", 1)

    def body(key: Any) -> bytes:
        members = {name: value for name, value in key.as_dict(private=False).items() if name != "kid"}
        return json.dumps({"keys": [members | ({"kid": kid} if kid else {})]}).encode()

    def tries(key: Any) -> TestResponse:
        now = house.clock.now
        return send(house, assertion(key=key, header={"kid": kid}, iat=now, exp=now + 60))

    published = [body(old)]

    def publish(connection: socket.socket) -> None:
        answer_with("200 OK", published[0])(connection)

    with listening(publish) as site:
        add_signer(house, jwks=None, jwks_uri=site.url("/jwks"))
        allow(house, site.host)
        assert is_let_in(tries(old))
        published[0] = body(new)
        assert is_turned_away(tries(new))
        assert len(site.requests) == 1
        house.clock.now += 10
        assert is_let_in(tries(new))
        assert is_turned_away(tries(old))
        assert len(site.requests) == 2


def allow(house: House, host: str) -> None:
    """Let the provider call a host, as `outbound.allow_hosts` would."""
    fetcher = house.provider.fetcher
    fetcher._allowed = fetcher._allowed | {host}


def test_keys_that_cannot_be_fetched_now(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with the time to come again: the client is not at fault (GO-1)."""
    add_signer(house)

    def busy(*_arguments: object) -> None:
        raise Busy

    monkeypatch.setattr(type(house.provider.client_keys), "of", busy)
    answer = send(house, assertion())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.get_json()["error"]


@pytest.mark.parametrize("alg", SHORTEST_MAC_SECRET)
def test_a_client_signs_with_its_secret(house: House, alg: str) -> None:
    """`client_secret_jwt` (OpenID Connect Core §9)."""
    add_mac_signer(house)
    for path in ENDPOINTS:
        text = sign({"alg": alg}, json.dumps(claims_for("mac")).encode(), mac_key(LONG_SECRET))
        assert is_let_in(send(house, text, path))
        assert is_turned_away(send(house, text, path))


def test_a_wrong_secret_signs_nothing(house: House) -> None:
    """Nor does the right one, sent in clear, or one that is too short for the algorithm (RFC 7518 §3.2) (JW-7)."""
    add_mac_signer(house)
    claims = json.dumps(claims_for("mac")).encode()
    assert is_turned_away(send(house, sign({"alg": "HS256"}, claims, mac_key("W" * 64))))
    assert is_turned_away(house.post(TOKEN, ENDPOINTS[TOKEN], None, Authorization=basic("mac", LONG_SECRET)))
    assert is_turned_away(send(house, sign({"alg": "RS256", "kid": "RS256-0"}, claims, make_key("RS256"))))
    with house.provider.database.transaction() as tx:
        clients.set_client_secret(tx, "mac", "S" * 40, seal_with=house.provider.master, now=NOW)
    assert is_turned_away(send(house, sign({"alg": "HS512"}, claims, mac_key("S" * 40))))
    assert is_let_in(send(house, sign({"alg": "HS256"}, claims, mac_key("S" * 40))))


def test_a_secret_that_reads_like_a_public_key_breaks_nothing(house: House) -> None:
    """The library takes it for none; the client is told no, as for any other fault."""
    secret = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    add_mac_signer(house, secret)
    assert is_turned_away(send(house, sign({"alg": "HS256"}, GOOD_CLAIMS, mac_key(LONG_SECRET))))
    assert is_turned_away(
        send(house, sign({"alg": "HS256"}, json.dumps(claims_for("mac")).encode(), mac_key("W" * 64)))
    )


def test_the_registered_mac_is_the_only_one(house: House) -> None:
    """As with signatures."""
    add_mac_signer(house, token_endpoint_auth_signing_alg="HS512")
    claims = json.dumps(claims_for("mac")).encode()
    assert is_turned_away(send(house, sign({"alg": "HS256"}, claims, mac_key(LONG_SECRET))))
    assert is_let_in(send(house, sign({"alg": "HS512"}, claims, mac_key(LONG_SECRET))))


def test_signing_secrets_overlap_and_end(house: House) -> None:
    """While one replaces the other both sign (CA-3)."""
    add_mac_signer(house)
    with house.provider.database.transaction() as tx:
        clients.set_client_secret(tx, "mac", "N" * 64, seal_with=house.provider.master, now=NOW, overlap=60)

    def tries(secret: str) -> bool:
        claims = claims_for("mac", iat=None, exp=house.clock.now + 60)
        return is_let_in(send(house, sign({"alg": "HS256"}, json.dumps(claims).encode(), mac_key(secret))))

    assert tries(LONG_SECRET)
    assert tries("N" * 64)
    house.clock.now += 60
    assert not tries(LONG_SECRET)
    assert tries("N" * 64)


def test_a_secret_is_kept_only_for_a_client_that_signs_with_it(house: House) -> None:
    """Sealed, for this row alone, and forgotten when the client changes its method (CA-3)."""
    add_mac_signer(house)
    assert house.count("client_secrets", "sealed IS NOT NULL") == 1
    with house.provider.database.reading() as tx:
        found = clients.find_client(tx, "mac")
    assert found is not None
    assert LONG_SECRET not in repr(found)
    assert LONG_SECRET.encode() not in next(iter(found.sealed_secrets.values()))
    with house.provider.database.transaction() as tx:
        clients.save_client(tx, "mac", {**found.details, "token_endpoint_auth_method": "client_secret_basic"}, now=NOW)
    assert house.count("client_secrets", "sealed IS NOT NULL") == 0
