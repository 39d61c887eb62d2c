"""Who gets a mail: exactly one stored address (RG-10), with the name and language to speak in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from idp.config import is_plain_address

_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ '’\-]|\.(?= |$)){0,59}")

_LOOKS_LIKE_HOST = re.compile(r"[A-Za-z0-9]\.[A-Za-z]{2}")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address; `account_id` or `registration_id` ties the mail's fate to whom it concerns."""

    email: str
    name: str
    locale: str
    account_id: str | None = None
    registration_id: str | None = None

    def __post_init__(self) -> None:
        check_address(self.email)


def to_account(account: Any) -> Recipient:
    """The stored address of an account (a row or a model)."""
    return Recipient(
        email=_read(account, "email"),
        name=_full_name(account),
        locale=_read(account, "locale"),
        account_id=_read(account, "account_id"),
        registration_id=_read(account, "registration_id"),
    )


def to_registration(registration: Any) -> Recipient:
    """The address that a registration gave (a row or a model)."""
    return Recipient(
        email=_read(registration, "email"),
        name=_full_name(registration),
        locale=_read(registration, "locale"),
        account_id=_read(registration, "account_id"),
        registration_id=_read(registration, "registration_id"),
    )


def check_address(email: str) -> None:
    """One address and nothing that could become a second one or a header (RG-10). Raises `ValueError`."""
    if not is_plain_address(email):
        raise ValueError("a mail goes to exactly one plain address")


def greeting_name(name: str) -> str:
    """The name for the greeting, or nothing.

    Strangers can have mails sent to others: a name that could carry a message or a link is left out (GO-4).
    """
    text = " ".join(name.split())
    return text if _NAME.fullmatch(text) else ""


def shown_user_name(user_name: str) -> str:
    """The user name for a mail that strangers can have sent to others, or nothing where mail programs make a link of it."""
    return "" if _LOOKS_LIKE_HOST.search(user_name) else user_name


def _full_name(row: Any) -> str:
    return f"{_read(row, 'given_name') or ''} {_read(row, 'family_name') or ''}".strip()


def _read(row: Any, name: str) -> Any:
    return getattr(row, name) if hasattr(row, name) else row[name]
