"""Telling threads and processes that something was written: a callback in this process, NOTIFY for the others.

On PostgreSQL an announcement travels with the commit (LISTEN/NOTIFY); on SQLite there is only this process to tell, and
what the command line writes beside it is found by looking.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Database, Transaction

OUTBOX = "idp_outbox"

_NOTIFY = {OUTBOX: Statement("NOTIFY idp_outbox")}
_RECONNECT_SECONDS = 3.0


def announce(tx: Transaction, channel: str) -> None:
    """Tell all who listen, once this transaction is committed."""
    if not tx.is_sqlite:
        tx.run(_NOTIFY[channel])
    tx.after_commit(lambda: _call(tx.database, channel))


def listen(database: Database, channel: str, callback: Callable[[], None]) -> None:
    """Call `callback` after each commit of this process that announced on the channel."""
    database.listeners.setdefault(channel, []).append(callback)


def _call(database: Database, channel: str) -> None:
    for callback in database.listeners.get(channel, ()):
        callback()


def hear_others(database: Database, channel: str, callback: Callable[[], None], stop: threading.Event) -> None:
    """Call `callback` for announcements of every process until `stop`; returns at once on SQLite.

    A lost connection is made again; `callback` is called then too, because something may have been missed.
    """
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while not (database.is_sqlite or stop.is_set()):
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
                connection.execute(f"LISTEN {channel}")
                callback()
                _wait_for_notices(connection, callback, stop)
        except psycopg.Error:
            stop.wait(_RECONNECT_SECONDS)


def _wait_for_notices(connection: psycopg.Connection, callback: Callable[[], None], stop: threading.Event) -> None:
    while not stop.is_set():
        for _notice in connection.notifies(timeout=1.0, stop_after=1):
            callback()
