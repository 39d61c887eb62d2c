"""The authorization endpoint by form, both ways, in a real browser: the site posts its request, we post the answer."""

from __future__ import annotations

import html
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from idp.store.clients import save_client
from tests.support.browser import NewContext
from tests.support.listener import Listener, answer_with, listening
from tests.support.lobby import request_parameters
from tests.support.world import PASSWORD, World

STATE = "\"'><b>&amp; é %2B+"
ANSWERS = {"code": {"code"}, "code id_token token": {"code", "id_token", "access_token", "token_type", "expires_in"}}


@pytest.fixture
def site(sqlite_world: World) -> Iterator[Listener]:
    """An old site that is registered for everything; each of its pages says that it was reached."""
    with listening(
        answer_with("200 OK", b"<h1 id=site>Site</h1>", "Content-Type: text/html; charset=utf-8\r\n")
    ) as listener:
        details = {
            "client_name": "Old",
            "redirect_uris": [listener.url("/callback")],
            "grant_types": ["authorization_code", "implicit"],
            "response_types": list(ANSWERS),
        }
        provider = sqlite_world.provider
        with provider.database.transaction() as tx:
            save_client(tx, "old", details, first_party=True, require_approval=False, now=provider.clock())
        yield listener


def send_request(page: Page, world: World, site: Listener, **changes: str | None) -> None:
    """On a page of the site, press a button that posts the authorization request."""
    usual = {"client_id": "old", "redirect_uri": site.url("/callback"), "response_mode": "form_post", "state": STATE}
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in request_parameters(**{**usual, **changes}).items()
    )
    page.goto(site.url("/start"))
    form = (
        f'<form method="post" action="{world.provider_url}/oauth/authorize">{fields}<button id="go">Go</button></form>'
    )
    page.set_content(form)
    page.click("#go")


def posted(page: Page, site: Listener, *, by_button: bool) -> dict[str, str]:
    """What reached the site by POST at last, by itself or once the button is pressed."""
    if by_button:
        page.click("#form-post-submit")
    expect(page.locator("#site")).to_be_visible()
    head, _, body = [sent for sent in site.requests if sent.startswith(b"POST ")][-1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /callback ")
    assert b"content-type: application/x-www-form-urlencoded" in head.lower()
    return {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("response_type", ANSWERS)
def test_a_request_and_its_answer_travel_as_forms(
    sqlite_world: World, site: Listener, new_context: NewContext, response_type: str, scripts: bool
) -> None:
    """Form Post §2, OpenID Connect Core §3.1.2.1: from another site, with our policy in force, and again while signed in."""
    page = new_context(java_script_enabled=scripts).new_page()
    send_request(page, sqlite_world, site, response_type=response_type)
    page.fill("#username", "anna")
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    answer = posted(page, site, by_button=not scripts)
    assert ANSWERS[response_type] <= answer.keys()
    assert (answer["state"], answer["iss"]) == (STATE, sqlite_world.provider_url)

    send_request(page, sqlite_world, site, response_type=response_type, prompt="none")
    assert ANSWERS[response_type] <= posted(page, site, by_button=not scripts).keys()


def test_a_strangers_faulty_request_goes_back_by_button(
    sqlite_world: World, site: Listener, new_context: NewContext
) -> None:
    """RD-13: nothing goes to the site by itself, not even with scripts; the button posts the error."""
    page = new_context().new_page()
    send_request(page, sqlite_world, site, response_type=None)
    expect(page.locator("#error-title")).to_be_visible()
    assert not [sent for sent in site.requests if sent.startswith(b"POST")]
    page.click("#error-return")
    answer = posted(page, site, by_button=False)
    assert (answer["error"], answer["state"]) == ("invalid_request", STATE)
