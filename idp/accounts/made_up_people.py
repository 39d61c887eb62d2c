"""People who do not exist, for trying the desk at its real size: the same ones for the same seed.

Addresses are below `.example`, which nobody can own (RFC 2606 §2); nobody has a password.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from idp.keys.secrets import REFERENCE_LETTERS, hash_secret
from idp.store import accounts, approvals, audit, devices, registrations
from idp.store.registrations import SENT, Registration
from idp.store.search_index import fold

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.database import Transaction

DAY = 86400
_BATCH = 500
_YEARS = 3 * 365 * DAY

_NAMES: dict[str, list[str]] = {
    kind: words.split()
    for kind, words in json.loads(Path(__file__).with_name("made_up_names.json").read_text(encoding="utf-8")).items()
}

_COUNTRIES = ["DE", "DE", "DE", "AT", "CH", "FR", "FR", "ES", "ES", "PL", "CZ", "SE", "DK", "IE", "GB", "BE", "IT"]
_LANGUAGES = {"DE": "de", "AT": "de", "CH": "de", "FR": "fr", "BE": "fr", "ES": "es"}
_FAMILIES = ["AB", "CD", "EF", "GH", "QX"]
_STATUSES = ("approved",) * 92 + ("rejected",) * 5 + ("suspended",) * 3


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up."""

    account_id: str
    given_name: str
    family_name: str
    company: str
    country: str
    email: str
    user_name: str
    serial_number: str
    status: str
    at: int


def make_people(count: int, waiting: int, *, seed: int, now: int) -> Iterator[Person]:
    """So many decided people of the last three years, then so many who wait since up to four days, the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - people, not secrets
    for number in range(count + waiting):
        given, family = (
            chance.choice(_NAMES["given"]),
            chance.choice(_NAMES["beginnings"]) + chance.choice(_NAMES["endings"]),
        )
        company = (
            f"{chance.choice(_NAMES['fields'])} {chance.choice(_NAMES['places'])} {chance.choice(_NAMES['forms'])}"
        )
        country = chance.choice(_COUNTRIES)
        name = ".".join(fold(f"{given} {family}"))
        decided = number < count
        yield Person(
            account_id=f"m{seed}-{number}",
            given_name=given,
            family_name=family,
            company=company,
            country=country,
            email=f"{name}.{number}@{'-'.join(fold(company)[:2])}.example",
            user_name=f"{name}.{number}",
            serial_number=f"{chance.choice(_FAMILIES)}{chance.randrange(1000):03}{chance.choice('ABCDEFGHJKLMNPRSTUVWXYZ')}",
            status=chance.choice(_STATUSES) if decided else "pending",
            at=now - (chance.randrange(5 * DAY, _YEARS) if decided else chance.randrange(60, 4 * DAY)),
        )


def generate(
    provider: Provider, count: int, waiting: int, *, seed: int, advance: Callable[[int], object] = lambda _: None
) -> None:
    """Write them, in batches that are each whole; `advance` hears how many more are there.

    Raises `Conflict` where people of this seed are there already.
    """
    now = provider.clock()
    people = make_people(count, waiting, seed=seed, now=now)
    while batch := list(islice(people, _BATCH)):
        with provider.database.transaction() as tx:
            for person in batch:
                _write(tx, person)
        advance(len(batch))
    with provider.database.transaction() as tx:
        details = {"accounts": count, "waiting": waiting, "seed": seed}
        audit.record(tx, "accounts_generated", now=now, actor_kind="operator", details=details)


def _write(tx: Transaction, person: Person) -> None:
    registration = _registration(person)
    registrations.insert_registration(tx, registration)
    accounts.insert_account(
        tx,
        account_id=person.account_id,
        email=person.email,
        user_name=person.user_name,
        given_name=person.given_name,
        family_name=person.family_name,
        company=person.company,
        country=person.country,
        locale=registration.locale,
        email_verified_at=person.at,
        approval_status=person.status,
        registration_id=registration.registration_id,
        now=person.at,
    )
    registrations.confirm_registration(tx, registration, account_id=person.account_id, browser_hash=None, now=person.at)
    devices.add_device(tx, person.account_id, person.serial_number, person.at)
    if person.status != "pending":
        by_rule = person.status == "approved" and person.serial_number.startswith("AB")
        approvals.insert_decision(
            tx,
            account_id=person.account_id,
            old="pending",
            new=person.status,
            actor_kind="rule" if by_rule else "operator",
            actor="family-AB" if by_rule else "",
            reason="" if person.status == "approved" else "Made up.",
            remark="",
            facts=(),
            now=person.at,
        )


def _registration(person: Person) -> Registration:
    registration_id = f"r{person.account_id}"
    return Registration(
        registration_id=registration_id,
        reference=_reference(person.account_id),
        state=SENT,
        email=person.email,
        email_key=person.email,
        user_name=person.user_name,
        given_name=person.given_name,
        family_name=person.family_name,
        company=person.company,
        country=person.country,
        serial_number=person.serial_number,
        locale=_LANGUAGES.get(person.country, "en"),
        password_hash="",
        address_taken=False,
        browser_hash=None,
        status_hash=hash_secret("made-up", registration_id),
        client_id=None,
        target=None,
        account_id=None,
        sent_at=person.at,
        expires_at=person.at + 14 * DAY,
        confirmed_at=None,
        purged_at=None,
    )


def _reference(account_id: str) -> str:
    """A reference number of its own for each, in the usual shape."""
    seed, _, number = account_id.removeprefix("m").partition("-")
    value, letters = int(seed) * 28**5 + int(number), ""
    for _ in range(8):
        value, place = divmod(value, len(REFERENCE_LETTERS))
        letters = REFERENCE_LETTERS[place] + letters
    return f"{letters[:4]}-{letters[4:]}"
