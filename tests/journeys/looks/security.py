"""What happened at one's account, and the page of the user name."""

from __future__ import annotations

from idp.accounts import own_security
from tests.journeys.looks.walks import shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows("/account/security/events: list", "/account/security/events: nothing happened")
def walk_through_security_events(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """With events, and after more than 90 days in which nothing happened."""
    page = signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/account/security/events")
    eyes.look(page, "list")
    kept, own_security.SHOWN_SECONDS = own_security.SHOWN_SECONDS, 0
    try:
        world.clock.move(seconds=5)
        page.goto(world.provider_url + "/account/security/events")
        eyes.look(page, "nothing happened")
    finally:
        own_security.SHOWN_SECONDS = kept


@shows("/account/user-name: empty", "/account/user-name: faults")
def walk_to_another_user_name(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """The page of the user name."""
    page = signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/account")
    page.click("#change-user-name")
    eyes.look(page, "empty")
    page.fill("#user_name", "willi")
    page.click("#user-name-submit")
    eyes.look(page, "faults")
