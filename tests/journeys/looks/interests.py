"""Interests, and the news on the overview."""

from __future__ import annotations

from idp.signals.news import read_feeds
from idp.store.database import Statement
from tests.journeys.looks.walks import shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World


@shows("/: no news", "/: news", "/account/interests: nothing chosen", "/account/interests: saved")
def walk_to_the_news(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Before the feeds were read, and after interests were chosen."""
    with world.provider.database.transaction() as tx:
        tx.run(Statement("DELETE FROM news_items"))
    page = signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/")
    eyes.look(page, "no news")
    page.click("#choose-interests")
    eyes.look(page, "nothing chosen")
    page.check("#interest-balances")
    page.click("#interests-submit")
    eyes.look(page, "saved")
    world.clock.move(minutes=2)
    read_feeds(world.provider)
    page.goto(world.provider_url + "/")
    eyes.look(page, "news")
    shoot(page, "news")
