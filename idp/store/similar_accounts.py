"""Who may be like an applicant: candidates by serial numbers, e-mail domain, company and name, through the search index.

The queries only bring candidates, up to a limit each; what two people have in common is compared by the caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store import search_index
from idp.store.database import Statement
from idp.store.search import Wanted

if TYPE_CHECKING:
    from idp.store.database import Transaction
    from idp.store.search_index import Token

_TELLING = 2
"""So many words of a domain are looked for, the rarest: what else stands in it is compared with the addresses found."""

_WITH_SERIALS = Statement(
    "SELECT d.account_id FROM devices d WHERE d.serial_number IN {texts(serials)} AND d.account_id <> :account_id"
    " UNION SELECT r.account_id FROM registrations r WHERE r.serial_number IN {texts(serials)}"
    " AND r.account_id IS NOT NULL AND r.account_id <> :account_id LIMIT :limit"
)
_WITH_WORDS = "SELECT a.account_id FROM accounts a WHERE a.account_id <> :account_id{people} LIMIT :limit"
_AT_DOMAIN = (
    "SELECT a.account_id FROM accounts a WHERE a.account_id <> :account_id AND a.email_key LIKE :domain ESCAPE '!'"
    "{people} LIMIT :limit"
)
_CANDIDATES = Statement(
    "SELECT a.account_id, a.given_name, a.family_name, a.user_name, a.company, a.email, a.email_key, a.country, a.access,"
    " a.approval_status, a.created_at FROM accounts a WHERE a.account_id IN {texts(accounts)}"
)
_DEVICES = Statement(
    "SELECT d.account_id, d.serial_number, 1 AS owned FROM devices d WHERE d.account_id IN {texts(accounts)}"
    " UNION ALL SELECT r.account_id, r.serial_number, 0 AS owned FROM registrations r"
    " WHERE r.account_id IN {texts(accounts)} AND r.purged_at IS NULL"
)
_REGISTRATION = (
    "SELECT r.registration_id, r.reference, r.state, r.email, r.email_key, r.given_name, r.family_name, r.serial_number,"
    " r.sent_at FROM registrations r WHERE r.purged_at IS NULL AND r.registration_id <> :registration_id"
)
_EARLIER = Statement(
    f"{_REGISTRATION} AND r.email_key = :email_key"
    f" UNION {_REGISTRATION} AND r.account_id IS NULL AND r.serial_number IN {{texts(serials)}}"
    " ORDER BY sent_at DESC, registration_id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that may be like another one; `former` are serial numbers that it registered with and does not own now."""

    account_id: str
    given_name: str
    family_name: str
    user_name: str
    company: str
    email: str
    email_key: str
    country: str
    access: str
    approval_status: str
    created_at: int
    serial_numbers: tuple[str, ...]
    former: tuple[str, ...]

    @property
    def name(self) -> str:
        """Given and family name, or the user name."""
        return f"{self.given_name} {self.family_name}".strip() or self.user_name


@dataclass(frozen=True, slots=True)
class EarlierRegistration:
    """Another registration of the same address or device that became no account, or led to this one."""

    registration_id: str
    reference: str
    state: str
    email: str
    email_key: str
    given_name: str
    family_name: str
    serial_number: str
    sent_at: int


def find_with_serials(tx: Transaction, account_id: str, serials: Iterable[str], *, limit: int) -> list[str]:
    """Other accounts that own one of these devices or registered with it."""
    rows = tx.all(_WITH_SERIALS, account_id=account_id, serials=json.dumps(list(serials)), limit=limit)
    return [row["account_id"] for row in rows]


def find_at_domain(tx: Transaction, account_id: str, domain: str, *, limit: int) -> list[str]:
    """Other accounts with an e-mail address of this domain."""
    escaped = domain.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    tokens = sorted(search_index.exact_tokens_of(tx, domain), key=lambda token: token.count)
    return _find(tx, _AT_DOMAIN, tokens[:_TELLING], account_id=account_id, domain=f"%@{escaped}", limit=limit)


def find_with_words(tx: Transaction, account_id: str, text: str, *, limit: int, alike: bool = False) -> list[str]:
    """Other accounts with all words of a text, or with words written alike."""
    tokens = search_index.alike_tokens_of(tx, text) if alike else search_index.exact_tokens_of(tx, text)
    return _find(tx, _WITH_WORDS, tokens, account_id=account_id, limit=limit)


def load_candidates(tx: Transaction, account_ids: Iterable[str]) -> list[Candidate]:
    """The accounts with what can be compared."""
    wanted = json.dumps(sorted(account_ids))
    owned: dict[str, set[str]] = {}
    registered: dict[str, set[str]] = {}
    for row in tx.all(_DEVICES, accounts=wanted):
        (owned if row["owned"] else registered).setdefault(row["account_id"], set()).add(row["serial_number"])
    candidates = []
    for row in tx.all(_CANDIDATES, accounts=wanted):
        has = owned.get(row["account_id"], set())
        candidates.append(
            Candidate(
                **{name: row[name] for name in Candidate.__slots__ if name not in ("serial_numbers", "former")},
                serial_numbers=tuple(sorted(has)),
                former=tuple(sorted(registered.get(row["account_id"], set()) - has)),
            )
        )
    return candidates


def list_earlier(
    tx: Transaction, *, email_key: str, serials: Sequence[str], registration_id: str, limit: int
) -> list[EarlierRegistration]:
    """Other registrations of an address, and those of these devices that became no account; newest first."""
    rows = tx.all(
        _EARLIER, email_key=email_key, serials=json.dumps(list(serials)), registration_id=registration_id, limit=limit
    )
    return [EarlierRegistration(**{name: row[name] for name in EarlierRegistration.__slots__}) for row in rows]


def _find(tx: Transaction, sql: str, tokens: list[Token], **values: str | int) -> list[str]:
    """Whoever has all words; nobody where there is none, or where nobody has one of them."""
    tokens = sorted(tokens, key=lambda token: token.count)
    if not tokens or not tokens[0].count:
        return []
    words = {f"words{n}": json.dumps(token.numbers) for n, token in enumerate(tokens)}
    wanted = Wanted({"serial": "", "reference": "", **words}, len(tokens))
    return [row["account_id"] for row in tx.all(wanted.narrow(sql), **wanted.values, **values)]
