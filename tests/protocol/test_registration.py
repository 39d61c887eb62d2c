"""Clients register themselves, and look after their registration (RFC 7591, RFC 7592, OpenID Connect Registration 1.0)."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from werkzeug.test import TestResponse

from idp import create_app
from idp.accounts.clients import forget_unused_clients
from idp.config import ClientSettings, DatabaseSettings, KeySettings, LimitSettings, Server, Settings
from idp.keys.secrets import new_secret
from idp.protocol.authorization_request import SCOPES, is_pkce_exempt
from idp.protocol.client import RESPONSE_TYPES
from idp.store import audit, client_registration, clients, grants
from tests.support.client_signing import ASSERTION_TYPE, claims_for, mac_key, make_key, public_jwks, sign
from tests.support.listener import answer_with, listening
from tests.support.processes import free_port
from tests.support.tokens import CALLBACK, NOW, House, MovableClock, basic, furnish, make_app

REGISTER = "/oauth/register"
INITIAL = "initial-access-token-of-a-test"
GOOD: dict[str, Any] = {"redirect_uris": [CALLBACK], "client_name": "New site"}


def registering_house(url: str, keys: Path, **options: Any) -> House:
    """A house in which clients may register themselves."""
    house = furnish(url, keys)
    limits = LimitSettings(client_registrations=options.pop("client_registrations", 100_000))
    settings = house.provider.settings.model_copy(
        update={"clients": ClientSettings(**{"registration": "open", **options}), "limits": limits}
    )
    house.app = create_app(settings, clock=house.clock)
    house.provider = house.app.extensions["idp"]
    return house


@pytest.fixture
def open_house(house_url: str, house_keys: Path) -> House:
    """Anybody may register, on each kind of database."""
    return registering_house(house_url, house_keys)


@pytest.fixture
def token_house(house_url: str, house_keys: Path) -> House:
    """Whoever has an initial access token may register."""
    house = registering_house(house_url, house_keys, registration="token")
    add_initial(house)
    return house


@pytest.fixture(scope="module")
def still_open(tmp_path_factory: pytest.TempPathFactory, house_keys: Path) -> House:
    """Anybody may register; made once, on SQLite, for tables of metadata."""
    return registering_house(f"sqlite:///{tmp_path_factory.mktemp('open')}/idp.sqlite3", house_keys)


def add_initial(house: House, uses: int | None = None, expires_at: int | None = None, token: str = INITIAL) -> None:
    """An initial access token."""
    with house.provider.database.transaction() as tx:
        client_registration.add_initial_token(tx, token, token[:40], uses=uses, expires_at=expires_at, now=NOW)


def register(house: House, metadata: Any = GOOD, token: str | None = None) -> TestResponse:
    """A registration request."""
    body = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return house.app.test_client().post(REGISTER, data=body, content_type="application/json", headers=headers)


def registered(house: House, **changes: Any) -> dict[str, Any]:
    """A client that registered itself, as it was told."""
    answer = register(house, GOOD | changes)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return dict(answer.get_json())


def manage(house: House, client: dict[str, Any], method: str = "GET", body: Any = None, **changes: str) -> TestResponse:
    """A request to the client configuration endpoint, with the client's own token."""
    token = changes.get("token", client["registration_access_token"])
    path = client["registration_client_uri"].removeprefix("http://localhost")
    return house.app.test_client().open(
        path,
        method=method,
        data=None if body is None else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )


def as_update(client: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the client would send to change its registration: all it was told, without what must not be sent."""
    unsent = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")
    return {name: value for name, value in client.items() if name not in unsent} | changes


def error_of(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.get_json()["error"]


def is_known(house: House, client: dict[str, Any]) -> bool:
    """Whether the client gets past its authentication at the token endpoint."""
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    header = basic(client["client_id"], client["client_secret"])
    return error_of(house.post("/oauth/token", form, None, Authorization=header)) != (401, "invalid_client")


def test_a_client_registers(open_house: House) -> None:
    """201 with all that was registered, defaults included (RFC 7591 §3.2.1, OpenID Connect Registration §3.2)."""
    answer = register(open_house)
    told = answer.get_json()
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert told == {
        "client_id": told["client_id"],
        "client_id_issued_at": NOW,
        "client_secret": told["client_secret"],
        "client_secret_expires_at": 0,
        "registration_access_token": told["registration_access_token"],
        "registration_client_uri": f"http://localhost/oauth/register/{told['client_id']}",
        "application_type": "web",
        "client_name": "New site",
        "grant_types": ["authorization_code"],
        "id_token_signed_response_alg": "RS256",
        "redirect_uris": [CALLBACK],
        "response_types": ["code"],
        "subject_type": "public",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    assert min(len(told["client_secret"]), len(told["registration_access_token"])) >= 43
    assert is_known(open_house, told)


def test_a_new_client_gets_tokens(open_house: House) -> None:
    """All standard scopes may be asked for, and nothing of our policy was given away."""
    told = registered(open_house)
    tokens = redeem(open_house, told)
    assert tokens.status_code == 200, tokens.get_json()
    client = find(open_house, told)
    assert client.scopes == frozenset()
    assert client.require_approval
    assert not any((client.first_party, client.pkce_exempt, client.may_introspect, client.resources))


def redeem(house: House, client: dict[str, Any]) -> TestResponse:
    """A code of this client at the token endpoint."""
    form = {"grant_type": "authorization_code", "code": house.code(client["client_id"]), "redirect_uri": CALLBACK}
    header = basic(client["client_id"], client["client_secret"])
    return house.post("/oauth/token", {**form, "code_verifier": "v" * 43}, None, Authorization=header)


def find(house: House, client: dict[str, Any]) -> clients.RegisteredClient:
    """The client as it is kept."""
    with house.provider.database.reading() as tx:
        found = clients.find_client(tx, client["client_id"])
    assert found is not None
    return found


def test_secrets_and_tokens_are_kept_as_hashes(open_house: House) -> None:
    """A reader of the database cannot be the client (CA-3)."""
    told = registered(open_house)
    kept = repr(find(open_house, told)) + repr(find(open_house, told).details)
    for name in ("client_secret", "registration_access_token"):
        assert told[name] not in kept


def test_the_trail_tells_who_registered(open_house: House) -> None:
    """One line each for making, changing and deleting, without secrets (AD-3)."""
    told = registered(open_house)
    manage(open_house, told, "PUT", as_update(told, client_name="Another name"))
    manage(open_house, told, "DELETE")
    with open_house.provider.database.reading() as tx:
        events = [event for event in audit.page_events(tx) if event.client_id == told["client_id"]]
    assert [event.act for event in events] == ["client_deleted", "client_changed", "client_registered"]
    assert events[1].details == {"values": ["client_name"]}
    assert all((event.actor_kind, event.actor) == ("client", told["client_id"]) for event in events)
    assert told["client_secret"] not in repr(events)


def test_what_we_do_not_know_is_left_out(open_house: House) -> None:
    """RFC 7591 §2: metadata that are not understood are ignored, and null is as if it were not there."""
    told = registered(
        open_house,
        **{
            "client_name#fr": "Nouveau",
            "x_unknown": {"a": 1},
            "logo_uri": None,
            "client_id": "mine",
            "disabled": False,
        },
        first_party=True,
        may_introspect=["site"],
        client_secret="chosen-by-the-client-itself",
        registration_access_token="chosen",
    )
    assert told["client_id"] != "mine"
    assert told["client_secret"] != "chosen-by-the-client-itself"
    assert not {"client_name#fr", "x_unknown", "logo_uri", "first_party", "may_introspect", "disabled"} & told.keys()
    assert not find(open_house, told).first_party


@pytest.mark.parametrize("kind", RESPONSE_TYPES)
def test_every_response_type_can_be_registered(still_open: House, kind: str) -> None:
    """With its grant types, or leaving them to us (OpenID Connect Registration §2)."""
    needed = sorted(RESPONSE_TYPES[kind])
    assert registered(still_open, response_types=[kind])["grant_types"] == needed
    told = registered(
        still_open, response_types=[kind], grant_types=[*needed, "refresh_token"] if "code" in kind else needed
    )
    assert told["response_types"] == [kind]


def test_a_flow_that_nothing_uses_is_not_granted(still_open: House) -> None:
    """Some libraries send all that they know; what was registered is told."""
    told = registered(still_open, grant_types=["authorization_code", "implicit", "refresh_token"])
    assert told["grant_types"] == ["authorization_code", "refresh_token"]
    assert told["response_types"] == ["code"]


def test_a_service_registers_without_addresses(still_open: House) -> None:
    """`client_credentials` needs no redirect."""
    answer = register(still_open, {"grant_types": ["client_credentials"]})
    assert (answer.status_code, answer.get_json()["response_types"]) == (201, [])


@pytest.mark.parametrize("method", ["none", "private_key_jwt"])
def test_who_needs_no_secret_gets_none(still_open: House, method: str) -> None:
    """RFC 7591 §3.2.1: a secret comes only where it is used."""
    told = registered(still_open, token_endpoint_auth_method=method, jwks=public_jwks(make_key("RS256")))
    assert not {"client_secret", "client_secret_expires_at"} & told.keys()


def test_a_registered_client_signs_with_its_key(open_house: House) -> None:
    """As the certification registers it: an inline key, perhaps without a name."""
    key = {name: value for name, value in make_key("RS256").as_dict(private=False).items() if name != "kid"}
    told = registered(open_house, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key]})
    text = sign({"alg": "RS256"}, json.dumps(claims_for(told["client_id"])).encode(), make_key("RS256"))
    assert error_of(post_assertion(open_house, text)) == (400, "unauthorized_client")  # past its authentication


def test_a_registered_client_signs_with_its_secret(open_house: House) -> None:
    """The secret that it was told serves every algorithm."""
    told = registered(open_house, token_endpoint_auth_method="client_secret_jwt")
    for alg in ("HS256", "HS512"):
        claims = json.dumps(claims_for(told["client_id"])).encode()
        text = sign({"alg": alg}, claims, mac_key(told["client_secret"]))
        assert error_of(post_assertion(open_house, text)) == (400, "unauthorized_client")


def post_assertion(house: House, text: str) -> TestResponse:
    """An assertion at the token endpoint."""
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_assertion_type": ASSERTION_TYPE}
    return house.post("/oauth/token", {**form, "client_assertion": text}, None)


ACCEPTED: list[dict[str, Any]] = [
    {"redirect_uris": ["https://site.example/cb?fixed=1", "https://site.example/other"]},
    {"initiate_login_uri": "https://site.example/login"},
    {"logo_uri": "https://cdn.example/logo.png", "policy_uri": "https://a.example/p", "tos_uri": "https://b.example/t"},
    {"request_uris": ["https://site.example/request#not-a-hash"]},
    {"id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "RS256"},
    {"backchannel_logout_uri": "https://site.example/out", "backchannel_logout_session_required": True},
    {"frontchannel_logout_uri": "https://site.example/out", "frontchannel_logout_session_required": True},
    {"post_logout_redirect_uris": ["https://site.example/bye"]},
    {"default_max_age": 600, "require_auth_time": True, "default_acr_values": ["1"]},
    {"contacts": ["dev@site.example"], "software_id": "x", "software_version": "1"},
    {"jwks_uri": "https://site.example/jwks"},
    {"application_type": "native", "redirect_uris": ["com.example.app:/cb", "http://127.0.0.1:5000/cb"]},
    {"application_type": "native", "redirect_uris": ["http://localhost/cb", "https://app.example/cb"]},
    {"redirect_uris": ["http://127.0.0.1:8001/cb"]},
    {"subject_type": "pairwise"},
]


@pytest.mark.parametrize("metadata", ACCEPTED, ids=" ".join)
def test_metadata_are_told_as_they_were_sent(still_open: House, metadata: dict[str, Any]) -> None:
    """In the answer, and whenever the client reads its registration (RFC 7592 §2.1)."""
    told = registered(still_open, **metadata)
    assert {name: told[name] for name in metadata} == metadata
    read = manage(still_open, told)
    assert read.status_code == 200
    assert {name: read.get_json()[name] for name in metadata} == metadata


REDIRECTS: list[dict[str, Any]] = [
    {"redirect_uris": ["https://site.example/cb#fragment"]},
    {"redirect_uris": ["https://site.example/cb#"]},
    {"redirect_uris": ["http://site.example/cb"]},
    {"redirect_uris": ["javascript://site.example/%0aalert(1)"]},
    {"redirect_uris": ["JavaScript:alert(1)"]},
    {"redirect_uris": ["data:text/html,x"]},
    {"redirect_uris": ["https://user@site.example/"]},
    {"redirect_uris": ["https://*.site.example/"]},
    {"redirect_uris": ["/relative"]},
    {"redirect_uris": "https://site.example/cb"},
    {"redirect_uris": [5]},
    {"redirect_uris": 5},
    {"redirect_uris": []},
    {"redirect_uris": None},
    {"redirect_uris": ["com.example.app:/cb"]},
    {"redirect_uris": ["http://127.0.0.1/cb"], "response_types": ["id_token"]},
    {"redirect_uris": ["https://localhost/cb"], "response_types": ["code id_token"]},
]
METADATA: list[dict[str, Any]] = [
    {"initiate_login_uri": "http://site.example/login"},
    {"initiate_login_uri": "http://127.0.0.1/login"},
    {"id_token_signed_response_alg": "none"},
    {"id_token_signed_response_alg": "HS256"},
    {"userinfo_signed_response_alg": 5},
    {"request_object_signing_alg": "none"},
    {"token_endpoint_auth_method": "tls_client_auth"},
    {"token_endpoint_auth_method": []},
    {"token_endpoint_auth_method": "private_key_jwt"},
    {"token_endpoint_auth_signing_alg": "none"},
    {"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256"},
    {"grant_types": ["password"]},
    {"grant_types": "authorization_code"},
    {"grant_types": [{}]},
    {"grant_types": ["implicit"]},
    {"response_types": ["token"]},
    {"response_types": ["code"], "grant_types": ["refresh_token"]},
    {"response_types": ["id_token"], "grant_types": ["authorization_code"]},
    {"response_types": [[]]},
    {"response_types": {}},
    {"scope": 5},
    {"scope": ""},
    {"scope": "admin api:write"},
    {"scope": ["openid"]},
    {"subject_type": "secret"},
    {"subject_type": "pairwise", "redirect_uris": [CALLBACK, "https://other.example/cb"]},
    {"jwks": 5},
    {"jwks": {"keys": [OKPKey.generate_key("Ed25519").as_dict(private=True)]}},
    {"jwks": {"keys": []}, "jwks_uri": "https://site.example/jwks"},
    {"jwks_uri": "file:///etc/passwd"},
    {"jwks_uri": "http://169.254.169.254/"},
    {"logo_uri": "javascript:alert(1)"},
    {"policy_uri": "data:text/html,x"},
    {"client_name": "two\nlines"},
    {"client_name": 5},
    {"client_name": "x" * 1001},
    {"default_max_age": -1},
    {"default_max_age": "1"},
    {"require_auth_time": "yes"},
    {"contacts": "dev@site.example"},
    {"application_type": "mobile"},
    {"post_logout_redirect_uris": ["http://site.example/bye"]},
    {"backchannel_logout_uri": "http://site.example/out"},
    {"backchannel_logout_uri": "https://site.example/out#f"},
    {"request_uris": ["http://site.example/request"]},
    {"id_token_encrypted_response_alg": "RSA1_5"},
    {"id_token_encrypted_response_enc": "A128GCM"},
    {"sector_identifier_uri": "ftp://site.example/sector"},
]


@pytest.mark.parametrize(
    ("metadata", "error"),
    [(one, "invalid_redirect_uri") for one in REDIRECTS] + [(one, "invalid_client_metadata") for one in METADATA],
)
def test_metadata_that_cannot_be_registered(still_open: House, metadata: dict[str, Any], error: str) -> None:
    """400 with the standards' codes, and no client is made (RFC 7591 §3.2.2, OpenID Connect Registration §3.3).

    RD-6, SS-5.
    """
    before = still_open.count("clients")
    answer = register(still_open, GOOD | metadata)
    assert error_of(answer) == (400, error)
    description = answer.get_json()["error_description"]
    assert description.isascii()
    assert not set('"\\') & set(description)
    assert answer.headers["Cache-Control"] == "no-store"
    assert still_open.count("clients") == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"5",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}',
        b'{"default_max_age":NaN}',
        b'{"a":' * 5000,
        b"[" * 60000,
        json.dumps(GOOD).encode("utf-16"),
        b'{"redirect_uris":["https://a.example/\\ud800"]}',
        b'{"client_name":"\\ud800","redirect_uris":["https://a.example/"]}',
        b'{"client_name":"a\\u0000b","redirect_uris":["https://a.example/"]}',
        b'{"default_max_age":1e999,"redirect_uris":["https://a.example/"]}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_no_registration(still_open: House, body: bytes) -> None:
    """Never a 500, whatever is sent (GO-1)."""
    assert error_of(register(still_open, body))[0] == 400


def test_the_body_says_that_it_is_json(still_open: House) -> None:
    """RFC 7591 §3.1."""
    for kind in ("application/x-www-form-urlencoded", "text/plain", ""):
        answer = still_open.app.test_client().post(REGISTER, data=json.dumps(GOOD), content_type=kind)
        assert error_of(answer) == (400, "invalid_client_metadata")
    kind = "Application/JSON; charset=UTF-8"
    assert still_open.app.test_client().post(REGISTER, data=json.dumps(GOOD), content_type=kind).status_code == 201


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_registering_is_a_post(still_open: House, method: str) -> None:
    """405 with the method that is right."""
    answer = still_open.app.test_client().open(REGISTER, method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_software_statements_are_refused_clearly(still_open: House) -> None:
    """RFC 7591 §2.3: not quietly ignored."""
    answer = register(still_open, GOOD | {"software_statement": "a.b.c"})
    assert error_of(answer) == (400, "unapproved_software_statement")
    assert "software statements" in answer.get_json()["error_description"]


def test_scopes_of_ours_alone_can_be_registered(still_open: House) -> None:
    """Those of resource servers are the operator's to give; what was registered is told."""
    assert registered(still_open, scope="openid email api:write")["scope"] == "openid email"
    assert registered(still_open, scope=" ".join(SCOPES))["scope"] == " ".join(SCOPES)


def test_nothing_is_fetched_when_a_client_registers(open_house: House) -> None:
    """Neither keys nor pictures nor request objects (conformance.md §2.7): the certification takes it for an intrusion.

    SS-5, SS-4.
    """
    with listening(answer_with("200 OK", b"{}")) as site:
        open_house.provider.fetcher._allowed = frozenset({site.host})
        registered(
            open_house,
            jwks_uri=site.url("/jwks"),
            logo_uri=site.url("/logo"),
            policy_uri=site.url("/policy"),
            tos_uri=site.url("/tos"),
            request_uris=[site.url("/request")],
        )
        assert site.requests == []


def test_the_file_of_the_sector_is_looked_at(open_house: House) -> None:
    """All redirect URIs must stand in it (OpenID Connect Registration §5)."""
    listed = json.dumps([CALLBACK, "https://other.example/cb"]).encode()
    with listening(answer_with("200 OK", listed)) as site:
        open_house.provider.fetcher._allowed = frozenset({site.host})
        pairwise = {"subject_type": "pairwise", "sector_identifier_uri": site.url("/sector")}
        told = registered(open_house, **pairwise, redirect_uris=[CALLBACK, "https://other.example/cb"])
        assert told["sector_identifier_uri"] == site.url("/sector")
        assert len(site.requests) == 1
        for kind in ("pairwise", "public"):
            bad = register(
                open_house, GOOD | pairwise | {"subject_type": kind, "redirect_uris": ["https://a.example/"]}
            )
            assert error_of(bad) == (400, "invalid_client_metadata")
        update = as_update(told, redirect_uris=["https://a.example/"])
        assert error_of(manage(open_house, told, "PUT", update)) == (400, "invalid_client_metadata")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("404 Not Found", b"[]"),
        ("302 Found", b"[]"),
        ("200 OK", b"{}"),
        ("200 OK", b"null"),
        ("200 OK", b"<html>"),
        ("200 OK", b"\xff"),
        ("200 OK", b"[" * 60000),
        ("200 OK", b"[[], 5]"),
    ],
)
def test_a_file_of_the_sector_that_is_none(still_open: House, status: str, body: bytes) -> None:
    """Whatever comes back, the answer is 400."""
    with listening(answer_with(status, body)) as site:
        still_open.provider.fetcher._allowed = frozenset({site.host})
        answer = register(still_open, GOOD | {"sector_identifier_uri": site.url("/sector")})
        assert error_of(answer) == (400, "invalid_client_metadata")


def test_targets_cannot_be_told_apart(still_open: House) -> None:
    """Refused, closed, redirecting, missing, another service: one answer, so that nobody scans through us (SS-2)."""
    answers = set()
    with (
        listening(answer_with("404 Not Found", b"[]")) as missing,
        listening(answer_with("302 Found", b"")) as moved,
        listening(answer_with("200 OK", b"SSH-2.0-OpenSSH")) as other,
    ):
        still_open.provider.fetcher._allowed = frozenset({missing.host, moved.host, other.host})
        urls = [site.url("/sector") for site in (missing, moved, other)]
        urls += [f"http://127.0.0.1:{free_port()}/sector", "https://[::1]/x", "https://127.0.0.1/x"]
        for url in urls:
            answer = register(still_open, GOOD | {"sector_identifier_uri": url})
            answers.add((answer.status_code, answer.data, answer.headers["Content-Type"]))
    assert len(answers) == 1


def test_a_file_of_the_sector_inside_is_not_fetched(still_open: House) -> None:
    """The rules of the fetcher hold (SS-1)."""
    with listening(answer_with("200 OK", json.dumps([CALLBACK]).encode())) as site:
        still_open.provider.fetcher._allowed = frozenset()
        answer = register(still_open, GOOD | {"sector_identifier_uri": site.url("/sector")})
        assert error_of(answer) == (400, "invalid_client_metadata")
        assert site.requests == []


# Who may register


def test_nobody_registers_where_it_is_closed(still_house: House) -> None:
    """The default; discovery does not name what is not there."""
    answer = still_house.app.test_client().post(REGISTER, json=GOOD)
    assert answer.status_code == 404
    assert (
        "registration_endpoint" not in still_house.app.test_client().get("/.well-known/openid-configuration").get_json()
    )


def test_discovery_names_the_endpoint_where_it_is_open(still_open: House) -> None:
    """In both documents (RFC 8414 §2)."""
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        document = still_open.app.test_client().get(path).get_json()
        assert document["registration_endpoint"] == "http://localhost/oauth/register"


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer", "Basic eDp5", "", "Bearer é"])
def test_who_has_no_initial_token_is_turned_away(token_house: House, authorization: str | None) -> None:
    """401 with a challenge (RFC 7591 §3, RFC 6750 §3)."""
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = token_house.app.test_client().post(REGISTER, json=GOOD, headers=headers)
    assert error_of(answer) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_an_initial_token_lets_in(token_house: House) -> None:
    """As often as it was made for; the trail says which it was."""
    told = register(token_house, token=INITIAL)
    assert told.status_code == 201
    assert register(token_house, token=INITIAL).status_code == 201
    with token_house.provider.database.reading() as tx:
        event = next(e for e in audit.page_events(tx) if e.client_id == told.get_json()["client_id"])
    assert event.details == {"initial_token": INITIAL[:40]}


def test_an_initial_token_ends(token_house: House) -> None:
    """After its uses, or its time, or when it is revoked."""
    once, soon = "once" * 11, "soon" * 11
    add_initial(token_house, uses=1, token=once)
    add_initial(token_house, expires_at=NOW + 60, token=soon)
    assert register(token_house, GOOD | {"scope": 5}, once).status_code == 400  # a mistake does not use it up
    assert register(token_house, token=once).status_code == 201
    assert error_of(register(token_house, token=once)) == (401, "invalid_token")
    assert register(token_house, token=soon).status_code == 201
    token_house.clock.now += 60
    assert error_of(register(token_house, token=soon)) == (401, "invalid_token")
    with token_house.provider.database.transaction() as tx:
        assert client_registration.revoke_initial_tokens(tx, INITIAL[:40]) == 1
    assert error_of(register(token_house, token=INITIAL)) == (401, "invalid_token")


def test_an_initial_token_for_one_lets_in_one(token_house: House) -> None:
    """The database decides who was first."""
    once = "once" * 11
    add_initial(token_house, uses=1, token=once)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(register(token_house, token=once).status_code)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 401, 401, 401, 401, 401]


def test_one_kind_of_token_is_not_another(token_house: House) -> None:
    """An initial token reads no registration, and a registration's token registers nothing."""
    told = register(token_house, token=INITIAL).get_json()
    assert error_of(manage(token_house, told, token=INITIAL)) == (401, "invalid_token")
    assert error_of(register(token_house, token=told["registration_access_token"])) == (401, "invalid_token")


def test_a_wrong_initial_token_is_told_also_where_none_is_needed(open_house: House) -> None:
    """Whoever means to use one learns that it is no good; a good one is used."""
    assert error_of(register(open_house, token="wrong")) == (401, "invalid_token")
    add_initial(open_house, uses=1)
    assert register(open_house, token=INITIAL).status_code == 201
    assert error_of(register(open_house, token=INITIAL)) == (401, "invalid_token")


def test_one_network_registers_so_many_in_an_hour(house_url: str, house_keys: Path) -> None:
    """Writes by strangers are limited (RX-4); initial tokens are not strangers'."""
    house = registering_house(house_url, house_keys, client_registrations=3)
    assert [register(house).status_code for _ in range(3)] == [201] * 3
    refused = register(house)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    add_initial(house)
    assert register(house, token=INITIAL).status_code == 201
    house.clock.now += 3601
    assert register(house).status_code == 201


# Looking after a registration


def test_a_client_reads_its_registration(open_house: House) -> None:
    """All but the secret, which is told once (RFC 7592 §2.1, §3)."""
    told = registered(open_house)
    read = manage(open_house, told)
    assert read.status_code == 200
    assert read.headers["Cache-Control"] == "no-store"
    assert read.get_json() == {
        name: value for name, value in told.items() if name not in ("client_secret", "client_secret_expires_at")
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_registration_is_its_clients_alone(open_house: House, method: str, token: str) -> None:
    """401 with a challenge, alike for clients that are not there (RFC 7592 §2)."""
    told, other = registered(open_house), registered(open_house)
    body = as_update(told)
    for answer in (
        manage(open_house, told, method, body, token=token),
        manage(open_house, told, method, body, token=other["registration_access_token"]),
        manage(open_house, told | {"registration_client_uri": REGISTER + "/nobody"}, method, body),
        manage(open_house, told | {"registration_client_uri": REGISTER + "/site"}, method, body),
    ):
        assert error_of(answer) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert manage(open_house, told).status_code == 200


def test_other_methods_are_refused(open_house: House) -> None:
    """405 with those that are right."""
    answer = manage(open_house, registered(open_house), "PATCH", {})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, PUT, DELETE")


def test_a_client_changes_its_registration(open_house: House) -> None:
    """The new one takes the place of the old one; what is left out is as if never said (RFC 7592 §2.2)."""
    told = registered(open_house, logo_uri="https://site.example/logo.png", scope="openid")
    update = as_update(told, client_name="Another name", redirect_uris=["https://site.example/new"])
    del update["logo_uri"]
    answer = manage(open_house, told, "PUT", update)
    assert answer.status_code == 200, answer.get_json()
    now = answer.get_json()
    assert (now["client_name"], now["redirect_uris"]) == ("Another name", ["https://site.example/new"])
    assert "logo_uri" not in now
    assert not {"client_secret", "client_secret_expires_at"} & now.keys()
    assert manage(open_house, told).get_json() == now
    assert is_known(open_house, told)
    assert now["client_id_issued_at"] == told["client_id_issued_at"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "another"}, "invalid_client_metadata"),
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_secret": "chosen-by-the-client-itself"}, "invalid_client_metadata"),
        ({"client_secret": 5}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"registration_client_uri": "https://x.example/"}, "invalid_client_metadata"),
        ({"client_secret_expires_at": 0}, "invalid_client_metadata"),
        ({"client_id_issued_at": 0}, "invalid_client_metadata"),
        ({"redirect_uris": ["https://x.example/#f"]}, "invalid_redirect_uri"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"software_statement": "a.b.c"}, "unapproved_software_statement"),
    ],
    ids=repr,
)
def test_changes_that_cannot_be_made(still_open: House, changes: dict[str, Any], error: str) -> None:
    """And then nothing has changed (RFC 7592 §2.2)."""
    told = registered(still_open)
    before = manage(still_open, told).get_json()
    assert error_of(manage(still_open, told, "PUT", as_update(told, **changes))) == (400, error)
    assert manage(still_open, told).get_json() == before


def test_a_client_cannot_change_our_policy(open_house: House) -> None:
    """Whom it may ask about, consent, approval, PKCE, its being switched off (CVE-2026-9705)."""
    told = registered(open_house)
    with open_house.provider.database.transaction() as tx:
        clients.save_client(
            tx,
            told["client_id"],
            find_details(tx, told),
            require_approval=False,
            resources=["https://api.example"],
            now=NOW,
        )
    ours = {
        "require_approval": True,
        "first_party": True,
        "pkce_exempt": True,
        "may_introspect": ["x"],
        "resources": [],
    }
    assert manage(open_house, told, "PUT", as_update(told, **ours)).status_code == 200
    client = find(open_house, told)
    assert (client.require_approval, client.resources) == (False, ("https://api.example",))
    assert not any((client.first_party, client.pkce_exempt, client.may_introspect))


def find_details(tx: Any, client: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a client as kept."""
    found = clients.find_client(tx, client["client_id"])
    assert found is not None
    return dict(found.details)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_client_that_was_switched_off_does_nothing(open_house: House, method: str) -> None:
    """It cannot come back by itself (CVE-2026-9705)."""
    told = registered(open_house)
    with open_house.provider.database.transaction() as tx:
        clients.set_client_disabled(tx, told["client_id"], True, NOW)
    assert error_of(manage(open_house, told, method, as_update(told))) == (403, "access_denied")
    assert find(open_house, told).disabled


def test_a_new_method_brings_what_it_needs(open_house: House) -> None:
    """A secret where there was none, a longer one for signing, and none where a key takes its place."""
    told = registered(open_house)
    signs = manage(open_house, told, "PUT", as_update(told, token_endpoint_auth_method="client_secret_jwt")).get_json()
    assert len(signs["client_secret"]) == 86
    assert signs["client_secret_expires_at"] == 0
    again = manage(open_house, told, "PUT", as_update(signs)).get_json()
    assert "client_secret" not in again
    key = {"token_endpoint_auth_method": "private_key_jwt", "jwks": public_jwks(make_key("ES256"))}
    keyed = as_update(again, **key)
    assert "client_secret" not in manage(open_house, told, "PUT", keyed).get_json()
    assert open_house.count("client_secrets", f"client_id = '{told['client_id']}'") == 0
    back = manage(open_house, told, "PUT", as_update(told, client_secret=None)).get_json()
    assert back["client_secret"] != told["client_secret"]
    assert is_known(open_house, back)
    assert not is_known(open_house, told)


def test_a_secret_that_has_ended_is_replaced(house_url: str, house_keys: Path) -> None:
    """`clients.secret_days` gives it an end, which the client is told; a change brings a new one."""
    house = registering_house(house_url, house_keys, secret_days=30)
    told = registered(house)
    assert told["client_secret_expires_at"] == NOW + 30 * 86400
    assert "client_secret" not in manage(house, told, "PUT", as_update(told)).get_json()
    house.clock.now = told["client_secret_expires_at"]
    assert not is_known(house, told)
    new = manage(house, told, "PUT", as_update(told, client_secret=None)).get_json()
    assert new["client_secret_expires_at"] == house.clock.now + 30 * 86400
    assert is_known(house, new)


def test_a_client_deletes_itself(open_house: House) -> None:
    """204, and then it and all it held is gone (RFC 7592 §2.3)."""
    told = registered(open_house, grant_types=["authorization_code", "refresh_token"])
    with open_house.provider.database.transaction() as tx:
        grants.save_grant(tx, open_house.anna.account_id, told["client_id"], frozenset({"openid"}), NOW)
    tokens = redeem(open_house, told).get_json()
    assert open_house.userinfo(tokens["access_token"]).status_code == 200
    deleted = manage(open_house, told, "DELETE")
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert open_house.userinfo(tokens["access_token"]).status_code == 401
    assert not is_known(open_house, told)
    for table in ("clients", "client_secrets", "grants", "session_clients"):
        assert open_house.count(table, f"client_id = '{told['client_id']}'") == 0
    assert open_house.count("token_families", f"client_id = '{told['client_id']}' AND revoked_at IS NULL") == 0
    for method in ("GET", "PUT", "DELETE"):
        assert error_of(manage(open_house, told, method, as_update(told))) == (401, "invalid_token")


def test_a_change_beside_the_deletion_brings_nothing_back(open_house: House) -> None:
    """Whoever comes second finds nothing."""
    told = registered(open_house)
    body = as_update(told, client_name="Back again")
    threads = [threading.Thread(target=manage, args=(open_house, told, "PUT", body)) for _ in range(4)]
    threads.insert(2, threading.Thread(target=manage, args=(open_house, told, "DELETE")))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_house.count("clients", f"client_id = '{told['client_id']}'") == 0


def test_registrations_can_be_looked_after_when_it_is_closed_again(open_house: House, house_keys: Path) -> None:
    """Those that are there keep their token."""
    told = registered(open_house)
    closed = make_app(open_house.provider.settings.database.url, house_keys, MovableClock())
    headers = {"Authorization": f"Bearer {told['registration_access_token']}"}
    path = f"{REGISTER}/{told['client_id']}"
    assert closed.test_client().get(path, headers=headers).status_code == 200
    assert closed.test_client().post(REGISTER, json=GOOD).status_code == 404


def test_what_strangers_registered_and_nobody_uses_is_forgotten(open_house: House) -> None:
    """After 30 days (RX-4); not what came with a token, is used, or was registered by the operator."""
    add_initial(open_house)
    unused, permitted, in_use = (registered(open_house) for _ in range(3))
    invited = register(open_house, token=INITIAL).get_json()
    with open_house.provider.database.transaction() as tx:
        grants.save_grant(tx, open_house.anna.account_id, permitted["client_id"], frozenset({"openid"}), NOW)
    assert redeem(open_house, in_use).status_code == 200
    forget_unused_clients(open_house.provider)
    assert manage(open_house, unused).status_code == 200
    open_house.clock.now += 30 * 86400 + 1
    forget_unused_clients(open_house.provider)
    assert manage(open_house, unused).status_code == 401
    for client in (permitted, in_use, invited):
        assert manage(open_house, client).status_code == 200
    assert open_house.count("clients", "registration_hash IS NULL") == 5


# Test settings


def test_pkce_is_needed_unless_a_test_says_otherwise(house_url: str, house_keys: Path) -> None:
    """`clients.require_pkce = false` exempts confidential clients that register themselves, and nobody else (conformance.md §6)."""
    house = registering_house(house_url, house_keys, require_pkce=False)
    confidential, public = registered(house), registered(house, token_endpoint_auth_method="none")
    assert is_pkce_exempt(find(house, confidential))
    assert not find(house, public).pkce_exempt
    assert not is_pkce_exempt(find(house, {"client_id": "site"}))
    assert "clients.require_pkce" in house.provider.settings.test_settings


def test_an_issuer_with_https_and_a_path(house_url: str, house_keys: Path) -> None:
    """The address of the registration is below the issuer (the certification wants it to be https)."""
    settings = Settings(
        server=Server(issuer="https://id.example/x"),
        database=DatabaseSettings(url=house_url),
        keys=KeySettings(directory=house_keys),
        clients=ClientSettings(registration="open"),
    )
    http = create_app(settings, clock=MovableClock()).test_client()
    told = http.post("/x/oauth/register", json=GOOD, base_url="https://id.example").get_json()
    assert told["registration_client_uri"] == f"https://id.example/x/oauth/register/{told['client_id']}"
    headers = {"Authorization": f"Bearer {told['registration_access_token']}"}
    path = told["registration_client_uri"].removeprefix("https://id.example")
    assert http.get(path, base_url="https://id.example", headers=headers).status_code == 200


def test_a_long_stranger_as_client_id(still_open: House) -> None:
    """Whatever stands in the address."""
    for client_id in ("x" * 3000, "%00", "%ff", "a%2Fb", "ü"):
        answer = still_open.app.test_client().get(
            f"{REGISTER}/{client_id}", headers={"Authorization": f"Bearer {new_secret()}"}
        )
        assert answer.status_code in (401, 404)
