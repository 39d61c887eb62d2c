"""Sites at the desk: registered by form or metadata, connected, given a new secret, switched off and on."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from idp.protocol.client_authentication import has_valid_secret
from tests.support.lobby import Browser, Lobby
from tests.web.staff.test_desk import sit_down, token_in

NEW = "/staff/sites/new"
FIELDS = {
    "client_name": "Spare parts",
    "redirect_uris": "https://parts.example/callback\r\nhttps://parts.example/other",
    "post_logout_redirect_uris": "",
    "backchannel_logout_uri": "",
    "initiate_login_uri": "",
    "metadata": "",
}


@pytest.fixture
def admin(lobby: Lobby) -> Browser:
    """An administrator at a browser."""
    return sit_down(lobby, "administrator")[0]


def add(browser: Browser, **changes: str) -> Any:
    """Send the form of a new site."""
    return browser.post(NEW, {"csrf_token": token_in(browser.get(NEW)), **FIELDS, **changes})


def press(browser: Browser, path: str, **values: str) -> Any:
    """Press a button of a site's page."""
    page = browser.get(path.rpartition("/")[0])
    return browser.post(path, {"csrf_token": token_in(page), **values})


def secret_in(page: Any) -> str:
    """The secret that is shown this once."""
    return str(re.search(r'id="site-secret">([^<]+)<', page.text)[1])  # type: ignore[index]


def test_a_site_is_registered_by_form_and_its_secret_works(lobby: Lobby, admin: Browser) -> None:
    """The page says what any library needs; the secret is shown once."""
    page = add(admin, require_approval="y")
    assert page.status_code == 200
    client_id = lobby.rows("SELECT client_id FROM clients WHERE details LIKE '%Spare parts%'")[0]["client_id"]
    client = lobby.provider.clients.find(client_id)
    assert client is not None
    assert client.redirect_uris == {"https://parts.example/callback", "https://parts.example/other"}
    assert (client.require_approval, client.first_party) == (True, False)
    assert has_valid_secret(client, (secret_in(page),), lobby.now)
    opened = admin.get(f"/staff/sites/{client_id}").text
    assert "site-secret" not in opened
    assert f"client_id       {client_id}" in opened
    assert "approved customers only" in opened
    assert lobby.rows("SELECT 1 FROM audit_events WHERE act = 'client_registered' AND actor_kind = 'staff'")


def test_a_site_is_registered_from_pasted_metadata(lobby: Lobby, admin: Browser) -> None:
    """It counts instead of the fields."""
    metadata = {
        "client_name": "Pasted",
        "redirect_uris": ["https://pasted.example/cb"],
        "token_endpoint_auth_method": "none",
    }
    page = add(admin, metadata=json.dumps(metadata))
    assert page.status_code == 200
    assert "site-secret" not in page.text
    assert "Pasted" in admin.get("/staff/sites?q=pasted.example").text
    assert "No site fits." in admin.get("/staff/sites?q=spare").text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"redirect_uris": ""}, "redirect_uris"),
        ({"redirect_uris": "http://parts.example/callback"}, "redirect_uris"),
        ({"redirect_uris": "https://parts.example/#x"}, "redirect_uris"),
        ({"backchannel_logout_uri": "ftp://parts.example"}, "backchannel_logout_uri"),
        ({"metadata": "{"}, "no JSON object"),
        ({"metadata": '{"redirect_uris": ["https://a.example/"], "redirect_uris": []}'}, "no JSON object"),
        ({"metadata": '{"client_name": "x"}'}, "redirect_uris"),
    ],
)
def test_what_cannot_be_registered_is_told_and_kept(
    lobby: Lobby, admin: Browser, changes: dict[str, str], sentence: str
) -> None:
    """422, nothing written."""
    before = len(lobby.rows("SELECT 1 FROM clients"))
    answer = add(admin, **changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Spare parts" in answer.text
    assert len(lobby.rows("SELECT 1 FROM clients")) == before


def test_a_new_secret_works_beside_the_old_one_for_a_day(lobby: Lobby, admin: Browser) -> None:
    """So that a site changes over without a break."""
    old = secret_in(add(admin))
    client_id = lobby.rows("SELECT client_id FROM clients WHERE details LIKE '%Spare parts%'")[0]["client_id"]
    new = secret_in(press(admin, f"/staff/sites/{client_id}/secret"))
    client = lobby.provider.clients.find(client_id)
    assert has_valid_secret(client, (old,), lobby.now + 86399)
    assert not has_valid_secret(client, (old,), lobby.now + 86401)
    assert has_valid_secret(client, (new,), lobby.now + 10**8)


def test_a_site_is_switched_off_and_on(lobby: Lobby, admin: Browser) -> None:
    """The page says beforehand what ends; pressing twice changes nothing."""
    lobby.run(
        "INSERT INTO token_families (family_id, account_id, client_id, scope, auth_time, amr, offline, kept, created_at,"
        " expires_at) SELECT 'f', account_id, 'site', 'openid', 1, 'pwd', :no, :no, 1, :until FROM accounts",
        no=False,
        until=lobby.now + 1000,
    )
    assert "and 1 sign-in at it ends at once" in admin.get("/staff/sites/site").text
    done = press(admin, "/staff/sites/site/switch", act="off")
    assert "The site is switched off." in admin.get(done.headers["Location"]).text
    assert not lobby.rows("SELECT 1 FROM token_families WHERE revoked_at IS NULL")
    press(admin, "/staff/sites/site/switch", act="off")
    assert len(lobby.rows("SELECT 1 FROM audit_events WHERE act = 'client_disabled' AND actor_kind = 'staff'")) == 1
    press(admin, "/staff/sites/site/switch", act="on")
    client = lobby.provider.clients.find("site")
    assert client is not None
    assert not client.disabled


@pytest.mark.parametrize("role", ["customer_care", "approver"])
def test_others_read_and_change_nothing(lobby: Lobby, role: str) -> None:
    """No buttons, and no way round them."""
    browser, _staff = sit_down(lobby, role)
    page = browser.get("/staff/sites/site")
    assert "site-off" not in page.text
    token = token_in(browser.get("/staff/sites/site")) if "csrf_token" in page.text else ""
    assert browser.post("/staff/sites/site/switch", {"csrf_token": token, "act": "off"}).status_code in (400, 403)
    assert browser.get(NEW).status_code == 403


@pytest.mark.parametrize("path", ["/staff/sites/nobody", "/staff/sites/..%2f"])
def test_a_site_that_is_not_there_is_told(admin: Browser, path: str) -> None:
    """404."""
    assert admin.get(path).status_code == 404


def test_ready_made_configuration_has_this_sites_values(lobby: Lobby, admin: Browser) -> None:
    """On the page and as a file; the secret is never in it."""
    assert "/staff/sites/site/connect/oauth2-proxy" in admin.get("/staff/sites/site").text
    page = admin.get("/staff/sites/site/connect/oauth2-proxy")
    assert "client_id = &#34;site&#34;" in page.text
    assert "https://site.example/oauth2/callback" in page.text
    assert "This does not fit the registration" in page.text
    assert "${CLIENT_SECRET}" in page.text
    saved = admin.get("/staff/sites/site/connect/oauth2-proxy/oauth2-proxy.cfg")
    assert saved.headers["Content-Disposition"] == 'attachment; filename="oauth2-proxy.cfg"'
    assert 'client_id = "site"' in saved.text


@pytest.mark.parametrize(
    "path",
    ["site/connect/nothing", "nobody/connect/authlib", "site/connect/authlib/sites.toml", "site/connect/authlib/../x"],
)
def test_configuration_that_is_not_there_is_not_found(lobby: Lobby, admin: Browser, path: str) -> None:
    """404 for a library, a site or a file."""
    assert admin.get(f"/staff/sites/{path}").status_code == 404
