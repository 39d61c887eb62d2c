"""The transactional outbox: what others must learn, written in the transaction of the act, delivered at least once.

A row waits, is claimed by one worker for a short lease, and ends as done or as a dead letter with its reason. A worker
that dies leaves a lease that runs out. The payload is sealed under the master key and blanked once it is delivered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from idp.keys.secrets import new_identifier
from idp.store import announcements
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.database import Row, Transaction

MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Item:
    """A claimed row, opened; its representation hides the payload."""

    outbox_id: int
    kind: str
    name: str
    identity: str
    account_id: str | None
    registration_id: str | None
    client_id: str | None
    sid: str | None
    attempts: int
    created_at: int
    sealed: bytes | None = field(repr=False)

    def open(self, master: MasterKey) -> dict[str, Any]:
        """The payload. Raises `ValueError` where key and row do not belong together."""
        value: dict[str, Any] = json.loads(master.open(self.sealed or b"", _seal_identity(self.identity)))
        return value


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a row: `waiting`, `sending`, `done` or `dead`, with the last error and the next try."""

    outbox_id: int
    kind: str
    name: str
    state: str
    account_id: str | None
    registration_id: str | None
    client_id: str | None
    sid: str | None
    created_at: int
    attempts: int
    next_try_at: int | None
    done_at: int | None
    dead_at: int | None
    last_error: str | None
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mails that have not gone out: how many, since when, and whether a try has failed already."""

    count: int
    since: int
    next_try_at: int
    has_failed: bool


_INSERT = Statement(
    "INSERT INTO outbox (kind, name, sealed, seal_identity, account_id, registration_id, client_id, sid, created_at,"
    " available_at, attempts) VALUES (:kind, :name, :sealed, :identity, :account_id, :registration_id, :client_id, :sid,"
    " :now, :available_at, 0) RETURNING outbox_id"
)


def enqueue(
    tx: Transaction,
    master: MasterKey,
    *,
    kind: str,
    name: str,
    payload: Mapping[str, Any],
    now: int,
    account_id: str | None = None,
    registration_id: str | None = None,
    client_id: str | None = None,
    sid: str | None = None,
    not_before: int = 0,
    wakes: bool = True,
) -> int:
    """Write one row in the transaction of the act, and wake the worker once it is committed.

    `wakes=False`: the worker finds it when it looks by itself, within a second; then what it does is not in the way of the
    answer or of the next one, where how much it does would tell who exists (EN-6).

    `kind` chooses who delivers it (`mail`, `backchannel_logout`), `name` says which one it is; `payload` is JSON. It goes
    out `not_before` an instant.
    """
    identity = new_identifier()
    sealed = master.seal(json.dumps(payload, ensure_ascii=False).encode(), _seal_identity(identity))
    row = tx.one(
        _INSERT,
        kind=kind,
        name=name,
        sealed=sealed,
        identity=identity,
        account_id=account_id,
        registration_id=registration_id,
        client_id=client_id,
        sid=sid,
        now=now,
        available_at=max(now, not_before),
    )
    if wakes:
        announcements.announce(tx, announcements.OUTBOX)
    return int(row["outbox_id"]) if row else 0


def _seal_identity(identity: str) -> str:
    return f"outbox:{identity}"


_NEWEST_MAIL = Statement(
    "SELECT outbox_id, kind, name, sealed, seal_identity, account_id, registration_id, client_id, sid, attempts, created_at"
    " FROM outbox WHERE account_id = :account_id AND kind = 'mail' ORDER BY outbox_id DESC LIMIT 1"
)


def newest_mail(tx: Transaction, account_id: str) -> Item | None:
    """The mail that was written to an account last."""
    row = tx.one(_NEWEST_MAIL, account_id=account_id)
    return read_item(row) if row else None


_IS_DUE = (
    "done_at IS NULL AND dead_at IS NULL AND available_at <= :now AND (claimed_until IS NULL OR claimed_until <= :now)"
    " AND (kind = 'mail') = :is_mail"
)
CLAIMED = (
    "outbox_id, kind, name, sealed, seal_identity, account_id, registration_id, client_id, sid, attempts, created_at"
)
_CLAIM = (
    "UPDATE outbox SET claimed_by = :worker, claimed_until = :until, attempts = attempts + 1 WHERE outbox_id IN"
    f" (SELECT outbox_id FROM outbox WHERE {_IS_DUE} ORDER BY available_at, outbox_id LIMIT :limit %s)"
    f" RETURNING {CLAIMED}"
)
_CLAIM_SQLITE = Statement(_CLAIM % "")
_CLAIM_POSTGRESQL = Statement(_CLAIM % "FOR UPDATE SKIP LOCKED")
_ANY_DUE = Statement(f"SELECT outbox_id FROM outbox WHERE {_IS_DUE} LIMIT 1")


def is_due(tx: Transaction, *, mail: bool, now: int) -> bool:
    """Whether a claim would find something (a look that takes no lock)."""
    return tx.one(_ANY_DUE, is_mail=mail, now=now) is not None


def claim(tx: Transaction, *, mail: bool, worker: str, lease: int, limit: int, now: int) -> list[Item]:
    """Take rows that are due, for `lease` seconds; no other worker gets them meanwhile."""
    statement = _CLAIM_SQLITE if tx.is_sqlite else _CLAIM_POSTGRESQL
    rows = tx.all(statement, is_mail=mail, worker=worker, until=now + lease, limit=limit, now=now)
    return sorted((read_item(row) for row in rows), key=lambda item: item.outbox_id)


def read_item(row: Row) -> Item:
    """A claimed row."""
    return Item(
        outbox_id=row["outbox_id"],
        kind=row["kind"],
        name=row["name"],
        identity=row["seal_identity"],
        account_id=row["account_id"],
        registration_id=row["registration_id"],
        client_id=row["client_id"],
        sid=row["sid"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        sealed=None if row["sealed"] is None else bytes(row["sealed"]),
    )


_DONE = Statement(
    "UPDATE outbox SET done_at = :now, sealed = NULL, claimed_by = NULL, claimed_until = NULL, last_error = NULL"
    " WHERE outbox_id = :outbox_id AND done_at IS NULL"
)
_RETRY = Statement(
    "UPDATE outbox SET available_at = :at, last_error = :error, claimed_by = NULL, claimed_until = NULL"
    " WHERE outbox_id = :outbox_id AND claimed_by = :worker AND done_at IS NULL"
)
_BURY = Statement(
    "UPDATE outbox SET dead_at = :now, last_error = :error, claimed_by = NULL, claimed_until = NULL"
    " WHERE outbox_id = :outbox_id AND claimed_by = :worker AND done_at IS NULL"
)
_RELEASE = Statement(
    "UPDATE outbox SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by = :worker AND done_at IS NULL"
)
_CLAIMERS = Statement("SELECT DISTINCT claimed_by FROM outbox WHERE claimed_by IS NOT NULL AND done_at IS NULL")


def mark_done(tx: Transaction, item: Item, now: int) -> None:
    """It was delivered: blank the payload. Holds even where the lease had run out, because it did go out."""
    tx.run(_DONE, outbox_id=item.outbox_id, now=now)


def retry_later(tx: Transaction, item: Item, worker: str, *, at: int, error: str) -> None:
    """It could not be delivered now: give it back until `at`."""
    tx.run(_RETRY, outbox_id=item.outbox_id, worker=worker, at=at, error=error[:255])


def bury(tx: Transaction, item: Item, worker: str, *, error: str, now: int) -> None:
    """It will never be delivered: keep it as a dead letter with the reason."""
    tx.run(_BURY, outbox_id=item.outbox_id, worker=worker, error=error[:255], now=now)


def claimers(tx: Transaction) -> list[str]:
    """The workers that hold a lease."""
    return [row["claimed_by"] for row in tx.all(_CLAIMERS)]


def release(tx: Transaction, worker: str) -> int:
    """Give back what a worker held that is known to be gone."""
    return tx.run(_RELEASE, worker=worker)


_FATE = (
    "SELECT outbox_id, kind, name, account_id, registration_id, client_id, sid, created_at, attempts, available_at,"
    " claimed_until, done_at, dead_at, last_error,"
    " COALESCE((SELECT TRIM(a.given_name || ' ' || a.family_name) FROM accounts a WHERE a.account_id = outbox.account_id),"
    " (SELECT TRIM(r.given_name || ' ' || r.family_name) FROM registrations r"
    " WHERE r.registration_id = outbox.registration_id), '') AS recipient"
    " FROM outbox WHERE %s ORDER BY outbox_id DESC LIMIT :limit"
)
_FATES = {
    "account_id": Statement(_FATE % "account_id = :value AND outbox_id < :before"),
    "registration_id": Statement(_FATE % "registration_id = :value AND outbox_id < :before"),
    "sid": Statement(_FATE % "sid = :value AND outbox_id < :before"),
    "kind": Statement(_FATE % "kind = :value AND outbox_id < :before"),
}
_NEWEST = 2**62


def fate(
    tx: Transaction,
    *,
    now: int,
    account_id: str | None = None,
    registration_id: str | None = None,
    sid: str | None = None,
    kind: str = MAIL,
    before: int | None = None,
    limit: int = 50,
) -> list[Fate]:
    """What became of the rows of an account, a registration, a session, or else of a kind, with whom they are about; newest first.

    The next page is asked for with `before`, the last `outbox_id` of this one.
    """
    asked = {"account_id": account_id, "registration_id": registration_id, "sid": sid}
    column, value = next(((name, text) for name, text in asked.items() if text is not None), ("kind", kind))
    rows = tx.all(_FATES[column], value=value, before=before or _NEWEST, limit=limit)
    return [
        replace(read_fate(row, now), recipient=row["recipient"])
        for row in rows
        if column in ("kind", "sid") or row["kind"] == kind
    ]


def read_fate(row: Row, now: int) -> Fate:
    """What became of one row."""
    is_over = row["done_at"] is not None or row["dead_at"] is not None
    return Fate(
        outbox_id=row["outbox_id"],
        kind=row["kind"],
        name=row["name"],
        state=_state(row, now),
        account_id=row["account_id"],
        registration_id=row["registration_id"],
        client_id=row["client_id"],
        sid=row["sid"],
        created_at=row["created_at"],
        attempts=row["attempts"],
        next_try_at=None if is_over else max(row["available_at"], row["claimed_until"] or 0),
        done_at=row["done_at"],
        dead_at=row["dead_at"],
        last_error=row["last_error"],
    )


def _state(row: Row, now: int) -> str:
    if row["done_at"] is not None:
        return "done"
    if row["dead_at"] is not None:
        return "dead"
    return "sending" if (row["claimed_until"] or 0) > now else "waiting"


_WAITING = (
    "SELECT COUNT(*) AS count, MIN(created_at) AS since, MIN(available_at) AS next_try_at, MAX(attempts) AS attempts,"
    " COUNT(last_error) AS errors FROM outbox WHERE kind = 'mail' AND done_at IS NULL AND dead_at IS NULL AND %s = :value"
)
_WAITING_REGISTRATION = Statement(_WAITING % "registration_id")
_WAITING_ACCOUNT = Statement(_WAITING % "account_id")


def waiting_for(
    tx: Transaction, *, registration_id: str | None = None, account_id: str | None = None
) -> Waiting | None:
    """The mails of a registration or an account that have not gone out yet; None where there are none."""
    statement = _WAITING_ACCOUNT if registration_id is None else _WAITING_REGISTRATION
    row = tx.one(statement, value=account_id if registration_id is None else registration_id)
    if row is None or row["count"] == 0:
        return None
    return Waiting(row["count"], row["since"], row["next_try_at"], has_failed=row["errors"] > 0)


_PURGE = Statement(
    "DELETE FROM outbox WHERE (done_at IS NOT NULL AND done_at < :before) OR (dead_at IS NOT NULL AND dead_at < :before)"
)
_COUNTS = Statement(
    "SELECT kind, COUNT(*) AS waiting, MIN(created_at) AS oldest FROM outbox WHERE done_at IS NULL AND dead_at IS NULL"
    " GROUP BY kind"
)
_DEAD = Statement("SELECT COUNT(*) AS count FROM outbox WHERE dead_at IS NOT NULL AND dead_at >= :since")


def purge(tx: Transaction, *, before: int) -> int:
    """Forget rows that ended before this instant."""
    return tx.run(_PURGE, before=before)


def backlog(tx: Transaction) -> Sequence[Row]:
    """For each kind how many wait, and since when."""
    return tx.all(_COUNTS)


def dead_since(tx: Transaction, since: int) -> int:
    """How many dead letters there are since an instant."""
    row = tx.one(_DEAD, since=since)
    return int(row["count"]) if row else 0
