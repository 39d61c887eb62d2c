"""Approval rules and the list of serial numbers that were sold, as `idp apply` keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_LIST = Statement("SELECT * FROM approval_rules ORDER BY position, rule_key")
_SAVE = Statement(
    "INSERT INTO approval_rules (rule_key, position, enabled, serial_families, email_domains, countries, ownership, outcome,"
    " reason, updated_at) VALUES (:rule_key, :position, :enabled, :serial_families, :email_domains, :countries, :ownership,"
    " :outcome, :reason, :now) ON CONFLICT (rule_key) DO UPDATE SET position = excluded.position,"
    " enabled = excluded.enabled, serial_families = excluded.serial_families, email_domains = excluded.email_domains,"
    " countries = excluded.countries, ownership = excluded.ownership, outcome = excluded.outcome,"
    " reason = excluded.reason, updated_at = excluded.updated_at"
)
_COUNTS = Statement(
    "SELECT actor, COUNT(*) AS count FROM approval_decisions WHERE actor_kind = 'rule' AND created_at >= :since GROUP BY actor"
)
_ANY_SERIAL = Statement("SELECT serial_number FROM serial_numbers LIMIT 1")
_SERIAL = Statement("SELECT serial_number FROM serial_numbers WHERE serial_number = :serial_number")
_ADD_SERIAL = Statement(
    "INSERT INTO serial_numbers (serial_number, product) VALUES (:serial_number, :product)"
    " ON CONFLICT (serial_number) DO UPDATE SET product = excluded.product WHERE serial_numbers.product <> excluded.product"
)


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as it is kept; what its conditions mean is policy's."""

    rule_key: str
    serial_families: frozenset[str] = frozenset()
    email_domains: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    ownership: str | None = None
    outcome: str = "approve"
    reason: str = ""
    enabled: bool = True


def list_rules(tx: Transaction) -> list[StoredRule]:
    """Every rule, in the order in which they are tried."""
    return [_parse(row) for row in tx.all(_LIST)]


def save_rule(tx: Transaction, rule: StoredRule, *, position: int, now: int) -> None:
    """Make a rule, or change the one with this key."""
    tx.run(
        _SAVE,
        rule_key=rule.rule_key,
        position=position,
        enabled=rule.enabled,
        serial_families=_json(rule.serial_families),
        email_domains=_json(rule.email_domains),
        countries=_json(rule.countries),
        ownership=rule.ownership,
        outcome=rule.outcome,
        reason=rule.reason,
        now=now,
    )


def count_decisions(tx: Transaction, since: int) -> Mapping[str, int]:
    """How many registrations each rule approved since an instant (the report of RG-9)."""
    return {row["actor"]: row["count"] for row in tx.all(_COUNTS, since=since)}


def is_serial_sold(tx: Transaction, serial_number: str) -> bool | None:
    """Whether the number is among those sold; None where no list was given, and every well-formed one may be real."""
    if tx.one(_SERIAL, serial_number=serial_number) is not None:
        return True
    return None if tx.one(_ANY_SERIAL) is None else False


def add_serial_number(tx: Transaction, serial_number: str, product: str = "") -> bool:
    """Add a number to the list, or change its product; out: whether anything changed."""
    return tx.run(_ADD_SERIAL, serial_number=serial_number, product=product) == 1


def _parse(row: Row) -> StoredRule:
    return StoredRule(
        rule_key=row["rule_key"],
        serial_families=frozenset(json.loads(row["serial_families"])),
        email_domains=frozenset(json.loads(row["email_domains"])),
        countries=frozenset(json.loads(row["countries"])),
        ownership=row["ownership"],
        outcome=row["outcome"],
        reason=row["reason"],
        enabled=bool(row["enabled"]),
    )


def _json(values: Iterable[str]) -> str:
    return json.dumps(sorted(values))
