"""The queue: what stands beside an application."""

from __future__ import annotations

import re

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
