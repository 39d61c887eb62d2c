"""What people are called: e-mail addresses and user names, checked and made. Their keys are in `store.identifiers`."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator

from email_validator import EmailNotValidError, validate_email

from idp.errors import Refusal
from idp.store.identifiers import email_key, user_name_key

__all__ = [
    "email_key",
    "made_user_names",
    "make_user_name",
    "parse_email",
    "parse_own_user_name",
    "parse_phone_number",
    "parse_user_name",
    "user_name_key",
]

_RESERVED = """
abuse account admin administrator approver auditor billing care contact customer customer-care help hostmaster idp info
mailbox no-reply nobody noreply null office operator owner postmaster register registration root security service sign-in
staff support system undefined user webmaster
"""
RESERVED = frozenset(_RESERVED.split())

_USER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{1,38})[A-Za-z0-9]\Z")
_PHONE = re.compile(r"\+?[0-9(][0-9 ()/.-]*\Z")
_SPELLED_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "å": "a", "ł": "l", "đ": "d"}
)


def parse_email(text: str) -> str:
    """The address as it is written to; raises `Refusal("email.invalid")`. Only ASCII before the `@`, one address."""
    local_part = text.rpartition("@")[0]
    # The library would take a Kelvin sign for a K (CVE-2019-19844); mail programs decode what looks like an encoded word.
    if not local_part.isascii() or "=?" in local_part:
        raise Refusal("email.invalid")
    try:
        found = validate_email(
            text.strip(), check_deliverability=False, allow_smtputf8=False, test_environment=True, strict=True
        )
    except (EmailNotValidError, ValueError):
        raise Refusal("email.invalid") from None
    return f"{found.local_part}@{found.ascii_domain}"


def parse_user_name(text: str) -> str:
    """A chosen user name: 3 to 40 letters, digits, `.`, `_`, `-`; raises `Refusal("user_name.invalid")`."""
    name = text.strip()
    if not _USER_NAME.match(name):
        raise Refusal("user_name.invalid")
    return name


def parse_own_user_name(text: str) -> str:
    """A user name that a customer chooses: none that would speak for us; raises `Refusal("user_name.reserved")` (IV-2)."""
    name = parse_user_name(text)
    if user_name_key(name) in RESERVED:
        raise Refusal("user_name.reserved")
    return name


def parse_phone_number(text: str) -> str:
    """A telephone number as people write them; raises `Refusal("phone.invalid")`."""
    number = " ".join(text.split())
    if not _PHONE.match(number) or not 5 <= sum(letter.isdigit() for letter in number) <= 17:
        raise Refusal("phone.invalid")
    return number


def make_user_name(given_name: str, family_name: str) -> str:
    """A user name from a person's name, such as `anna.berg`; the same name always gives the same."""
    parts = [part for part in (_ascii(given_name), _ascii(family_name)) if part]
    name = ".".join(parts)[:30].strip(".-")
    return name if len(name) >= 3 else "customer"


def made_user_names(given_name: str, family_name: str) -> Iterator[str]:
    """Ever new proposals, best first: the caller inserts until one is free."""
    name = make_user_name(given_name, family_name)
    if name != "customer":
        yield name
    for number in range(2, 6):
        yield f"{name}{number}"
    while True:
        yield f"{name}{secrets.randbelow(900_000) + 100_000}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower().translate(_SPELLED_OUT))
    return "-".join(re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c))))
