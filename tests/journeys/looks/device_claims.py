"""A device that waits for staff: what the customer sees, and the desk."""

from __future__ import annotations

from idp.store.database import Statement
from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows(
    "/account/devices: waits for staff",
    "/staff/devices: none",
    "/staff/devices: waiting",
    "/staff/devices: accepted",
    "/staff/devices/<account_id>/<serial_number>: why it waits",
    "/staff/devices/<account_id>/<serial_number>: faults",
    "/staff/devices/<account_id>/<serial_number>: over",
)
def walk_to_a_device_in_doubt(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Somebody of another company owns it; a customer adds it, and staff accept it."""
    with world.provider.database.transaction() as tx:
        tx.run(Statement("DELETE FROM devices"))
        tx.run(Statement("DELETE FROM rule_versions"))
        tx.run(
            Statement(
                "INSERT INTO devices (account_id, serial_number, nickname, created_at)"
                " SELECT account_id, 'AB123Z', '', created_at FROM accounts WHERE user_name_key = 'care'"
            )
        )
    make_administrator(world, "care@example.com")
    staff = signed_in(world, new_context(), "care")
    staff.goto(world.provider_url + "/staff/devices")
    eyes.look(staff, "none")
    page = signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/account/devices")
    page.fill("#serial_number", "AB123Z")
    page.fill("#nickname", "Balance in room 12")
    page.click("#device-submit")
    eyes.look(page, "waits for staff")
    staff.goto(world.provider_url + "/staff")
    staff.click("#devices-waiting")
    eyes.look(staff, "waiting")
    staff.click("#rows a")
    eyes.look(staff, "why it waits")
    address = staff.url
    staff.click("#claim-refuse")
    eyes.look(staff, "faults")
    staff.click("#claim-accept")
    eyes.look(staff, "accepted")
    staff.goto(address)
    eyes.look(staff, "over")
