"""Apache with mod_auth_openidc, from Debian, as docs/connect/mod_auth_openidc.md configures it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Shoot
from tests.support.connect import (
    Connection,
    application,
    connection,
    find_program,
    program,
    read_blocks,
    sign_in,
    wait_for,
)
from tests.support.smtp import SmtpServer

# What Debian's package brings in apache2.conf, ports.conf and by a2enmod.
AROUND = """
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
PidFile "{folder}/apache.pid"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ErrorLog "{folder}/error.log"
{modules}
<IfModule unixd_module>
    User www-data
    Group www-data
</IfModule>
<VirtualHost *:{port}>
    Include "{site}"
</VirtualHost>
"""
PAGE = "mod_auth_openidc.md"
MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http", "auth_openidc")


@contextmanager
def running(folder: Path, smtp_url: str, **changes: Mapping[str, str]) -> Iterator[Connection]:
    """Apache in front of an application, and the provider that it knows, for the block."""
    with connection(folder, smtp_url, PAGE, **changes) as made, application() as backend:
        config = folder / "apache.conf"
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED)
        site = made.write("site.conf", APPLICATION=backend, KEYS=str(folder))
        config.write_text(AROUND.format(folder=folder, port=made.port, modules=modules, site=site), encoding="utf-8")
        command = [find_program("apache2"), "-f", config, "-DFOREGROUND"]
        with program(command, url=made.site + "/goodbye", log=folder / "apache.log", cwd=folder):
            yield made


@pytest.fixture
def apache(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Connection]:
    """As the page says."""
    with running(tmp_path, smtp_server.url) as made:
        yield made


def test_apache_signs_a_customer_in_refreshes_and_signs_out(apache: Connection, page: Page, shoot: Shoot) -> None:
    """Claims in headers, a page for approved customers only, a new access token, sign-out at both."""
    page.goto(apache.site + "/downloads")
    expect(page.locator("body")).to_contain_text("Manuals")
    sign_in(page)
    expect(page).to_have_url(apache.site + "/downloads")
    seen = page.locator("#seen")
    expect(seen).to_contain_text("OIDC_CLAIM_email: approved@example.com")
    expect(seen).to_contain_text("OIDC_CLAIM_approval_status: approved")
    expect(seen).to_contain_text(f"OIDC_CLAIM_iss: {apache.issuer}")
    shoot(page, "signed-in")

    before = read_info(apache, page)
    assert before["userinfo"]["email"] == "approved@example.com"
    back = quote(apache.site + "/refreshed", safe="")
    page.goto(f"{apache.site}/signed-in?refresh={back}&access_token={before['access_token']}")
    expect(page).to_have_url(apache.site + "/refreshed")
    assert apache.count_refreshes() == 1
    after = read_info(apache, page)
    assert after["access_token"] != before["access_token"]
    assert after["access_token_expires"] >= before["access_token_expires"]
    assert after["userinfo"]["sub"] == before["userinfo"]["sub"]

    page.goto(f"{apache.site}/signed-in?logout={quote(apache.site + '/goodbye', safe='')}")
    expect(page).to_have_url(re.compile(re.escape(apache.site) + "/goodbye"))
    shoot(page, "signed-out")
    page.goto(apache.site + "/downloads")
    expect(page.locator("#login-submit")).to_be_visible()


def test_apache_lets_only_approved_customers_to_its_downloads(apache: Connection, page: Page, shoot: Shoot) -> None:
    """`Require claim approval_status:approved` keeps a waiting customer out, and lets them in elsewhere."""
    page.goto(apache.site + "/")
    sign_in(page, "willi")
    expect(page.locator("#seen")).to_contain_text("OIDC_CLAIM_approval_status: pending")
    answer = page.goto(apache.site + "/downloads")
    assert answer is not None
    assert answer.status == 401
    shoot(page, "not-approved")


def test_a_sign_out_at_the_provider_ends_the_session_at_apache(apache: Connection, page: Page, shoot: Shoot) -> None:
    """The provider's list of sites opens Apache's page (Core §4); the back channel ends its session."""
    page.goto(apache.issuer + "/sign-in")
    sign_in(page)
    page.get_by_role("link", name="Open Manuals").click()
    expect(page.locator("#seen")).to_contain_text("OIDC_CLAIM_email: approved@example.com")

    page.goto(apache.issuer + "/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("body")).to_contain_text("Manuals – signed out", timeout=15_000)
    shoot(page, "signed-out")

    def is_out() -> bool:
        page.goto(apache.site + "/")
        return page.locator("#login-submit").is_visible()

    wait_for(is_out, "the end of Apache's session")


SIGNED_REQUESTS = (
    """OIDCRequestObject '{ "crypto": { "sign_alg": "RS256" }, "request_object_type": "request", "copy_from_request": """
    """[ "response_type", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method" ] }'"""
)
"""All of it is signed: of a client that always signs, nothing beside the object counts (RFC 9101 §5)."""


@pytest.mark.parametrize("are_requests_signed", [False, True], ids=["client", "client and requests"])
def test_apache_signs_instead_of_sharing_a_secret(
    are_requests_signed: bool, tmp_path: Path, smtp_server: SmtpServer, page: Page
) -> None:
    """`private_key_jwt` and request objects; the provider fetches the key from the site (`jwks_uri`)."""
    blocks = read_blocks(PAGE)
    subprocess.run(blocks["keys.sh"].split(), cwd=tmp_path, check=True, capture_output=True)
    entry, conf = blocks["keys.toml"].strip(), blocks["keys.conf"].strip()
    if are_requests_signed:
        entry += '\nrequire_signed_request_object = true\nrequest_object_signing_alg = "RS256"'
        conf += f"\n{SIGNED_REQUESTS}"
    instead = {
        'client_secret = "${CLIENT_SECRET}"': entry,
        "OIDCClientSecret ${CLIENT_SECRET}": conf,
    }
    with running(tmp_path, smtp_server.url, instead=instead) as apache:
        check_sign_in_and_out(apache, page)


GRANTS = 'grant_types = ["authorization_code", "refresh_token"]'
IMPLICIT = 'grant_types = ["implicit"]'
HYBRID = 'grant_types = ["authorization_code", "implicit", "refresh_token"]'
PKCE = "OIDCPKCEMethod S256"
BACK_CHANNEL = (
    'backchannel_logout_uri = "${SITE}/signed-in?logout=backchannel"\nbackchannel_logout_session_required = true'
)
OTHER_WAYS = {
    "implicit": {
        GRANTS: f'{IMPLICIT}\nresponse_types = ["id_token token"]',
        PKCE: 'OIDCResponseType "id_token token"',
    },
    "hybrid, posted": {
        GRANTS: f'{HYBRID}\nresponse_types = ["code id_token token"]',
        PKCE: f'{PKCE}\nOIDCResponseType "code id_token token"\nOIDCResponseMode form_post',
    },
    "request posted, pairwise, secret that signs": {
        GRANTS: f'{GRANTS}\nsubject_type = "pairwise"\ntoken_endpoint_auth_method = "client_secret_jwt"',
        PKCE: f"{PKCE}\nOIDCProviderAuthRequestMethod POST\nOIDCProviderTokenEndpointAuth client_secret_jwt",
    },
}


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_apache_signs_in_in_other_ways(way: str, tmp_path: Path, smtp_server: SmtpServer, page: Page) -> None:
    """What the page does not advise, and clients that are older than it use."""
    with running(tmp_path, smtp_server.url, instead=OTHER_WAYS[way]) as apache:
        check_sign_in_and_out(apache, page)


def test_a_sign_out_at_the_provider_reaches_apache_in_a_frame(
    tmp_path: Path, smtp_server: SmtpServer, page: Page, shoot: Shoot
) -> None:
    """Front-Channel Logout 1.0 with `sid`, for sites that the provider cannot reach."""
    front = 'frontchannel_logout_uri = "${SITE}/signed-in?logout=get"\nfrontchannel_logout_session_required = true'
    with running(tmp_path, smtp_server.url, instead={BACK_CHANNEL: front}) as apache:
        page.goto(apache.site + "/")
        sign_in(page)
        expect(page.locator("#seen")).to_be_visible()
        page.goto(apache.issuer + "/")
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("#logged-out-title")).to_be_visible(timeout=30_000)
        shoot(page, "signed-out")
        page.goto(apache.site + "/")
        expect(page.locator("#login-submit")).to_be_visible()


def check_sign_in_and_out(apache: Connection, page: Page) -> None:
    """The short way round."""
    page.goto(apache.site + "/downloads")
    sign_in(page)
    expect(page).to_have_url(apache.site + "/downloads")
    expect(page.locator("#seen")).to_contain_text("OIDC_CLAIM_email: approved@example.com")
    page.goto(f"{apache.site}/signed-in?logout={quote(apache.site + '/goodbye', safe='')}")
    expect(page).to_have_url(re.compile(re.escape(apache.site) + "/goodbye"))
    page.goto(apache.site + "/downloads")
    expect(page.locator("#login-submit")).to_be_visible()


def read_info(apache: Connection, page: Page) -> Any:
    """What the module tells pages of its site about the session."""
    answer = page.request.get(apache.site + "/signed-in?info=json")
    assert answer.ok, answer.text()
    return answer.json()
