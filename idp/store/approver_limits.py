"""Which serial families and countries an approver decides about; who has no row decides about all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_FIND = Statement("SELECT * FROM approver_limits WHERE account_id = :account_id")
_LIST = Statement("SELECT * FROM approver_limits")
_SAVE = Statement(
    "INSERT INTO approver_limits (account_id, families, countries, updated_at)"
    " VALUES (:account_id, :families, :countries, :now) ON CONFLICT (account_id) DO UPDATE SET"
    " families = excluded.families, countries = excluded.countries, updated_at = excluded.updated_at"
)
_FORGET = Statement("DELETE FROM approver_limits WHERE account_id = :account_id")


@dataclass(frozen=True, slots=True)
class Limits:
    """What somebody decides about: devices of these families, applicants of these countries; empty means all."""

    families: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()

    @property
    def is_limited(self) -> bool:
        """Whether something is left out."""
        return bool(self.families or self.countries)

    @property
    def told(self) -> dict[str, list[str]]:
        """As the audit trail and scripts have it."""
        return {"families": sorted(self.families), "countries": sorted(self.countries)}


NO_LIMITS = Limits()


def find_limits(tx: Transaction, account_id: str) -> Limits:
    """The limits of a member of staff."""
    row = tx.one(_FIND, account_id=account_id)
    return _parse(row) if row else Limits()


def list_limits(tx: Transaction) -> Mapping[str, Limits]:
    """The limits of everybody who has some."""
    return {row["account_id"]: _parse(row) for row in tx.all(_LIST)}


def save_limits(tx: Transaction, account_id: str, limits: Limits, now: int) -> None:
    """Give somebody exactly these limits; empty ones lift them."""
    if not limits.is_limited:
        tx.run(_FORGET, account_id=account_id)
        return
    told = {name: json.dumps(values) for name, values in limits.told.items()}
    tx.run(_SAVE, account_id=account_id, now=now, **told)


def _parse(row: Row) -> Limits:
    return Limits(frozenset(json.loads(row["families"])), frozenset(json.loads(row["countries"])))
