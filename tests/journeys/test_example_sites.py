"""The example sites as a newcomer meets them: signed in, refused, lost; at a desk and on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import sign_in
from tests.support.browser import NewContext, Shoot
from tests.support.world import PASSWORD, World


def fits(page: Page) -> bool:
    """Whether nothing is wider than the window."""
    return not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_the_header_says_who_is_here_and_fits_every_width(sqlite_world: World, page: Page, shoot: Shoot) -> None:
    """Brand and pages left, the person right; on a phone below each other."""
    page.goto(sqlite_world.library_url + "/exclusive")
    sign_in(page, "anna", PASSWORD)
    expect(page.locator("#exclusive-title")).to_be_visible()
    for address in ("/exclusive", "/nowhere"):
        page.goto(sqlite_world.library_url + address)
        for width in (1280, 768, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert fits(page), (address, width)
            shoot(page, f"library{address.replace('/', '-')}-{width}")
    expect(page.locator("h1")).to_have_text("There is no such page")
    expect(page.locator("nav a[aria-current]")).to_have_count(0)
    page.goto(sqlite_world.library_url + "/exclusive")
    expect(page.locator("nav a[aria-current]")).to_have_count(1)


def test_whoever_may_not_book_reads_why_instead_of_a_form(
    sqlite_world: World, new_context: NewContext, shoot: Shoot
) -> None:
    """The approved get the form, the others the way to their status."""
    for name, may_book in {"anna": True, "willi": False}.items():
        page = new_context().new_page()
        page.goto(sqlite_world.portal_url + "/bookings")
        sign_in(page, name, PASSWORD)
        expect(page.locator("#bookings-title")).to_be_visible()
        page.goto(sqlite_world.portal_url + "/")
        assert (page.locator("#book-basics").count() == 1) is may_book
        assert (page.locator("#not-approved").count() == 0) is may_book
        expect(page.locator("main")).not_to_contain_text("Sign in to book")
        shoot(page, f"portal-{name}")


def test_a_refused_sign_in_is_told_on_a_page_that_can_be_loaded_again(
    sqlite_world: World, page: Page, shoot: Shoot
) -> None:
    """The address of the provider's answer works once; the page that tells the refusal is another one."""
    page.goto(sqlite_world.library_url + "/exclusive")
    sign_in(page, "willi", PASSWORD)
    page.click("#approval-leave")
    expect(page).to_have_url(re.compile(r"/account/sign-in/refused\?target="))
    told = page.locator("main").inner_text()
    page.reload()
    assert page.locator("main").inner_text() == told
    shoot(page, "refused")
