"""Somebody who registers: fills in the form that the page has, reads the mails that were written, presses buttons."""

from __future__ import annotations

import json
import re
from typing import Any

from idp.store.database import Row
from tests.support.lobby import Lobby, hidden_fields

PASSWORD = "seven quiet mountains"
FORM = {
    "email": "nora@waterworks.example",
    "given_name": "Nora",
    "family_name": "Newcomer",
    "company": "Waterworks Basel",
    "country": "CH",
    "serial_number": "cd 123-z",
    "new_password": PASSWORD,
    "user_name": "",
    "locale": "en",
}


class Applicant:
    """A browser with a person who wants an account."""

    def __init__(self, house: Lobby) -> None:
        self.house = house
        self.web = house.app.test_client()

    def get(self, path: str) -> Any:
        """Open a page."""
        return self.web.get(path)

    def send(self, page: str, path: str, data: Any, **values: Any) -> Any:
        """Send a form to `path` with the token of the form on `page`."""
        token = hidden_fields(self.get(page).text)["csrf_token"]
        if isinstance(data, dict):
            return self.web.post(path, data={"csrf_token": token, **data}, **values)
        return self.web.post(
            path,
            data=f"csrf_token={token}&".encode() + data,
            content_type="application/x-www-form-urlencoded",
            **values,
        )

    def register(self, **changes: Any) -> Any:
        """Send the registration form."""
        return self.send("/register", "/register", {**FORM, **changes})

    def confirm(self, link: str, **proof: str) -> Any:
        """Open the link and press a button of the page behind it."""
        if "code" in proof:
            proof["way"] = "code"
        return self.send(link, link, proof)


def mails(house: Lobby) -> list[dict[str, Any]]:
    """The mails that were written, oldest first: `name`, `email` and the values of the message."""
    found = []
    for row in house.rows("SELECT name, sealed, seal_identity FROM outbox WHERE kind = 'mail' ORDER BY outbox_id"):
        payload = json.loads(house.provider.master.open(bytes(row["sealed"]), f"outbox:{row['seal_identity']}"))
        found.append({"name": row["name"], "email": payload["email"], **payload["values"]})
    return found


def newest_link(house: Lobby) -> str:
    """The path of the confirmation link in the newest mail."""
    newest: str = [mail for mail in mails(house) if mail["name"] == "confirm_registration"][-1]["link"]
    return path_of(newest)


def newest_code(house: Lobby) -> str:
    """The code in the newest mail."""
    code: str = [mail for mail in mails(house) if mail["name"] == "confirm_registration"][-1]["code"]
    return code


def path_of(link: str) -> str:
    """The path of a link to our pages."""
    return re.sub(r"^https?://[^/]+", "", link)


def registration_rows(house: Lobby) -> list[Row]:
    """All registrations, oldest first."""
    return house.rows("SELECT * FROM registrations ORDER BY sent_at, registration_id")


def accounts_of(house: Lobby, email: str = FORM["email"]) -> list[Row]:
    """The accounts with an address."""
    return house.rows("SELECT * FROM accounts WHERE email_key = :key", key=email)
