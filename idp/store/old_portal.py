"""Customers of the old portal: imported rows, how far an import got, and who has come over since.

An account is `waiting` until its owner's first sign-in here; then it has moved. It is complete once nothing that every
registration says is missing; until then no rule and nobody at the desk decides about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_INSERT = Statement(
    "INSERT INTO old_accounts (account_id, source, row_id, hash_format, is_weak, imported_at, moved_by)"
    " VALUES (:account_id, :source, :row_id, :hash_format, :is_weak, :now, '')"
)
_FIND = Statement("SELECT * FROM old_accounts WHERE account_id = :account_id")
_MOVE = Statement(
    "UPDATE old_accounts SET moved_at = :now, moved_by = :by WHERE account_id = :account_id AND moved_at IS NULL"
)
_COMPLETE = Statement(
    "UPDATE old_accounts SET completed_at = :now WHERE account_id = :account_id AND completed_at IS NULL"
)
_ADOPT = Statement(
    "UPDATE accounts SET registration_id = :registration_id, updated_at = :now,"
    " email_verified_at = COALESCE(email_verified_at, :now) WHERE account_id = :account_id"
)
_WAIT_FROM_NOW = Statement(
    "UPDATE accounts SET approval_updated_at = :now WHERE account_id = :account_id AND approval_status = 'pending'"
)
_ANYBODY = Statement("SELECT 1 AS found FROM old_accounts LIMIT 1")
_KNOWN_ROWS = Statement("SELECT row_id AS value FROM old_accounts WHERE source = :source AND row_id IN {texts(keys)}")
_KNOWN_EMAILS = Statement("SELECT email_key AS value FROM accounts WHERE email_key IN {texts(keys)}")
_KNOWN_NAMES = Statement("SELECT user_name_key AS value FROM accounts WHERE user_name_key IN {texts(keys)}")
_PROGRESS = Statement("SELECT digest, rows_done FROM old_imports WHERE source = :source")
_BEGIN = Statement(
    "INSERT INTO old_imports (source, digest, rows_done, started_at, updated_at) VALUES (:source, :digest, 0, :now, :now)"
    " ON CONFLICT (source) DO UPDATE SET digest = excluded.digest, rows_done = 0, started_at = excluded.started_at,"
    " updated_at = excluded.updated_at WHERE old_imports.digest <> excluded.digest"
)
_ADVANCE = Statement(
    "UPDATE old_imports SET rows_done = :after, updated_at = :now"
    " WHERE source = :source AND digest = :digest AND rows_done = :before"
)
_RESTART = Statement("UPDATE old_imports SET rows_done = 0, updated_at = :now WHERE source = :source")
_FORMATS = Statement(
    "SELECT hash_format, is_weak, COUNT(*) AS imported, COUNT(moved_at) AS moved FROM old_accounts"
    " GROUP BY hash_format, is_weak ORDER BY hash_format, is_weak"
)
_WEEKS = Statement(
    "SELECT (moved_at - 345600) / 604800 AS week, COUNT(*) AS count FROM old_accounts WHERE moved_at >= :since"
    " GROUP BY (moved_at - 345600) / 604800 ORDER BY week"
)
_WAYS = Statement(
    "SELECT moved_by, COUNT(*) AS count FROM old_accounts WHERE moved_at IS NOT NULL GROUP BY moved_by ORDER BY moved_by"
)
_SOURCES = Statement(
    "SELECT source, COUNT(*) AS count, MAX(imported_at) AS newest FROM old_accounts GROUP BY source ORDER BY source"
)
_LEFT = Statement(
    "SELECT (SELECT COUNT(*) FROM old_accounts WHERE moved_at IS NOT NULL AND completed_at IS NULL) AS incomplete,"
    " (SELECT COUNT(*) FROM old_accounts o JOIN accounts a ON a.account_id = o.account_id WHERE o.is_weak"
    "  AND a.access <> 'closed' AND a.password_hash IS NOT NULL AND a.password_hash NOT LIKE '$argon2id$%') AS weak_kept"
)

WEEK = 7 * 86400
MONDAY = 4 * 86400
"""The first Monday after the beginning of time, which was a Thursday."""


@dataclass(frozen=True, slots=True)
class OldAccount:
    """What is known of an imported account besides the account itself."""

    account_id: str
    source: str
    row_id: str
    hash_format: str
    is_weak: bool
    imported_at: int
    moved_at: int | None
    moved_by: str
    completed_at: int | None

    @property
    def is_waiting(self) -> bool:
        """Whether its owner has not been here yet."""
        return self.moved_at is None


def insert_old_account(
    tx: Transaction, account_id: str, *, source: str, row_id: str, hash_format: str, is_weak: bool, now: int
) -> None:
    """Note that an account came from a row of the old portal. Raises `Conflict` where the row is here already."""
    values = {"source": source, "row_id": row_id, "hash_format": hash_format, "is_weak": is_weak}
    tx.run(_INSERT, account_id=account_id, **values, now=now)


def find_old_account(tx: Transaction, account_id: str) -> OldAccount | None:
    """What the import left of this account; None for accounts that were made here."""
    row = tx.one(_FIND, account_id=account_id)
    if row is None:
        return None
    values = {name: row[name] for name in OldAccount.__slots__}
    return OldAccount(**{**values, "is_weak": bool(values["is_weak"])})


def has_old_accounts(tx: Transaction) -> bool:
    """Whether anybody was ever imported."""
    return tx.one(_ANYBODY) is not None


def move_account(tx: Transaction, account_id: str, *, by: str, now: int) -> bool:
    """Note its owner's first sign-in here; only one caller ever gets True. `by` is `sign_in`, `mail` or `reset`."""
    return tx.run(_MOVE, account_id=account_id, by=by, now=now) == 1


def complete_account(tx: Transaction, account_id: str, now: int) -> bool:
    """Note that nothing is missing any more; only one caller ever gets True."""
    return tx.run(_COMPLETE, account_id=account_id, now=now) == 1


def adopt_registration(tx: Transaction, account_id: str, registration_id: str, now: int) -> None:
    """Tie the account to the registration whose mail proved its mailbox."""
    tx.run(_ADOPT, account_id=account_id, registration_id=registration_id, now=now)


def wait_from_now(tx: Transaction, account_id: str, now: int) -> None:
    """Who comes over waits for a decision from now on, not since the import."""
    tx.run(_WAIT_FROM_NOW, account_id=account_id, now=now)


def list_known_rows(tx: Transaction, source: str, row_ids: Iterable[str]) -> set[str]:
    """Which of these rows are here already."""
    return {row["value"] for row in tx.all(_KNOWN_ROWS, source=source, keys=json.dumps(list(row_ids)))}


def list_known_emails(tx: Transaction, keys: Iterable[str]) -> set[str]:
    """Which of these e-mail keys have an account."""
    return {row["value"] for row in tx.all(_KNOWN_EMAILS, keys=json.dumps(list(keys)))}


def list_known_user_names(tx: Transaction, keys: Iterable[str]) -> set[str]:
    """Which of these user name keys have an account."""
    return {row["value"] for row in tx.all(_KNOWN_NAMES, keys=json.dumps(list(keys)))}


def begin_import(tx: Transaction, source: str, digest: str, now: int) -> int:
    """Begin with a file, or go on with it; out: how many of its rows are done."""
    tx.run(_BEGIN, source=source, digest=digest, now=now)
    row = tx.one(_PROGRESS, source=source)
    return int(row["rows_done"]) if row else 0


def restart_import(tx: Transaction, source: str, now: int) -> None:
    """Let the next import of this source look at every row of its file again."""
    tx.run(_RESTART, source=source, now=now)


def advance_import(tx: Transaction, source: str, digest: str, *, before: int, after: int, now: int) -> bool:
    """Note that rows are done, in the transaction that imports them; False where somebody else imports them too."""
    return tx.run(_ADVANCE, source=source, digest=digest, before=before, after=after, now=now) == 1


@dataclass(frozen=True, slots=True)
class FormatCount:
    """How many came with hashes of one format, and how many of them have been here."""

    hash_format: str
    is_weak: bool
    imported: int
    moved: int

    @property
    def waiting(self) -> int:
        """Who has not been here yet."""
        return self.imported - self.moved


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the customers of the old portal have come over."""

    formats: tuple[FormatCount, ...]
    weeks: tuple[tuple[int, int], ...]
    ways: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, int, int], ...]
    incomplete: int
    weak_kept: int

    @property
    def imported(self) -> int:
        """All of them."""
        return sum(one.imported for one in self.formats)

    @property
    def moved(self) -> int:
        """Who has been here."""
        return sum(one.moved for one in self.formats)

    @property
    def waiting(self) -> int:
        """Who has not been here yet."""
        return self.imported - self.moved


def read_progress(tx: Transaction, *, since: int) -> Progress:
    """Count everything; weeks begin on Mondays (UTC) and are those after `since`, oldest first."""
    rows = tx.all(_FORMATS)
    row = tx.one(_LEFT) or {"incomplete": 0, "weak_kept": 0}
    return Progress(
        formats=tuple(FormatCount(r["hash_format"], bool(r["is_weak"]), r["imported"], r["moved"]) for r in rows),
        weeks=tuple((r["week"] * WEEK + MONDAY, r["count"]) for r in tx.all(_WEEKS, since=since)),
        ways=tuple((r["moved_by"], r["count"]) for r in tx.all(_WAYS)),
        sources=tuple((r["source"], r["count"], r["newest"]) for r in tx.all(_SOURCES)),
        incomplete=row["incomplete"],
        weak_kept=row["weak_kept"],
    )
