"""The authorization code flow by hand, for tests that count answers: no client library between test and provider."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

from tests.support.visitor import Visitor


@dataclass(frozen=True)
class TestClient:
    """A registered client as its own developers know it."""

    __test__ = False

    client_id: str
    secret: str
    redirect_uri: str
    scope: str = "openid profile email approval session"


@dataclass(frozen=True)
class Code:
    """A code with what redeems it."""

    code: str
    verifier: str


def sign_in(visitor: Visitor, username: str, password: str, *, keep: bool = False) -> None:
    """Sign in at the provider's own page."""
    visitor.get("/sign-in")
    values = {"username": username, "password": password, **({"keep": "y"} if keep else {})}
    page = visitor.submit("login-submit", **values)
    assert "login-submit" not in page.ids, page.text[:800]


def authorize(visitor: Visitor, client: TestClient, **extra: str) -> Code:
    """Get a code for a visitor who is signed in and asked nothing."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": client.scope,
        "state": secrets.token_urlsafe(16),
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **extra,
    }
    address = f"{visitor.base}/oauth/authorize?{urlencode(query)}"
    for _ in range(5):
        answer = visitor.session.get(address, allow_redirects=False, timeout=20)
        assert answer.status_code in (302, 303), (answer.status_code, answer.text[:500])
        address = answer.headers["Location"]
        if address.startswith(client.redirect_uri):
            break
        address = urljoin(visitor.base, address)
    parameters = parse_qs(urlsplit(address).query)
    assert parameters.get("state") == [query["state"]], address
    return Code(parameters["code"][0], verifier)


def redeem(endpoint: str, client: TestClient, code: Code, **options: Any) -> requests.Response:
    """One request to the token endpoint with a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code.code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": code.verifier,
    }
    return requests.post(endpoint, data=form, auth=(client.client_id, client.secret), timeout=30, **options)


def refresh(endpoint: str, client: TestClient, token: str, **options: Any) -> requests.Response:
    """One request to the token endpoint with a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return requests.post(endpoint, data=form, auth=(client.client_id, client.secret), timeout=30, **options)


def introspect(base: str, client: TestClient, token: str, **options: Any) -> dict[str, Any]:
    """What the provider says about a token."""
    answer = requests.post(
        f"{base}/oauth/introspect", data={"token": token}, auth=(client.client_id, client.secret), timeout=30, **options
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
