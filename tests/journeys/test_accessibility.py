"""Every page in every state, held against axe-core in Chromium: light and dark, desk and phone (`docs/pages.md`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from idp.store import clients
from idp.store.database import Statement
from idp.web.audiences import is_for_programs
from tests.journeys.test_main_job import NEW_PASSWORD, approve_in_queue, fill_registration, sign_in
from tests.support.accessibility import TABLE, Eyes, read_table, rules_of_pages
from tests.support.browser import NewContext, Shoot
from tests.support.people import make_town
from tests.support.world import PASSWORD, World

Walk = Callable[[World, Eyes, NewContext, Shoot], None]

WALKS: dict[str, tuple[Walk, frozenset[str]]] = {}


def shows(*states: str) -> Callable[[Walk], Walk]:
    """Say which states a walk looks at; each is `route: state`."""

    def note(walk: Walk) -> Walk:
        WALKS[walk.__name__] = (walk, frozenset(states))
        return walk

    return note


@shows(
    "/: signed out",
    "/sign-in: empty",
    "/sign-in: wrong",
    "/forgot-password: empty",
    "/forgot-password: sent",
    "/reset: no link",
    "/reset: damaged",
    "/reset: new password",
    "/reset/done: done",
    "/register/mail: empty",
    "/register/mail: asked",
    "/register/status: none",
    "/confirm/<token>: damaged",
    "/confirm/: cut off",
    "/oauth/authorize: refused request",
    "/oauth/logout: unusable",
    "/signed-out: nobody was signed in",
)
def walk_as_a_stranger(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """Nobody is signed in."""
    page = new_context().new_page()
    for path, state in {
        "/": "signed out",
        "/sign-in": "empty",
        "/reset": "no link",
        "/reset/" + "x" * 43: "damaged",
        "/register/status": "none",
        "/register/mail": "empty",
        "/confirm/" + "x" * 43: "damaged",
        "/confirm/": "cut off",
        "/oauth/authorize?client_id=nobody": "refused request",
        "/oauth/logout?state=1&state=2": "unusable",
        "/signed-out": "nobody was signed in",
    }.items():
        page.goto(world.provider_url + path)
        eyes.look(page, state)
    page.goto(world.provider_url + "/sign-in")
    sign_in(page, "anna", "not her password at all")
    eyes.look(page, "wrong")
    page.goto(world.provider_url + "/register/mail")
    page.fill("#email", "somebody@example.org")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "asked")
    page.goto(world.provider_url + "/forgot-password")
    eyes.look(page, "empty")
    page.fill("#email", "approved@example.com")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "sent")
    page.goto(world.link_in(world.mail_to("approved@example.com", containing="/reset/"), "/reset/"))
    eyes.look(page, "new password")
    page.fill("#new_password", NEW_PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "done")


@shows(
    "/register: empty",
    "/register: faults",
    "/register/status/<token>: sent",
    "/register/status/<token>: waiting",
    "/register/status/<token>: approved",
    "/register/status/<token>: rejected",
    "/confirm/<token>: same browser",
    "/confirm/<token>: other browser",
    "/confirm/<token>: used",
)
def walk_through_a_registration(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """From the form to the decision, seen from the applicant's side."""
    page, staff = new_context().new_page(), new_context().new_page()
    page.goto(world.provider_url + "/register")
    eyes.look(page, "empty")
    page.click("#register-submit")
    eyes.look(page, "faults")
    fill_registration(page, "nora@example.org", "CD123Z")
    page.click("#register-submit")
    link = world.link_in(world.mail_to("nora@example.org", containing="/confirm/"), "/confirm/")
    status = world.link_in(world.mail_to("nora@example.org", containing="/confirm/"), "/register/status/")
    page.goto(status)
    eyes.look(page, "sent")
    elsewhere = new_context().new_page()
    elsewhere.goto(link)
    eyes.look(elsewhere, "other browser")
    page.goto(link)
    eyes.look(page, "same browser")
    page.click("#confirm-submit")
    page.goto(status)
    eyes.look(page, "waiting")
    page.goto(link)
    eyes.look(page, "used")
    approve_in_queue(world, staff, "Newcomer", shoot)
    page.goto(status)
    eyes.look(page, "approved")
    with world.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET approval_status = 'rejected' WHERE email_key = 'nora@example.org'"))
    page.goto(status)
    eyes.look(page, "rejected")


@shows(
    "/: approved",
    "/: pending",
    "/: rejected",
    "/: suspended",
    "/sign-in: asked again",
    "/account: profile",
    "/account: saved",
    "/account: faults",
    "/account/security: sessions",
    "/account/security/password: empty",
    "/account/security/password: faults",
    "/account/sites: nothing permitted",
)
def walk_as_a_customer(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """A customer's own pages, and the first page of each status."""
    for name, state in {"willi": "pending", "rosa": "rejected", "simon": "suspended", "anna": "approved"}.items():
        page = signed_in(world, new_context(), name)
        page.goto(world.provider_url + "/")
        eyes.look(page, state)
    page.goto(world.provider_url + "/account/sites")
    eyes.look(page, "nothing permitted")
    page.goto(world.provider_url + "/account/security")
    eyes.look(page, "sessions")
    page.goto(world.provider_url + "/account")
    eyes.look(page, "profile")
    page.fill("#given_name", "")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "faults")
    page.fill("#given_name", "Annabel")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "saved")
    page.goto(world.provider_url + "/account/security/password")
    eyes.look(page, "empty")
    page.locator("main form button[type=submit]").first.click()
    eyes.look(page, "faults")
    world.clock.move(hours=3)
    page.goto(world.provider_url + "/account")
    eyes.look(page, "asked again")


@shows(
    "/sign-in: on the way to a site",
    "/account/sites: one permitted",
    "/oauth/continue/<handle>: consent",
    "/oauth/continue/<handle>: choose an account",
    "/oauth/continue/<handle>: site wants approval",
    "/oauth/logout: confirm",
    "/signed-out/<handle>: site by site",
)
def walk_to_a_site(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """What stands between a site and its customer."""
    page = new_context().new_page()
    page.goto(world.library_url + "/exclusive")
    eyes.look(page, "on the way to a site")
    sign_in(page, "willi", PASSWORD)
    eyes.look(page, "site wants approval")
    with world.provider.database.transaction() as tx:
        clients.save_client(
            tx,
            "third-party",
            {
                "client_name": "Measuring circle",
                "redirect_uris": [world.portal_url + "/"],
                "grant_types": ["authorization_code"],
                "response_types": ["code"],
                "scope": "openid profile email phone address approval",
                "token_endpoint_auth_method": "none",
            },
            now=world.clock(),
            require_approval=False,
        )
    page = signed_in(world, new_context(), "anna")
    page.goto(world.library_url + "/exclusive")
    request = (
        f"{world.provider_url}/oauth/authorize?client_id=third-party&response_type=code&redirect_uri="
        f"{world.portal_url}/&scope=openid+profile+email&code_challenge_method=S256&code_challenge=" + "c" * 43
    )
    page.goto(request)
    eyes.look(page, "consent")
    page.click("#consent-approve")
    page.goto(world.provider_url + "/account/sites")
    eyes.look(page, "one permitted")
    page.goto(request + "&prompt=select_account")
    eyes.look(page, "choose an account")
    page.goto(world.provider_url + "/oauth/logout")
    eyes.look(page, "confirm")
    page.click("#logout-confirm")
    eyes.look(page, "site by site")


@shows(
    "/mailbox: empty",
    "/staff: nobody waits",
    "/staff: queue",
    "/staff: nothing fits",
    "/staff: not staff",
    "/staff/applications/<account_id>: open",
    "/staff/applications/<account_id>: reason missing",
    "/staff/accounts: list",
    "/staff/accounts: nothing found",
    "/staff/accounts/<account_id>: approved",
    "/staff/accounts/<account_id>: rejected",
    "/staff/accounts/<account_id>: closed to oneself",
    "/staff/accounts/<account_id>/temporary-password: given",
    "/staff/registrations: list",
    "/staff/registrations: nothing found",
    "/staff/registrations/<registration_id>: open",
    "/staff/mail: list",
    "/staff/sign-outs: empty",
    "/staff/sign-outs: list",
    "/staff/sign-outs: nothing fits",
    "/staff/rules: list",
    "/staff/audit: list",
)
def walk_at_the_desk(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An administrator at every page of the desk."""
    visitor = new_context().new_page()
    visitor.goto(world.provider_url + "/mailbox")
    eyes.look(visitor, "empty")
    visitor.goto(world.provider_url + "/register")
    fill_registration(visitor, "nora@example.org", "CD123Z")
    visitor.click("#register-submit")
    customer = signed_in(world, new_context(), "anna")
    customer.goto(world.provider_url + "/staff")
    eyes.look(customer, "not staff")
    make_administrator(world, "care@example.com")
    page = signed_in(world, new_context(), "care")
    for path, state in {
        "/staff": "queue",
        "/staff?q=zzzzzz": "nothing fits",
        "/staff/accounts": "list",
        "/staff/accounts?q=zzzzzz": "nothing found",
        "/staff/registrations": "list",
        "/staff/registrations?q=zzzzzz": "nothing found",
        "/staff/mail": "list",
        "/staff/sign-outs": "empty",
        "/staff/sign-outs?state=dead": "nothing fits",
        "/staff/rules": "list",
        "/staff/audit": "list",
    }.items():
        page.goto(world.provider_url + path)
        eyes.look(page, state)
    customer.goto(world.library_url + "/exclusive")
    customer.goto(world.provider_url + "/")
    customer.click("#sign-out")
    page.goto(world.provider_url + "/staff/sign-outs")
    eyes.look(page, "list")
    for name, state in {"Approved": "approved", "Rejected": "rejected", "Care": "closed to oneself"}.items():
        page.goto(f"{world.provider_url}/staff/accounts?q={name}")
        page.locator("main").get_by_role("link", name=re.compile(name)).first.click()
        eyes.look(page, state)
    page.goto(f"{world.provider_url}/staff/accounts?q=Approved")
    page.locator("main").get_by_role("link", name=re.compile("Approved")).first.click()
    page.click("#give-temporary-password")
    eyes.look(page, "given")
    page.goto(world.provider_url + "/staff/registrations")
    page.locator("main").get_by_role("link", name=re.compile("Newcomer")).first.click()
    eyes.look(page, "open")
    page.goto(world.provider_url + "/staff")
    page.get_by_role("link", name=re.compile("Waiting")).first.click()
    eyes.look(page, "open")
    page.click("#decision-reject")
    eyes.look(page, "reason missing")
    page.click("#decision-approve")
    page.goto(world.provider_url + "/staff")
    eyes.look(page, "nobody waits")


@shows(
    "/staff/decisions/<batch_id>: scheduled",
    "/staff/decisions/<batch_id>: undone",
)
def walk_through_bulk_decisions(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """An administrator decides about several at once, and takes it back."""
    make_administrator(world, "care@example.com")
    page = signed_in(world, new_context(), "care")
    page.goto(world.provider_url + "/staff")
    page.locator("input[name=chosen]").first.check()
    page.click("#bulk-decision summary")
    page.click("#bulk-approve")
    eyes.look(page, "scheduled")
    page.click("#undo")
    eyes.look(page, "undone")


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


@pytest.mark.parametrize("name", sorted(WALKS))
def test_every_state_on_the_way_is_accessible(
    name: str, sqlite_world: World, new_context: NewContext, shoot: Shoot
) -> None:
    """No violation in any rendering, and the walk looked at what it says it looks at."""
    walk, states = WALKS[name]
    eyes = Eyes(sqlite_world.app)
    walk(sqlite_world, eyes, new_context, shoot)
    assert not eyes.violations, "\n".join(eyes.violations)
    assert eyes.seen == states


def test_every_state_in_the_table_is_looked_at() -> None:
    """`docs/pages.md` and the walks say the same."""
    looked_at = [state for _, states in WALKS.values() for state in states]
    assert sorted(looked_at) == sorted(read_table())


def test_every_route_that_people_open_is_in_the_table(tmp_path: Path) -> None:
    """A new page is looked at, or the table says why there is nothing to see."""
    town = make_town(tmp_path)
    without = set(re.findall(r"^- `([^`]+)`", TABLE.read_text(encoding="utf-8"), re.MULTILINE))
    told = {*read_table().values(), *without}
    assert sorted(told) == sorted(set(rules_of_pages(town.app, is_for_programs)))
