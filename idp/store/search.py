"""Searching people as staff do: words of name, e-mail address, user name and company, a serial number, a reference."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from idp.store import search_index
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction
    from idp.store.search_index import Token

_SERIAL = re.compile(r"[A-Z]{2}[0-9]{3}[A-Z]")
_REFERENCE = re.compile(r"[A-Z0-9]{4}-?[A-Z0-9]{4}")

_FIRST_WORD = "SELECT p.owner FROM search_postings p WHERE p.word_id {among(words0)}"
_NEXT_WORD = " AND EXISTS (SELECT 1 FROM search_postings q WHERE q.owner = p.owner AND q.word_id {among(words%d)})"
_ACCOUNT_WITH_NUMBER = (
    "SELECT f.account_id FROM devices f WHERE f.serial_number = :serial"
    " UNION SELECT g.account_id FROM registrations g WHERE g.reference = :reference AND g.account_id IS NOT NULL"
    " UNION SELECT l.account_id FROM links l WHERE l.reference = :reference AND l.account_id IS NOT NULL"
    " UNION SELECT g.account_id FROM links l JOIN registrations g ON g.registration_id = l.registration_id"
    "  WHERE l.reference = :reference AND g.account_id IS NOT NULL"
)
_REGISTRATION_WITH_NUMBER = (
    "SELECT f.registration_id FROM registrations f WHERE f.serial_number = :serial"
    " UNION SELECT g.registration_id FROM registrations g WHERE g.reference = :reference"
    " UNION SELECT l.registration_id FROM links l WHERE l.reference = :reference AND l.registration_id IS NOT NULL"
)

_ACCOUNTS = (
    # The page is found first, on an index alone where only words were asked for; then its rows are read.
    "WITH page AS (SELECT a.account_id FROM accounts a"
    " WHERE (a.created_at < :at OR (a.created_at = :at AND a.account_id < :id))"
    "{status}{people} ORDER BY a.created_at DESC, a.account_id DESC LIMIT :limit)"
    " SELECT a.account_id, a.given_name, a.family_name, a.email, a.user_name, a.company, a.country, a.access,"
    " a.approval_status, a.approval_updated_at, a.roles, a.created_at, r.reference,"
    " (SELECT MAX(d.serial_number) FROM devices d WHERE d.account_id = a.account_id) AS serial_number"
    " FROM page JOIN accounts a ON a.account_id = page.account_id"
    " LEFT JOIN registrations r ON r.registration_id = a.registration_id ORDER BY a.created_at DESC, a.account_id DESC"
)
_REGISTRATIONS = (
    "SELECT r.registration_id, r.reference, r.state, r.given_name, r.family_name, r.email, r.company, r.country,"
    " r.serial_number, r.locale, r.client_id, r.account_id, r.sent_at, r.expires_at, r.confirmed_at, r.purged_at"
    " FROM registrations r WHERE r.purged_at IS NULL{status}{people}"
    " AND (r.sent_at < :at OR (r.sent_at = :at AND r.registration_id < :id))"
    " ORDER BY r.sent_at DESC, r.registration_id DESC LIMIT :limit"
)
_REGISTRATION = Statement("SELECT * FROM registrations WHERE registration_id = :registration_id")
_BY_REFERENCE = Statement(
    "SELECT r.registration_id, r.account_id FROM registrations r WHERE r.reference = :reference"
    " UNION ALL SELECT l.registration_id, l.account_id FROM links l WHERE l.reference = :reference"
    " UNION ALL SELECT e.registration_id, e.account_id FROM audit_events e WHERE e.reference = :reference"
    "  AND (e.account_id IS NOT NULL OR e.registration_id IS NOT NULL)"
)
_LAST = (2**62, "")


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account in a list of results."""

    account_id: str
    given_name: str
    family_name: str
    email: str
    user_name: str
    company: str
    country: str
    access: str
    approval_status: str
    approval_updated_at: int
    roles: str
    created_at: int
    reference: str | None
    serial_number: str | None

    @property
    def name(self) -> str:
        """Given and family name, or the user name."""
        return f"{self.given_name} {self.family_name}".strip() or self.user_name

    @property
    def key(self) -> tuple[int, str]:
        """Where the next page goes on."""
        return self.created_at, self.account_id


@dataclass(frozen=True, slots=True)
class FoundRegistration:
    """A registration in a list of results, or on its page; it shows no secret."""

    registration_id: str
    reference: str
    state: str
    given_name: str
    family_name: str
    email: str
    company: str
    country: str
    serial_number: str
    locale: str
    client_id: str | None
    account_id: str | None
    sent_at: int
    expires_at: int
    confirmed_at: int | None
    purged_at: int | None

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def key(self) -> tuple[int, str]:
        """Where the next page goes on."""
        return self.sent_at, self.registration_id


@dataclass(frozen=True, slots=True)
class Referenced:
    """What a reference number belongs to."""

    registration_id: str | None
    account_id: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed into a search box, understood: parameters, and how many words all must fit (-1: nothing typed).

    `unknown` are the words that nobody has: what is written like them is looked for.
    """

    values: Mapping[str, str]
    words: int
    unknown: tuple[Token, ...] = ()

    def narrow(self, sql: str, *, accounts: bool = True) -> Statement:
        """The statement with `{people}` in it filled in."""
        return _narrowed(sql, self.words, accounts)


EVERYBODY = Wanted({}, -1)
"""Nothing was typed."""


def understand(tx: Transaction, text: str) -> Wanted:
    """Read a search: a serial number, a reference, words that are begun, or words that are written alike (F-2.3).

    The rarest word comes first: the others are looked for only where that one is.
    """
    if not text.strip():
        return EVERYBODY
    serial = serial_in(text)
    tokens = [] if serial else search_index.tokens_of(tx, text)
    by_rarity = sorted(tokens, key=lambda token: token.count)
    values = {f"words{n}": json.dumps(token.numbers) for n, token in enumerate(by_rarity)}
    unknown = tuple(token for token in tokens if not token.is_known)
    return Wanted({"serial": serial, "reference": reference_in(text), **values}, len(tokens), unknown)


@lru_cache(maxsize=64)
def _narrowed(sql: str, words: int, accounts: bool) -> Statement:
    if words < 0:
        return Statement(sql.replace("{people}", ""))
    found = [_ACCOUNT_WITH_NUMBER if accounts else _REGISTRATION_WITH_NUMBER]
    if words:
        found.append(_FIRST_WORD + "".join(_NEXT_WORD % n for n in range(1, words)))
    column = "a.account_id" if accounts else "r.registration_id"
    return Statement(sql.replace("{people}", f" AND {column} IN ({' UNION '.join(found)})"))


def search_accounts(
    tx: Transaction, wanted: Wanted, *, status: str = "", after: tuple[int, str] | None = None, limit: int = 50
) -> list[FoundAccount]:
    """Accounts that all words fit, or the serial number, or the reference; newest first."""
    at, key = after or _LAST
    statement = wanted.narrow(_ACCOUNTS.replace("{status}", " AND a.approval_status = :status" if status else ""))
    asked = {"status": status} if status else {}
    rows = tx.all(statement, **wanted.values, **asked, at=at, id=key, limit=limit)
    return [FoundAccount(**{name: row[name] for name in FoundAccount.__slots__}) for row in rows]


def search_registrations(
    tx: Transaction, wanted: Wanted, *, state: str = "", after: tuple[int, str] | None = None, limit: int = 50
) -> list[FoundRegistration]:
    """Registrations that all words fit, or the serial number, or the reference; newest first."""
    at, key = after or _LAST
    sql = _REGISTRATIONS.replace("{status}", " AND r.state = :state" if state else "")
    asked = {"state": state} if state else {}
    rows = tx.all(wanted.narrow(sql, accounts=False), **wanted.values, **asked, at=at, id=key, limit=limit)
    return [_registration(row) for row in rows]


def find_registration(tx: Transaction, registration_id: str) -> FoundRegistration | None:
    """One registration."""
    row = tx.one(_REGISTRATION, registration_id=registration_id)
    return None if row is None else _registration(row)


def find_by_reference(tx: Transaction, text: str) -> Referenced | None:
    """The registration or account that a reference number names, in any spelling."""
    reference = reference_in(text)
    if not reference:
        return None
    row = tx.one(_BY_REFERENCE, reference=reference)
    return None if row is None else Referenced(row["registration_id"], row["account_id"])


def serial_in(text: str) -> str:
    """The serial number that was typed, forgiving case, blanks and dashes (F-1.4), or nothing."""
    compact = "".join(letter for letter in text.upper() if letter.isalnum())
    return compact if _SERIAL.fullmatch(compact) else ""


def reference_in(text: str) -> str:
    """The reference number that was typed, or nothing."""
    compact = text.strip().upper().replace(" ", "")
    if not _REFERENCE.fullmatch(compact):
        return ""
    return compact if "-" in compact else f"{compact[:4]}-{compact[4:]}"


def _registration(row: Row) -> FoundRegistration:
    return FoundRegistration(**{name: row[name] for name in FoundRegistration.__slots__})
