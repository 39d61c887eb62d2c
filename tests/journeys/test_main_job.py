"""The main job in a real browser: register, be approved, sign in once, be in at two sites (F-1.2 to F-2.7)."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.support.browser import NewContext, Shoot
from tests.support.world import PASSWORD, World

NEW_PASSWORD = "seven-quiet-mountains"


def fill_registration(page: Page, email: str, serial_number: str) -> None:
    """Type what the form asks for."""
    page.fill("#email", email)
    page.fill("#given_name", "Nora")
    page.fill("#family_name", "Newcomer")
    page.fill("#company", "Waterworks Basel")
    page.select_option("#country", "CH")
    page.fill("#serial_number", serial_number)
    page.fill("#new_password", NEW_PASSWORD)


def sign_in(page: Page, username: str, password: str, *, keep: bool = False) -> None:
    """Fill in the sign-in page that is open."""
    page.fill("#username", username)
    page.fill("#password", password)
    if keep:
        page.check("#keep")
    page.click("#login-submit")


def approve_in_queue(world: World, page: Page, name: str, shoot: Shoot) -> None:
    """Staff sign in, find the applicant in the queue and approve."""
    page.goto(world.provider_url + "/staff")
    sign_in(page, "care", PASSWORD)
    expect(page).to_have_url(re.compile(r"/staff"))
    shoot(page, "staff-queue")
    page.get_by_role("link", name=re.compile(name)).first.click()
    shoot(page, "staff-detail")
    page.click("#decision-approve")


def test_register_wait_be_approved_and_enter_two_sites(
    sqlite_world: World, page: Page, new_context: NewContext, shoot: Shoot
) -> None:
    """Register, confirm, wait, be approved by staff, sign in by user name, enter both sites, sign out once."""
    world = sqlite_world
    page.goto(world.provider_url + "/register")
    shoot(page, "register")
    fill_registration(page, "nora@example.org", "cd 123-z")
    page.click("#register-submit")
    shoot(page, "check-your-mail")
    expect(page.locator("main")).to_contain_text("nora@example.org")
    mail = world.mail_to("nora@example.org", containing="/confirm/")
    page.goto(world.link_in(mail, "/confirm/"))
    shoot(page, "confirm")
    page.click("#confirm-submit")
    page.goto(world.provider_url + "/register/status")
    shoot(page, "status-waiting")
    expect(page.locator("main")).to_contain_text("review")

    staff = new_context().new_page()
    approve_in_queue(world, staff, "Newcomer", shoot)
    shoot(staff, "staff-approved")

    page.reload()
    shoot(page, "status-approved")
    expect(page.locator("main")).to_contain_text("approved")
    user_name = user_name_in(world.mail_to("nora@example.org", containing="approved").text())
    page.goto(world.library_url + "/exclusive")
    shoot(page, "sign-in-for-library")
    expect(page.locator("body")).to_contain_text("Download library")
    sign_in(page, user_name, NEW_PASSWORD, keep=True)
    expect(page.locator("#exclusive-title")).to_be_visible()
    expect(page).to_have_url(world.library_url + "/exclusive")
    shoot(page, "library-exclusive")

    page.goto(world.portal_url + "/bookings")
    expect(page.locator("#bookings-title")).to_be_visible()
    shoot(page, "portal-bookings")

    page.click("#sign-out")
    shoot(page, "signed-out")
    expect(page.locator("body")).to_contain_text("signed out")
    page.goto(world.library_url + "/exclusive")
    expect(page.locator("#login-submit")).to_be_visible()
    page.goto(world.portal_url + "/bookings")
    expect(page.locator("#login-submit")).to_be_visible()


def user_name_in(text: str) -> str:
    """The user name that a mail tells (F-2.2)."""
    match = re.search(r"[Uu]ser name:?\s+(\S+)", text)
    assert match, text
    return match.group(1).rstrip(".,")


def test_a_rule_approves_at_once(sqlite_world: World, page: Page, shoot: Shoot) -> None:
    """A device of family AB needs no staff; the status page says so right after the button."""
    world = sqlite_world
    page.goto(world.provider_url + "/register")
    fill_registration(page, "rita@example.org", "AB999Z")
    page.click("#register-submit")
    page.goto(world.link_in(world.mail_to("rita@example.org", containing="/confirm/"), "/confirm/"))
    page.click("#confirm-submit")
    page.goto(world.provider_url + "/register/status")
    shoot(page, "status-approved-by-rule")
    expect(page.locator("main")).to_contain_text("approved")
    world.mail_to("rita@example.org", containing="approved")


def test_a_rejected_customer_reads_the_reason(sqlite_world: World, page: Page, shoot: Shoot) -> None:
    """The reason stands on the page after sign-in, with the way to answer (F-1.8)."""
    page.goto(sqlite_world.provider_url + "/sign-in")
    sign_in(page, "rosa", PASSWORD)
    shoot(page, "rejected")
    expect(page.locator("main")).to_contain_text("photo of the name plate")
    expect(page.locator("main")).to_contain_text("care@example.com")


def test_a_pending_customer_at_a_site_that_requires_approval_gets_the_page_that_explains(
    sqlite_world: World, page: Page, shoot: Shoot
) -> None:
    """The library wants approved customers, the portal does not mind; the page leads back with `access_denied`."""
    world = sqlite_world
    page.goto(world.library_url + "/exclusive")
    sign_in(page, "willi", PASSWORD)
    shoot(page, "pending-at-library")
    expect(page.locator("main")).to_contain_text("review")
    expect(page.locator("main")).to_contain_text("care@example.com")
    page.goto(world.portal_url + "/bookings")
    expect(page.locator("#bookings-title")).to_be_visible()
    expect(page.locator("#approval-status")).to_have_text("pending")


def test_a_registration_that_began_at_a_site_ends_at_its_page(sqlite_world: World, page: Page, shoot: Shoot) -> None:
    """The way back survives registration, confirmation and approval."""
    world = sqlite_world
    page.goto(world.library_url + "/exclusive")
    page.get_by_role("link", name=re.compile("[Rr]egister|[Cc]reate")).first.click()
    expect(page.locator("body")).to_contain_text("Download library")
    fill_registration(page, "wanda@example.org", "AB777Z")
    page.click("#register-submit")
    page.goto(world.link_in(world.mail_to("wanda@example.org", containing="/confirm/"), "/confirm/"))
    page.click("#confirm-submit")
    shoot(page, "confirmed-from-site")
    page.get_by_role("link", name=re.compile("Continue to")).first.click()
    if page.locator("#login-submit").count():
        sign_in(page, "wanda@example.org", NEW_PASSWORD)
    expect(page).to_have_url(world.library_url + "/exclusive")
    expect(page.locator("#exclusive-title")).to_be_visible()
    shoot(page, "library-after-registration")
