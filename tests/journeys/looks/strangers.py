"""The pages of people who are not signed in, and of applicants."""

from __future__ import annotations

from idp.store.database import Statement
from tests.journeys.looks.walks import shows
from tests.journeys.test_main_job import NEW_PASSWORD, approve_in_queue, fill_registration, sign_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows(
    "/: signed out",
    "/sign-in: empty",
    "/sign-in: wrong",
    "/forgot-password: empty",
    "/forgot-password: sent",
    "/reset: no link",
    "/reset: damaged",
    "/reset: new password",
    "/reset/done: done",
    "/register/mail: empty",
    "/register/mail: asked",
    "/register/status: none",
    "/confirm/<token>: damaged",
    "/confirm/: cut off",
    "/oauth/authorize: refused request",
    "/oauth/logout: unusable",
    "/signed-out: nobody was signed in",
)
def walk_as_a_stranger(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Nobody is signed in."""
    page = new_context().new_page()
    for path, state in {
        "/": "signed out",
        "/sign-in": "empty",
        "/reset": "no link",
        "/reset/" + "x" * 43: "damaged",
        "/register/status": "none",
        "/register/mail": "empty",
        "/confirm/" + "x" * 43: "damaged",
        "/confirm/": "cut off",
        "/oauth/authorize?client_id=nobody": "refused request",
        "/oauth/logout?state=1&state=2": "unusable",
        "/signed-out": "nobody was signed in",
    }.items():
        page.goto(world.provider_url + path)
        eyes.look(page, state)
    page.goto(world.provider_url + "/sign-in")
    sign_in(page, "anna", "not her password at all")
    eyes.look(page, "wrong")
    page.goto(world.provider_url + "/register/mail")
    page.fill("#email", "somebody@example.org")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "asked")
    page.goto(world.provider_url + "/forgot-password")
    eyes.look(page, "empty")
    page.fill("#email", "approved@example.com")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "sent")
    page.goto(world.link_in(world.mail_to("approved@example.com", containing="/reset/"), "/reset/"))
    eyes.look(page, "new password")
    page.fill("#new_password", NEW_PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "done")


@shows(
    "/register: empty",
    "/register: faults",
    "/register/status/<token>: sent",
    "/register/status/<token>: waiting",
    "/register/status/<token>: approved",
    "/register/status/<token>: rejected",
    "/confirm/<token>: same browser",
    "/confirm/<token>: other browser",
    "/confirm/<token>: used",
)
def walk_through_a_registration(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """From the form to the decision, seen from the applicant's side."""
    page, staff = new_context().new_page(), new_context().new_page()
    page.goto(world.provider_url + "/register")
    eyes.look(page, "empty")
    page.click("#register-submit")
    eyes.look(page, "faults")
    fill_registration(page, "nora@example.org", "CD123Z")
    for language in ("de", "en"):  # another language keeps what was typed, passwords apart
        page.click(f".languages a[hreflang={language}]")
        page.wait_for_selector(f"html[lang={language}]")
        assert page.input_value("#email") == "nora@example.org"
        assert page.input_value("#new_password") == ""
    assert page.evaluate("sessionStorage.length") == 0
    fill_registration(page, "nora@example.org", "CD123Z")
    page.click("#register-submit")
    link = world.link_in(world.mail_to("nora@example.org", containing="/confirm/"), "/confirm/")
    status = world.link_in(world.mail_to("nora@example.org", containing="/confirm/"), "/register/status/")
    page.goto(status)
    eyes.look(page, "sent")
    elsewhere = new_context().new_page()
    elsewhere.goto(link)
    eyes.look(elsewhere, "other browser")
    page.goto(link)
    eyes.look(page, "same browser")
    page.click("#confirm-submit")
    page.goto(status)
    eyes.look(page, "waiting")
    page.goto(link)
    eyes.look(page, "used")
    approve_in_queue(world, staff, "Newcomer", shoot)
    page.goto(status)
    eyes.look(page, "approved")
    with world.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET approval_status = 'rejected' WHERE email_key = 'nora@example.org'"))
    page.goto(status)
    eyes.look(page, "rejected")
