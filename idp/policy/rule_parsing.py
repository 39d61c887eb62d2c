"""Rules as they are written in files, in the database and in requests: mappings of plain values, and back.

A set has `rules` (in their order), `families` and `free_mail_domains`; every key may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, cast

from idp.policy.rules import ALLOWED_OWNERS, Family, OwnershipCondition, Rule, RuleSet, SerialRange

RULE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DOMAIN = re.compile(r"[a-z0-9.-]+\.[a-z0-9-]+")
MOST = 500
"""How many rules, families, values of a condition there may be."""

LONGEST = 500
"""Letters of a text."""

_RANGE = re.compile(r"([A-Z]{2}[0-9]{3}[A-Z])\s*[-–]\s*([A-Z]{2}[0-9]{3}[A-Z])")


def parse_rule(values: Mapping[str, object]) -> Rule:
    """A rule. Raises `ValueError` with the key and what would be right."""
    _check_known(values, {field.name for field in fields(Rule)})
    rule_key = values.get("rule_key")
    if not isinstance(rule_key, str) or not RULE_KEY.fullmatch(rule_key):
        raise ValueError("rule_key: must be a short name of letters, digits, dots and dashes")
    ownership, outcome = values.get("ownership"), values.get("outcome", "approve")
    if not (ownership is None or isinstance(ownership, str)) or ownership not in ALLOWED_OWNERS:
        raise ValueError("ownership: must be new, same_company or any")
    if outcome not in ("approve", "review"):
        raise ValueError("outcome: must be approve or review; only staff reject")
    rule = Rule(
        rule_key=rule_key,
        serial_families=_parse_set(values, "serial_families", r"[A-Z]{2}", "two capital letters each, such as AB"),
        serial_ranges=_parse_ranges(values.get("serial_ranges", [])),
        email_domains=_parse_set(values, "email_domains", DOMAIN.pattern, "domains in small letters"),
        countries=_parse_set(values, "countries", r"[A-Z]{2}", "two capital letters each, such as DE"),
        company_mail=_parse_flag(values, "company_mail", default=False),
        ownership=cast(OwnershipCondition | None, ownership),
        outcome=outcome,
        reason=_parse_text(values, "reason"),
        enabled=_parse_flag(values, "enabled", default=True),
    )
    if not rule.has_condition:
        raise ValueError(
            "a rule needs a condition: serial_families, serial_ranges, email_domains, countries, company_mail or ownership"
        )
    return rule


def parse_range(text: object) -> SerialRange:
    """A range such as `AB100A-AB299Z`. Raises `ValueError`."""
    match = _RANGE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match or match[1][:2] != match[2][:2] or match[1] > match[2]:
        raise ValueError("serial_ranges: must be ranges within one family, such as AB100A-AB299Z")
    return match[1], match[2]


def parse_family(values: Mapping[str, object]) -> Family:
    """A family of devices. Raises `ValueError`."""
    _check_known(values, {field.name for field in fields(Family)})
    letters, check_letters = values.get("letters"), values.get("check_letters", "")
    if not isinstance(letters, str) or not re.fullmatch(r"[A-Z]{2}", letters):
        raise ValueError("letters: must be two capital letters, such as AB")
    if not isinstance(check_letters, str) or not re.fullmatch(r"[A-Z]{0,100}", check_letters):
        raise ValueError("check_letters: must be capital letters in their order, such as ABCDEFGHJKLMN")
    return Family(letters, _parse_text(values, "product"), check_letters)


def parse_rule_set(values: Mapping[str, object], version: int | None = None) -> RuleSet:
    """A set of rules. Raises `ValueError` naming the place: `rules[2]: ownership: must be …`."""
    _check_known(values, {"rules", "families", "free_mail_domains"})
    rules = tuple(_parse_each(values, "rules", parse_rule))
    families = tuple(_parse_each(values, "families", parse_family))
    _check_doubles("rules", (rule.rule_key for rule in rules))
    _check_doubles("families", (family.letters for family in families))
    domains = _parse_set(values, "free_mail_domains", DOMAIN.pattern, "domains in small letters")
    return RuleSet(version, rules, families, domains)


def dump_rule(rule: Rule) -> dict[str, Any]:
    """A rule as plain values; `parse_rule` reads it. Conditions that are not set are left out."""
    plain: dict[str, Any] = {"rule_key": rule.rule_key, "outcome": rule.outcome, "enabled": rule.enabled}
    for name in ("serial_families", "email_domains", "countries"):
        if found := getattr(rule, name):
            plain[name] = sorted(found)
    if rule.serial_ranges:
        plain["serial_ranges"] = [f"{first}-{last}" for first, last in rule.serial_ranges]
    for name in ("company_mail", "ownership", "reason"):
        if found := getattr(rule, name):
            plain[name] = found
    return plain


def dump_family(family: Family) -> dict[str, str]:
    """A family as plain values."""
    return {"letters": family.letters, "product": family.product, "check_letters": family.check_letters}


def dump_rule_set(rule_set: RuleSet) -> dict[str, Any]:
    """A set as plain values, without its version; `parse_rule_set` reads it."""
    return {
        "rules": [dump_rule(rule) for rule in rule_set.rules],
        "families": [dump_family(family) for family in rule_set.families],
        "free_mail_domains": sorted(rule_set.free_mail_domains),
    }


def _parse_each(values: Mapping[str, object], key: str, parse: Any) -> Iterable[Any]:
    entries = values.get(key, [])
    if not isinstance(entries, list) or len(entries) > MOST:
        raise ValueError(f"{key}: must be a list of at most {MOST}")
    for place, entry in enumerate(entries, 1):
        if not isinstance(entry, Mapping):
            raise ValueError(f"{key}[{place}]: must have names and values")
        try:
            yield parse(entry)
        except ValueError as error:
            raise ValueError(f"{key}[{place}]: {error}") from None


def _parse_ranges(found: object) -> tuple[SerialRange, ...]:
    if not isinstance(found, (list, tuple)) or len(found) > MOST:
        raise ValueError(f"serial_ranges: must be a list of at most {MOST}")
    return tuple(sorted({parse_range(text) for text in found}))


def _parse_set(values: Mapping[str, object], key: str, pattern: str, right: str) -> frozenset[str]:
    found = values.get(key, [])
    if not isinstance(found, (list, tuple, set, frozenset)) or len(found) > MOST:
        raise ValueError(f"{key}: must be a list of at most {MOST}: {right}")
    if not all(isinstance(item, str) and len(item) <= 253 and re.fullmatch(pattern, item) for item in found):
        raise ValueError(f"{key}: must be {right}")
    return frozenset(found)


def _parse_flag(values: Mapping[str, object], key: str, *, default: bool) -> bool:
    found = values.get(key, default)
    if not isinstance(found, bool):
        raise ValueError(f"{key}: must be true or false")
    return found


def _parse_text(values: Mapping[str, object], key: str) -> str:
    found = values.get(key, "")
    if not isinstance(found, str) or len(found) > LONGEST or "\0" in found:
        raise ValueError(f"{key}: must be a text of at most {LONGEST} letters")
    return found


def _check_known(values: Mapping[str, object], known: set[str]) -> None:
    unknown = set(values) - known
    if unknown:
        raise ValueError(f"{min(unknown)}: is not known; known are: {', '.join(sorted(known))}")


def _check_doubles(key: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{key}: {name} is there twice")
        seen.add(name)
