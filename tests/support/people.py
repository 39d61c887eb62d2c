"""An application with a clock that moves, accounts in it, and browsers that fill in the forms which pages really have."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, LimitSettings, PasswordSettings, Server, Settings
from idp.provider import Provider
from idp.store import accounts, outbox
from idp.store.accounts import Account
from idp.store.database import Statement
from tests.support.visitor import Page, read_page

START = 1_800_000_000
PASSWORD = "seven quiet lighthouses"

_MAILS = Statement("SELECT * FROM outbox WHERE kind = 'mail' AND account_id = :account_id ORDER BY outbox_id")
_AUDIT = Statement("SELECT act, account_id, details FROM audit_events ORDER BY event_id")


class MovingClock:
    """Seconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def move(self, *, hours: float = 0, minutes: float = 0, seconds: int = 0) -> None:
        """Let time pass."""
        self.now += int(hours * 3600 + minutes * 60) + seconds


@dataclass
class Town:
    """A provider and the people in it."""

    app: Flask
    provider: Provider
    clock: MovingClock
    hashes: dict[str, str] = field(default_factory=dict)

    def add(self, name: str = "anna", *, password: str | None = PASSWORD, **values: str) -> Account:
        """An account `name`, `name@lab.example`."""
        if password is not None and password not in self.hashes:
            self.hashes[password] = self.provider.passwords.hash(password)
        known = {"given_name": name.title(), "family_name": "Berg", "company": "Lab", "country": "DE", **values}
        with self.provider.database.transaction() as tx:
            return accounts.insert_account(
                tx,
                email=f"{name}@lab.example",
                user_name=f"{name}.berg",
                password_hash=self.hashes[password] if password is not None else None,
                email_verified_at=self.clock(),
                now=self.clock(),
                **known,  # type: ignore[arg-type]
            )

    def read(self, account: Account) -> Account:
        """The account as it is now."""
        with self.provider.database.reading() as tx:
            return accounts.get_account(tx, account.account_id)

    def mails(self, account: Account) -> list[tuple[str, dict[str, object]]]:
        """Name and values of the mails that were written to an account."""
        with self.provider.database.reading() as tx:
            rows = tx.all(_MAILS, account_id=account.account_id)
            return [(row["name"], self._open(row["sealed"], row["seal_identity"])) for row in rows]

    def audit(self) -> list[str]:
        """The acts in the trail, in order."""
        with self.provider.database.reading() as tx:
            return [row["act"] for row in tx.all(_AUDIT)]

    def browser(self, **cookies: str) -> Browser:
        """A new browser without cookies."""
        client = self.app.test_client()
        for name, value in cookies.items():
            client.set_cookie(name, value)
        return Browser(client)

    def _open(self, sealed: bytes, identity: str) -> dict[str, object]:
        item = outbox.Item(0, "mail", "", identity, None, None, None, None, 0, 0, sealed)
        values: dict[str, object] = item.open(self.provider.master)["values"]
        return values


@dataclass
class Browser:
    """A browser at the application: pages by GET, forms as they stand on the page."""

    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        """One answer, redirects not followed."""
        return self.client.get(path)

    def open(self, path: str) -> Page:
        """A page, redirects followed."""
        response = self.client.get(path, follow_redirects=True)
        return read_page(response.request.path, response.status_code, response.text, response)

    def submit(self, path: str, button: str, **typed: str | list[str]) -> TestResponse:
        """Open a page, fill in the form that has this button, and send it; redirects of the answer are not followed."""
        page = self.open(path)
        found = page.form(button)
        values: dict[str, str | list[str]] = {**dict(found.fields), **typed}
        return self.client.post(found.action or path, data=values)

    def sign_in(
        self, name: str = "anna.berg", password: str = PASSWORD, *, way: str = "", keep: bool = False
    ) -> TestResponse:
        """Through the sign-in form."""
        typed = {"username": name, "password": password, **({"keep": "y"} if keep else {})}
        return self.submit(f"/sign-in{way}", "login-submit", **typed)

    @property
    def session_cookie(self) -> str | None:
        """The secret of the session, as this browser holds it."""
        cookie = self.client.get_cookie("idp_session")
        return cookie.value if cookie else None


def make_town(folder: Path, *, url: str | None = None, limits: LimitSettings | None = None) -> Town:
    """A town on an empty database; hashing is cheap in it."""
    clock = MovingClock()
    settings = Settings(
        server=Server(issuer="http://localhost"),
        database=DatabaseSettings(url=url or f"sqlite:///{folder}/idp.sqlite3"),
        keys=KeySettings(directory=folder / "keys"),
        passwords=PasswordSettings(memory_kib=8, time_cost=1),
        limits=limits or LimitSettings(network_tries=10000, mail_requests=10000),
    )
    app = create_app(settings, clock=clock)
    return Town(app, app.extensions["idp"], clock)


def location(response: TestResponse) -> str:
    """Path and query of where an answer leads."""
    parts = urlsplit(response.headers["Location"])
    return parts.path + (f"?{parts.query}" if parts.query else "")


def plain(page: str, *typed: str) -> str:
    """A page without its random values, and without what was typed into it."""
    for text in typed:
        page = page.replace(text, "TYPED")
    return re.sub(r'(nonce="|name="csrf_token" type="hidden" value=")[^"]*', r"\1", page)
