"""What scripts of other origins may read, and what not (WB-5)."""

from __future__ import annotations

from typing import Any

import pytest

from idp.store import clients
from tests.support.tokens import NOW, House, add_client

SITE = "https://site.example"
PUBLIC = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth/jwks"]
REGISTERED = ["/oauth/token", "/oauth/userinfo", "/oauth/revoke"]
ALLOW = "Access-Control-Allow-Origin"


def preflight(house: House, path: str, origin: str) -> Any:
    """What a browser asks before it sends a script's request."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return house.app.test_client().options(path, headers=headers)


@pytest.mark.parametrize("path", PUBLIC)
def test_public_documents_are_for_all(still_house: House, path: str) -> None:
    """Whoever asks, and without a word on cookies (WB-5)."""
    for origin in ("https://anywhere.example", "null"):
        answer = still_house.app.test_client().get(path, headers={"Origin": origin})
        assert (answer.status_code, answer.headers[ALLOW]) == (200, "*")
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert preflight(still_house, path, origin).status_code == 204


@pytest.mark.parametrize("path", REGISTERED)
def test_endpoints_are_for_the_origins_of_clients(still_house: House, path: str) -> None:
    """Answers and errors alike, each for the one origin that asked (WB-5)."""
    asked = preflight(still_house, path, SITE)
    assert (asked.status_code, asked.headers[ALLOW], asked.headers["Vary"]) == (204, SITE, "Origin")
    assert asked.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    answer = still_house.app.test_client().post(path, headers={"Origin": SITE})
    assert (answer.headers[ALLOW], answer.headers["Vary"]) == (SITE, "Origin")
    assert answer.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", REGISTERED)
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://site.example",
        "https://site.example:8443",
        "https://SITE.example",
        SITE + "/",
        "",
    ],
)
def test_other_origins_read_nothing(still_house: House, path: str, origin: str) -> None:
    """Compared as browsers write them; `null` is nobody (WB-5)."""
    assert ALLOW not in preflight(still_house, path, origin).headers
    answer = still_house.app.test_client().post(path, headers={"Origin": origin})
    assert ALLOW not in answer.headers
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/introspect", "/oauth/logout", "/sign-in", "/"])
def test_pages_and_services_are_for_no_script(still_house: House, path: str) -> None:
    """Never for the authorization endpoint and forms; services that introspect are no browsers (WB-5)."""
    http = still_house.app.test_client()
    for answer in (http.get(path, headers={"Origin": SITE}), preflight(still_house, path, SITE)):
        assert ALLOW not in answer.headers


def test_a_script_reads_userinfo(house: House) -> None:
    """As a client in the browser does (OpenID Connect Core §5.3)."""
    headers = {"Authorization": f"Bearer {house.tokens()['access_token']}", "Origin": SITE}
    answer = house.app.test_client().get("/oauth/userinfo", headers=headers)
    assert (answer.status_code, answer.headers[ALLOW]) == (200, SITE)


def test_origins_follow_the_clients(house: House) -> None:
    """A new client's origin counts, a disabled one's does not; an app's own scheme is no origin (WB-5)."""
    uris = ["https://new.example:8443/a", "http://127.0.0.1:8001/cb", "com.example.app:/cb"]
    add_client(house.provider, "new", redirect_uris=uris)
    for origin in ("https://new.example:8443", "http://127.0.0.1:8001"):
        assert preflight(house, "/oauth/token", origin).status_code == 204
    assert ALLOW not in preflight(house, "/oauth/token", "com.example.app://").headers
    with house.provider.database.transaction() as tx:
        clients.set_client_disabled(tx, "new", True, NOW)
    assert ALLOW not in preflight(house, "/oauth/token", "https://new.example:8443").headers
