"""What the processes of a site must share: sessions that ended, logout tokens seen, form input that waits.

A SQLite file by default; anything with the same methods (Redis) may stand in its place. An ended `sid` is kept until no
session with it can live any more (12 hours).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

KEEP_ENDED = 12 * 3600
KEEP_INPUT = 1800

_SCHEMA = """
CREATE TABLE IF NOT EXISTS ended (kind TEXT, value TEXT, ended_at INTEGER, PRIMARY KEY (kind, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (jti TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS input (state TEXT PRIMARY KEY, sealed TEXT, at INTEGER) WITHOUT ROWID;
"""


class SharedStore(Protocol):
    """What a shared store must do; times are seconds since the epoch."""

    def end_session(self, sid: str, now: int) -> None:
        """Remember that the session ended."""

    def end_subject(self, subject: str, now: int) -> None:
        """Remember that every session of the customer that began before now ended."""

    def has_ended(self, sid: str, subject: str, started_at: int) -> bool:
        """Whether the session ended."""

    def is_first_use(self, jti: str, now: int) -> bool:
        """Remember a logout token; false if it was seen before."""

    def keep_input(self, state: str, sealed: str, now: int) -> None:
        """Keep form input until its customer is signed in again."""

    def take_input(self, state: str, now: int) -> str | None:
        """Hand kept input out, once."""


class SQLiteStore:
    """The default store: one file beside the site, safe for several processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.executescript(_SCHEMA)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=5, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            yield connection
        finally:
            connection.close()

    def end_session(self, sid: str, now: int) -> None:
        """Remember that the session ended."""
        self._end("sid", sid, now)

    def end_subject(self, subject: str, now: int) -> None:
        """Remember that every session of the customer that began before now ended."""
        self._end("sub", subject, now)

    def _end(self, kind: str, value: str, now: int) -> None:
        with self._connection() as connection:
            connection.execute("DELETE FROM ended WHERE ended_at < ?", (now - KEEP_ENDED,))
            connection.execute(
                "INSERT INTO ended VALUES (?, ?, ?)"
                " ON CONFLICT (kind, value) DO UPDATE SET ended_at = excluded.ended_at",
                (kind, value, now),
            )

    def has_ended(self, sid: str, subject: str, started_at: int) -> bool:
        """Whether the session ended."""
        query = (
            "SELECT 1 FROM ended WHERE (kind = 'sid' AND value = ?) OR (kind = 'sub' AND value = ? AND ended_at >= ?)"
        )
        with self._connection() as connection:
            return connection.execute(query, (sid, subject, started_at)).fetchone() is not None

    def is_first_use(self, jti: str, now: int) -> bool:
        """Remember a logout token; false if it was seen before."""
        with self._connection() as connection:
            connection.execute("DELETE FROM seen WHERE at < ?", (now - KEEP_ENDED,))
            return connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (jti, now)).rowcount == 1

    def keep_input(self, state: str, sealed: str, now: int) -> None:
        """Keep form input until its customer is signed in again."""
        with self._connection() as connection:
            connection.execute("DELETE FROM input WHERE at < ?", (now - KEEP_INPUT,))
            connection.execute("INSERT OR REPLACE INTO input VALUES (?, ?, ?)", (state, sealed, now))

    def take_input(self, state: str, now: int) -> str | None:
        """Hand kept input out, once."""
        query = "DELETE FROM input WHERE state = ? AND at >= ? RETURNING sealed"
        with self._connection() as connection:
            row = connection.execute(query, (state, now - KEEP_INPUT)).fetchone()
            return None if row is None else str(row[0])
