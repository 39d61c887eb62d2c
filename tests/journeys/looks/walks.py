"""What the walks share: how one says which states it shows, and who is signed in."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from idp.store.database import Statement
from tests.journeys.test_main_job import sign_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import PASSWORD, World

Walk = Callable[[World, Eyes, NewContext, Shoot], None]

WALKS: dict[str, tuple[Walk, frozenset[str]]] = {}


def shows(*states: str) -> Callable[[Walk], Walk]:
    """Say which states a walk looks at; each is `route: state`."""

    def note(walk: Walk) -> Walk:
        if walk.__name__ in WALKS:
            raise ValueError(f"two walks are named {walk.__name__}")
        WALKS[walk.__name__] = (walk, frozenset(states))
        return walk

    return note


def signed_in(world: World, context: BrowserContext, name: str) -> Page:
    """A page of somebody of the demo, who has just signed in."""
    page = context.new_page()
    page.goto(world.provider_url + "/sign-in")
    sign_in(page, name, PASSWORD)
    return page


def make_administrator(world: World, email: str) -> None:
    """Give somebody the role that opens every page of the desk."""
    with world.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET roles = 'administrator' WHERE email_key = :email"), email=email)
