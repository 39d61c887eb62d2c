"""A customer's own pages, and what stands between a site and its customer."""

from __future__ import annotations

from idp.store import clients
from tests.journeys.looks.walks import shows, signed_in
from tests.journeys.test_main_job import sign_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import PASSWORD, World


@shows(
    "/: approved",
    "/: pending",
    "/: rejected",
    "/: suspended",
    "/sign-in: asked again",
    "/account: profile",
    "/account: saved",
    "/account: faults",
    "/account/security: sessions",
    "/account/security/password: empty",
    "/account/security/password: faults",
    "/account/sites: nothing permitted",
)
def walk_as_a_customer(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """A customer's own pages, and the first page of each status."""
    for name, state in {"willi": "pending", "rosa": "rejected", "simon": "suspended", "anna": "approved"}.items():
        page = signed_in(world, new_context(), name)
        page.goto(world.provider_url + "/")
        eyes.look(page, state)
    page.goto(world.provider_url + "/account/sites")
    eyes.look(page, "nothing permitted")
    page.goto(world.provider_url + "/account/security")
    eyes.look(page, "sessions")
    page.goto(world.provider_url + "/account")
    eyes.look(page, "profile")
    page.fill("#given_name", "")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "faults")
    page.fill("#given_name", "Annabel")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "saved")
    page.goto(world.provider_url + "/account/security/password")
    eyes.look(page, "empty")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "faults")
    world.clock.move(hours=3)
    page.goto(world.provider_url + "/account")
    eyes.look(page, "asked again")


@shows(
    "/sign-in: on the way to a site",
    "/account/sites: one permitted",
    "/oauth/continue/<handle>: consent",
    "/oauth/continue/<handle>: choose an account",
    "/oauth/continue/<handle>: site wants approval",
    "/oauth/logout: confirm",
    "/signed-out/<handle>: site by site",
)
def walk_to_a_site(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """What stands between a site and its customer."""
    page = new_context().new_page()
    page.goto(world.library_url + "/exclusive")
    eyes.look(page, "on the way to a site")
    sign_in(page, "willi", PASSWORD)
    eyes.look(page, "site wants approval")
    with world.provider.database.transaction() as tx:
        clients.save_client(
            tx,
            "third-party",
            {
                "client_name": "Measuring circle",
                "redirect_uris": [world.portal_url + "/"],
                "grant_types": ["authorization_code"],
                "response_types": ["code"],
                "scope": "openid profile email phone address approval",
                "token_endpoint_auth_method": "none",
            },
            now=world.clock(),
            require_approval=False,
        )
    page = signed_in(world, new_context(), "anna")
    page.goto(world.library_url + "/exclusive")
    request = (
        f"{world.provider_url}/oauth/authorize?client_id=third-party&response_type=code&redirect_uri="
        f"{world.portal_url}/&scope=openid+profile+email&code_challenge_method=S256&code_challenge=" + "c" * 43
    )
    page.goto(request)
    eyes.look(page, "consent")
    page.click("#consent-approve")
    page.goto(world.provider_url + "/account/sites")
    eyes.look(page, "one permitted")
    page.goto(request + "&prompt=select_account")
    eyes.look(page, "choose an account")
    page.goto(world.provider_url + "/oauth/logout")
    eyes.look(page, "confirm")
    page.click("#logout-confirm")
    eyes.look(page, "site by site")
