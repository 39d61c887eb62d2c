"""Userinfo: the claims of the scopes, the token from one place, and a well-formed challenge for everything else."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import jwt as pyjwt
import pytest
from werkzeug.test import TestResponse

from idp.protocol.id_token_hint import read_hint
from idp.store import closings
from tests.support.tokens import FORM, ISSUER, NOW, House, add_client

CHALLENGE = re.compile(
    r'Bearer [a-z_]+="[\x20-\x21\x23-\x5b\x5d-\x7e]*"(?:, [a-z_]+="[\x20-\x21\x23-\x5b\x5d-\x7e]*")*'
)


def test_the_claims_of_the_scopes(house: House) -> None:
    """Exactly those that were asked for (OpenID Connect Core §5.4, IN-8)."""
    told = house.userinfo(house.tokens()["access_token"]).get_json()
    assert told == {
        "sub": house.anna.account_id,
        "name": "Anna Approved",
        "given_name": "Anna",
        "family_name": "Approved",
        "preferred_username": "anna",
        "locale": "en",
        "updated_at": house.anna.updated_at,
        "email": "anna@lab.example",
        "email_verified": True,
        "approval_status": "approved",
        "approval_updated_at": house.anna.approval_updated_at,
        "session_expiry": house.session.expires_at,
        "session_kept": True,
    }
    assert house.userinfo(house.tokens(scope="openid")["access_token"]).get_json() == {"sub": house.anna.account_id}


def test_the_token_may_come_in_the_body(house: House) -> None:
    """GET and POST with the header, POST with the body (RFC 6750 §2)."""
    token, http = house.tokens()["access_token"], house.app.test_client()
    header = {"Authorization": f"bearer {token}"}
    answers = [
        http.get("/oauth/userinfo", headers=header),
        http.post("/oauth/userinfo", headers=header),
        http.post("/oauth/userinfo", data={"access_token": token}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.mark.parametrize(
    ("header", "query", "body", "status", "error"),
    [
        ("Bearer TOKEN", "", "access_token=TOKEN", 400, "invalid_request"),
        (None, "", "access_token=TOKEN&access_token=TOKEN", 400, "invalid_request"),
        (None, "", "access_token=%ff%fe", 400, "invalid_request"),
        (None, "", "access_token=" + "x" * 5000, 400, "invalid_request"),
        (None, "", "access_token=a%0Ab", 400, "invalid_request"),
        (None, "access_token=TOKEN", "", 400, "invalid_request"),
        ("Bearer TOKEN", "access_token=TOKEN", "", 400, "invalid_request"),
        (None, "access_token=%ff", "", 400, "invalid_request"),
        ("Bearer", "", "", 401, "invalid_token"),
        ("Bearer ", "", "", 401, "invalid_token"),
        ("Bearer TOKENx", "", "", 401, "invalid_token"),
        ("Bearer TOKEN TOKEN", "", "", 401, "invalid_token"),
        ("Bearer t\u00f6ken", "", "", 401, "invalid_token"),
        ("Bearer " + "x" * 5000, "", "", 401, "invalid_token"),
        ("Basic c2l0ZTpz", "", "", 401, "invalid_token"),
        ("", "", "", 401, "invalid_token"),
        ("Bearer REFRESH", "", "", 401, "invalid_token"),
        ("Bearer IDTOKEN", "", "", 401, "invalid_token"),
    ],
)
def test_what_is_refused(
    still_house: House, header: str | None, query: str, body: str, status: int, error: str
) -> None:
    """One place, one token, one of ours; never the address (IN-7)."""
    tokens = still_house.tokens()
    values = {"TOKEN": tokens["access_token"], "REFRESH": tokens["refresh_token"], "IDTOKEN": tokens["id_token"]}

    def fill(text: str) -> str:
        for name in ("IDTOKEN", "REFRESH", "TOKEN"):
            text = text.replace(name, values[name])
        return text

    headers = {} if header is None else {"Authorization": fill(header)}
    answer = still_house.app.test_client().post(
        f"/oauth/userinfo?{fill(query)}", data=fill(body), headers={**headers, "Content-Type": FORM}
    )
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)
    assert f'error="{error}"' in answer.headers["WWW-Authenticate"]
    check_challenge(answer)


def check_challenge(answer: TestResponse) -> None:
    """One challenge of the scheme, each of its attributes once, of allowed characters (RFC 6750 §3)."""
    (challenge,) = answer.headers.getlist("WWW-Authenticate")
    assert CHALLENGE.fullmatch(challenge), challenge
    names = re.findall(r'([a-z_]+)="', challenge)
    assert len(names) == len(set(names))
    assert {"realm"} <= set(names) <= {"realm", "scope", "error", "error_description"}


def test_without_a_token_the_challenge_names_no_error(still_house: House) -> None:
    """Nothing was sent, so nothing was wrong with it (RFC 6750 §3.1)."""
    for body, kind in (
        ("", ""),
        ("", FORM),
        (urlencode({"access_token": "x"}), "text/plain"),
        ("{}", "application/json"),
    ):
        answer = still_house.app.test_client().post("/oauth/userinfo", data=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="idp"')
        check_challenge(answer)


def test_a_body_counts_only_where_it_may(house: House) -> None:
    """One urlencoded part of a POST (RFC 6750 §2.2)."""
    token, http = house.tokens()["access_token"], house.app.test_client()
    body = urlencode({"access_token": token})
    answers = [
        http.get("/oauth/userinfo", data=body, content_type=FORM),
        http.post("/oauth/userinfo", data={"access_token": token}, content_type="multipart/form-data"),
        http.post("/oauth/userinfo", data=body, content_type="text/plain"),
        http.post("/oauth/userinfo", json={"access_token": token}),
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert http.post("/oauth/userinfo", data=body, content_type=f"{FORM}; charset=utf-8").status_code == 200


def test_other_methods_are_told(still_house: House) -> None:
    """In JSON."""
    answer = still_house.app.test_client().put("/oauth/userinfo")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_the_scope_must_be_openid(house: House) -> None:
    """403 with the scope that is missing (RFC 6750 §3.1)."""
    body = house.tokens()
    token = house.refresh(body["refresh_token"], scope="email").get_json()["access_token"]
    answer = house.userinfo(token)
    assert (answer.status_code, answer.get_json()["error"]) == (403, "insufficient_scope")
    assert 'scope="openid"' in answer.headers["WWW-Authenticate"]
    check_challenge(answer)


def test_the_status_is_live(house: House) -> None:
    """The same value as in introspection, from the one row; ended where the site requires approval."""
    site, portal = house.tokens()["access_token"], house.tokens("portal")["access_token"]
    house.set_approval("suspended")
    assert house.userinfo(site).status_code == 401
    assert house.userinfo(portal).get_json()["approval_status"] == "suspended"


def test_a_closed_account_has_no_claims(house: House) -> None:
    """At once."""
    token = house.tokens("portal")["access_token"]
    with house.provider.database.transaction() as tx:
        closings.close(tx, house.anna.account_id, by_kind="staff", erase_at=NOW + 86400, now=NOW)
    assert house.userinfo(token).status_code == 401


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA"])
def test_a_signed_answer(house: House, alg: str) -> None:
    """For a client that registered it: the same claims with issuer and audience, and no nonce (§5.3.2)."""
    plain = house.userinfo(house.tokens("portal")["access_token"]).get_json()
    add_client(house.provider, "portal", require_approval=False, userinfo_signed_response_alg=alg)
    answer = house.userinfo(house.tokens("portal")["access_token"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jwt")
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.get_data(as_text=True)
    header = pyjwt.get_unverified_header(text)
    keys = house.app.test_client().get("/oauth/jwks").get_json()["keys"]
    (key,) = [key for key in keys if key["kid"] == header["kid"]]
    claims = pyjwt.decode(text, pyjwt.PyJWK(key).key, algorithms=[alg], audience="portal", issuer=ISSUER)
    assert claims == {**plain, "iss": ISSUER, "aud": "portal"}


def test_a_signed_answer_is_no_sign_in(house: House) -> None:
    """It is signed like an ID token, but never taken for one as a hint (RFC 8725 §2.8)."""
    add_client(house.provider, "portal", require_approval=False, userinfo_signed_response_alg="RS256")
    tokens = house.tokens("portal")
    told = house.userinfo(tokens["access_token"]).get_data(as_text=True)
    assert read_hint(told, house.provider.keyring, issuer=ISSUER) is None
    assert read_hint(tokens["id_token"], house.provider.keyring, issuer=ISSUER) is not None


def test_errors_stay_json(house: House) -> None:
    """Whatever the client registered (RFC 6750 §3)."""
    add_client(house.provider, "portal", require_approval=False, userinfo_signed_response_alg="RS256")
    answer = house.userinfo(house.tokens("portal", scope="email")["access_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (403, "insufficient_scope")
