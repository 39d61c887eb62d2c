"""Who is like an applicant, and what was decided about them before: what staff see beside an application.

Somebody who was rejected comes back with another address, a colleague of an approved customer registers the same device, a
serial number has two digits swapped: each shows as an account with something in common, the strongest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.people_search import freshen
from idp.errors import Refusal
from idp.store import accounts, approvals, search_index, similar_accounts

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.approvals import Decision
    from idp.store.database import Transaction
    from idp.store.similar_accounts import Candidate, EarlierRegistration

WEIGHTS = {
    "same_serial": 32,
    "former_serial": 16,
    "same_name": 12,
    "near_serial": 8,
    "near_name": 6,
    "same_company": 4,
    "same_domain": 2,
}
"""What two accounts can have in common, and how much it says."""

MOST_SHARED = 50
"""A company or an e-mail domain that more accounts share says nothing about one of them."""

SHOWN = 8
_DECISIONS = 3
_CANDIDATES = 500
_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"


@dataclass(frozen=True, slots=True)
class Similar:
    """An account with what it has in common with the applicant (keys of `WEIGHTS`), and the latest decisions about it."""

    account: Candidate
    traits: tuple[str, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside an application.

    `more`: how many similar accounts are not among the rows. `crowded`: the company or e-mail domain that too many accounts
    share to list them. `own`: earlier decisions about the applicant. `earlier`: other registrations of address or device.
    """

    rows: tuple[Similar, ...]
    more: int
    crowded: tuple[str, ...]
    own: tuple[Decision, ...]
    earlier: tuple[EarlierRegistration, ...]
    domain: str


def look_beside(provider: Provider, account_id: str) -> Beside:
    """Similar accounts and earlier decisions. Raises `Refusal("account_unknown")`."""
    freshen(provider, "everybody")
    with provider.database.reading() as tx:
        account = accounts.find_account(tx, account_id)
        if account is None:
            raise Refusal("account_unknown")
        serials = approvals.list_serial_numbers(tx, account_id)
        domain = account.email_key.rpartition("@")[2]
        found, crowded = _gather(tx, account, serials, domain)
        compared = [(row, _compare(account, serials, row)) for row in similar_accounts.load_candidates(tx, found)]
        ranked = sorted(
            ((row, traits) for row, traits in compared if _says_something(account, traits, domain, crowded)),
            key=lambda pair: (-sum(WEIGHTS[trait] for trait in pair[1]), -pair[0].created_at, pair[0].account_id),
        )
        return Beside(
            rows=tuple(
                Similar(row, traits, tuple(approvals.list_decisions(tx, row.account_id, _DECISIONS)))
                for row, traits in ranked[:SHOWN]
            ),
            more=max(0, len(ranked) - SHOWN),
            crowded=crowded,
            own=tuple(approvals.list_decisions(tx, account_id, _DECISIONS)),
            earlier=tuple(
                similar_accounts.list_earlier(
                    tx,
                    email_key=account.email_key,
                    serials=serials,
                    registration_id=account.registration_id or "",
                    limit=SHOWN,
                )
            ),
            domain=domain,
        )


def near_serials(serial: str) -> set[str]:
    """Serial numbers of the same pattern that differ in one place, or have two neighbours swapped."""
    near = set()
    for place, letter in enumerate(serial):
        for other in _DIGITS if letter in _DIGITS else _LETTERS:
            near.add(serial[:place] + other + serial[place + 1 :])
        if place and letter.isdigit() == serial[place - 1].isdigit():
            near.add(serial[: place - 1] + letter + serial[place - 1] + serial[place + 1 :])
    return near - {serial}


def _gather(tx: Transaction, account: Account, serials: Iterable[str], domain: str) -> tuple[set[str], tuple[str, ...]]:
    """Candidates, and the company and domain that too many share."""
    own, me, crowded = list(serials), account.account_id, []
    wanted = set(own).union(*(near_serials(serial) for serial in own))
    found = set(similar_accounts.find_with_serials(tx, me, wanted, limit=_CANDIDATES)) if wanted else set()
    if account.company.strip():
        of_company = similar_accounts.find_with_words(tx, me, account.company, limit=_CANDIDATES)
        same = [
            row.account_id
            for row in similar_accounts.load_candidates(tx, of_company)
            if _is_same_company(account.company, row.company)
        ]
        if len(same) > MOST_SHARED:
            crowded.append(account.company)
        else:
            found.update(same)
    at_domain = similar_accounts.find_at_domain(tx, me, domain, limit=MOST_SHARED + 1)
    if len(at_domain) > MOST_SHARED:
        crowded.append(domain)
    else:
        found.update(at_domain)
    name = f"{account.given_name} {account.family_name}"
    found.update(similar_accounts.find_with_words(tx, me, name, limit=_CANDIDATES, alike=True))
    return found, tuple(crowded)


def _compare(account: Account, serials: Iterable[str], other: Candidate) -> tuple[str, ...]:
    """What two accounts have in common."""
    own = set(serials)
    near = set[str]().union(*(near_serials(serial) for serial in own))
    names, others = (search_index.fold(f"{one.given_name} {one.family_name}") for one in (account, other))
    same_name = bool(names) and sorted(names) == sorted(others)
    traits = {
        "same_serial": bool(own & set(other.serial_numbers)),
        "former_serial": bool(own & set(other.former)),
        "near_serial": bool(near & set(other.serial_numbers)),
        "same_name": same_name,
        "near_name": not same_name and _are_near(names, others),
        "same_company": _is_same_company(account.company, other.company),
        "same_domain": account.email_key.rpartition("@")[2] == other.email_key.rpartition("@")[2],
    }
    return tuple(trait for trait in WEIGHTS if traits[trait])


def _says_something(account: Account, traits: tuple[str, ...], domain: str, crowded: tuple[str, ...]) -> bool:
    """Whether there is more in common than what everybody has."""
    common = {trait for trait, what in (("same_domain", domain), ("same_company", account.company)) if what in crowded}
    return bool(set(traits) - common)


def _is_same_company(one: str, other: str) -> bool:
    words = search_index.fold(one)
    return bool(words) and words == search_index.fold(other)


def _are_near(names: list[str], others: list[str]) -> bool:
    """Whether each word of a name, the first and last names alike, has one like it in the other name; at least two words."""
    return len(names) > 1 and all(any(search_index.is_alike(name, other) for other in others) for name in names)
