"""Connections on the driver, kept open and handed from thread to thread: SQLAlchemy makes them, nothing of it stays between.

A step of the protocol takes a few microseconds on the driver; taking it through an engine's connection costs ten times as
much. So connections are kept here, at most `MOST` at a time, and always in autocommit: who wants a transaction says BEGIN.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:
    from sqlalchemy import Engine

MOST = 16
"""So many connections has a process at most; whoever comes then waits."""

FEW = 8
"""With so many in use, nobody takes a second one."""

WAIT_SECONDS = 5.0
QUIET_SECONDS = 1.0
"""A connection that was idle for longer is tried before it is used: the server may have been started again."""

OLDEST_SECONDS = 1800.0


class Lease:
    """A connection in use by one thread. `is_durable`: whether SQLite waits for the disk at its commits now."""

    __slots__ = ("driver", "idle_since", "is_durable", "made_at")

    def __init__(self, driver: Any, now: float) -> None:
        self.driver = driver
        self.made_at = self.idle_since = now
        self.is_durable = True


class Connections:
    """The connections of a process to its database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._free = threading.Condition(threading.Lock())
        self._idle: list[Lease] = []
        self._in_use = 0
        event.listen(engine, "engine_disposed", lambda _engine: self.close_idle())

    @property
    def is_crowded(self) -> bool:
        """Whether there are few left: waiting for a second one while holding one would be a trap."""
        return self._in_use >= FEW

    def take(self) -> Lease:
        """A connection that works, for this thread alone. Raises `PoolTimeout`, and what the driver raises."""
        with self._free:
            if self._in_use >= MOST and not self._free.wait_for(lambda: self._in_use < MOST, WAIT_SECONDS):
                raise PoolTimeout("no database connection came free")
            self._in_use += 1
            lease = self._idle.pop() if self._idle else None
        try:
            if lease is not None and not self._is_sqlite and not _is_good(lease):
                _close(lease)
                self.close_idle()
                lease = None
            return lease or self._open()
        except BaseException:
            self._leave()
            raise

    def give_back(self, lease: Lease, *, is_sound: bool) -> None:
        """Keep it for the next thread, or close it where it may be broken or inside a transaction."""
        if is_sound:
            lease.idle_since = time.monotonic()
            with self._free:
                self._in_use -= 1
                self._idle.append(lease)
                self._free.notify()
        else:
            _close(lease)
            self._leave()

    def close_idle(self) -> None:
        """Close what is not in use."""
        with self._free:
            idle, self._idle = self._idle, []
        for lease in idle:
            _close(lease)

    def _open(self) -> Lease:
        made = self._engine.raw_connection()
        driver: Any = made.driver_connection
        made.detach()
        if self._is_sqlite:
            driver.row_factory = sqlite3.Row
        else:
            from psycopg.rows import dict_row

            driver.autocommit = True
            driver.row_factory = dict_row
        return Lease(driver, time.monotonic())

    def _leave(self) -> None:
        with self._free:
            self._in_use -= 1
            self._free.notify()


def _is_good(lease: Lease) -> bool:
    """Whether a connection to a server can be used: one that was idle is asked."""
    now = time.monotonic()
    if lease.driver.closed or now - lease.made_at > OLDEST_SECONDS:
        return False
    if now - lease.idle_since > QUIET_SECONDS:
        try:
            lease.driver.execute("SELECT 1")
        except Exception:  # noqa: BLE001 - whatever it says, it is not used again
            return False
    return True


def _close(lease: Lease) -> None:
    lease.driver.close()
