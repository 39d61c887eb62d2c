"""The desk of the staff."""

from __future__ import annotations

import re

from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.journeys.test_main_job import fill_registration
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows(
    "/mailbox: empty",
    "/staff: nobody waits",
    "/staff: queue",
    "/staff: nothing fits",
    "/staff: not staff",
    "/staff/applications/<account_id>: open",
    "/staff/applications/<account_id>: reason missing",
    "/staff/accounts: list",
    "/staff/accounts: nothing found",
    "/staff/accounts/<account_id>: approved",
    "/staff/accounts/<account_id>: rejected",
    "/staff/accounts/<account_id>: closed to oneself",
    "/staff/accounts/<account_id>/temporary-password: given",
    "/staff/registrations: list",
    "/staff/registrations: nothing found",
    "/staff/registrations/<registration_id>: open",
    "/staff/mail: list",
    "/staff/sign-outs: empty",
    "/staff/sign-outs: list",
    "/staff/sign-outs: nothing fits",
    "/staff/rules: list",
    "/staff/audit: list",
    "/staff/audit: nothing fits",
)
def walk_at_the_desk(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An administrator at every page of the desk."""
    visitor = new_context().new_page()
    visitor.goto(world.provider_url + "/mailbox")
    eyes.look(visitor, "empty")
    visitor.goto(world.provider_url + "/register")
    fill_registration(visitor, "nora@example.org", "CD123Z")
    visitor.click("#register-submit")
    customer = signed_in(world, new_context(), "anna")
    customer.goto(world.provider_url + "/staff")
    eyes.look(customer, "not staff")
    make_administrator(world, "care@example.com")
    page = signed_in(world, new_context(), "care")
    for path, state in {
        "/staff": "queue",
        "/staff?q=zzzzzz": "nothing fits",
        "/staff/accounts": "list",
        "/staff/accounts?q=zzzzzz": "nothing found",
        "/staff/registrations": "list",
        "/staff/registrations?q=zzzzzz": "nothing found",
        "/staff/mail": "list",
        "/staff/sign-outs": "empty",
        "/staff/sign-outs?state=dead": "nothing fits",
        "/staff/rules": "list",
        "/staff/audit": "list",
        "/staff/audit?about=nobody%40example.org&since=2026-01-01": "nothing fits",
    }.items():
        page.goto(world.provider_url + path)
        eyes.look(page, state)
    customer.goto(world.library_url + "/exclusive")
    customer.goto(world.provider_url + "/")
    customer.click("#sign-out")
    page.goto(world.provider_url + "/staff/sign-outs")
    eyes.look(page, "list")
    for name, state in {"Approved": "approved", "Rejected": "rejected", "Care": "closed to oneself"}.items():
        page.goto(f"{world.provider_url}/staff/accounts?q={name}")
        page.locator("main").get_by_role("link", name=re.compile(name)).first.click()
        eyes.look(page, state)
    page.goto(f"{world.provider_url}/staff/accounts?q=Approved")
    page.locator("main").get_by_role("link", name=re.compile("Approved")).first.click()
    page.click("#give-temporary-password")
    eyes.look(page, "given")
    page.goto(world.provider_url + "/staff/registrations")
    page.locator("main").get_by_role("link", name=re.compile("Newcomer")).first.click()
    eyes.look(page, "open")
    page.goto(world.provider_url + "/staff")
    page.get_by_role("link", name=re.compile("Waiting")).first.click()
    eyes.look(page, "open")
    page.click("#decision-reject")
    eyes.look(page, "reason missing")
    page.click("#decision-approve")
    page.goto(world.provider_url + "/staff")
    eyes.look(page, "nobody waits")


@shows(
    "/staff/decisions/<batch_id>: scheduled",
    "/staff/decisions/<batch_id>: undone",
)
def walk_through_bulk_decisions(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An administrator decides about several at once, and takes it back."""
    make_administrator(world, "care@example.com")
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff")
    page.locator("input[name=chosen]").first.check()
    page.click("#bulk-decision summary")
    page.click("#bulk-approve")
    eyes.look(page, "scheduled")
    page.click("#undo")
    eyes.look(page, "undone")


@shows(
    "/staff/applications/<account_id>: mail shown",
    "/staff/reasons: empty",
    "/staff/reasons: list",
    "/staff/reasons/new: empty",
    "/staff/reasons/new: faults",
    "/staff/reasons/<text_key>: to change",
)
def walk_through_reason_texts(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An approver writes a text, and looks at the mail that it would be in."""
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff/reasons")
    eyes.look(page, "empty")
    page.click("#new-text")
    eyes.look(page, "empty")
    page.click("#save-text")
    eyes.look(page, "faults")
    page.fill("#title", "Photo")
    page.fill("#en", "Send us a photo of the name plate.")
    page.click("#save-text")
    eyes.look(page, "list")
    page.get_by_role("link", name="Photo").click()
    eyes.look(page, "to change")
    page.goto(world.provider_url + "/staff")
    page.get_by_role("link", name=re.compile("Waiting")).first.click()
    page.select_option("#text", label="Photo")
    page.click("#insert-text")
    page.click("button[value=preview_rejection]")
    eyes.look(page, "mail shown")
    shoot(page, "mail-before-it-goes")


@shows(
    "/staff/mail: nothing fits",
    "/staff/mail/test: empty",
    "/staff/mail/test: faults",
    "/staff/mail/previews: list",
    "/staff/mail/previews/<message>/<language>: one mail",
)
def walk_past_the_mails(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An administrator reads mails beforehand and sends a test."""
    make_administrator(world, "care@example.com")
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff/mail?state=dead")
    eyes.look(page, "nothing fits")
    page.goto(world.provider_url + "/staff/mail/test")
    eyes.look(page, "empty")
    page.fill("#email", "nobody at all")
    page.click("#test-mail-submit")
    eyes.look(page, "faults")
    page.goto(world.provider_url + "/staff/mail/previews")
    eyes.look(page, "list")
    page.goto(world.provider_url + "/staff/mail/previews/reset_password/de")
    eyes.look(page, "one mail")
    shoot(page, "mail-preview")


@shows("/staff/roles: list", "/staff/roles: faults", "/staff/roles: saved")
def walk_past_the_roles(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An administrator gives a colleague a role."""
    make_administrator(world, "care@example.com")
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff/roles")
    eyes.look(page, "list")
    shoot(page, "roles")
    page.click("#roles-submit")
    eyes.look(page, "faults")
    page.fill("#account", "anna")
    page.check("#role-auditor")
    page.click("#roles-submit")
    eyes.look(page, "saved")


@shows(
    "/staff/sites: list",
    "/staff/sites: nothing fits",
    "/staff/sites/new: empty",
    "/staff/sites/new: faults",
    "/staff/sites/<client_id>: open",
    "/staff/sites/<client_id>/connect/<recipe>: fits",
    "/staff/sites/<client_id>/connect/<recipe>: does not fit",
)
def walk_past_the_sites(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An administrator registers a site and looks at it."""
    make_administrator(world, "care@example.com")
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff/sites?q=zzzz")
    eyes.look(page, "nothing fits")
    page.goto(world.provider_url + "/staff/sites")
    eyes.look(page, "list")
    page.click("#new-site")
    eyes.look(page, "empty")
    page.fill("#client_name", "Spare parts")
    page.click("#site-submit")
    eyes.look(page, "faults")
    page.fill("#redirect_uris", "https://parts.example.com/callback")
    page.click("#site-submit")
    page.goto(world.provider_url + "/staff/sites?q=parts")
    page.locator("#rows a").first.click()
    eyes.look(page, "open")
    shoot(page, "site")
    page.get_by_role("link", name="mod_auth_openidc").click()
    eyes.look(page, "does not fit")
    page.goto(world.provider_url + "/staff/sites/download-library/connect/flask-kit")
    eyes.look(page, "fits")
    shoot(page, "ready-made")
