"""Terms of use: their page, and the page on the way to a site."""

from __future__ import annotations

from pathlib import Path

from idp.accounts.terms import TermsText, load_terms, render
from tests.journeys.looks.walks import shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World

EXAMPLE = Path(__file__).parents[3] / "examples" / "terms"
LATER = "2026-02-01"


@shows(
    "/terms: to accept",
    "/terms: accepted",
    "/terms/<version>: an earlier one",
    "/oauth/continue/<handle>: new terms",
)
def walk_through_the_terms(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """A customer who accepted the first version meets a second one."""
    found = load_terms(EXAMPLE)
    object.__setattr__(world.provider, "terms", found)
    page = signed_in(world, new_context(), "anna")
    page.goto(world.provider_url + "/terms")
    eyes.look(page, "to accept")
    page.click("#terms-accept")
    eyes.look(page, "accepted")
    later = TermsText(LATER, "en", render("Other terms."), "0" * 64)
    object.__setattr__(world.provider, "terms", type(found)({**found.versions, LATER: {"en": later}}))
    page.goto(world.library_url + "/exclusive")
    eyes.look(page, "new terms")
    shoot(page, "new-terms")
    page.goto(world.provider_url + "/terms/2026-01-01")
    eyes.look(page, "an earlier one")
