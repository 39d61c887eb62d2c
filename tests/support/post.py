"""A provider whose mails and signals a test follows: its clock stands still until the test moves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from idp import create_app, mail
from idp.config import DatabaseSettings, KeySettings, MailSettings, OutboundSettings, Settings
from idp.mail.recipient import Recipient
from idp.provider import Provider
from idp.store import outbox

NOW = 1_800_000_000


class PostOffice:
    """The provider, and short ways to write a mail and to look what became of it."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        mail_url: str = "mailbox:",
        allow_hosts: tuple[str, ...] = (),
        **sections: Any,
    ) -> None:
        self.now = NOW
        settings = Settings(
            database=DatabaseSettings(url=database_url or f"sqlite:///{folder}/idp.sqlite3"),
            keys=KeySettings(directory=folder / "keys"),
            mail=MailSettings(url=mail_url, sender="Account <account@example.com>", customer_care="care@example.com"),
            outbound=OutboundSettings(allow_hosts=allow_hosts),
            **sections,
        )
        self.app = create_app(settings, clock=lambda: self.now)
        self.app.testing = True
        self.provider: Provider = self.app.extensions["idp"]

    def write_mail(self, email: str = "anna@example.com", **values: Any) -> int:
        """A reset mail; out: its row."""
        to = Recipient(email, values.pop("name", "Anna Berg"), values.pop("locale", "en"), registration_id="r1")
        link = values.pop("link", "/reset/the-secret-of-the-link")
        expires_at = values.pop("expires_at", self.now + 3600)
        with self.provider.database.transaction() as tx:
            return mail.reset_password(
                self.provider, tx, to=to, link=link, expires_at=expires_at, reference="BCDF-2345", **values
            )

    def fates(self, kind: str = "mail") -> list[outbox.Fate]:
        """What became of the rows of a kind, oldest first."""
        with self.provider.database.reading() as tx:
            return outbox.fate(tx, kind=kind, now=self.now, limit=500)[::-1]

    def state(self) -> str:
        """The state of the only mail."""
        (fate,) = self.fates()
        return fate.state
