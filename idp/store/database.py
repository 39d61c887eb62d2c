"""Engines, transactions and statements, the same for SQLite and PostgreSQL.

SQLite: WAL, one writer lock in the process (its busy handler starves threads), `BEGIN IMMEDIATE` for whoever writes.
PostgreSQL: READ COMMITTED through psycopg 3, statement and lock time-outs, connections tried before use.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from idp.errors import Busy, ConfigError
from idp.store.models.base import db

if TYPE_CHECKING:
    from flask import Flask

Row = Mapping[str, Any]

AWAY_SECONDS = 5
"""When to try again while the database is away."""

_WRITES = "idp_writes"
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
    """One transaction on one connection: statements on the driver, `orm` for pages, callbacks after the commit."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self.database = database
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._session: Session | None = None
        self.audit_lines: list[dict[str, Any]] = []
        self._before_commit: dict[str, Callable[[], None]] = {}
        self._after_commit: list[Callable[[], None]] = []
        self.is_sqlite = connection.dialect.name == "sqlite"

    @property
    def orm(self) -> Session:
        """The ORM session of this transaction; it never commits by itself."""
        if self._session is None:
            self._session = Session(bind=self._connection, autoflush=True, expire_on_commit=False)
        return self._session

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
        if self._session is not None:
            self._session.flush()
        try:
            if self.is_sqlite:
                cursor = self._driver.cursor()
                cursor.row_factory = sqlite3.Row
                return cursor.execute(statement.sqlite, values)
            return self._driver.cursor(row_factory=_dict_row()).execute(statement.postgresql, values)
        except sqlite3.IntegrityError as error:
            raise Conflict(str(error)) from None
        except Exception as error:
            if type(error).__name__ in ("UniqueViolation", "ExclusionViolation"):
                raise Conflict(type(error).__name__) from None
            raise

    def flush(self) -> None:
        """Send what the ORM holds back. Raises `Conflict` where a unique constraint says no."""
        if self._session is not None:
            try:
                self._session.flush()
            except IntegrityError as error:
                raise Conflict(type(error.orig).__name__) from None

    def before_commit(self, name: str, callback: Callable[[], None]) -> None:
        """Call this once, as the last thing that the transaction does; a second callback of that name is not kept.

        For rows that every transaction wants to lock: taken last, they cannot be part of a deadlock.
        """
        self._before_commit.setdefault(name, callback)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call this once what was written is safe (wake a worker, forget a cached value)."""
        self._after_commit.append(callback)


def _dict_row() -> Any:
    from psycopg.rows import dict_row

    return dict_row


class Database:
    """Where transactions come from; shared by all threads of a process."""

    def __init__(self, engine: Engine, *, durability: str = "balanced") -> None:
        self.engine = engine
        self.durability = durability
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.listeners: dict[str, list[Callable[[], None]]] = {}
        self.audit_key: bytes | None = None
        self._writer = threading.Lock()
        self._here = threading.local()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """A transaction that may write: committed at the end of the block, rolled back by an exception.

        `durable=False` is for token steps, which `balanced` durability commits with `synchronous=NORMAL` on SQLite.
        Transactions do not nest, and no password is hashed and no request sent inside one.
        """
        self._check_not_nested()
        lock = self._writer if self.is_sqlite else None
        if lock:
            lock.acquire()
        try:
            self._here.open = True
            yield from self._transact(writes=True, durable=durable)
        finally:
            self._here.open = False
            if lock:
                lock.release()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction that only reads; it never waits for a writer on SQLite."""
        self._check_not_nested()
        self._here.open = True
        try:
            yield from self._transact(writes=False, durable=True)
        finally:
            self._here.open = False

    @contextmanager
    def reading_aside(self) -> Iterator[Transaction]:
        """Like `reading`, but allowed while this thread has a transaction open, of which it sees nothing: for caches."""
        yield from self._transact(writes=False, durable=True)

    def learn_sizes(self) -> None:
        """Let the database count what it holds, after very much was written at once: its plans depend on it."""
        with self.engine.connect() as plain, plain.execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")

    @property
    def is_in_transaction(self) -> bool:
        """Whether this thread has a transaction open, in which nothing that waits for others may be done."""
        return bool(getattr(self._here, "open", False))

    @property
    def is_crowded(self) -> bool:
        """Whether this thread has a transaction open and the pool little left: waiting for a second connection is a trap."""
        pool = self.engine.pool
        return self.is_in_transaction and isinstance(pool, QueuePool) and pool.checkedout() >= pool.size()

    def _check_not_nested(self) -> None:
        if self.is_in_transaction:
            raise RuntimeError("transactions do not nest: pass the open one on")

    def _transact(self, *, writes: bool, durable: bool) -> Iterator[Transaction]:
        try:
            yield from self._transact_here(writes=writes, durable=durable)
        except Exception as error:
            if is_away(error):
                raise Busy(AWAY_SECONDS) from error
            raise

    def _transact_here(self, *, writes: bool, durable: bool) -> Iterator[Transaction]:
        with self.engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: writes})
            if self.is_sqlite and writes:
                full = durable or self.durability == "full"
                connection.connection.driver_connection.execute(  # type: ignore[union-attr]
                    "PRAGMA synchronous=FULL" if full else "PRAGMA synchronous=NORMAL"
                )
            with connection.begin() as outer:
                tx = Transaction(connection, self)
                yield tx
                tx.flush()
                for callback in tx._before_commit.values():
                    callback()
                outer.commit()
            if tx._session is not None:
                tx._session.close()
        for callback in tx._after_commit:
            callback()


def is_away(error: BaseException) -> bool:
    """Whether the database cannot be reached or does not get to it, which is told apart from a defect of ours (GO-1)."""
    if isinstance(error, PoolTimeout):
        return True
    cause: BaseException | None = error.orig if isinstance(error, OperationalError) else error
    if isinstance(cause, sqlite3.OperationalError):
        return bool(_SQLITE_AWAY.search(str(cause)))
    return type(cause).__module__.startswith("psycopg") and any(
        kind.__name__ == "OperationalError" for kind in type(cause).__mro__
    )


def engine_options(url: str, threads: int = 4) -> dict[str, Any]:
    """Options for SQLAlchemy's `create_engine`: pool, time-outs.

    Each of the `threads` that answer requests may need a second connection inside its transaction (`reading_aside`); eight
    more are for the worker. With fewer, all could hold one and wait for one that nobody gives back.
    """
    if url.startswith("sqlite"):
        return {"connect_args": {"check_same_thread": False, "timeout": 5.0}}
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
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=5000", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        # SQLite's own lower() folds ASCII only: a search for "müller" must find "MÜLLER", as on PostgreSQL.
        connection.create_function(
            "lower", 1, lambda text: text.lower() if isinstance(text, str) else text, deterministic=True
        )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


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
