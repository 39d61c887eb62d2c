"""The chain of the audit trail: each line carries an HMAC-SHA-256 over itself and the line before (LG-1).

The key is random, sealed under the master key outside the database, so that whoever can only write to the database can
neither change, remove, insert nor reorder lines unseen, nor cut the newest ones off: the head, sealed with the same key,
says where the trail ends. Whoever can put back the whole database as it was earlier is found by `idp audit verify
--expect`, which wants a line that was noted down elsewhere.

What is personal (network address, details) is chained as a salted digest: erasing an account (Art. 17 GDPR) blanks it
and its salt, and the chain still holds. Only lines about an account that a later line calls erased may be blank.

Lines get their numbers under the head's lock, which is the last thing that a transaction takes: no gaps, no deadlocks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from idp.errors import ConfigError
from idp.keys.secrets import is_same
from idp.store.database import Statement
from idp.store.notes import find_note, keep_note

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.database import Database, Row, Transaction

ERASED = "account_erased"
"""The act whose line lets the lines about that account be blank."""

KEY_NOTE = "audit_key"
KEY_IDENTITY = "notes:audit_key"
_HEAD = "audit"
_BEGINNING = bytes(32)
_BATCH = 1000

_COLUMNS = ("at", "act", "actor_kind", "actor", "account_id", "registration_id", "client_id", "reference")
_ALL = (*_COLUMNS, "address", "details", "event_id", "salt", "personal_digest", "digest")
_INSERT = Statement(f"INSERT INTO audit_events ({', '.join(_ALL)}) VALUES ({', '.join(':' + name for name in _ALL)})")
_ADD_HEAD = Statement(
    "INSERT INTO audit_head (name, event_id, digest, seal) VALUES (:name, :event_id, :digest, :seal)"
    " ON CONFLICT (name) DO NOTHING"
)
# An update that changes nothing takes the row's lock on both databases.
_LOCK_HEAD = Statement("UPDATE audit_head SET name = :name WHERE name = :name RETURNING event_id, digest, seal")
_MOVE_HEAD = Statement("UPDATE audit_head SET event_id = :event_id, digest = :digest, seal = :seal WHERE name = :name")
_FIND_HEAD = Statement("SELECT event_id, digest, seal FROM audit_head WHERE name = :name")
_UNCHAINED = Statement("SELECT * FROM audit_events WHERE digest IS NULL ORDER BY event_id LIMIT :limit")
_CHAIN = Statement(
    "UPDATE audit_events SET salt = :salt, personal_digest = :personal_digest, digest = :digest WHERE event_id = :event_id"
)
_AFTER = Statement("SELECT * FROM audit_events WHERE event_id > :after ORDER BY event_id LIMIT :limit")
_ERASED_ACCOUNTS = Statement("SELECT account_id FROM audit_events WHERE act = :act AND digest IS NOT NULL")
_BLANK = Statement(
    "UPDATE audit_events SET address = '', details = '{}', salt = NULL WHERE salt IS NOT NULL"
    " AND (account_id = :account_id OR (actor_kind = 'customer' AND actor = :account_id))"
)

FaultKind = Literal["changed", "missing", "not chained", "cut", "head", "not expected"]


@dataclass(frozen=True, slots=True)
class Head:
    """Where the trail ends: the newest line and its digest."""

    event_id: int
    digest: bytes

    @property
    def mark(self) -> str:
        """What to note down elsewhere: `line:digest`, for `idp audit verify --expect`."""
        return f"{self.event_id}:{self.digest.hex()}"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first bad line and what is wrong there.

    `changed`: it, its order or the line before is not what was written. `missing`: lines before it are gone.
    `not chained`: it was put in from outside. `cut`: lines after it are gone. `head`: the row that says where the trail
    ends is not ours. `not expected`: the line that was noted down is not in it.
    """

    kind: FaultKind
    event_id: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the whole chain found; `blank` counts lines whose personal part was erased."""

    lines: int
    blank: int
    head: Head | None
    fault: Fault | None


def open_chain(database: Database, master: MasterKey) -> None:
    """Give the database the chain's key, made at the first start; chain the lines of the time before there was one.

    Raises `ConfigError` where the key does not open with this master key.
    """
    sealed = base64.b64encode(master.seal(os.urandom(32), KEY_IDENTITY)).decode()
    with database.transaction() as tx:
        kept = find_note(tx, KEY_NOTE) or keep_note(tx, KEY_NOTE, sealed)
        try:
            database.audit_key = master.open(base64.b64decode(kept), KEY_IDENTITY)
        except ValueError:
            raise ConfigError(
                "the key of the audit trail does not open with this master key: its row was changed"
            ) from None
        if tx.one(_FIND_HEAD, name=_HEAD) is None:
            _begin(tx, database.audit_key)


def append(tx: Transaction, lines: list[dict[str, Any]]) -> None:
    """Number and chain these lines, in this order, behind the newest one."""
    key = _key(tx)
    found = tx.one(_LOCK_HEAD, name=_HEAD)
    if found is None:
        raise RuntimeError("the audit trail has no head")
    event_id, digest = int(found["event_id"]), bytes(found["digest"])
    for line in lines:
        event_id += 1
        whole = _chained(key, digest, {**line, "event_id": event_id}, os.urandom(16))
        tx.run(_INSERT, **whole)
        digest = whole["digest"]
    tx.run(_MOVE_HEAD, name=_HEAD, event_id=event_id, digest=digest, seal=_seal(key, event_id, digest))


def blank_personal(tx: Transaction, account_id: str) -> int:
    """Forget network addresses and details in the lines about and by an account that is erased; out: how many lines.

    The caller writes the `account_erased` line in the same transaction.
    """
    return tx.run(_BLANK, account_id=account_id)


def find_head(tx: Transaction) -> Head | None:
    """Where the trail ends, as its row says."""
    found = tx.one(_FIND_HEAD, name=_HEAD)
    return None if found is None else Head(int(found["event_id"]), bytes(found["digest"]))


def verify(database: Database, *, expected: str = "") -> Verdict:
    """Check every line in order, then the head; the first fault ends it.

    `expected` is a `Head.mark` from earlier, which must be part of the chain.
    """
    with database.reading() as tx:
        key = _key(tx)
        head = tx.one(_FIND_HEAD, name=_HEAD)
        erased = {row["account_id"] for row in tx.all(_ERASED_ACCOUNTS, act=ERASED)}
        walk = _Walk(key, erased, expected)
        fault = next((fault for row in _rows(tx) if (fault := walk.check(row))), None)
        fault = fault or walk.check_end(head)
    return Verdict(walk.lines, walk.blank, walk.head if walk.lines else None, fault)


class _Walk:
    """One way along the chain."""

    def __init__(self, key: bytes, erased: set[str], expected: str) -> None:
        self._key, self._erased = key, erased
        self._expected_line, _, self._expected_digest = expected.partition(":")
        self._digest = _BEGINNING
        self._event_id = 0
        self.lines = self.blank = 0

    @property
    def head(self) -> Head:
        """How far it came."""
        return Head(self._event_id, self._digest)

    def check(self, row: Row) -> Fault | None:
        """The next line; what is wrong with it."""
        event_id = int(row["event_id"])
        if row["digest"] is None:
            return Fault("not chained", event_id)
        if not is_same(
            _digest(self._key, self._digest, row, bytes(row["personal_digest"] or b"")), bytes(row["digest"])
        ):
            return Fault("missing" if event_id != self._event_id + 1 else "changed", event_id)
        if row["salt"] is None:
            if not self._may_be_blank(row):
                return Fault("changed", event_id)
            self.blank += 1
        elif not is_same(_personal_digest(bytes(row["salt"]), row), bytes(row["personal_digest"])):
            return Fault("changed", event_id)
        self._event_id, self._digest = event_id, bytes(row["digest"])
        self.lines += 1
        if str(event_id) == self._expected_line and self._digest.hex() != self._expected_digest:
            return Fault("not expected", event_id)
        return None

    def check_end(self, head: Row | None) -> Fault | None:
        """Whether the trail ends where its head says, and the expected line was passed."""
        if head is None or not is_same(
            _seal(self._key, int(head["event_id"]), bytes(head["digest"])), bytes(head["seal"])
        ):
            return Fault("head", self._event_id)
        if int(head["event_id"]) != self._event_id or bytes(head["digest"]) != self._digest:
            return Fault("cut", self._event_id)
        if self._expected_line and not 0 < int(self._expected_line) <= self._event_id:
            return Fault("not expected", self._event_id)
        return None

    def _may_be_blank(self, row: Row) -> bool:
        about = row["account_id"] in self._erased or (row["actor_kind"] == "customer" and row["actor"] in self._erased)
        return about and row["address"] == "" and row["details"] == "{}"


def _begin(tx: Transaction, key: bytes) -> None:
    """Make the head, and chain what is there."""
    digest, event_id = _BEGINNING, 0
    while rows := tx.all(_UNCHAINED, limit=_BATCH):
        for row in rows:
            whole = _chained(key, digest, dict(row), os.urandom(16))
            event_id, digest = whole["event_id"], whole["digest"]
            tx.run(_CHAIN, **{name: whole[name] for name in ("event_id", "salt", "personal_digest", "digest")})
    tx.run(_ADD_HEAD, name=_HEAD, event_id=event_id, digest=digest, seal=_seal(key, event_id, digest))


def _rows(tx: Transaction) -> Iterator[Row]:
    after = -1
    while rows := tx.all(_AFTER, after=after, limit=_BATCH):
        yield from rows
        after = int(rows[-1]["event_id"])


def _chained(key: bytes, before: bytes, line: dict[str, Any], salt: bytes) -> dict[str, Any]:
    personal = _personal_digest(salt, line)
    return {**line, "salt": salt, "personal_digest": personal, "digest": _digest(key, before, line, personal)}


def _digest(key: bytes, before: bytes, line: Mapping[str, Any], personal: bytes) -> bytes:
    body = [line["event_id"], *(line[name] for name in _COLUMNS), personal.hex()]
    return hmac.digest(key, b"line:" + before + json.dumps(body, ensure_ascii=True).encode(), "sha256")


def _personal_digest(salt: bytes, line: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(salt + json.dumps([line["address"], line["details"]], ensure_ascii=True).encode()).digest()


def _seal(key: bytes, event_id: int, digest: bytes) -> bytes:
    return hmac.digest(key, b"head:%d:" % event_id + digest, "sha256")


def _key(tx: Transaction) -> bytes:
    if tx.database.audit_key is None:
        raise RuntimeError("the audit trail's key was not opened")
    return tx.database.audit_key
