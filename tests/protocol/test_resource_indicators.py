"""Resource indicators: an access token is for the resource servers that were named, and never for more than was granted."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.tokens import CALLBACK, VERIFIER, House, add_client

ONE, TWO, THREE = "https://one.example/", "https://two.example/", "https://three.example/"


@pytest.fixture
def shop(house: House) -> House:
    """A site with three resource servers, two of which may introspect."""
    add_client(house.provider, "shop", resources=[ONE, TWO, THREE], require_approval=False)
    add_client(house.provider, "first", may_introspect=[ONE], grant_types=[])
    return house


def redeem(house: House, *resources: str, **family: Any) -> TestResponse:
    """A code at the token endpoint, with these `resource` parameters."""
    form = [
        ("grant_type", "authorization_code"),
        ("code", house.code("shop", **family)),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
    return house.post("/oauth/token", [*form, *(("resource", one) for one in resources)], "shop")


def audience(house: House, answer: TestResponse) -> list[str]:
    """Whom its access token is for."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    told = house.introspect(answer.get_json()["access_token"], "shop")["aud"]
    return [told] if isinstance(told, str) else told


def test_without_any_it_is_for_all(shop: House) -> None:
    """What the client is registered for (RFC 8707 §2.2: the server's default)."""
    assert audience(shop, redeem(shop)) == [ONE, TWO, THREE]


def test_named_at_the_token_endpoint(shop: House) -> None:
    """One or several (§2.2); the others refuse the token (IN-9)."""
    assert audience(shop, redeem(shop, TWO)) == [TWO]
    assert audience(shop, redeem(shop, TWO, ONE, TWO)) == [TWO, ONE]
    token = redeem(shop, TWO).get_json()["access_token"]
    assert shop.introspect(token, "first") == {"active": False}
    assert shop.introspect(redeem(shop, ONE).get_json()["access_token"], "first")["active"] is True


def test_named_when_access_was_granted(shop: House) -> None:
    """All of these, or some; a refresh may choose again (§2.2)."""
    granted = f"{ONE} {TWO}"
    answer = redeem(shop, resources=granted)
    assert audience(shop, answer) == [ONE, TWO]
    assert audience(shop, redeem(shop, TWO, resources=granted)) == [TWO]
    token = answer.get_json()["refresh_token"]
    narrow = shop.refresh(token, "shop", resource=TWO)
    assert audience(shop, narrow) == [TWO]
    assert audience(shop, shop.refresh(narrow.get_json()["refresh_token"], "shop")) == [ONE, TWO]


@pytest.mark.parametrize(
    ("granted", "asked"),
    [
        ("", ["https://elsewhere.example/"]),
        ("", [ONE, "https://elsewhere.example/"]),
        ("", [ONE + "#fragment"]),
        ("", ["one"]),
        ("", [ONE.rstrip("/")]),
        ("", ["HTTPS://ONE.example/"]),
        (f"{ONE} {TWO}", [THREE]),
        (ONE, [ONE, TWO]),
    ],
)
def test_what_is_not_granted_is_refused(shop: House, granted: str, asked: list[str]) -> None:
    """`invalid_target` (§2), with a code and with a refresh token, which stays good."""
    answer = redeem(shop, *asked, resources=granted)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_target")
    token = redeem(shop, resources=granted).get_json()["refresh_token"]
    form = [("grant_type", "refresh_token"), ("refresh_token", token), *(("resource", one) for one in asked)]
    answer = shop.post("/oauth/token", form, "shop")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_target")
    assert shop.refresh(token, "shop").status_code == 200
    assert shop.count("refresh_tokens", "rotated_at IS NOT NULL") == 1


def test_what_the_client_lost_is_lost(shop: House) -> None:
    """Each refresh looks at what the client may still ask for, as with scopes (RF-9)."""
    token = redeem(shop, resources=f"{ONE} {TWO}").get_json()["refresh_token"]
    add_client(shop.provider, "shop", resources=[TWO, THREE], require_approval=False)
    answer = shop.refresh(token, "shop")
    assert audience(shop, answer) == [TWO]
    add_client(shop.provider, "shop", resources=[THREE], require_approval=False)
    answer = shop.refresh(answer.get_json()["refresh_token"], "shop")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_target")


def test_a_client_that_acts_for_itself(shop: House) -> None:
    """The same rules (§2.2)."""
    add_client(shop.provider, "robot", resources=[ONE, TWO], redirect_uris=[], grant_types=["client_credentials"])
    form = {"grant_type": "client_credentials"}
    token = shop.post("/oauth/token", {**form, "resource": TWO}, "robot").get_json()["access_token"]
    assert shop.introspect(token, "robot")["aud"] == TWO
    answer = shop.post("/oauth/token", {**form, "resource": THREE}, "robot")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_target")


def test_an_unsound_one_is_an_unsound_parameter(shop: House) -> None:
    """Never a 500 (GO-1, IV-6)."""
    for body in (b"&resource=%ff", b"&resource=" + b"x" * 5000, b"&resource=a%0ab"):
        answer = shop.post("/oauth/token", b"grant_type=authorization_code&code=x&redirect_uri=x" + body, "shop")
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
