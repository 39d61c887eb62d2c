"""The help page and the way to customer care."""

from __future__ import annotations

from tests.journeys.looks.walks import shows
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows("/help: answers", "/contact: empty", "/contact: faults", "/contact/sent: sent")
def walk_for_help(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """From an answer to a message for customer care."""
    page = new_context().new_page()
    page.goto(world.provider_url + "/help")
    eyes.look(page, "answers")
    shoot(page, "help")
    page.locator("#f-2-4").get_by_role("link", name="Write to customer care").click()
    eyes.look(page, "empty")
    page.click("#contact-submit")
    eyes.look(page, "faults")
    page.select_option("#topic", "sign_in")
    page.fill("#email", "nora@example.org")
    page.fill("#message", "My old mailbox is lost.")
    page.click("#contact-submit")
    eyes.look(page, "sent")
