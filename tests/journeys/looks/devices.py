"""A customer's devices, and what removing one or moving to another country does."""

from __future__ import annotations

from idp.store.database import Statement
from tests.journeys.looks.walks import shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows(
    "/account/devices: empty",
    "/account/devices: list",
    "/account/devices: faults",
    "/account/devices: removed",
    "/account/devices/<serial_number>: rename",
    "/account/devices/<serial_number>/remove: reviewed again",
    "/account: reviewed again",
)
def walk_through_devices(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Add, rename and remove, where a rule approved the account by its device."""
    with world.provider.database.transaction() as tx:
        tx.run(Statement("DELETE FROM devices"))
        tx.run(Statement("DELETE FROM rule_versions"))
        tx.run(Statement("UPDATE approval_decisions SET actor_kind = 'rule'"))
        tx.run(
            Statement(
                "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark,"
                " facts, created_at) SELECT account_id, 'pending', 'approved', 'rule', 'sold', '', '', '[]', created_at"
                " FROM accounts WHERE user_name_key = 'anna'"
            )
        )
    page = signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/account/devices")
    eyes.look(page, "empty")
    page.click("#device-submit")
    eyes.look(page, "faults")
    page.fill("#serial_number", "ab 123-z")
    page.fill("#nickname", "Balance in room 12")
    page.click("#device-submit")
    eyes.look(page, "list")
    page.goto(world.provider_url + "/account/devices/AB123Z")
    eyes.look(page, "rename")
    page.goto(world.provider_url + "/account/devices/AB123Z/remove")
    eyes.look(page, "reviewed again")
    page.goto(world.provider_url + "/account")
    page.select_option("#country", "FR")
    page.click("#profile-submit")
    eyes.look(page, "reviewed again")
    page.goto(world.provider_url + "/account/devices/AB123Z/remove")
    page.click("#remove-submit")
    eyes.look(page, "removed")
