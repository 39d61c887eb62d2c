"""Small facts by name: versions that caches watch, and the check value of the master key.

A cache reads again at most a second after a version changed anywhere, and at once in the process that changed it.
"""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from idp.errors import ConfigError
from idp.keys.master import CHECK_IDENTITY, ROOT_IDENTITY
from idp.keys.secrets import new_identifier
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.database import Database, Transaction

CLIENTS_VERSION = "clients_version"
KEYS_VERSION = "keys_version"
LOOK_AGAIN_SECONDS = 0.5

CHECK_NAME = CHECK_IDENTITY.removeprefix("notes:")
ROOT_NAME = ROOT_IDENTITY.removeprefix("notes:")
_CHECK_PLAIN = b"this master key fits"

_FIND = Statement("SELECT value FROM notes WHERE name = :name")
_SAVE = Statement(
    "INSERT INTO notes (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_ADD = Statement("INSERT INTO notes (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")

T = TypeVar("T")


def find_note(tx: Transaction, name: str) -> str | None:
    """The fact of that name."""
    row = tx.one(_FIND, name=name)
    return None if row is None else str(row["value"])


def save_note(tx: Transaction, name: str, value: str) -> None:
    """Keep a fact; the row stays locked until the transaction ends."""
    tx.run(_SAVE, name=name, value=value)


def keep_note(tx: Transaction, name: str, value: str) -> str:
    """Keep a fact unless there is one of that name; out: the one that is kept."""
    tx.run(_ADD, name=name, value=value)
    return find_note(tx, name) or value


def change_version(tx: Transaction, name: str) -> None:
    """Say that what a cache holds has changed; the caches of this process hear of it with the commit."""
    save_note(tx, name, new_identifier())
    for callback in tx.database.listeners.get(name, ()):
        tx.after_commit(callback)


def check_master_key(database: Database, master: MasterKey) -> None:
    """Stop where the database was sealed with another key (CR-3), and give the key the root that is derived from.

    The first start leaves a value to check and a root. A database from before there was a root has derived from its key.
    """
    with database.transaction() as tx:
        first = base64.b64encode(master.seal(_CHECK_PLAIN, CHECK_IDENTITY)).decode()
        kept = keep_note(tx, CHECK_NAME, first)
        try:
            key = master.key_of(base64.b64decode(kept), CHECK_IDENTITY)
            root = os.urandom(32) if kept == first else key
            sealed = base64.b64encode(master.seal(root, ROOT_IDENTITY)).decode()
            master.use_root(master.open(base64.b64decode(keep_note(tx, ROOT_NAME, sealed)), ROOT_IDENTITY))
        except ValueError:
            raise ConfigError("the master key does not fit this database; put back the one it was made with") from None


class Watched(Generic[T]):
    """A value made from rows, made again when its version has changed.

    Only one thread looks at a time; the others go on with what is known. It reads on a connection of its own, so that it
    may be asked while a transaction is open; where the pool has none to spare, what is known must do for now.
    """

    def __init__(self, database: Database, version: str, load: Callable[[Transaction], T]) -> None:
        self._database = database
        self._name = version
        self._load = load
        self._looking = threading.Lock()
        self._known: tuple[str | None, T] | None = None
        self._look_at = 0.0
        database.listeners.setdefault(version, []).append(self._look_now)

    def get(self) -> T:
        """The value, at most a second old."""
        known = self._known
        if known is not None and (time.monotonic() < self._look_at or self._database.is_crowded):
            return known[1]
        if not self._looking.acquire(blocking=known is None) and known is not None:
            return known[1]
        try:
            return self._look()
        finally:
            self._looking.release()

    def _look(self) -> T:
        known, look_at = self._known, time.monotonic() + LOOK_AGAIN_SECONDS
        with self._database.reading_aside() as tx:
            # The version first: what is loaded after it is never older.
            version = find_note(tx, self._name)
            if known is None or known[0] != version:
                known = (version, self._load(tx))
        self._known, self._look_at = known, look_at
        return known[1]

    def _look_now(self) -> None:
        self._look_at = 0.0
