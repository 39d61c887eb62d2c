"""Each promise of the help page, walked in Chromium in all four languages (`docs/help-page.md`).

English is walked with the mouse, German with the keyboard alone, French without scripts, Spanish on a phone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp.signals.news import read_feeds
from tests.journeys.looks.old_portal import OLD_PASSWORD, add_old_customer
from tests.support.browser import NewContext, Shoot
from tests.support.hands import MANNERS, Person, seat, world_of
from tests.support.world import World

NEW_PASSWORD = "seven-quiet-mountains"
ANOTHER_PASSWORD = "eight-noisy-harbours"
DAY = 24

Sit = Callable[[], Person]
Promise = Callable[[Sit], None]

PROMISES: dict[str, Promise] = {}


def promise(walk: Promise) -> Promise:
    """Note a walk under the promise that it keeps: `walk_f_1_2` is F-1.2."""
    number = walk.__name__.removeprefix("walk_f_").replace("_", ".")
    PROMISES[f"F-{number}"] = walk
    return walk


@pytest.fixture(scope="module", params=sorted(MANNERS))
def foreign_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for the journeys of one language."""
    with world_of(tmp_path_factory.mktemp(f"world-{request.param}"), request.param) as world:
        world.language = request.param  # type: ignore[attr-defined]
        yield world


@pytest.fixture
def sit(foreign_world: World, new_context: NewContext, shoot: Shoot) -> Sit:
    """People of that language."""
    return seat(foreign_world, foreign_world.language, new_context, shoot)  # type: ignore[attr-defined]


def fill_in(person: Person, email: str, serial_number: str = "CD123Z") -> None:
    """Fill in the registration form."""
    person.open("/register")
    person.write("#email", email)
    person.write("#given_name", "Nora")
    person.write("#family_name", "Newcomer")
    person.write("#company", "Waterworks Basel")
    person.choose("#country", "CH")
    person.write("#serial_number", serial_number)
    person.write("#new_password", NEW_PASSWORD)


def see_hint_at_serial_number(person: Person) -> None:
    """What is said while typing stands right under its field, and the picture of the name plate never between them."""
    person.write("#serial_number", "12")
    person.sees("#serial_number + p.hint:not(:empty)")
    field = person.page.locator("#serial_number").bounding_box()
    told = person.page.locator("#serial_number + p.hint").bounding_box()
    assert field is not None
    assert told is not None
    assert told["y"] - (field["y"] + field["height"]) < 16


def register(person: Person, email: str, serial_number: str = "CD123Z") -> None:
    """Send a registration."""
    fill_in(person, email, serial_number)
    person.press("#register-submit")
    person.sees("ol.steps li.now:nth-child(2)")


def confirm(person: Person, email: str) -> None:
    """Follow the mail and press the button."""
    person.follow(person.read_mail(email, containing="/confirm/"), "/confirm/")
    person.press("#confirm-submit")


def reference_on(person: Person) -> str:
    """The reference number that the page shows."""
    return person.page.locator(".reference .code").first.inner_text()


def be_staff(person: Person) -> None:
    """Sign in as customer care."""
    person.open("/staff")
    person.sign_in("care")
    person.sees("#queue-title")


@promise
def walk_f_1_1(sit: Sit) -> None:
    """Interests and region choose the news on the overview, and a site that one enters learns of them."""
    person = sit()
    person.world.clock.move(minutes=2)
    read_feeds(person.world.provider)
    person.open("/sign-in")
    person.sign_in("anna")
    person.open("/")
    person.sees("#news-items a:has-text('pH in practice')")
    person.press("#choose-interests")
    person.tick("#interest-titrators")
    person.choose("#region", "dach")
    person.press("#interests-submit")
    person.sees(".notice.positive")
    person.shoot("interests")
    person.open("/")
    person.sees("#news-items a:has-text('Titration for beginners')")
    person.sees_not("#news-items a:has-text('pH in practice')")
    person.sees_not("#news-items a:has-text('Open house in Lyon')")
    person.shoot("news")
    person.open(person.world.portal_url + "/bookings")
    person.open(person.world.portal_url + "/")
    person.sees("#interests:has-text('titrators')")


@promise
def walk_f_1_2(sit: Sit) -> None:
    """Three steps are shown as steps, with where one is and how long the rest takes."""
    person = sit()
    person.open("/register")
    person.sees("ol.steps li.now:nth-child(1)")
    register(person, "steps@example.org")
    person.shoot("sent")
    confirm(person, "steps@example.org")
    person.sees("ol.steps li.now:nth-child(3)")
    person.reads(re.compile(r"\b2\b|deux|dos|zwei"))
    person.shoot("in-review")
    staff = sit()
    be_staff(staff)
    staff.press("#rows a:has-text('Newcomer')")
    staff.press("#decision-approve")
    staff.sees("#done")
    person.page.reload()
    assert person.page.locator("ol.steps li.done").count() == 3
    person.shoot("approved")


@promise
def walk_f_1_3(sit: Sit) -> None:
    """Each field says why the form was not sent; what was typed is kept; the way to "Forgot password?" is there."""
    person = sit()
    fill_in(person, "not an address", "12345")
    person.write("#family_name", "")
    person.press("#register-submit")
    person.sees("#error-summary")
    for field in ("email", "family_name", "serial_number"):
        person.sees(f"#{field}-error")
        assert f"{field}-error" in (person.page.locator(f"#{field}").get_attribute("aria-describedby") or "")
    assert person.page.locator("#company").input_value() == "Waterworks Basel"
    assert person.page.locator("#serial_number").input_value() == "12345"
    person.sees("main a[href*='/forgot-password']")
    person.shoot("faults")
    person.write("#email", "approved@example.com")
    person.write("#family_name", "Newcomer")
    person.write("#serial_number", "CD123Z")
    person.write("#new_password", NEW_PASSWORD)
    person.press("#register-submit")
    person.sees("ol.steps li.now:nth-child(2)")
    taken = person.read_mail("approved@example.com", containing="/forgot-password")
    person.follow(taken, "/forgot-password")
    person.sees("#forgot-submit")


@promise
def walk_f_1_4(sit: Sit) -> None:
    """The form shows where the serial number stands, and forgives case, blanks and dashes."""
    person = sit()
    fill_in(person, "plate@example.org", " cd-321 z ")
    person.sees("svg.plate")
    if person.manner != "no scripts":
        see_hint_at_serial_number(person)
    person.write("#serial_number", " cd-321 z ")
    person.shoot("name-plate")
    person.press("#register-submit")
    confirm(person, "plate@example.org")
    staff = sit()
    be_staff(staff)
    staff.open("/staff?q=CD321Z")
    staff.sees("#rows a:has-text('CD321Z')")


@promise
def walk_f_1_5(sit: Sit) -> None:
    """Page and mail say why and until when; afterwards the address is free again."""
    person = sit()
    register(person, "late@example.org")
    mail = person.read_mail("late@example.org", containing="/confirm/")
    day = str(_day_in(person.world, 14))
    person.reads(re.compile(rf"\b{day}\b"))
    assert re.search(rf"\b{day}\b", mail.text())
    person.shoot("until")
    person.world.clock.move(hours=14 * DAY + 1)
    person.follow(mail, "/confirm/")
    person.sees("#error-title")
    person.shoot("expired")
    again = sit()
    register(again, "late@example.org")
    again.read_mail("late@example.org", containing="/confirm/", after=1)


@promise
def walk_f_1_6(sit: Sit) -> None:
    """No mail came: spam folder, again by a button, customer care, who find the registration and send it again."""
    person = sit()
    register(person, "nomail@example.org")
    person.sees("main a[href^='mailto:care@example.com']")
    person.world.clock.move(minutes=2)
    person.page.reload()
    person.press("#send-again")
    person.shoot("sent-again")
    person.read_mail("nomail@example.org", containing="/confirm/", after=1)
    staff = sit()
    be_staff(staff)
    staff.open("/staff/registrations?q=nomail@example.org")
    staff.press("#rows a:has-text('Newcomer')")
    staff.press("#resend")
    staff.sees("#done")
    staff.shoot("resent-by-staff")
    person.follow(person.read_mail("nomail@example.org", containing="/confirm/", after=2), "/confirm/")
    person.sees("#confirm-submit")


@promise
def walk_f_1_7(sit: Sit) -> None:
    """Damaged, replaced and used links say so, offer a new mail, and show a number that staff find."""
    person = sit()
    register(person, "links@example.org")
    first = person.read_mail("links@example.org", containing="/confirm/")
    link = person.world.link_in(first, "/confirm/")
    person.open(link[:-9])
    person.sees("#send-again")
    person.shoot("damaged")
    person.world.clock.move(minutes=2)
    person.write("#email", "links@example.org")
    person.press("#send-again")
    second = person.read_mail("links@example.org", containing="/confirm/", after=1)
    person.open(link)
    person.sees("#send-again")
    number = reference_on(person)
    person.shoot("replaced")
    staff = sit()
    be_staff(staff)
    staff.open("/staff/accounts")
    staff.search(number)
    staff.reads("links@example.org")
    staff.shoot("found-by-reference")
    person.follow(second, "/confirm/")
    person.press("#confirm-submit")
    person.follow(second, "/confirm/")
    assert person.page.locator("#confirm-submit").count() == 0
    person.shoot("used")


@promise
def walk_f_1_8(sit: Sit) -> None:
    """In review: whom to ask when it is urgent. Refused: the reason and the way to answer."""
    person = sit()
    register(person, "urgent@example.org", "CD777Z")
    confirm(person, "urgent@example.org")
    person.sees("main a[href^='mailto:care@example.com']")
    person.shoot("whom-to-ask")
    number = reference_on(person)
    staff = sit()
    be_staff(staff)
    staff.open(f"/staff?q={number}")
    staff.press("#rows a:has-text('Newcomer')")
    staff.write("#reason", "Photo 4711, please.")
    staff.press("#decision-reject")
    staff.sees("#done")
    mail = person.read_mail("urgent@example.org", containing="Photo 4711")
    person.follow(mail, "/register/status/")
    person.reads("Photo 4711, please.")
    person.sees("main a[href*='care@example.com']")
    person.shoot("refused")
    person.write("#answer", "Here it is: the plate says CD777Z.")
    person.press("#answer-submit")
    person.sees(".notice.positive")
    staff.open(f"/staff?q={number}")
    staff.press("#rows a:has-text('Newcomer')")
    staff.reads("Here it is: the plate says CD777Z.")


@promise
def walk_f_1_9(sit: Sit) -> None:
    """An old customer types the old address, follows the mail, completes the profile and is in; old passwords work."""
    person = sit()
    add_old_customer(person.world, "olga@old.example", "olga", given_name="Olga")
    add_old_customer(person.world, "oskar@old.example", "oskar")
    register(person, "olga@old.example", "AB191Z")
    person.shoot("sent")
    person.follow(person.read_mail("olga@old.example", containing="/migrate/"), "/migrate/")
    assert person.page.locator("#company").input_value() == "Waterworks Basel"
    person.write("#family_name", "Old")
    person.shoot("complete")
    person.press("#migrate-submit")
    person.sees("ol.steps li.done:nth-child(3)")
    person.shoot("moved")
    person.open("/sign-in")
    person.sign_in("olga@old.example", NEW_PASSWORD)
    person.sees("#sign-out")
    other = sit()
    other.open("/sign-in")
    other.sign_in("oskar", OLD_PASSWORD)
    other.sees("#complete-submit")
    other.write("#given_name", "Oskar")
    other.write("#family_name", "Old")
    other.write("#company", "Waterworks Basel")
    other.choose("#country", "CH")
    other.write("#serial_number", "AB192Z")
    other.shoot("missing-details")
    other.press("#complete-submit")
    other.sees("#sign-out")
    assert other.page.locator("#complete").count() == 0


@promise
def walk_f_2_1(sit: Sit) -> None:
    """The page behind "Forgot password?" asks for the address and sends a link."""
    person = sit()
    register(person, "forgetful@example.org", "AB121Z")
    confirm(person, "forgetful@example.org")
    person.open("/sign-in")
    person.press("main a[href*='/forgot-password']")
    person.write("#email", "forgetful@example.org")
    person.press("#forgot-submit")
    person.shoot("asked")
    person.follow(person.read_mail("forgetful@example.org", containing="/reset/"), "/reset/")
    person.write("#new_password", ANOTHER_PASSWORD)
    person.shoot("new-password")
    person.press("#reset-submit")
    person.open("/sign-in")
    person.sign_in("forgetful@example.org", ANOTHER_PASSWORD)
    person.sees("#sign-out")


@promise
def walk_f_2_2(sit: Sit) -> None:
    """One signs in with the address or the user name, and the profile shows the name."""
    person = sit()
    person.open("/sign-in")
    person.sign_in("approved@example.com")
    person.open("/account")
    person.sees("main :text-is('anna'), main [value='anna']")
    person.shoot("profile")
    other = sit()
    other.open("/sign-in")
    other.sign_in("anna")
    other.sees("#sign-out")


@promise
def walk_f_2_3(sit: Sit) -> None:
    """Staff find an account by name, company or serial number, and help with a reset link."""
    staff = sit()
    be_staff(staff)
    for words in ("approved anna", "waterworks lyon", "ab 908-q"):
        staff.open("/staff/accounts")
        staff.search(words)
        staff.sees("#rows a:has-text('Anna Approved')")
    staff.shoot("found")
    staff.press("#rows a:has-text('Anna Approved')")
    staff.press("#send-reset-link")
    staff.sees("#done")
    staff.read_mail("approved@example.com", containing="/reset/")


@promise
def walk_f_2_4(sit: Sit) -> None:
    """The mailbox is lost: customer care changes the address, "Forgot password?" works there, the old one can undo it."""
    person, staff = sit(), sit()
    old, new = "lost@example.org", "found@example.org"
    register(person, old, "AB444Z")
    confirm(person, old)
    be_staff(staff)
    staff.open(f"/staff/accounts?q={old}")
    staff.press("#rows a:has-text('Newcomer')")
    staff.press("#change-email")
    staff.write("#email", "approved@example.com")
    staff.write("#reason", "Has a new employer; called back at its number.")
    staff.shoot("what-will-happen")
    staff.press("#email-submit")
    staff.sees("#email-error")
    staff.write("#email", new)
    staff.press("#email-submit")
    staff.sees("#done")
    staff.shoot("changed")
    person.open("/forgot-password")
    person.write("#email", new)
    person.press("#forgot-submit")
    person.follow(person.read_mail(new, containing="/reset/"), "/reset/")
    person.write("#new_password", ANOTHER_PASSWORD)
    person.press("#reset-submit")
    person.open("/sign-in")
    person.sign_in(new, ANOTHER_PASSWORD)
    person.sees("#sign-out")
    owner = sit()
    owner.follow(owner.read_mail(old, containing="/email/undo/"), "/email/undo/")
    owner.shoot("undo")
    owner.press("#undo-submit")
    owner.sees("#new_password")
    person.open("/account")
    person.sees("#login-submit")


@promise
def walk_f_2_5(sit: Sit) -> None:
    """No reset mail came: what to check; staff see whether it went out, and give a password that must be changed."""
    person, staff = sit(), sit()
    email = "temporary@example.org"
    register(person, email, "AB555Z")
    confirm(person, email)
    person.open("/forgot-password")
    person.write("#email", email)
    person.press("#forgot-submit")
    person.sees("main ul li a[href^='mailto:care@example.com']")
    person.shoot("what-to-check")
    person.read_mail(email, containing="/reset/")
    be_staff(staff)
    staff.open(f"/staff/accounts?q={email}")
    staff.press("#rows a:has-text('Newcomer')")
    staff.sees(".history .tag.approved")
    staff.shoot("mail-went-out")
    staff.press("#give-temporary-password")
    staff.shoot("temporary-password")
    password = staff.page.locator("#temporary-password").inner_text()
    person.open("/sign-in")
    person.sign_in(email, password)
    person.sees("#new_password")
    person.shoot("new-password")
    person.open("/account")
    person.sees("#login-submit")
    person.open("/reset")
    person.write("#new_password", ANOTHER_PASSWORD)
    person.press("#reset-submit")
    person.open("/sign-in")
    person.sign_in(email, ANOTHER_PASSWORD)
    person.sees("#sign-out")


@promise
def walk_f_2_6(sit: Sit) -> None:
    """The mail says below the link how long it lives."""
    person = sit()
    person.open("/forgot-password")
    person.write("#email", "suspended@example.com")
    person.press("#forgot-submit")
    mail = person.read_mail("suspended@example.com", containing="/reset/")
    after = mail.text().partition(person.world.link_in(mail, "/reset/"))[2]
    assert re.search(r"\b(1|one|eine|une|una)\b", after.strip().splitlines()[0]), after[:300]
    person.world.clock.move(hours=1, seconds=5)
    person.follow(mail, "/reset/")
    person.sees("#error-title")
    person.shoot("expired")


@promise
def walk_f_2_7(sit: Sit) -> None:
    """Kept for 12 hours after sign-in, also when the browser was closed; the box advises against shared computers."""
    person = sit()
    person.open("/sign-in")
    person.sees("#keep-hint")
    person.shoot("advice")
    person.sign_in("anna", keep=True)
    person.sees("#sign-out")
    [cookie] = [found for found in person.page.context.cookies() if found["name"] == "idp_session"]
    assert cookie["expires"] > 0
    person.world.clock.move(hours=11, minutes=58)
    person.open("/account")
    person.sees("#profile-submit")
    person.world.clock.move(minutes=3)
    person.open("/account")
    person.sees("#login-submit")
    person.shoot("asked-again")


@pytest.mark.parametrize("number", sorted(PROMISES))
def test_a_promise_of_the_help_page_is_kept(number: str, sit: Sit) -> None:
    """Walked by somebody of this language."""
    PROMISES[number](sit)


def test_each_promise_has_its_row() -> None:
    """`docs/help-page.md` names each promise with its page and its walk."""
    table = Path(__file__).resolve().parents[2] / "docs" / "help-page.md"
    rows = re.findall(r"^\| (F-\d\.\d) \|.*\| `(walk_f_\d_\d)` \|$", table.read_text(encoding="utf-8"), re.MULTILINE)
    assert {number: walk.__name__ for number, walk in PROMISES.items()} == dict(rows)


def _day_in(world: World, days: int) -> int:
    return (datetime.fromtimestamp(world.clock(), UTC) + timedelta(days=days)).day
