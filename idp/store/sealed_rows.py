"""Everything that is sealed under the master key, and sealing it anew under another one.

A test holds this list against the columns of the models and against who seals.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.keys.master import CHECK_IDENTITY, ROOT_IDENTITY
from idp.store.audit_chain import KEY_IDENTITY, KEY_NOTE
from idp.store.database import Statement
from idp.store.notes import CHECK_NAME, CLIENTS_VERSION, KEYS_VERSION, ROOT_NAME, change_version

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.database import Database, Row, Transaction

BATCH = 200


@dataclass(frozen=True)
class SealedColumn:
    """A column, the columns that name its row, and the identity that is authenticated with its content."""

    table: str
    column: str
    key: tuple[str, ...]
    identity: Callable[[Row], str]
    first: Statement = field(init=False, repr=False)
    following: Statement = field(init=False, repr=False)
    update: Statement = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names, marks = ", ".join(self.key), ", ".join(f":{name}" for name in self.key)
        also = ", seal_identity" if self.table == "outbox" else ""
        read = f"SELECT {names}{also}, {self.column} AS content FROM {self.table} WHERE {self.column} IS NOT NULL"
        rest = f" ORDER BY {names} LIMIT :batch"
        object.__setattr__(self, "first", Statement(read + rest))
        object.__setattr__(self, "following", Statement(f"{read} AND ({names}) > ({marks}){rest}"))
        change = (
            f"UPDATE {self.table} SET {self.column} = :newer WHERE ({names}) = ({marks}) AND {self.column} = :older"
        )
        object.__setattr__(self, "update", Statement(change))


COLUMNS = (
    SealedColumn("signing_keys", "sealed_private", ("kid",), lambda row: f"signing_keys:{row['kid']}"),
    SealedColumn(
        "client_secrets",
        "sealed",
        ("client_id", "secret_hash"),
        lambda row: f"client_secrets:{row['client_id']}:{bytes(row['secret_hash']).hex()}",
    ),
    SealedColumn("outbox", "sealed", ("outbox_id",), lambda row: f"outbox:{row['seal_identity']}"),
    SealedColumn("mailbox", "sealed", ("message_id",), lambda row: f"mailbox:{row['message_id']}"),
    SealedColumn(
        "kept_inputs", "sealed", ("handle_hash",), lambda row: f"kept_inputs:{bytes(row['handle_hash']).hex()}"
    ),
)
NOTES = {ROOT_NAME: ROOT_IDENTITY, KEY_NOTE: KEY_IDENTITY, CHECK_NAME: CHECK_IDENTITY}
"""The check value last: whoever is interrupted finds it under the older key and begins again."""

_NOTE = Statement("SELECT value FROM notes WHERE name = :name")
_SAVE_NOTE = Statement("UPDATE notes SET value = :newer WHERE name = :name AND value = :older")


@dataclass
class Resealed:
    """How many values are sealed under the newest key now, and how many no key opens (they were so before)."""

    changed: int = 0
    unreadable: int = 0


def reseal(database: Database, master: MasterKey) -> Resealed:
    """Seal everything under the key that seals now; in small transactions, so that nobody waits."""
    done = Resealed()
    for column in COLUMNS:
        for rows in _batches(database, column):
            with database.transaction() as tx:
                for row in rows:
                    _reseal_row(tx, master, column, row, done)
    with database.transaction() as tx:
        for name, identity in NOTES.items():
            _reseal_note(tx, master, name, identity, done)
        change_version(tx, CLIENTS_VERSION)  # caches hold sealed secrets
        change_version(tx, KEYS_VERSION)
    return done


def count_older(database: Database, master: MasterKey) -> int:
    """How many values only an older key opens."""
    older = 0
    for column in COLUMNS:
        for rows in _batches(database, column):
            older += sum(_is_older(master, bytes(row["content"]), column.identity(row)) for row in rows)
    with database.reading() as tx:
        for name, identity in NOTES.items():
            row = tx.one(_NOTE, name=name)
            older += row is not None and _is_older(master, base64.b64decode(row["value"]), identity)
    return older


def _is_older(master: MasterKey, sealed: bytes, identity: str) -> bool:
    try:
        return not master.is_current(sealed, identity)
    except ValueError:
        return False


def _batches(database: Database, column: SealedColumn) -> Iterator[list[Row]]:
    statement = column.first
    values: dict[str, Any] = {}
    while True:
        with database.reading() as tx:
            rows = list(tx.all(statement, batch=BATCH, **values))
        if not rows:
            return
        yield rows
        statement, values = column.following, _key_of(column, rows[-1])


def _key_of(column: SealedColumn, row: Row) -> dict[str, Any]:
    return {name: row[name] for name in column.key}


def _reseal_row(tx: Transaction, master: MasterKey, column: SealedColumn, row: Row, done: Resealed) -> None:
    older, identity = bytes(row["content"]), column.identity(row)
    try:
        if master.is_current(older, identity):
            return
        newer = master.seal(master.open(older, identity), identity)
    except ValueError:
        done.unreadable += 1
        return
    done.changed += tx.run(column.update, newer=newer, older=older, **_key_of(column, row))


def _reseal_note(tx: Transaction, master: MasterKey, name: str, identity: str, done: Resealed) -> None:
    row = tx.one(_NOTE, name=name)
    if row is None:
        return
    older = base64.b64decode(row["value"])
    if not master.is_current(older, identity):
        newer = base64.b64encode(master.seal(master.open(older, identity), identity)).decode()
        done.changed += tx.run(_SAVE_NOTE, name=name, newer=newer, older=row["value"])
