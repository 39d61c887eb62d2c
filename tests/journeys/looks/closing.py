"""One's data, closing the account and the way back, and how the desk sees it."""

from __future__ import annotations

from idp.store import accounts
from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows(
    "/account/data: everything",
    "/account/data/close: what ends",
    "/closed: closed",
    "/closed: open again",
    "/reopen/<token>: way back",
    "/reopen/<token>: damaged",
    "/staff/accounts/<account_id>: closed",
)
def walk_out_and_back(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Anna reads what we hold, closes her account, staff see it, and she opens it again."""
    page = signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/account/data")
    eyes.look(page, "everything")
    page.click("main #close-account")
    eyes.look(page, "what ends")
    page.click("#close-submit")
    page.wait_for_url("**/closed")
    eyes.look(page, "closed")
    make_administrator(world, "care@example.com")
    staff = signed_in(world, new_context(), "care")
    with world.provider.database.reading() as tx:
        anna = accounts.find_by_identifier(tx, "anna")
    assert anna is not None
    staff.goto(f"{world.provider_url}/staff/accounts/{anna.account_id}")
    eyes.look(staff, "closed")
    page = signed_in(world, new_context(), "anna")
    page.wait_for_url("**/reopen/**")
    eyes.look(page, "way back")
    page.click("#reopen-submit")
    page.wait_for_url("**/closed?open=1")
    eyes.look(page, "open again")
    page.goto(world.provider_url + "/reopen/made-up")
    eyes.look(page, "damaged")
