"""Access tokens as JWTs: read by whoever has the keys, and as revocable as the opaque ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jwt as pyjwt
import pytest
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet

from idp import create_app
from idp.keys.subject import subject_of
from idp.protocol.id_token_hint import read_hint
from idp.signals.key_rotation import remove_key
from idp.store import clients, closings
from idp.web.oauth.token import build_issuing
from tests.support.tokens import ISSUER, NOW, House, add_client

API = "https://api.example/"


def add_jwt_client(house: House, client_id: str, **changes: Any) -> None:
    """A client whose access tokens are JWTs."""
    add_client(house.provider, client_id, require_approval=False, access_token_format="jwt", **changes)


def read(house: House, token: str, audience: str = API) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, verified with the published keys by a library that knows nothing of us."""
    header = pyjwt.get_unverified_header(token)
    keys = house.app.test_client().get("/oauth/jwks").get_json()["keys"]
    (key,) = [key for key in keys if key["kid"] == header["kid"]]
    options: Any = {"verify_exp": False, "verify_iat": False}
    algorithms = [header["alg"]]
    return header, pyjwt.decode(
        token, pyjwt.PyJWK(key).key, algorithms=algorithms, audience=audience, issuer=ISSUER, options=options
    )


@pytest.fixture
def app(house: House) -> House:
    """A site with a resource server that wants JWTs."""
    add_jwt_client(house, "app", resources=[API])
    add_client(house.provider, "api", may_introspect=[API], grant_types=[])
    return house


def test_the_token(app: House) -> None:
    """Every member (RFC 9068 §2); five minutes."""
    body = app.tokens("app", scope="openid email", acr="urn:example:password")
    assert body["expires_in"] == 300
    header, claims = read(app, body["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
    assert len(claims.pop("jti")) == 22
    assert claims == {
        "iss": ISSUER,
        "sub": app.anna.account_id,
        "aud": API,
        "client_id": "app",
        "iat": NOW,
        "exp": NOW + 300,
        "scope": "email openid",
        "auth_time": NOW,
        "amr": ["pwd"],
        "acr": "urn:example:password",
    }


def test_each_one_is_another_one(app: House) -> None:
    """`jti` (§2.2), so that two of the same second are two rows."""
    first = app.tokens("app")
    second = app.refresh(first["refresh_token"], "app").get_json()
    assert first["access_token"] != second["access_token"]
    assert app.count("access_tokens") == 2


def test_it_does_all_that_an_opaque_one_does(app: House) -> None:
    """Introspection and userinfo say the same."""
    token = app.tokens("app", scope="openid email")["access_token"]
    told = app.introspect(token, "api")
    _, claims = read(app, token)
    assert told["active"] is True
    for name in ("iss", "sub", "aud", "client_id", "iat", "exp", "scope"):
        assert told[name] == claims[name]
    assert app.userinfo(token).get_json()["email"] == "anna@lab.example"
    app.clock.now += 300
    assert app.introspect(token, "api") == {"active": False}


def test_it_can_be_revoked(app: House) -> None:
    """Whoever asks learns of it at once (RFC 7009)."""
    token = app.tokens("app")["access_token"]
    assert app.revoke(token, "app").status_code == 200
    assert app.introspect(token, "api") == {"active": False}
    assert app.userinfo(token).status_code == 401


def test_ended_accounts_and_clients_show_at_once(app: House) -> None:
    """As with opaque ones (IN-4)."""
    token = app.tokens("app")["access_token"]
    with app.provider.database.transaction() as tx:
        clients.set_client_disabled(tx, "app", True, NOW)
    assert app.introspect(token, "api") == {"active": False}
    with app.provider.database.transaction() as tx:
        clients.set_client_disabled(tx, "app", False, NOW)
        closings.close(tx, app.anna.account_id, by_kind="staff", erase_at=NOW + 86400, now=NOW)
    assert app.introspect(token, "api") == {"active": False}


def test_nothing_is_left_of_it_when_its_key_is_taken_away(app: House) -> None:
    """Introspection and userinfo refuse it; opaque ones stay ("signing key compromised")."""
    token, opaque = app.tokens("app")["access_token"], app.tokens("portal")["access_token"]
    assert remove_key(app.provider, pyjwt.get_unverified_header(token)["kid"]) is not None
    assert app.introspect(token, "api") == {"active": False}
    assert app.introspect(token, "app") == {"active": False}
    assert app.userinfo(token).status_code == 401
    assert app.userinfo(opaque).status_code == 200
    assert app.introspect(app.tokens("app")["access_token"], "api")["active"] is True


def test_a_row_is_needed_too(app: House) -> None:
    """A JWT that we signed, and did not issue as this, is unknown; so is one that was changed."""
    tokens = app.tokens("app")
    token = tokens["access_token"]
    _, claims = read(app, token)
    forged = app.provider.keyring.sign_jwt({**claims, "scope": "openid profile"}, "at+jwt")
    head, payload, signature = token.split(".")
    for text in (forged, tokens["id_token"], f"{head}.{payload}.", f"{head}.{payload}.{signature[:-2]}", "..", "a.b.c"):
        assert app.introspect(text, "api") == {"active": False}
        assert app.userinfo(text).status_code == 401


def test_it_is_no_id_token(app: House) -> None:
    """Typed, so that neither is taken for the other (RFC 9068 §4, JW-4)."""
    token = app.tokens("app")["access_token"]
    assert read_hint(token, app.provider.keyring, issuer=ISSUER, client_id="app") is None


def test_a_client_that_acts_for_itself(app: House) -> None:
    """The subject is the client, and nobody signed in (§2.2, §2.2.1)."""
    add_jwt_client(app, "robot", resources=[API], redirect_uris=[], grant_types=["client_credentials"])
    token = app.post("/oauth/token", {"grant_type": "client_credentials"}, "robot").get_json()["access_token"]
    _, claims = read(app, token)
    assert (claims["sub"], claims["client_id"]) == ("robot", "robot")
    assert not {"auth_time", "amr", "acr", "scope"} & claims.keys()


def test_its_subject_is_the_clients_own(app: House) -> None:
    """The client can read the token, so it must not find the public one in there (§6)."""
    add_jwt_client(app, "app", resources=[API], subject_type="pairwise")
    _, claims = read(app, app.tokens("app")["access_token"])
    assert claims["sub"] == subject_of(app.anna.account_id, "site.example", app.provider.master)


def test_a_resource_server_may_want_them_whoever_asks(house: House) -> None:
    """`[tokens] jwt_resources`."""
    settings = house.provider.settings
    wanted = settings.model_copy(update={"tokens": settings.tokens.model_copy(update={"jwt_resources": (API,)})})
    house.app = create_app(wanted, clock=house.clock)
    add_client(house.provider, "other", require_approval=False, resources=[API, "https://old.example/"])
    assert read(house, house.tokens("other")["access_token"])[1]["aud"] == [API, "https://old.example/"]
    body = house.redeem(house.code("other"), "other", resource="https://old.example/").get_json()
    assert ("." in body["access_token"], body["expires_in"]) == (False, 600)


def test_authlibs_validator_accepts_it(app: House) -> None:
    """Every claim that Authlib's resource server checks (§4)."""
    jwks = KeySet.import_key_set(app.app.test_client().get("/oauth/jwks").get_json())

    class Validator(JWTBearerTokenValidator):  # type: ignore[misc]  # Authlib has no annotations
        def get_jwks(self) -> Any:
            return jwks

    claims = Validator(ISSUER, API).authenticate_token(app.tokens("app")["access_token"])
    assert (claims["client_id"], claims["exp"]) == ("app", NOW + 300)


@pytest.mark.parametrize(
    ("audience", "alg"),
    [
        ((API,), "ES256"),
        ((API, "https://other.example/"), "RS256"),
        (("https://other.example/",), "RS256"),
        ((), "RS256"),
    ],
)
def test_a_resource_may_want_another_signature(house: House, audience: tuple[str, ...], alg: str) -> None:
    """`[tokens] jwt_algorithms`; one signature for several is the one that all can check (RFC 9068 §2.1)."""
    issuing = replace(build_issuing(house.provider), jwt_algorithms={API: "ES256"})
    assert issuing.find_algorithm(audience) == alg
