"""Who works on which application, and what colleagues noted about it.

An application is taken, handed on and let go by one conditional statement that names who had it before: of two people who
take it at once, one changes the row, and the other reads who has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_HOLDS = "EXISTS (SELECT 1 FROM accounts s WHERE s.account_id = {staff} AND s.access = 'active' AND s.roles <> '')"
_TAKE = Statement(
    "INSERT INTO review_assignments (account_id, staff_id, given_by, given_at)"
    " VALUES (:account_id, :staff_id, :given_by, :now) ON CONFLICT (account_id) DO UPDATE SET"
    " staff_id = excluded.staff_id, given_by = excluded.given_by, given_at = excluded.given_at"
    " WHERE review_assignments.staff_id = :seen OR NOT " + _HOLDS.format(staff="review_assignments.staff_id")
)
_LET_GO = Statement("DELETE FROM review_assignments WHERE account_id = :account_id AND staff_id = :seen")
_FORGET = Statement("DELETE FROM review_assignments WHERE account_id = :account_id")
_FREE = Statement("DELETE FROM review_assignments WHERE staff_id = :staff_id")
_ASSIGNED = (
    "SELECT x.account_id, x.staff_id, x.given_by, x.given_at, s.given_name, s.family_name, s.user_name"
    " FROM review_assignments x JOIN accounts s ON s.account_id = x.staff_id AND s.access = 'active' AND s.roles <> ''"
)
_OF = Statement("SELECT account_id FROM review_assignments WHERE staff_id = :staff_id ORDER BY account_id")
_FIND = Statement(_ASSIGNED + " WHERE x.account_id = :account_id")
_LIST = Statement(_ASSIGNED + " WHERE x.account_id IN {texts(accounts)}")
_ADD_NOTE = Statement(
    "INSERT INTO review_notes (account_id, actor_kind, actor, text, created_at)"
    " VALUES (:account_id, :actor_kind, :actor, :text, :now)"
)
_NOTES = Statement(
    "SELECT n.note_id, n.account_id, n.actor_kind, n.actor, n.text, n.created_at, s.given_name, s.family_name, s.user_name"
    " FROM review_notes n LEFT JOIN accounts s ON s.account_id = n.actor WHERE n.account_id = :account_id"
    " ORDER BY n.note_id DESC LIMIT :limit"
)
_REMOVE_NOTE = Statement(
    "DELETE FROM review_notes WHERE note_id = :note_id AND account_id = :account_id AND actor_kind = 'staff'"
    " AND actor = :actor"
)
_REMOVE_ANY_NOTE = Statement("DELETE FROM review_notes WHERE note_id = :note_id AND account_id = :account_id")

IS_ASSIGNED = (
    "EXISTS (SELECT 1 FROM review_assignments x JOIN accounts s ON s.account_id = x.staff_id AND s.access = 'active'"
    " AND s.roles <> '' WHERE x.account_id = a.account_id{})"
)
"""A condition on the account `a`: that a colleague who is still here has it; the braces narrow which."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A member of staff has an application, since when, and who gave it to them."""

    account_id: str
    staff_id: str
    staff_name: str
    given_by: str
    given_at: int


@dataclass(frozen=True, slots=True)
class ReviewNote:
    """What a colleague noted; `actor_name` is empty for the operator and for people who left."""

    note_id: int
    account_id: str
    actor_kind: str
    actor: str
    actor_name: str
    text: str
    created_at: int


def take(tx: Transaction, account_id: str, staff_id: str, *, seen: str, given_by: str, now: int) -> bool:
    """Give an application to somebody if `seen` still has it ("": nobody); exactly one caller gets True."""
    return tx.run(_TAKE, account_id=account_id, staff_id=staff_id, seen=seen, given_by=given_by, now=now) == 1


def let_go(tx: Transaction, account_id: str, *, seen: str) -> bool:
    """Take an application from `seen`; False where somebody else has it, or nobody."""
    return tx.run(_LET_GO, account_id=account_id, seen=seen) == 1


def forget_assignment(tx: Transaction, account_id: str) -> None:
    """The application is decided: nobody has it any more."""
    tx.run(_FORGET, account_id=account_id)


def free_all(tx: Transaction, staff_id: str) -> int:
    """Whoever may not decide any more lets go of everything; out: how many applications."""
    return tx.run(_FREE, staff_id=staff_id)


def list_of(tx: Transaction, staff_id: str) -> list[str]:
    """The applications that somebody has."""
    return [row["account_id"] for row in tx.all(_OF, staff_id=staff_id)]


def find_assignment(tx: Transaction, account_id: str) -> Assignment | None:
    """Who has an application."""
    row = tx.one(_FIND, account_id=account_id)
    return None if row is None else _assignment(row)


def list_assignments(tx: Transaction, account_ids: Iterable[str]) -> Mapping[str, Assignment]:
    """Who has which of these applications."""
    rows = tx.all(_LIST, accounts=json.dumps(list(account_ids)))
    return {row["account_id"]: _assignment(row) for row in rows}


def add_note(tx: Transaction, account_id: str, *, actor_kind: str, actor: str, text: str, now: int) -> None:
    """Keep a note."""
    tx.run(_ADD_NOTE, account_id=account_id, actor_kind=actor_kind, actor=actor, text=text, now=now)


def list_notes(tx: Transaction, account_id: str, limit: int = 100) -> list[ReviewNote]:
    """The notes about an account, newest first."""
    return [
        ReviewNote(
            note_id=row["note_id"],
            account_id=row["account_id"],
            actor_kind=row["actor_kind"],
            actor=row["actor"],
            actor_name=_name(row) if row["user_name"] else "",
            text=row["text"],
            created_at=row["created_at"],
        )
        for row in tx.all(_NOTES, account_id=account_id, limit=limit)
    ]


def remove_note(tx: Transaction, account_id: str, note_id: int, actor: str | None) -> bool:
    """Take a note away that this member of staff wrote; with `actor` None whoever wrote it."""
    if actor is None:
        return tx.run(_REMOVE_ANY_NOTE, account_id=account_id, note_id=note_id) == 1
    return tx.run(_REMOVE_NOTE, account_id=account_id, note_id=note_id, actor=actor) == 1


def _assignment(row: Row) -> Assignment:
    return Assignment(row["account_id"], row["staff_id"], _name(row), row["given_by"], row["given_at"])


def _name(row: Row) -> str:
    return f"{row['given_name']} {row['family_name']}".strip() or str(row["user_name"])
