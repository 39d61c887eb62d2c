"""The claims of each scope, those asked for one by one, and where each is told (OpenID Connect Core §5.1, §5.4, §5.5)."""

from __future__ import annotations

import json

import pytest

from idp.protocol.access_token import sign_id_token
from idp.protocol.claims import scopes_of_claims
from idp.protocol.id_token import Bound
from idp.store import accounts, codes
from idp.web.oauth.token import build_issuing
from tests.support.tokens import NOW, House, add_client, claims_of

APPROVAL = {"approval_status", "approval_updated_at"}
SESSION = {"session_expiry", "session_kept"}


@pytest.mark.parametrize("status", ["pending", "approved", "rejected", "suspended"])
def test_the_approval_is_the_same_everywhere(house: House, status: str) -> None:
    """Status and instant of the row, also after a change while tokens live (RF-9)."""
    tokens = house.tokens("portal")
    house.clock.now += 5
    house.set_approval(status)
    renewed = house.refresh(tokens["refresh_token"], "portal").get_json()
    told = (
        claims_of(renewed["id_token"]),
        house.userinfo(renewed["access_token"]).get_json(),
        house.introspect(renewed["access_token"], "service"),
        house.introspect(tokens["access_token"], "portal"),
    )
    for answer in told:
        assert {name: answer[name] for name in APPROVAL} == {"approval_status": status, "approval_updated_at": NOW + 5}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("openid", set()),
        ("openid profile email", set()),
        ("openid approval", APPROVAL),
        ("openid session", SESSION),
        ("openid approval session", APPROVAL | SESSION),
    ],
)
def test_our_claims_come_with_their_scopes(house: House, scope: str, expected: set[str]) -> None:
    """In the ID token of a code and of a refresh, and in userinfo."""
    tokens = house.tokens(scope=scope)
    renewed = house.refresh(tokens["refresh_token"]).get_json()
    answers = (
        claims_of(tokens["id_token"]),
        claims_of(renewed["id_token"]),
        house.userinfo(renewed["access_token"]).get_json(),
    )
    for answer in answers:
        assert (APPROVAL | SESSION) & answer.keys() == expected


INTERESTS = {"interests": ["balances", "tips"], "region": "north"}


@pytest.mark.parametrize(("scope", "expected"), [("openid interests", INTERESTS), ("openid approval", {})])
def test_interests_come_with_their_scope_everywhere(house: House, scope: str, expected: dict[str, object]) -> None:
    """ID token of a code and of a refresh, userinfo and introspection; a new choice is told from then on."""
    house.set_claims(**INTERESTS)
    tokens = house.tokens(scope=scope)
    renewed = house.refresh(tokens["refresh_token"]).get_json()

    def told() -> list[dict[str, object]]:
        answers = house.userinfo(renewed["access_token"]).get_json(), house.introspect(renewed["access_token"], "site")
        return [{name: answer[name] for name in INTERESTS if name in answer} for answer in answers]

    for token in (tokens["id_token"], renewed["id_token"]):
        assert {name: value for name, value in claims_of(token).items() if name in INTERESTS} == expected
    assert told() == [expected, expected]
    house.set_claims(region="south")
    after = {"region": "south"} if expected else {}
    assert told() == [after, after]


FULL = {
    "region": "north",
    "middle_name": "Quinn",
    "nickname": "Sue",
    "profile": "https://customer.example/people/anna",
    "picture": "https://customer.example/people/anna.png",
    "website": "https://customer.example/",
    "gender": "female",
    "birthdate": "1990-05-17",
    "zoneinfo": "Europe/Zurich",
    "phone_number": "+41 61 555 01 00",
    "phone_number_verified": True,
    "address": {"formatted": "Quellenweg 8\n4058 Basel", "locality": "Basel", "country": "Switzerland"},
}
PROFILE = {
    *("name", "given_name", "family_name", "middle_name", "nickname", "profile", "picture", "website", "gender"),
    *("birthdate", "zoneinfo", "locale", "updated_at", "preferred_username"),
}
STANDARD = {
    "profile": PROFILE,
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
    "profile email address phone": {
        *PROFILE,
        "email",
        "email_verified",
        "address",
        "phone_number",
        "phone_number_verified",
    },
}


def id_token_of(house: House, bound: Bound, *, client_id: str = "site", **family: str) -> dict[str, object]:
    """The claims of an ID token as the authorization endpoint would make it."""
    code = house.code(client_id, **family)
    client = house.provider.clients.find(client_id)
    assert client is not None
    with house.app.app_context(), house.provider.database.transaction() as tx:
        begun = codes.lock_family_of_code(tx, code, client_id)
        assert begun is not None
        account = accounts.get_account(tx, begun.account_id)
        scopes = frozenset(begun.scope.split())
        issuing = build_issuing(house.provider)
        token = sign_id_token(issuing, begun, account, client, scopes, bound, is_first=True, now=NOW)
    return claims_of(token)


@pytest.mark.parametrize("scope", STANDARD)
def test_each_scope_brings_its_standard_claims_to_userinfo(house: House, scope: str) -> None:
    """All of them, with their types, in userinfo and not in the ID token (§5.1, §5.4)."""
    house.set_claims(**FULL)
    tokens = house.tokens(scope=f"openid {scope}")
    told = house.userinfo(tokens["access_token"]).get_json()
    assert told.keys() == {"sub", *STANDARD[scope]}
    assert {name: told[name] for name in FULL if name in told} == {
        name: value for name, value in FULL.items() if name in STANDARD[scope]
    }
    assert STANDARD[scope].isdisjoint(claims_of(tokens["id_token"]))


def test_a_claim_without_a_value_is_left_out(house: House) -> None:
    """Neither null nor empty (§5.3.2); a number that nobody gave is not said to be unverified."""
    house.set_claims(nickname="", address={}, phone_number_verified=True)
    told = house.userinfo(house.tokens(scope="openid profile address phone")["access_token"]).get_json()
    assert told.keys() == {"sub", "name", "given_name", "family_name", "preferred_username", "locale", "updated_at"}
    house.set_claims(phone_number="+41 61 555 01 00")
    told = house.userinfo(house.tokens(scope="openid phone")["access_token"]).get_json()
    assert told["phone_number_verified"] is False


@pytest.mark.parametrize("scope", STANDARD)
def test_an_id_token_alone_holds_the_claims_of_the_scopes(house: House, scope: str) -> None:
    """With `response_type=id_token` there is no access token to ask userinfo with (§5.4)."""
    house.set_claims(**FULL)
    claims = id_token_of(house, Bound(), scope=f"openid {scope}")
    assert STANDARD[scope] <= claims.keys()
    everything = set().union(*STANDARD.values())
    for bound in (Bound(access_token="a"), Bound(code="c"), Bound(access_token="a", code="c")):
        assert everything.isdisjoint(id_token_of(house, bound, scope=f"openid {scope}"))


@pytest.mark.parametrize("name", ["name", "email", "nickname", "phone_number", "address", "approval_status", "region"])
def test_a_claim_asked_for_alone_comes_where_it_is_wanted(house: House, name: str) -> None:
    """In userinfo or in the ID token, and not in the other place (§5.5), also after a refresh."""
    house.set_claims(**FULL)
    for place, other in (("userinfo", "id_token"), ("id_token", "userinfo")):
        tokens = house.tokens(scope="openid", claims=json.dumps({place: {name: {"essential": True}}}))
        renewed = house.refresh(tokens["refresh_token"]).get_json()
        for answer in (tokens, renewed):
            told = {
                "id_token": claims_of(answer["id_token"]),
                "userinfo": house.userinfo(answer["access_token"]).get_json(),
            }
            assert name in told[place]
            assert name not in told[other]
            assert told["userinfo"].keys() == ({"sub", name} if place == "userinfo" else {"sub"})


@pytest.mark.parametrize(
    "claims",
    [
        {"userinfo": {"shoe_size": None}, "id_token": {"shoe_size": {"essential": True}}},
        {"userinfo": {"sub": {"value": "somebody"}, "name#fr": None}, "id_token": {"iss": {"value": "x"}, "aud": None}},
        {"userinfo": None, "id_token": None},
        {"elsewhere": {"name": None}},
        {},
    ],
)
def test_what_is_not_ours_to_tell_changes_nothing(house: House, claims: object) -> None:
    """Unknown claims are left out, reserved ones keep their values (§5.5) (IN-8)."""
    plain, asked = house.tokens(scope="openid"), house.tokens(scope="openid", claims=json.dumps(claims))
    assert claims_of(asked["id_token"]) == {
        **claims_of(plain["id_token"]),
        "at_hash": claims_of(asked["id_token"])["at_hash"],
    }
    assert house.userinfo(asked["access_token"]).get_json() == {"sub": house.anna.account_id}


def test_a_client_cannot_ask_past_its_scopes(house: House) -> None:
    """A client that is registered for some scopes gets the claims of no other, however it asks (IN-8)."""
    add_client(house.provider, "other", scope="openid email", require_approval=False)
    claims = {"userinfo": {"email": None, "name": None}, "id_token": {"email": None, "name": None}}
    tokens = house.tokens("other", scope="openid", claims=json.dumps(claims))
    assert house.userinfo(tokens["access_token"]).get_json().keys() == {"sub", "email"}
    told = claims_of(tokens["id_token"])
    assert "email" in told
    assert "name" not in told


def test_a_claim_belongs_to_a_scope() -> None:
    """So that consent to a claim can be asked in the words of its scope."""
    assert scopes_of_claims({"email", "nickname", "shoe_size"}) == {"email", "profile"}


def test_acr_is_that_of_the_family(house: House) -> None:
    """Told where the authorization endpoint found one, also after a refresh; never empty (§2)."""
    tokens = house.tokens(acr="urn:example:password")
    assert claims_of(tokens["id_token"])["acr"] == "urn:example:password"
    assert claims_of(house.refresh(tokens["refresh_token"]).get_json()["id_token"])["acr"] == "urn:example:password"
    assert "acr" not in claims_of(house.tokens()["id_token"])
