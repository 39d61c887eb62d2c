"""People at a browser, each in their own language and manner: with a mouse, by keyboard alone, without scripts, on a phone.

The keyboard's manner never clicks: it goes from control to control with the Tab key, types, and presses Enter or Space. What
cannot be reached so fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from idp.store.database import Statement
from tests.support.browser import NewContext, Shoot
from tests.support.smtp import Mail, SmtpServer
from tests.support.world import PASSWORD, World, running_world

MANNERS = {"en": "mouse", "de": "keyboard", "fr": "no scripts", "es": "phone"}
"""Each journey is walked once in each language, and so once in each manner."""

_LOCALES = {"en": "en-GB", "de": "de-DE", "fr": "fr-FR", "es": "es-ES"}
_MOST_STOPS = 120


@contextmanager
def world_of(folder: Path, language: str) -> Iterator[World]:
    """A running provider with its sites and a mail server, for several journeys; its people speak one language."""
    smtp = SmtpServer()
    smtp.come_up()
    try:
        with running_world(folder, f"sqlite:///{folder / 'idp.sqlite3'}", smtp) as world:
            with world.provider.database.transaction() as tx:
                tx.run(Statement("UPDATE accounts SET locale = :language"), language=language)
            yield world
    finally:
        smtp.go_down()


@dataclass
class Person:
    """Somebody at a browser of their own; selectors are ids of pages, so that no language matters."""

    world: World
    language: str
    page: Page
    shoot_page: Shoot

    @property
    def manner(self) -> str:
        """How they use the browser."""
        return MANNERS[self.language]

    @property
    def main(self) -> str:
        """The text of the page's content, as it reads."""
        return " ".join(self.page.locator("main").inner_text().split())

    def open(self, address: str) -> None:
        """Type an address, or follow a link of a mail; the page that comes speaks the person's language."""
        self.page.goto(address if "://" in address else self.world.provider_url + address)
        if self.page.url.startswith(self.world.provider_url):
            expect(self.page.locator("html")).to_have_attribute("lang", self.language)

    def press(self, selector: str) -> None:
        """Press a button or follow a link, and wait for the page that comes."""
        if self.manner == "keyboard":
            self._reach(selector)
        with self.page.expect_navigation():
            if self.manner == "keyboard":
                self.page.keyboard.press("Enter")
            else:
                self.page.locator(selector).first.click()

    def write(self, selector: str, text: str) -> None:
        """Fill in a field."""
        if self.manner == "keyboard":
            self._reach(selector)
            self.page.keyboard.press("Control+a")
            self.page.keyboard.insert_text(text)
        else:
            self.page.fill(selector, text)

    def search(self, words: str) -> None:
        """Type into the search box of the page, and press Enter."""
        self.write("#q", words)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def tick(self, selector: str) -> None:
        """Tick a box, or choose a radio button."""
        if self.manner == "keyboard":
            self._reach(selector)
            self.page.keyboard.press("Space")
        else:
            self.page.check(selector)

    def choose(self, selector: str, value: str) -> None:
        """Choose from a list; by keyboard with the first letters of what is written there."""
        if self.manner == "keyboard":
            label = self.page.locator(f"{selector} option[value='{value}']").inner_text()
            self._reach(selector)
            self.page.keyboard.type(label)
            assert self.page.locator(selector).input_value() == value
        else:
            self.page.select_option(selector, value)

    def sees(self, selector: str) -> None:
        """There is such a thing on the page."""
        expect(self.page.locator(selector).first).to_be_visible()

    def sees_not(self, selector: str) -> None:
        """There is no such thing on the page."""
        expect(self.page.locator(selector)).to_have_count(0)

    def reads(self, text: str | re.Pattern[str]) -> None:
        """The page says this."""
        expect(self.page.locator("main")).to_contain_text(text)

    def shoot(self, name: str) -> None:
        """Photograph the page."""
        self.shoot_page(self.page, name)

    def sign_in(self, name: str, password: str = PASSWORD, *, keep: bool = False) -> None:
        """Fill in the sign-in page that is open."""
        self.write("#username", name)
        self.write("#password", password)
        if keep:
            self.tick("#keep")
        self.press("#login-submit")

    def read_mail(self, address: str, *, containing: str = "", after: int = 0) -> Mail:
        """Wait for a mail."""
        return self.world.mail_to(address, containing=containing, after=after)

    def follow(self, mail: Mail, path: str) -> None:
        """Open the link of a mail that leads below a path."""
        self.open(self.world.link_in(mail, path))

    def _reach(self, selector: str) -> None:
        """Go with the Tab key until the control has the focus."""
        wanted = self.page.locator(selector).first
        expect(wanted).to_be_enabled()
        for _ in range(_MOST_STOPS):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} on {self.page.url} cannot be reached with the Tab key")


def seat(world: World, language: str, new_context: NewContext, shoot: Shoot) -> Callable[[], Person]:
    """A maker of people of one language, each at a fresh browser."""

    def sit_down() -> Person:
        manner = MANNERS[language]
        options: dict[str, object] = {"locale": _LOCALES[language]}
        if manner == "no scripts":
            options["java_script_enabled"] = False
        if manner == "phone":
            options.update(viewport={"width": 360, "height": 740}, has_touch=True)
        context: BrowserContext = new_context(**options)
        return Person(world, language, context.new_page(), shoot)

    return sit_down
