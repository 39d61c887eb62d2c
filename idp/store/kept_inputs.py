"""What somebody had typed when their session had ended: kept for a while, for the same person in the same browser.

The content is sealed, the handle in the address is a secret of its own, and password fields never come here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from idp.keys.secrets import hash_secret, new_secret
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.database import Transaction

Pairs = list[tuple[str, str]]

_INSERT = Statement(
    "INSERT INTO kept_inputs (handle_hash, browser_hash, account_id, path, sealed, expires_at)"
    " VALUES (:handle_hash, :browser_hash, :account_id, :path, :sealed, :expires_at)"
)
_FIND = Statement(
    "SELECT sealed FROM kept_inputs WHERE handle_hash = :handle_hash AND browser_hash = :browser_hash"
    " AND account_id = :account_id AND path = :path AND expires_at > :now"
)
_DELETE_OLD = Statement("DELETE FROM kept_inputs WHERE expires_at < :before")


def keep_input(
    tx: Transaction,
    master: MasterKey,
    *,
    browser_id: str,
    account_id: str,
    path: str,
    pairs: Pairs,
    lifetime: int,
    now: int,
) -> str:
    """Keep the fields of a form; out: the handle that brings them back."""
    handle = new_secret()
    handle_hash = hash_secret("kept-input", handle)
    tx.run(
        _INSERT,
        handle_hash=handle_hash,
        browser_hash=hash_secret("browser", browser_id),
        account_id=account_id,
        path=path,
        sealed=master.seal(json.dumps(pairs).encode(), f"kept_inputs:{handle_hash.hex()}"),
        expires_at=now + lifetime,
    )
    return handle


def find_input(
    tx: Transaction, master: MasterKey, *, handle: str, browser_id: str, account_id: str, path: str, now: int
) -> Pairs:
    """The fields that were kept for this person, browser and page; nothing where any of them differs (SE-7)."""
    handle_hash = hash_secret("kept-input", handle)
    row = tx.one(
        _FIND,
        handle_hash=handle_hash,
        browser_hash=hash_secret("browser", browser_id),
        account_id=account_id,
        path=path,
        now=now,
    )
    if row is None:
        return []
    return [(name, value) for name, value in json.loads(master.open(row["sealed"], f"kept_inputs:{handle_hash.hex()}"))]


def delete_old_inputs(tx: Transaction, before: int) -> int:
    """Forget what nobody came back for (housekeeping)."""
    return tx.run(_DELETE_OLD, before=before)
