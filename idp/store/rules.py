"""Approval rules in versions, the draft of the next one, what is blocked, and the list of serial numbers that were sold.

A version is never changed: a new one is added, and of two that would follow the same one, the database lets one in (RG-1).
What stands in a version is policy's; here it is plain values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_WITH_NAMES = (
    "SELECT r.*, s.given_name, s.family_name, s.user_name FROM {table} r"
    " LEFT JOIN accounts s ON r.actor_kind = 'staff' AND s.account_id = r.actor"
)
_VERSIONS = _WITH_NAMES.format(table="rule_versions")
_NEWEST = Statement(_VERSIONS + " ORDER BY r.version DESC LIMIT 1")
_FIND = Statement(_VERSIONS + " WHERE r.version = :version")
_LIST = Statement(_VERSIONS + " ORDER BY r.version DESC LIMIT :limit")
_ADD = Statement(
    "INSERT INTO rule_versions (version, content, remark, actor_kind, actor, created_at)"
    " VALUES (:version, :content, :remark, :actor_kind, :actor, :now) ON CONFLICT (version) DO NOTHING"
)
_DRAFT = Statement(_WITH_NAMES.format(table="rule_drafts"))
_OPEN_DRAFT = Statement(
    "INSERT INTO rule_drafts (draft_id, base_version, revision, content, actor_kind, actor, updated_at)"
    " VALUES (1, :base_version, :revision, :content, 'staff', :actor, :now) ON CONFLICT (draft_id) DO NOTHING"
)
_SAVE_DRAFT = Statement(
    "UPDATE rule_drafts SET content = :content, revision = revision + 1, actor = :actor, updated_at = :now"
    " WHERE revision = :revision"
)
_DROP_DRAFT = Statement("DELETE FROM rule_drafts WHERE revision = :revision")
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
class RuleVersion:
    """A version of the rules: what stood in it, who switched it on, when and why."""

    version: int
    content: Mapping[str, Any]
    remark: str
    actor_kind: str
    actor: str
    actor_name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """The next version as it is being written; each change makes another `revision` of it."""

    base_version: int
    revision: int
    content: Mapping[str, Any]
    actor: str
    actor_name: str
    updated_at: int


def newest_version(tx: Transaction) -> RuleVersion | None:
    """The rules in use; None where nobody made any."""
    row = tx.one(_NEWEST)
    return _version(row) if row else None


def find_version(tx: Transaction, version: int) -> RuleVersion | None:
    """The rules as they once were."""
    row = tx.one(_FIND, version=version)
    return _version(row) if row else None


def list_versions(tx: Transaction, limit: int = 200) -> list[RuleVersion]:
    """All versions, newest first."""
    return [_version(row) for row in tx.all(_LIST, limit=limit)]


def add_version(
    tx: Transaction,
    version: int,
    content: Mapping[str, Any],
    *,
    actor_kind: str,
    actor: str,
    remark: str,
    now: int,
) -> bool:
    """Switch a version on; False where somebody else's has this number already."""
    added = tx.run(
        _ADD, version=version, content=_json(content), remark=remark, actor_kind=actor_kind, actor=actor, now=now
    )
    return added == 1


def find_draft(tx: Transaction) -> RuleDraft | None:
    """The draft, where there is one."""
    row = tx.one(_DRAFT)
    if row is None:
        return None
    names = ("base_version", "revision", "actor", "updated_at")
    return RuleDraft(**{name: row[name] for name in names}, actor_name=_name(row), content=json.loads(row["content"]))


def open_draft(
    tx: Transaction, base_version: int, content: Mapping[str, Any], *, actor: str, revision: int, now: int
) -> bool:
    """Begin a draft; False where there is one. A later draft must begin with another `revision` than this one had."""
    values = {"base_version": base_version, "revision": revision, "content": _json(content), "actor": actor, "now": now}
    return tx.run(_OPEN_DRAFT, **values) == 1


def save_draft(tx: Transaction, revision: int, content: Mapping[str, Any], *, actor: str, now: int) -> bool:
    """Change the draft if it is still as it was seen."""
    return tx.run(_SAVE_DRAFT, revision=revision, content=_json(content), actor=actor, now=now) == 1


def drop_draft(tx: Transaction, revision: int) -> bool:
    """Throw the draft away if it is still as it was seen."""
    return tx.run(_DROP_DRAFT, revision=revision) == 1


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


def _version(row: Row) -> RuleVersion:
    names = ("version", "remark", "actor_kind", "actor", "created_at")
    return RuleVersion(**{name: row[name] for name in names}, actor_name=_name(row), content=json.loads(row["content"]))


def _name(row: Row) -> str:
    return f"{row['given_name'] or ''} {row['family_name'] or ''}".strip() or row["user_name"] or ""


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), ensure_ascii=True, separators=(",", ":"))
