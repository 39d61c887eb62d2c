"""The pages of customers who come over from the old portal."""

from __future__ import annotations

from idp.store import accounts, old_portal
from tests.journeys.looks.walks import make_administrator, shows, signed_in
from tests.journeys.test_main_job import fill_registration, sign_in
from tests.support.accessibility import Eyes
from tests.support.browser import NewContext, Shoot
from tests.support.world import World

OLD_HASH = "{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng=="
OLD_PASSWORD = "hashcat"


def add_old_customer(world: World, email: str, user_name: str, *, given_name: str = "") -> None:
    """An imported account that nobody has come for yet."""
    provider = world.provider
    with provider.database.transaction() as tx:
        account = accounts.insert_account(
            tx,
            email=email,
            user_name=user_name,
            given_name=given_name,
            password_hash=OLD_HASH,
            email_verified_at=provider.clock(),
            now=provider.clock(),
        )
        old_portal.insert_old_account(
            tx,
            account.account_id,
            source="old",
            row_id=user_name,
            hash_format="ldap",
            is_weak=True,
            now=provider.clock(),
        )


@shows(
    "/staff/old-portal: nobody imported",
    "/staff/old-portal: progress",
    "/forgot-password: old password over",
    "/migrate/<token>: open",
    "/migrate/<token>: faults",
    "/migrate/<token>: used",
    "/migrate/<token>: damaged",
    "/migrate/: cut off",
    "/account/complete: missing",
    "/account/complete: faults",
)
def walk_from_the_old_portal(world: World, eyes: Eyes, new_context: NewContext, shoot: Shoot) -> None:
    """By mail after the form, and by the old password."""
    make_administrator(world, "care@example.com")
    desk = signed_in(world, new_context(), "care")
    desk.goto(world.provider_url + "/staff/old-portal")
    eyes.look(desk, "nobody imported")
    add_old_customer(world, "olga@old.example", "olga", given_name="Olga")
    add_old_customer(world, "oskar@old.example", "oskar")
    page = new_context().new_page()
    page.goto(world.provider_url + "/forgot-password?why=old-password")
    eyes.look(page, "old password over")
    page.goto(world.provider_url + "/migrate/")
    eyes.look(page, "cut off")
    page.goto(world.provider_url + "/migrate/" + "x" * 43)
    eyes.look(page, "damaged")
    page.goto(world.provider_url + "/register")
    fill_registration(page, "olga@old.example", "AB123Z")
    page.locator("#register-submit").click()
    mail = world.mail_to("olga@old.example", containing="/migrate/")
    link = world.link_in(mail, "/migrate/")
    page.goto(link)
    eyes.look(page, "open")
    page.select_option("#password_way", "new")
    page.fill("#given_name", "")
    page.locator("#migrate-submit").click()
    eyes.look(page, "faults")
    page.fill("#given_name", "Olga")
    page.select_option("#password_way", "old")
    page.locator("#migrate-submit").click()
    page.goto(link)
    eyes.look(page, "used")
    other = new_context().new_page()
    other.goto(world.provider_url + "/sign-in")
    sign_in(other, "oskar", OLD_PASSWORD)
    eyes.look(other, "missing")
    other.locator("#complete-submit").click()
    eyes.look(other, "faults")
    desk.reload()
    eyes.look(desk, "progress")
