"""A device that is handed on: what the giver and the one who is to have it see."""

from __future__ import annotations

import re

from idp.store.database import Statement
from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows(
    "/account/devices/<serial_number>/hand-on: reviewed again",
    "/account/devices/<serial_number>/hand-on: faults",
    "/account/devices: waiting",
    "/account/devices: offered to you",
    "/: offered a device",
    "/devices/offer/<token>: signed out",
    "/devices/offer/<token>: receiver",
    "/devices/offer/<token>: taken back",
    "/devices/offer/<token>: damaged",
    "/devices/offer/: cut off",
    "/staff/accounts/<account_id>/devices: what will happen",
    "/staff/accounts/<account_id>/devices: faults",
    "/staff/accounts/<account_id>: device moved",
)
def walk_to_another_owner(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Offer a device on which a rule's approval rests, look at the mail's page, and take the offer back; then staff move it."""
    with world.provider.database.transaction() as tx:
        tx.run(Statement("DELETE FROM devices"))
        tx.run(Statement("DELETE FROM rule_versions"))
        tx.run(
            Statement(
                "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark,"
                " facts, created_at) SELECT account_id, 'pending', 'approved', 'rule', 'sold', '', '', '[]', created_at"
                " FROM accounts WHERE user_name_key = 'anna'"
            )
        )
        tx.run(
            Statement(
                "INSERT INTO devices (account_id, serial_number, nickname, created_at) SELECT account_id, 'AB123Z',"
                " 'Balance in room 12', created_at FROM accounts WHERE user_name_key = 'anna'"
            )
        )
    page = signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/account/devices/AB123Z/hand-on")
    eyes.look(page, "reviewed again")
    page.click("#hand-on-submit")
    eyes.look(page, "faults")
    page.fill("#email", "rejected@example.com")
    page.click("#hand-on-submit")
    eyes.look(page, "waiting")
    link = world.link_in(world.mail_to("rejected@example.com", containing="/devices/offer/"), "/devices/offer/")
    stranger = new_context().new_page()
    stranger.goto(link)
    eyes.look(stranger, "signed out")
    receiver = signed_in(world, new_context(), "rosa")
    receiver.goto(link)
    receiver.wait_for_selector("#accept-submit")
    eyes.look(receiver, "receiver")
    receiver.goto(world.provider_url + "/")
    eyes.look(receiver, "offered a device")
    receiver.click("#see-offers")
    eyes.look(receiver, "offered to you")
    page.click("#take-back-AB123Z")
    receiver.goto(link)
    eyes.look(receiver, "taken back")
    receiver.goto(link[:-3])
    eyes.look(receiver, "damaged")
    receiver.goto(world.provider_url + "/devices/offer/")
    eyes.look(receiver, "cut off")
    make_administrator(world, "care@example.com")
    staff = signed_in(world, new_context(), "care")
    staff.goto(f"{world.provider_url}/staff/accounts?q=anna")
    staff.locator("main").get_by_role("link", name=re.compile("Anna")).first.click()
    staff.click("#move-device")
    eyes.look(staff, "what will happen")
    staff.click("#device-submit")
    eyes.look(staff, "faults")
    staff.select_option("#serial_number", "AB123Z")
    staff.fill("#receiver", "rosa")
    staff.fill("#reason", "Sold with the laboratory.")
    staff.click("#device-submit")
    eyes.look(staff, "device moved")
