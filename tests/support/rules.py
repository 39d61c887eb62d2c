"""Approval rules for tests: the way `idp apply` puts them in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.accounts.approval_rules import add_version, rules_in_use

if TYPE_CHECKING:
    from idp.policy.rules import Rule
    from idp.store.database import Transaction


def add_rules(tx: Transaction, *wanted: Rule, now: int) -> int:
    """Switch these rules on behind those that are in use; out: the version."""
    in_use = rules_in_use(tx)
    rule_set = replace(in_use, rules=(*in_use.rules, *wanted))
    return add_version(tx, rule_set, base=in_use.version or 0, actor_kind="operator", actor="tests", now=now)
