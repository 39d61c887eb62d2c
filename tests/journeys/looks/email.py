"""Another e-mail address: by staff, and the pages of the links in the mails about it."""

from __future__ import annotations

import re

from idp.accounts.unlock import issue_unlock_link
from idp.store import accounts
from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows(
    "/staff/accounts/<account_id>/email: what will happen",
    "/staff/accounts/<account_id>/email: faults",
    "/staff/accounts/<account_id>: address changed",
    "/staff/accounts/<account_id>/close: what will happen",
    "/staff/accounts/<account_id>/close: faults",
    "/email/undo/<token>: open",
    "/email/undo/<token>: used",
    "/email/undo/<token>: damaged",
    "/email/undo/: cut off",
)
def walk_through_a_lost_mailbox(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Staff change an address, and the old one undoes it."""
    make_administrator(world, "care@example.com")
    staff = signed_in(world, new_context(), "care")
    staff.goto(f"{world.provider_url}/staff/accounts?q=Suspended")
    staff.locator("main").get_by_role("link", name=re.compile("Suspended")).first.click()
    staff.click("#change-email")
    eyes.look(staff, "what will happen")
    staff.click("#email-submit")
    eyes.look(staff, "faults")
    staff.fill("#email", "moved@example.org")
    staff.fill("#reason", "Left the company.")
    staff.click("#email-submit")
    eyes.look(staff, "address changed")
    staff.click("#close-account")
    eyes.look(staff, "what will happen")
    staff.click("#close-submit")
    eyes.look(staff, "faults")
    link = world.link_in(world.mail_to("suspended@example.com", containing="/email/undo/"), "/email/undo/")
    page = new_context().new_page()
    page.goto(link)
    eyes.look(page, "open")
    page.click("#undo-submit")
    page.goto(link)
    eyes.look(page, "used")
    page.goto(link[:-3])
    eyes.look(page, "damaged")
    page.goto(world.provider_url + "/email/undo/")
    eyes.look(page, "cut off")


@shows(
    "/account/email: empty",
    "/account/email: faults",
    "/account: new address waits",
    "/email/<token>: signed in",
    "/email/<token>: signed out",
    "/email/<token>: cancelled",
    "/email/<token>: damaged",
    "/email/: cut off",
)
def walk_to_another_address(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """A customer asks for another address, looks at the mail's page, and cancels."""
    page = signed_in(world, new_context(), "rosa")
    page.goto(world.provider_url + "/account")
    page.click("#change-email")
    eyes.look(page, "empty")
    page.click("#email-submit")
    eyes.look(page, "faults")
    page.fill("#email", "rosa@elsewhere.example")
    page.click("#email-submit")
    eyes.look(page, "new address waits")
    link = world.link_in(world.mail_to("rosa@elsewhere.example", containing="/email/"), "/email/")
    page.goto(link)
    eyes.look(page, "signed in")
    stranger = new_context().new_page()
    stranger.goto(link)
    eyes.look(stranger, "signed out")
    page.goto(world.provider_url + "/account")
    page.click("#email-cancel")
    page.goto(link)
    eyes.look(page, "cancelled")
    page.goto(link[:-3])
    eyes.look(page, "damaged")
    page.goto(world.provider_url + "/email/")
    eyes.look(page, "cut off")


@shows(
    "/unlock/<token>: open",
    "/unlock/<token>: used",
    "/unlock/<token>: damaged",
    "/unlock/: cut off",
    "/sign-in: unlocked",
)
def walk_past_an_attack(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """The owner of a mailbox lets one browser in; the link is made as the mail about the lock-out has it."""
    with world.provider.database.transaction() as tx:
        anna = accounts.find_by_email(tx, "approved@example.com")
        assert anna is not None
        issued = issue_unlock_link(world.provider, tx, anna, world.provider.clock())
    link = f"{world.provider_url}/unlock/{issued.token}"
    owner = new_context().new_page()
    owner.goto(link)
    eyes.look(owner, "open")
    owner.click("#unlock-submit")
    eyes.look(owner, "unlocked")
    owner.goto(link)
    eyes.look(owner, "used")
    owner.goto(link[:-3])
    eyes.look(owner, "damaged")
    owner.goto(world.provider_url + "/unlock/")
    eyes.look(owner, "cut off")
