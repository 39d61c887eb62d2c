"""The authorization request, check by check: what each refuses, with which code, and whether the client may be told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from idp.errors import ProtocolError
from idp.protocol.authorization_request import (
    AuthorizationRequest,
    allowed_scope,
    check_client,
    check_redirect_uri,
    check_request,
    find_acr_wish,
    is_pkce_exempt,
    known_scope,
    parse_authorization_request,
)
from idp.protocol.claims_request import MOST_CLAIMS, parse_claims_request
from idp.protocol.json_object import DEEPEST
from idp.protocol.parameters import Parameters
from idp.store.clients import RegisteredClient
from tests.protocol.test_client_keys import client

CALLBACK = "https://site.example/cb"
SITE = replace(
    client(),
    redirect_uris=frozenset({CALLBACK}),
    grant_types=frozenset({"authorization_code", "implicit", "refresh_token"}),
    response_types=frozenset({"code", "id_token", "code id_token", "id_token token"}),
    resources=("https://api.example/",),
)
USUAL = {
    "response_type": "code",
    "client_id": "site",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "state": "st",
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}


def parsed(faults: dict[str, str] | None = None, **changes: str | None) -> AuthorizationRequest:
    """The usual request, changed: None takes a parameter away."""
    values = {name: value for name, value in {**USUAL, **changes}.items() if value is not None}
    return parse_authorization_request(Parameters(values, faults or {}))


def refusal(request: AuthorizationRequest, site: RegisteredClient = SITE) -> ProtocolError:
    """What the checks say first."""
    with pytest.raises(ProtocolError) as caught:
        check_request(request, site)
    return caught.value


def test_the_usual_request_passes() -> None:
    """What the others change is all that is wrong with them."""
    check_request(parsed(), SITE)


@pytest.mark.parametrize("missing", ["client_id", "redirect_uri"])
def test_without_client_or_redirect_uri_nothing_travels(missing: str) -> None:
    """There is nobody to tell (RD-4)."""
    with pytest.raises(ProtocolError) as caught:
        parsed(**{missing: None})
    assert not caught.value.may_redirect
    assert missing in caught.value.description


@pytest.mark.parametrize(("known", "words"), [(None, "not known"), (replace(SITE, disabled=True), "disabled")])
def test_a_client_that_is_unknown_or_switched_off_stays_here(known: RegisteredClient | None, words: str) -> None:
    """Its redirect URI is nobody's (RD-4)."""
    with pytest.raises(ProtocolError) as caught:
        check_client(known)
    assert not caught.value.may_redirect
    assert words in caught.value.description


@pytest.mark.parametrize(
    ("registered", "asked", "fits"),
    [
        (CALLBACK, CALLBACK, True),
        (CALLBACK, CALLBACK + "/", False),
        (CALLBACK, CALLBACK + "?a=1", False),
        (CALLBACK, "https://site.example:443/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb", True),
        ("http://[::1]:80/cb", "http://[::1]:5123/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5123/other", False),
        ("http://127.0.0.1/cb", "http://[::1]:5123/cb", False),
        ("http://127.0.0.1/cb", "http://localhost:5123/cb", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:5123/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5123@evil.example/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:512345/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb#x", False),
        (CALLBACK, "http://127.0.0.1:5123/cb", False),
    ],
)
def test_a_redirect_uri_is_the_registered_one(registered: str, asked: str, fits: bool) -> None:
    """Character by character; on a loopback address the port is the client's choice (RD-1, RD-2, RD-3)."""
    site = replace(SITE, redirect_uris=frozenset({registered}))
    if fits:
        check_redirect_uri(parsed(redirect_uri=asked), site)
        return
    with pytest.raises(ProtocolError) as caught:
        check_redirect_uri(parsed(redirect_uri=asked), site)
    assert not caught.value.may_redirect
    assert "not registered" in caught.value.description


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"max_age": "-1"}, "invalid_request", "max_age"),
        ({"max_age": "1.5"}, "invalid_request", "max_age"),
        ({"max_age": "1234567890"}, "invalid_request", "max_age"),
        ({"max_age": "\u0661"}, "invalid_request", "max_age"),
        ({"claims": "[]"}, "invalid_request", "claims"),
        ({"login_hint": "a" * 256}, "invalid_request", "login_hint"),
        ({"request": "x"}, "request_not_supported", "request"),
        ({"request_uri": "https://site.example/r"}, "request_uri_not_supported", "request_uri"),
        ({"registration": "{}"}, "registration_not_supported", "registration"),
        ({"response_type": None}, "invalid_request", "response_type is missing"),
        ({"response_type": "none"}, "unsupported_response_type", "response_type"),
        ({"response_type": "code code"}, "unsupported_response_type", "response_type"),
        ({"response_type": "token"}, "un", "response_type"),
        ({"response_type": "code token"}, "unauthorized_client", "response_type"),
        ({"response_mode": "web_message"}, "invalid_request", "response_mode"),
        ({"response_type": "id_token", "nonce": "n", "response_mode": "query"}, "invalid_request", "response_mode"),
        ({"scope": None}, "invalid_scope", "no requested scope"),
        ({"scope": "admin"}, "invalid_scope", "no requested scope"),
        ({"scope": "staff.write"}, "invalid_scope", "no requested scope"),
        ({"response_type": "id_token", "nonce": "n", "scope": "email"}, "invalid_scope", "openid"),
        ({"response_type": "id_token"}, "invalid_request", "nonce"),
        ({"response_type": "code id_token"}, "invalid_request", "nonce"),
        ({"code_challenge": None}, "invalid_request", "code_challenge is missing"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request", "code_challenge is missing"),
        ({"code_challenge_method": None}, "invalid_request", "must be S256"),
        ({"code_challenge_method": "plain"}, "invalid_request", "must be S256"),
        ({"code_challenge": "c" * 42}, "invalid_request", "43 base64url"),
        ({"code_challenge": "c" * 44}, "invalid_request", "43 base64url"),
        ({"code_challenge": "c" * 42 + "+"}, "invalid_request", "43 base64url"),
        ({"prompt": "create"}, "invalid_request", "unknown value"),
        ({"prompt": "none login"}, "invalid_request", "stands alone"),
        ({"resource": "https://other.example/"}, "invalid_target", ""),
        (
            {"claims": '{"id_token":{"acr":{"essential":true,"value":"urn:gold"}}}'},
            "unmet_authentication_requirements",
            "acr",
        ),
    ],
)
def test_the_client_is_told_the_first_fault(changes: dict[str, str | None], error: str, words: str) -> None:
    """By redirect: client and redirect URI hold (RD-7 to RD-11, CO-5)."""
    found = refusal(parsed(**changes))
    assert found.error.startswith(error)
    assert found.may_redirect
    assert words in found.description


@pytest.mark.parametrize(
    ("faults", "named"),
    [
        ({"nonce": "sent more than once", "scope": "not UTF-8"}, "scope"),
        ({"state": "has control characters"}, "state"),
        ({"unknown": "too long"}, "a parameter"),
    ],
)
def test_unsound_parameters_are_named(faults: dict[str, str], named: str) -> None:
    """The first in the order of the standard's list; one that we do not know only where it is too long (RD-7, RD-8)."""
    assert refusal(parsed(faults)).description.startswith(f"{named} is")
    check_request(parsed({"unknown": "sent more than once"}), SITE)


def test_a_request_object_that_was_unsound_is_not_taken_for_absent() -> None:
    """Sent twice it is a fault all the same (RD-7)."""
    request = parsed({"request": "sent more than once"})
    assert request.unsupported == {"request"}
    assert refusal(request).error == "invalid_request"


def test_pkce_can_be_left_out_only_where_the_operator_says_so_and_wholly() -> None:
    """A public client never can; who names a method meant to send a challenge (CO-5)."""
    exempt = replace(SITE, pkce_exempt=True)
    check_request(parsed(code_challenge=None, code_challenge_method=None), exempt)
    assert "missing" in refusal(parsed(code_challenge=None), exempt).description
    public = replace(exempt, token_endpoint_auth_method="none")
    assert not is_pkce_exempt(public)
    assert "missing" in refusal(parsed(code_challenge=None, code_challenge_method=None), public).description


def test_without_a_code_there_is_no_challenge() -> None:
    """And no refresh token, so that offline_access is left out (OpenID Connect Core §11)."""
    request = parsed(
        response_type="id_token",
        nonce="n",
        code_challenge=None,
        code_challenge_method=None,
        scope="openid offline_access",
    )
    check_request(request, SITE)
    assert allowed_scope(request, SITE) == {"openid"}


@pytest.mark.parametrize(
    ("registered", "known"),
    [
        (frozenset[str](), {"email", "offline_access"}),
        (frozenset({"openid", "email"}), {"email"}),
        (frozenset({"openid", "staff.read"}), {"staff.read"}),
    ],
)
def test_scopes_are_those_of_the_registration(registered: frozenset[str], known: set[str]) -> None:
    """Without one all of them; those of staff only where they are registered by name."""
    scope = frozenset({"email", "offline_access", "staff.read", "staff.write", "files"})
    site = replace(SITE, scopes=registered)
    assert allowed_scope(parsed(scope=" ".join(scope)), site) == known
    assert ("staff.write" in known_scope(site)) is False


@pytest.mark.parametrize(
    ("changes", "details", "values", "essential"),
    [
        ({}, {}, [], False),
        ({"acr_values": "a b"}, {"default_acr_values": ["c"]}, ["a", "b"], False),
        ({}, {"default_acr_values": ["c"]}, ["c"], False),
        ({"acr_values": "a", "claims": '{"id_token":{"acr":{"values":["x"],"value":"y"}}}'}, {}, ["x", "y"], False),
        ({"claims": '{"id_token":{"acr":{"essential":true}}}'}, {}, [], True),
        ({"acr_values": "a", "claims": '{"userinfo":{"acr":{"value":"y"}}}'}, {}, ["a"], False),
    ],
)
def test_which_acr_is_wished(
    changes: dict[str, str], details: dict[str, Any], values: list[str], essential: bool
) -> None:
    """The claims parameter goes before `acr_values`, that before the registration (§3.1.2.1, §5.5.1.1)."""
    wish = find_acr_wish(parsed(**changes), replace(SITE, details=details))
    assert (list(wish.values), wish.is_essential) == (values, essential)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "[]",
        '{"userinfo": []}',
        '{"id_token": {"name": 1}}',
        '{"id_token": {"name": {"essential": "yes"}}}',
        '{"id_token": {"name": {"values": "x"}}}',
        '{"id_token": {"name": {"value": NaN}}}',
        '{"id_token": {"name": null}, "id_token": {"email": null}}',
        json.dumps({"userinfo": dict.fromkeys(f"c{n}" for n in range(MOST_CLAIMS + 1))}),
        '{"userinfo": {"name": {"value": ' + "[" * DEEPEST + "]" * DEEPEST + "}}}",
        '{"userinfo": {"name": {"value": ' + "[" * 1500 + "]" * 1500 + "}}}",
    ],
)
def test_a_claims_parameter_that_is_unsound_is_refused(text: str) -> None:
    """Also what is nested so deeply that writing it down again would fail (IV-6, OpenID Connect Core §5.5)."""
    with pytest.raises(ValueError, match=r".+"):
        parse_claims_request(text)


def test_of_the_claims_parameter_only_what_we_know_is_kept() -> None:
    """What is unknown is passed over (§5.5); places without claims are as if they had not been sent."""
    text = (
        '{"other": 1, "userinfo": {}, "id_token": {"sub": {"value": "a", "values": ["b", 1], "x": 1}, "email": null}}'
    )
    request = parse_claims_request(text)
    assert request.dump() == '{"id_token":{"email":null,"sub":{"value":"a","values":["b",1]}}}'
    assert request.find_subjects() == {"a", "b"}
    assert (request.has("id_token", "email"), request.has("userinfo", "email")) == (True, False)
    assert request.wish("id_token", "email") == {}
    nothing = parse_claims_request(None)
    assert (nothing.dump(), nothing.find_subjects()) == (None, None)
