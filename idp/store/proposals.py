"""What one member of staff proposes and a second one confirms: at most one of each kind about an account.

A proposal ends by one conditional delete: whoever comes second, or is its own author, deletes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

DECISION = "decision"
ROLES = "roles"

_ADD = Statement(
    "INSERT INTO proposals (kind, account_id, proposal_id, staff_id, act, reason, remark, details, seen_at, created_at)"
    " VALUES (:kind, :account_id, :proposal_id, :staff_id, :act, :reason, :remark, :details, :seen_at, :now)"
    " ON CONFLICT (kind, account_id) DO NOTHING"
)
_SELECT = (
    "SELECT p.*, s.given_name, s.family_name, s.user_name, a.given_name AS about_given, a.family_name AS about_family,"
    " a.user_name AS about_user FROM proposals p JOIN accounts a ON a.account_id = p.account_id AND a.access <> 'closed'"
    " LEFT JOIN accounts s ON s.account_id = p.staff_id"
)
_FIND = Statement(_SELECT + " WHERE p.proposal_id = :proposal_id")
_FIND_ABOUT = Statement(_SELECT + " WHERE p.kind = :kind AND p.account_id = :account_id")
_LIST_ABOUT = Statement(_SELECT + " WHERE p.kind = :kind AND p.account_id IN {texts(accounts)}")
_LIST = Statement(_SELECT + " WHERE p.kind = :kind ORDER BY p.created_at, p.proposal_id")
_END_BY_OTHER = Statement("DELETE FROM proposals WHERE proposal_id = :proposal_id AND staff_id <> :staff_id")
_END_BY_AUTHOR = Statement("DELETE FROM proposals WHERE proposal_id = :proposal_id AND staff_id = :staff_id")
_FORGET = Statement("DELETE FROM proposals WHERE kind = :kind AND account_id = :account_id")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody proposes about an account; `seen_at`: since when the status stood that they saw."""

    proposal_id: str
    kind: str
    account_id: str
    account_name: str
    staff_id: str
    staff_name: str
    act: str
    reason: str
    remark: str
    details: Mapping[str, Any]
    seen_at: int
    created_at: int


def add(
    tx: Transaction,
    *,
    kind: str,
    account_id: str,
    proposal_id: str,
    staff_id: str,
    act: str,
    reason: str = "",
    remark: str = "",
    details: Mapping[str, Any] | None = None,
    seen_at: int = 0,
    now: int,
) -> bool:
    """Keep a proposal; False where there is one of this kind about the account already."""
    added = tx.run(
        _ADD,
        kind=kind,
        account_id=account_id,
        proposal_id=proposal_id,
        staff_id=staff_id,
        act=act,
        reason=reason,
        remark=remark,
        details=json.dumps(dict(details or {})),
        seen_at=seen_at,
        now=now,
    )
    return added == 1


def find(tx: Transaction, proposal_id: str) -> Proposal | None:
    """One proposal."""
    row = tx.one(_FIND, proposal_id=proposal_id)
    return _parse(row) if row else None


def find_about(tx: Transaction, kind: str, account_id: str) -> Proposal | None:
    """What is proposed about an account."""
    row = tx.one(_FIND_ABOUT, kind=kind, account_id=account_id)
    return _parse(row) if row else None


def list_about(tx: Transaction, kind: str, account_ids: Iterable[str]) -> Mapping[str, Proposal]:
    """What is proposed about these accounts."""
    rows = tx.all(_LIST_ABOUT, kind=kind, accounts=json.dumps(list(account_ids)))
    return {row["account_id"]: _parse(row) for row in rows}


def list_open(tx: Transaction, kind: str) -> list[Proposal]:
    """All proposals of a kind, oldest first."""
    return [_parse(row) for row in tx.all(_LIST, kind=kind)]


def end(tx: Transaction, proposal_id: str, staff_id: str, *, by_author: bool) -> bool:
    """End a proposal, by its author or by anybody else; exactly one caller gets True."""
    return tx.run(_END_BY_AUTHOR if by_author else _END_BY_OTHER, proposal_id=proposal_id, staff_id=staff_id) == 1


def forget(tx: Transaction, kind: str, account_id: str) -> None:
    """It was decided otherwise: nothing is proposed any more."""
    tx.run(_FORGET, kind=kind, account_id=account_id)


def _parse(row: Row) -> Proposal:
    return Proposal(
        proposal_id=row["proposal_id"],
        kind=row["kind"],
        account_id=row["account_id"],
        account_name=f"{row['about_given']} {row['about_family']}".strip() or row["about_user"],
        staff_id=row["staff_id"],
        staff_name=f"{row['given_name'] or ''} {row['family_name'] or ''}".strip() or row["user_name"] or "",
        act=row["act"],
        reason=row["reason"],
        remark=row["remark"],
        details=json.loads(row["details"]),
        seen_at=row["seen_at"],
        created_at=row["created_at"],
    )
