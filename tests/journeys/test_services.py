"""Services ask about tokens, and what they hear changes at once (IN-1, IN-2, IN-4); the status is one value everywhere."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from click.testing import CliRunner

from idp.cli import main
from tests.support.flow import TestClient, authorize, introspect, redeem, refresh, sign_in
from tests.support.world import PASSWORD, SECRETS, World


@pytest.fixture
def library(world: World) -> TestClient:
    """The library (`require_approval = true`)."""
    return TestClient("download-library", SECRETS["library"], world.library_url + "/account/sign-in/callback")


@pytest.fixture
def portal(world: World) -> TestClient:
    """The portal (`require_approval = false`)."""
    return TestClient("training-portal", SECRETS["portal"], world.portal_url + "/account/sign-in/callback")


SERVICE = TestClient("license-service", SECRETS["service"], "")


def tokens_of(world: World, client: TestClient, username: str) -> dict[str, Any]:
    """Tokens of a customer at a site."""
    visitor = world.visitor()
    sign_in(visitor, username, PASSWORD)
    answer = redeem(world.provider_url + "/oauth/token", client, authorize(visitor, client))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def operator(world: World, *words: str) -> None:
    """Something that an operator does at the command line."""
    result = CliRunner().invoke(main, ["--config", str(world.folder / "config.toml"), *words])
    assert result.exit_code == 0, result.output


def test_a_service_reads_a_token_that_is_meant_for_its_resource(world: World, library: TestClient) -> None:
    """active, sub, scope, client_id, aud, exp and the approval status (RFC 7662 §2.2)."""
    token = tokens_of(world, library, "anna")["access_token"]
    answer = introspect(world.provider_url, SERVICE, token)
    assert answer["active"] is True
    assert answer["client_id"] == "download-library"
    assert answer["approval_status"] == "approved"
    assert {"sub", "scope", "aud", "exp"} <= set(answer)
    assert "openid" in answer["scope"].split()


def test_who_may_not_see_a_token_learns_nothing(world: World, library: TestClient, portal: TestClient) -> None:
    """Another site asks: exactly what it would hear of a token that does not exist (IN-2, IN-3, IN-1)."""
    token = tokens_of(world, library, "anna")["access_token"]
    endpoint = world.provider_url + "/oauth/introspect"
    bodies = {
        requests.post(endpoint, data={"token": text}, auth=(portal.client_id, portal.secret), timeout=10).content
        for text in (token, "x" * 43, token[:-1] + ("A" if token[-1] != "A" else "B"), "")
        if text
    }
    assert len(bodies) == 1
    assert requests.post(endpoint, data={"token": token}, timeout=10).status_code == 401


def test_a_suspension_shows_at_once_as_the_table_says(world: World, library: TestClient, portal: TestClient) -> None:
    """Clients with `require_approval`: tokens end. Others: tokens stay and tell the new value everywhere."""
    closed, open_ = tokens_of(world, library, "anna"), tokens_of(world, portal, "anna")
    operator(world, "approvals", "suspend", "anna", "--reason", "The contract has ended.")
    assert introspect(world.provider_url, SERVICE, closed["access_token"]) == {"active": False}
    dead = refresh(world.provider_url + "/oauth/token", library, closed["refresh_token"])
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")

    told = introspect(world.provider_url, SERVICE, open_["access_token"])
    assert (told["active"], told["approval_status"]) == (True, "suspended")
    headers = {"Authorization": f"Bearer {open_['access_token']}"}
    userinfo = requests.get(world.provider_url + "/oauth/userinfo", headers=headers, timeout=10).json()
    assert userinfo["approval_status"] == "suspended"
    assert userinfo["approval_updated_at"] == told["approval_updated_at"]
    assert refresh(world.provider_url + "/oauth/token", portal, open_["refresh_token"]).status_code == 200

    operator(world, "approvals", "reinstate", "anna")
    assert introspect(world.provider_url, SERVICE, open_["access_token"])["approval_status"] == "approved"
    mail = world.mail_to("approved@example.com", containing="contract has ended")
    assert mail.recipients == ("approved@example.com",)


def test_the_sites_page_closes_within_ten_seconds_of_a_suspension(world: World) -> None:
    """The kit asks again when its answer is ten seconds old, and the dead family leads to the page that explains."""
    visitor = world.visitor()
    visitor.get(world.library_url + "/exclusive")
    visitor.submit("login-submit", username="anna", password=PASSWORD)
    operator(world, "approvals", "suspend", "anna", "--reason", "The contract has ended.")
    world.clock.move(seconds=11)
    page = visitor.get(world.library_url + "/exclusive")
    assert "exclusive-title" not in page.ids
    assert "care@example.com" in page.text
