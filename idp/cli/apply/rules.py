"""`[[approval_rules]]`, `[[serial_numbers]]` and `serial_number_file` of an apply file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idp.accounts.approval_rules import add_version, rules_in_use
from idp.accounts.serial_numbers import parse_serial_number
from idp.cli.apply.plan import Change
from idp.cli.apply.values import Values
from idp.errors import Refusal
from idp.policy.rule_parsing import parse_rule
from idp.policy.rules import Rule
from idp.store import rules

if TYPE_CHECKING:
    from idp.store.database import Transaction


def parse_rule_entry(entry: Mapping[str, Any]) -> Rule:
    """A rule; its place is its place in the file. Raises `ValueError`."""
    return parse_rule(entry)


def apply_rules(tx: Transaction, wanted: Sequence[Rule], now: int) -> list[Change]:
    """Make rules or change them, in the order of the file; those that it does not name come after. One version for all."""
    in_use = rules_in_use(tx)
    named = {rule.rule_key for rule in wanted}
    others = tuple(rule for rule in in_use.rules if rule.rule_key not in named)
    changed = replace(in_use, rules=(*wanted, *others))
    if wanted and changed.rules != in_use.rules:
        add_version(tx, changed, base=in_use.version or 0, actor_kind="operator", actor="idp apply", now=now)
    return [_change_of(in_use.find_rule(rule.rule_key), rule) for rule in wanted]


def _change_of(old: Rule | None, rule: Rule) -> Change:
    if old is None:
        return Change("rule", rule.rule_key, "add")
    names = tuple(name for name in Rule.__slots__ if getattr(old, name) != getattr(rule, name))
    return Change("rule", rule.rule_key, "change" if names else "keep", names)


@dataclass(frozen=True, slots=True)
class SerialEntry:
    """A serial number that was sold."""

    serial_number: str
    product: str


def parse_serial_entry(entry: Mapping[str, Any]) -> SerialEntry:
    """A number of the list. Raises `ValueError`."""
    values = Values(entry, ("serial_number", "product"))
    return SerialEntry(parse_serial(values.needed("serial_number")), values.text("product"))


def read_serial_file(path: Path) -> list[SerialEntry]:
    """A CSV file: serial number, then the product if it is known. Raises `ValueError` naming the line."""
    found = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not row or not row[0].strip() or row[0].startswith("#"):
                    continue
                try:
                    found.append(SerialEntry(parse_serial(row[0]), row[1].strip()[:255] if len(row) > 1 else ""))
                except ValueError as error:
                    raise ValueError(f"line {number}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None
    return found


def apply_serials(tx: Transaction, entries: list[SerialEntry]) -> Change:
    """Add numbers to the list of those sold; none is taken away."""
    changed = sum(rules.add_serial_number(tx, entry.serial_number, entry.product) for entry in entries)
    return Change(
        "serial numbers", f"{len(entries)} listed", "add" if changed else "keep", (f"{changed} new",) if changed else ()
    )


def parse_serial(text: str) -> str:
    """A serial number like `AB123Z` in its one spelling (F-1.4). Raises `ValueError`."""
    try:
        return parse_serial_number(text)
    except Refusal:
        raise ValueError("serial_number: must be two letters, three digits and a letter, like AB123Z") from None
