"""The token endpoint as a whole: what an answer holds, and that every unsound request is told so in the standard's JSON."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.support.tokens import CALLBACK, FORM, ISSUER, NOW, SCOPE, SECRET, VERIFIER, House, basic, claims_of

GOOD = {"grant_type": "authorization_code", "code": "c" * 43, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
DESCRIPTION = set(map(chr, (0x20, 0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))))


def test_a_code_gives_tokens(house: House) -> None:
    """Every member of the response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3), never to be stored."""
    answer = house.redeem(house.code())
    body = answer.get_json()
    assert answer.status_code == 200
    assert (answer.headers["Cache-Control"], answer.headers["Content-Type"]) == ("no-store", "application/json")
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert set(body["scope"].split()) == set(SCOPE.split())
    claims = claims_of(body["id_token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, "site", house.anna.account_id)
    assert (claims["nonce"], claims["auth_time"], claims["amr"], claims["exp"]) == ("n-1", NOW, ["pwd"], NOW + 3600)
    assert (claims["approval_status"], claims["session_expiry"], claims["session_kept"]) == (
        "approved",
        NOW + 43200,
        True,
    )


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (urlencode({**GOOD, "grant_type": ""}), "invalid_request"),
        (urlencode({**GOOD, "code": ""}), "invalid_request"),
        (urlencode({**GOOD, "redirect_uri": ""}), "invalid_request"),
        (urlencode({**GOOD, "grant_type": "password"}), "unsupported_grant_type"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        (urlencode(GOOD), "invalid_grant"),
        ("", "invalid_request"),
        ("&&&===", "invalid_request"),
        *((urlencode(GOOD) + f"&{name}={'x' * 5000}", "invalid_request") for name in (*GOOD, "scope", "unknown")),
        *((urlencode({**GOOD, name: "x" * 5000}), "invalid_request") for name in GOOD),
        *((urlencode(GOOD) + f"&{name}=x", "invalid_request") for name in GOOD),
        *((urlencode({**GOOD, name: "a\nb"}), "invalid_request") for name in GOOD),
        *((urlencode({**GOOD, name: "a\0b"}), "invalid_request") for name in GOOD),
        *((urlencode({**GOOD, name: b"\xff\xfe"}), "invalid_request") for name in GOOD),
        (urlencode({**GOOD, "code": 'ü"\\'}), "invalid_grant"),
        (urlencode({**GOOD, "grant_type": 'ü"\\'}), "unsupported_grant_type"),
        (urlencode({**GOOD, "redirect_uri": 'javascript:"ü\\'}), "invalid_grant"),
        ("a=b&" * 200, "invalid_request"),
        ("a" * 20000, "invalid_request"),
        ("grant_type=refresh_token&refresh_token=%zz&scope=%", "invalid_grant"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_unsound_requests_get_the_standards_error(still_house: House, body: str, error: str) -> None:
    """Missing, doubled, too long, not UTF-8, control characters: never a 500, never an echo (GO-1, GO-5, IV-6)."""
    answer = still_house.post("/oauth/token", body.encode())
    assert answer.status_code in (400, 413)
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.get_json()
    assert told["error"] == error
    assert set(told.get("error_description", "")) <= DESCRIPTION


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
@pytest.mark.parametrize(
    "content_type", ["", "application/json", "text/plain", "multipart/form-data; boundary=x", "\xff"]
)
def test_only_urlencoded_bodies(still_house: House, content_type: str, path: str) -> None:
    """The content type is part of the rule (CO-11)."""
    answer = still_house.app.test_client().post(
        path,
        data=urlencode({**GOOD, "token": "x"}),
        headers={"Content-Type": content_type, "Authorization": basic("site", SECRET)},
    )
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_nothing_is_taken_from_the_query(house: House) -> None:
    """Not even one parameter, and a code that came that way is not spent (CO-11)."""
    code = house.code()
    form = {**GOOD, "code": code}
    for name in (*form, "client_id", "unknown"):
        query = urlencode({name: form.get(name, "x")})
        rest = {key: value for key, value in form.items() if key != name}
        answer = house.post(f"/oauth/token?{query}", rest)
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert house.redeem(code).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
def test_other_methods_are_told(still_house: House, path: str, method: str) -> None:
    """405 with the method that works, in JSON (IN-5)."""
    answer = still_house.app.test_client().open(path, method=method, headers={"Authorization": basic("site", SECRET)})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.get_json()["error"] == "invalid_request"


def test_a_charset_in_the_content_type_is_fine(house: House) -> None:
    """Some clients add one."""
    body = urlencode({**GOOD, "code": house.code()})
    headers = {"Content-Type": FORM + "; charset=UTF-8", "Authorization": basic("site", SECRET)}
    assert house.app.test_client().post("/oauth/token", data=body, headers=headers).status_code == 200


def test_a_grant_type_must_be_registered(house: House) -> None:
    """`unauthorized_client` where the client is not registered for it (RFC 6749 §5.2)."""
    answer = house.redeem(house.code("service"), "service")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
