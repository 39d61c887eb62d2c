"""The rules' pages: a draft, its trial, versions, and what is blocked."""

from __future__ import annotations

from idp.policy.rules import Rule
from idp.store import accounts
from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.rules import add_past_registration, add_rules
from tests.support.world import World


@shows(
    "/staff/rules: draft begun",
    "/staff/rules: switched on",
    "/staff/rules/blocked: empty",
    "/staff/rules/blocked: list",
    "/staff/rules/blocked: faults",
    "/staff/rules/draft: list",
    "/staff/rules/draft/acts: changed meanwhile",
    "/staff/rules/draft/families: empty",
    "/staff/rules/draft/families: faults",
    "/staff/rules/draft/rule: empty",
    "/staff/rules/draft/rule: faults",
    "/staff/rules/draft/trial: no difference",
    "/staff/rules/draft/trial: differences",
    "/staff/rules/draft/trial: faults",
    "/staff/rules/draft/trial: overtaken",
    "/staff/rules/versions/<version>: earlier one",
)
def walk_through_the_rules(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An administrator blocks a number, writes a draft, tries it and switches it on."""
    make_administrator(world, "care@example.com")
    with world.provider.database.transaction() as tx:
        ann = accounts.find_by_identifier(tx, "care@example.com")
        assert ann is not None
        add_past_registration(tx, ann, "XY123Z", world.provider.clock() - 86400)
    page = signed_in(world, new_context(), "care")
    rules = world.provider_url + "/staff/rules"
    page.goto(rules + "/blocked")
    eyes.look(page, "empty")
    page.click("#block-submit")
    eyes.look(page, "faults")
    page.fill("#value", "ab 123 z")
    page.fill("#reason", "Reported stolen.")
    page.click("#block-submit")
    eyes.look(page, "list")
    page.goto(rules)
    page.click("#rules-change")
    eyes.look(page, "list")
    page.click("#draft-trial")
    eyes.look(page, "no difference")
    page.goto(rules)
    eyes.look(page, "draft begun")
    page.goto(rules + "/draft/families")
    eyes.look(page, "empty")
    page.fill("#families", "A; one letter")
    page.click("#families-save")
    eyes.look(page, "faults")
    page.goto(rules + "/draft/rule")
    eyes.look(page, "empty")
    page.fill("#rule_key", "everybody")
    page.click("#rule-save")
    eyes.look(page, "faults")
    page.select_option("#ownership", "any")
    page.click("#rule-save")
    other = signed_in(world, new_context(), "care")
    other.goto(rules + "/draft")
    other.locator("tr", has_text="everybody").get_by_role("button", name="Up").click()
    page.locator("tr", has_text="everybody").get_by_role("button", name="Switch off").click()
    eyes.look(page, "changed meanwhile")
    shoot(page, "rules-draft")
    page.click("#draft-trial")
    eyes.look(page, "differences")
    shoot(page, "rules-trial")
    page.click("#rules-switch-on")
    eyes.look(page, "faults")
    with world.provider.database.transaction() as tx:
        add_rules(tx, Rule("meanwhile", countries=frozenset({"FR"})), now=world.provider.clock())
    page.goto(rules + "/draft/trial")
    eyes.look(page, "overtaken")
    page.click("#draft-base")
    page.fill("#remark", "Whoever is in our list may come in.")
    page.click("#rules-switch-on")
    eyes.look(page, "switched on")
    page.goto(rules + "/versions/1")
    eyes.look(page, "earlier one")
