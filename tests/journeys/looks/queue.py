"""The queue: what stands beside an application."""

from __future__ import annotations

import dataclasses
import re

from idp.config.sections import StaffSettings
from idp.policy.approval import promised_until
from idp.store.database import Statement
from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows("/staff/applications/<account_id>: similar accounts")
def walk_beside_an_application(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An applicant with the company and device of others."""
    make_administrator(world, "care@example.com")
    with world.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET company = 'Wasserwerk Süd'"))
        tx.run(Statement("UPDATE approval_decisions SET reason = 'The number is not on our list.'"))
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff")
    page.get_by_role("link", name=re.compile("Waiting")).first.click()
    eyes.look(page, "similar accounts")
    shoot(page, "similar-accounts")


@shows(
    "/staff: somebody's",
    "/staff/applications/<account_id>: taken",
    "/staff/applications/<account_id>/assignment: somebody was first",
    "/staff/applications/<account_id>/notes: note missing",
)
def walk_with_a_colleague(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Two approvers, one application: the first takes it, the second is told; a note for both."""
    make_administrator(world, "care@example.com")
    with world.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET roles = 'approver' WHERE user_name_key = 'anna'"))
    page, other = signed_in(world, new_context(), "care"), signed_in(world, new_context(), "anna")
    for one in (page, other):
        one.goto(world.provider_url + "/staff")
        one.get_by_role("link", name=re.compile("Waiting")).first.click()
    page.click("#take")
    eyes.look(page, "taken")
    other.click("#take")
    eyes.look(other, "somebody was first")
    other.click("#note-submit")
    eyes.look(other, "note missing")
    other.fill("#note", "Called; the photo comes today.")
    other.click("#note-submit")
    page.goto(world.provider_url + "/staff?who=mine")
    eyes.look(page, "somebody's")
    shoot(page, "mine")
    page.get_by_role("link", name=re.compile("Waiting")).first.click()
    shoot(page, "taken-with-note")


@shows("/staff: late and due soon")
def walk_when_promises_end(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """One application is late, one is due soon."""
    make_administrator(world, "care@example.com")
    with world.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET approval_status = 'pending' WHERE user_name_key = 'rosa'"))
        tx.run(
            Statement(
                "UPDATE accounts SET approval_updated_at = approval_updated_at - 2000000 WHERE user_name_key = 'rosa'"
            )
        )
    world.clock.move(hours=(promised_until(world.clock(), 2) - world.clock()) / 3600 - 2)
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff")
    for key in "jj":
        page.keyboard.press(key)
    framed = str(page.evaluate("document.activeElement.pathname"))
    page.keyboard.press("t")
    page.wait_for_url(re.compile(re.escape(framed)))
    page.wait_for_function("document.activeElement.id === 'take'")  # the key acts on the row that had the frame
    page.goto(world.provider_url + "/staff")
    page.get_by_role("link", name=re.compile("Waiting")).first.click()
    page.goto(world.provider_url + "/staff?soon=1")
    eyes.look(page, "late and due soon")
    shoot(page, "late-and-soon")


@shows("/staff: limited", "/staff/applications/<account_id>: beyond one's limits", "/staff/roles: limits")
def walk_with_limits(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An approver for one serial family, and the page that says so."""
    make_administrator(world, "care@example.com")
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff/roles?account=anna&role=approver&families=ZZ&countries=DE")
    page.click("#roles-submit")
    page.goto(world.provider_url + "/staff/roles")
    eyes.look(page, "limits")
    shoot(page, "roles-with-limits")
    page.goto(world.provider_url + "/staff")
    page.get_by_role("link", name=re.compile("Waiting")).first.click()
    approver = signed_in(world, new_context(), "anna")
    approver.goto(world.provider_url + "/staff")
    eyes.look(approver, "limited")
    approver.goto(page.url)
    eyes.look(approver, "beyond one's limits")


@shows(
    "/staff: to confirm",
    "/staff/applications/<account_id>: one's own proposal",
    "/staff/applications/<account_id>: a colleague's proposal",
    "/staff/applications/<account_id>/proposals/<proposal_id>: reason missing",
    "/staff/roles: proposed",
    "/staff/roles/proposals/<proposal_id>: reason missing",
)
def walk_with_four_eyes(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """One proposes, a second one answers: a decision and roles."""
    settings = world.provider.settings.model_copy(update={"staff": StaffSettings(four_eyes=("decisions", "roles"))})
    world.app.extensions["idp"] = dataclasses.replace(world.provider, settings=settings)
    for email in ("care@example.com", "approved@example.com"):
        make_administrator(world, email)
    page, other = signed_in(world, new_context(), "care"), signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/staff")
    page.get_by_role("link", name=re.compile("Waiting")).first.click()
    address = page.url
    page.click("#decision-approve")
    page.goto(address)
    eyes.look(page, "one's own proposal")
    other.goto(world.provider_url + "/staff?confirm=1")
    eyes.look(other, "to confirm")
    other.goto(address)
    eyes.look(other, "a colleague's proposal")
    shoot(other, "a-colleagues-proposal")
    other.click("#send-back")
    eyes.look(other, "reason missing")
    page.goto(world.provider_url + "/staff/roles?account=willi&role=customer_care")
    page.click("#roles-submit")
    eyes.look(page, "proposed")
    other.goto(world.provider_url + "/staff/roles")
    shoot(other, "proposed-roles")
    other.get_by_role("button", name=re.compile("Send back")).click()
    eyes.look(other, "reason missing")
