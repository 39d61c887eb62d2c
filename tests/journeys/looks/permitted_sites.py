"""An account of the desk whose owner permitted a site something."""

from __future__ import annotations

from idp.store import accounts, grants
from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows("/staff/accounts/<account_id>: permitted sites")
def walk_past_permitted_sites(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """With what the site may know and the button that takes it back."""
    make_administrator(world, "care@example.com")
    with world.provider.database.transaction() as tx:
        anna = accounts.find_by_identifier(tx, "anna")
        assert anna is not None
        scope = frozenset({"openid", "profile", "email", "approval"})
        grants.save_grant(tx, anna.account_id, "download-library", scope, world.clock())
    page = signed_in(world, new_context(), "care")
    page.goto(f"{world.provider_url}/staff/accounts/{anna.account_id}")
    assert page.locator("#permitted-sites button").count() == 1
    eyes.look(page, "permitted sites")
