"""Who accepted which version of the terms of use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_ADD = Statement(
    "INSERT INTO terms_acceptances (account_id, version, language, text_hash, accepted_at)"
    " VALUES (:account_id, :version, :language, :text_hash, :accepted_at) ON CONFLICT (account_id, version) DO NOTHING"
)
_NOTE = Statement(
    "UPDATE accounts SET terms_version = :version WHERE account_id = :account_id AND terms_version < :version"
)
_LIST = Statement(
    "SELECT version, language, text_hash, accepted_at FROM terms_acceptances WHERE account_id = :account_id"
    " ORDER BY accepted_at DESC, version DESC"
)
_COUNT = Statement("SELECT version, COUNT(*) AS count FROM terms_acceptances GROUP BY version ORDER BY version DESC")
_HASHES = Statement(
    "SELECT DISTINCT version, language, text_hash FROM terms_acceptances ORDER BY version, language, text_hash"
)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A version that somebody accepted, in the language they read, with the SHA-256 of the text in hex."""

    version: str
    language: str
    text_hash: str
    accepted_at: int


def add_acceptance(
    tx: Transaction, account_id: str, *, version: str, language: str, text_hash: str, accepted_at: int
) -> bool:
    """Keep an acceptance; False where this version was accepted before."""
    values = {"version": version, "language": language, "text_hash": text_hash, "accepted_at": accepted_at}
    added = tx.run(_ADD, account_id=account_id, **values)
    tx.run(_NOTE, account_id=account_id, version=version)
    return added == 1


def list_acceptances(tx: Transaction, account_id: str) -> list[Acceptance]:
    """What an account accepted, the latest first."""
    return [
        Acceptance(**{name: row[name] for name in Acceptance.__slots__}) for row in tx.all(_LIST, account_id=account_id)
    ]


def count_acceptances(tx: Transaction) -> dict[str, int]:
    """How many accounts accepted each version."""
    return {row["version"]: row["count"] for row in tx.all(_COUNT)}


def list_accepted_hashes(tx: Transaction) -> list[tuple[str, str, str]]:
    """Version, language and hash of every text that was accepted."""
    return [(row["version"], row["language"], row["text_hash"]) for row in tx.all(_HASHES)]
