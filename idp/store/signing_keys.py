"""Signing keys as sealed rows, so that all instances publish and use the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from idp.keys.keyring import OpenKeys, SigningKey, make_signing_key
from idp.store.database import Statement
from idp.store.notes import KEYS_VERSION, Watched, change_version

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.database import Database, Row, Transaction

_LIST = Statement("SELECT * FROM signing_keys WHERE removed_at IS NULL ORDER BY active_from, kid")
_LIST_ALL = Statement("SELECT * FROM signing_keys ORDER BY active_from, kid")
_RETIRE = Statement("UPDATE signing_keys SET retired_at = :now WHERE kid = :kid AND retired_at IS NULL")
_REMOVE = Statement("UPDATE signing_keys SET removed_at = :now WHERE kid = :kid AND removed_at IS NULL")
_INSERT = Statement(
    "INSERT INTO signing_keys (kid, alg, public_jwk, sealed_private, created_at, active_from, retired_at, removed_at)"
    " VALUES (:kid, :alg, :public_jwk, :sealed_private, :created_at, :active_from, :retired_at, :removed_at)"
)


def list_signing_keys(tx: Transaction, *, with_removed: bool = False) -> list[SigningKey]:
    """All keys that are published, the oldest first; on demand also those that were taken away."""
    return [_parse(row) for row in tx.all(_LIST_ALL if with_removed else _LIST)]


def lock_keys(tx: Transaction) -> None:
    """Be the only one who changes keys until the commit, of which all instances then hear."""
    change_version(tx, KEYS_VERSION)


def retire_signing_key(tx: Transaction, kid: str, now: int) -> bool:
    """Let a key sign no more; True for the one who did it."""
    return tx.run(_RETIRE, kid=kid, now=now) == 1


def remove_signing_key(tx: Transaction, kid: str, now: int) -> bool:
    """Publish and accept a key no more; True for the one who did it."""
    return tx.run(_REMOVE, kid=kid, now=now) == 1


def insert_signing_key(tx: Transaction, key: SigningKey) -> None:
    """Keep a new key."""
    values = {name: getattr(key, name) for name in SigningKey.__slots__}
    tx.run(_INSERT, **{**values, "public_jwk": json.dumps(dict(key.public_jwk), separators=(",", ":"))})


def make_missing_keys(database: Database, master: MasterKey, algorithms: Iterable[str], now: int) -> None:
    """Make a key for each algorithm that has none (the first start); of many instances one makes it.

    A first key signs at once. Keys of an algorithm that is no longer configured stay: tokens may still need them.
    """
    wanted = list(algorithms)
    with database.reading() as tx:
        missing = _missing(tx, wanted)
    made = [make_signing_key(alg, master, now=now, active_from=now) for alg in missing]
    if not made:
        return
    with database.transaction() as tx:
        # A second instance waits here and then finds the keys.
        lock_keys(tx)
        still_missing = _missing(tx, wanted)
        for key in made:
            if key.alg in still_missing:
                insert_signing_key(tx, key)


def watch_keys(database: Database, master: MasterKey) -> Watched[OpenKeys]:
    """The keys, opened once for each version."""
    return Watched(database, KEYS_VERSION, lambda tx: OpenKeys(list_signing_keys(tx), master))


def _missing(tx: Transaction, algorithms: Iterable[str]) -> list[str]:
    present = {key.alg for key in list_signing_keys(tx) if key.retired_at is None}
    return [alg for alg in algorithms if alg not in present]


def _parse(row: Row) -> SigningKey:
    values = {name: row[name] for name in SigningKey.__slots__}
    return SigningKey(
        **{**values, "public_jwk": json.loads(row["public_jwk"]), "sealed_private": bytes(row["sealed_private"])}
    )
