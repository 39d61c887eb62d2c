"""Engines, transactions and statements, the same for SQLite and PostgreSQL.

SQLite: WAL, one writer lock in the process (its busy handler starves threads), `BEGIN IMMEDIATE` for whoever writes.
PostgreSQL: READ COMMITTED through psycopg 3, statement and lock time-outs, connections tried before use.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from idp.errors import Busy, ConfigError
from idp.store.connections import Connections, Lease
from idp.store.models.base import db

if TYPE_CHECKING:
    from flask import Flask

Row = Mapping[str, Any]

AWAY_SECONDS = 5
"""When to try again while the database is away."""

_PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "synchronous=FULL",
    # KiB, negative; pages that many tokens touch stay at hand, and a log of 16 MB is carried over at once.
    "cache_size=-16384",
    "mmap_size=268435456",
    "wal_autocheckpoint=4000",
)
_SQLITE_AWAY = re.compile("locked|busy|unable to open|disk I/O|full")


_SQLITE_LISTS = {
    "texts": "(SELECT value FROM json_each(:{0}))",
    "among": "IN (SELECT value FROM json_each(:{0}))",
    "pairs": "(SELECT json_extract(value, '$[0]') AS number, json_extract(value, '$[1]') AS text FROM json_each(:{0}))",
}
_POSTGRESQL_LISTS = {
    "texts": "(SELECT value FROM jsonb_array_elements_text(CAST(:{0} AS jsonb)) AS t(value))",
    # An array: the planner takes the index for it, however little it knows of the table.
    "among": "= ANY(ARRAY(SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:{0} AS jsonb)) AS t(value)))",
    "pairs": "(SELECT CAST(value->>0 AS bigint) AS number, value->>1 AS text"
    " FROM jsonb_array_elements(CAST(:{0} AS jsonb)) AS t(value))",
}


def _spell_lists(sql: str, lists: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\((\w+)\)\}", lambda match: lists[match[1]].format(match[2]), sql)


class Conflict(Exception):
    """A unique constraint said no: somebody else was first."""


class Statement:
    """SQL with `:name` parameters, spelled once for each driver when the module is imported.

    `{texts(name)}` and `{pairs(name)}` stand for tables made of a JSON list: the second one, of pairs of a number and a
    text, has the columns `number` and `text`. `x {among(name)}` asks whether a number is one of a JSON list.
    """

    __slots__ = ("postgresql", "sqlite")

    def __init__(self, sql: str) -> None:
        self.sqlite = _spell_lists(sql, _SQLITE_LISTS)
        self.postgresql = re.sub(
            r"(?<![:\w]):(\w+)", r"%(\1)s", _spell_lists(sql, _POSTGRESQL_LISTS).replace("%", "%%")
        )


class Transaction:
    """One transaction on one connection: statements on the driver, callbacks before and after the commit."""

    __slots__ = ("_after_commit", "_before_commit", "_driver", "audit_lines", "database", "is_sqlite")

    def __init__(self, driver: Any, database: Database) -> None:
        self.database = database
        self.is_sqlite = database.is_sqlite
        self._driver = driver
        self.audit_lines: list[dict[str, Any]] = []
        self._before_commit: dict[str, Callable[[], None]] = {}
        self._after_commit: list[Callable[[], None]] = []

    def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._execute(statement, values).fetchone()
        return row

    def all(self, statement: Statement, /, **values: Any) -> Sequence[Row]:
        """All rows."""
        rows: Sequence[Row] = self._execute(statement, values).fetchall()
        return rows

    def run(self, statement: Statement, /, **values: Any) -> int:
        """Execute; out: how many rows it changed. Raises `Conflict` where a unique constraint says no."""
        count: int = self._execute(statement, values).rowcount
        return count

    def _execute(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        try:
            return self._driver.execute(statement.sqlite if self.is_sqlite else statement.postgresql, values)
        except sqlite3.IntegrityError as error:
            raise Conflict(str(error)) from None
        except Exception as error:
            if type(error).__name__ in ("UniqueViolation", "ExclusionViolation"):
                raise Conflict(type(error).__name__) from None
            raise

    def before_commit(self, name: str, callback: Callable[[], None]) -> None:
        """Call this once, as the last thing that the transaction does; a second callback of that name is not kept.

        For rows that every transaction wants to lock: taken last, they cannot be part of a deadlock.
        """
        self._before_commit.setdefault(name, callback)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call this once what was written is safe (wake a worker, forget a cached value)."""
        self._after_commit.append(callback)


class _Opened:
    """A transaction for a `with` block. One that only reads is none for the database: each statement stands alone."""

    __slots__ = ("_database", "_holds_lock", "_is_aside", "_lease", "_to_disk", "_tx", "_writes")

    def __init__(self, database: Database, *, writes: bool, to_disk: bool = True, is_aside: bool = False) -> None:
        self._database = database
        self._writes = writes
        self._to_disk = to_disk
        self._is_aside = is_aside
        self._holds_lock = False

    def __enter__(self) -> Transaction:
        database = self._database
        if not self._is_aside:
            database.check_not_nested()
            if self._writes and database.is_sqlite:
                database.writer.acquire()
                self._holds_lock = True
            database.here.open = True
        try:
            lease = self._lease = database.connections.take()
            try:
                self._begin(lease)
            except BaseException:
                database.connections.give_back(lease, is_sound=False)
                raise
        except BaseException as error:
            self._close()
            if is_away(error):
                raise Busy(AWAY_SECONDS) from error
            raise
        self._tx = Transaction(lease.driver, database)
        return self._tx

    def _begin(self, lease: Lease) -> None:
        if not self._writes:
            return
        if self._database.is_sqlite:
            if lease.is_durable != self._to_disk:
                lease.driver.execute("PRAGMA synchronous=FULL" if self._to_disk else "PRAGMA synchronous=NORMAL")
                lease.is_durable = self._to_disk
            lease.driver.execute("BEGIN IMMEDIATE")
        else:
            lease.driver.execute("BEGIN")

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> None:
        is_sound = False
        tx, driver = self._tx, self._lease.driver
        try:
            try:
                if error is None:
                    for callback in tx._before_commit.values():
                        callback()
                    self._end("COMMIT")
                else:
                    with suppress(Exception):
                        self._end("ROLLBACK")
                is_sound = self._database.is_idle(driver)
            finally:
                self._database.connections.give_back(self._lease, is_sound=is_sound)
            if error is None:
                for callback in tx._after_commit:
                    callback()
        except BaseException as fault:
            if is_away(fault):
                raise Busy(AWAY_SECONDS) from fault
            raise
        finally:
            self._close()
        if error is not None and is_away(error):
            raise Busy(AWAY_SECONDS) from error

    def _end(self, word: str) -> None:
        if self._writes:
            self._lease.driver.execute(word)

    def _close(self) -> None:
        if not self._is_aside:
            self._database.here.open = False
        if self._holds_lock:
            self._holds_lock = False
            self._database.writer.release()


class Database:
    """Where transactions come from; shared by all threads of a process."""

    def __init__(self, engine: Engine, *, durability: str = "balanced") -> None:
        self.engine = engine
        self.durability = durability
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.connections = Connections(engine)
        self.listeners: dict[str, list[Callable[[], None]]] = {}
        self.audit_key: bytes | None = None
        self.writer = threading.Lock()
        self.here = threading.local()

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Transaction, None]:
        """A transaction that may write: committed at the end of the block, rolled back by an exception.

        `durable=False` is for token steps, which `balanced` durability commits with `synchronous=NORMAL` on SQLite.
        Transactions do not nest, and no password is hashed and no request sent inside one. Raises `Busy` while the database
        is away.
        """
        return _Opened(self, writes=True, to_disk=durable or self.durability == "full")

    def reading(self) -> AbstractContextManager[Transaction, None]:
        """For statements that only read; none waits for a writer, and each sees what was committed when it began."""
        return _Opened(self, writes=False)

    def reading_aside(self) -> AbstractContextManager[Transaction, None]:
        """Like `reading`, but allowed while this thread has a transaction open, of which it sees nothing: for caches."""
        return _Opened(self, writes=False, is_aside=True)

    def learn_sizes(self) -> None:
        """Let the database count what it holds, after very much was written at once: its plans depend on it."""
        with self.engine.connect() as plain, plain.execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE" if self.is_sqlite else "VACUUM (ANALYZE)")

    @property
    def is_in_transaction(self) -> bool:
        """Whether this thread has a transaction open, in which nothing that waits for others may be done."""
        return bool(getattr(self.here, "open", False))

    @property
    def is_crowded(self) -> bool:
        """Whether this thread has a transaction open and few connections are left: waiting for a second one is a trap."""
        return self.is_in_transaction and self.connections.is_crowded

    def check_not_nested(self) -> None:
        """Raises `RuntimeError` where this thread has a transaction open."""
        if self.is_in_transaction:
            raise RuntimeError("transactions do not nest: pass the open one on")

    def is_idle(self, driver: Any) -> bool:
        """Whether a connection is whole and outside of any transaction."""
        if self.is_sqlite:
            return not driver.in_transaction
        return not driver.closed and driver.pgconn.transaction_status == 0


def is_away(error: BaseException) -> bool:
    """Whether the database cannot be reached or does not get to it, which is told apart from a defect of ours (GO-1)."""
    if isinstance(error, PoolTimeout):
        return True
    cause: BaseException | None = error.orig if isinstance(error, OperationalError) else error
    if isinstance(cause, sqlite3.OperationalError):
        return bool(_SQLITE_AWAY.search(str(cause)))
    return type(cause).__module__.startswith("psycopg") and any(
        kind.__name__ in ("OperationalError", "IdleInTransactionSessionTimeout") for kind in type(cause).__mro__
    )


def engine_options(url: str, threads: int = 4) -> dict[str, Any]:
    """Options for SQLAlchemy's `create_engine`: pool, time-outs.

    Each of the `threads` that answer requests may need a second connection inside its transaction (`reading_aside`); eight
    more are for the worker. With fewer, all could hold one and wait for one that nobody gives back.
    """
    if url.startswith("sqlite"):
        return {"connect_args": {"check_same_thread": False, "timeout": 5.0, "cached_statements": 512}}
    return {
        "pool_pre_ping": True,
        "pool_size": 8,
        "max_overflow": max(8, 2 * threads),
        "pool_timeout": 5,
        "pool_recycle": 1800,
        "connect_args": {
            "connect_timeout": 3,
            "prepare_threshold": 3,
            "options": "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000 -c jit=off",
        },
    }


def driver_url(url: str) -> str:
    """The URL with the driver we use named in it."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def prepare_engine(engine: Engine) -> None:
    """Set up each new connection, and how a transaction begins on SQLite."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        # SQLite's own lower() folds ASCII only: a search for "müller" must find "MÜLLER", as on PostgreSQL.
        connection.create_function(
            "lower", 1, lambda text: text.lower() if isinstance(text, str) else text, deterministic=True
        )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def sqlite_path(url: str) -> Path:
    """The database's file, with its folder made. Raises `ConfigError` where that cannot be.

    A new file is its owner's alone: it holds addresses and password hashes. SQLite gives its journals the same mode.
    """
    path = Path(url.removeprefix("sqlite:///")).resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"database.url: the folder {path.parent} cannot be made: {error.strerror}") from None
    with suppress(OSError):  # one that is there keeps its mode; what cannot be made is told on connecting
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path


def open_database(app: Flask, url: str, *, durability: str = "balanced", threads: int = 4) -> Database:
    """Bind Flask-SQLAlchemy to the application and return the database behind it; `threads` of a process answer requests."""
    app.config["SQLALCHEMY_DATABASE_URI"] = driver_url(url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url, threads)
    if url.startswith("sqlite:///"):
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{sqlite_path(url)}"
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    prepare_engine(engine)
    return Database(engine, durability=durability)
