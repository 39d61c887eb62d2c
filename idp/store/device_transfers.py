"""Devices on their way from one account to another: offered by mail, accepted, refused, taken back, or run out.

The token is kept as SHA-256 of purpose and token. `end_transfer` is the conditional update that decides who was first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from idp.keys.secrets import hash_secret, new_identifier, new_reference, new_secret
from idp.store.database import Statement
from idp.store.identifiers import email_key

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

State = Literal["waiting", "accepted", "refused", "taken_back", "expired", "void"]
"""`void`: the giver removed the device or closed the account, or the receiver's account was erased."""

_PURPOSE = "device_offer"
_INSERT = Statement(
    "INSERT INTO device_transfers (transfer_id, account_id, serial_number, email, email_key, token_hash, reference, state,"
    " created_at, expires_at) VALUES (:transfer_id, :account_id, :serial_number, :email, :email_key, :token_hash,"
    " :reference, 'waiting', :now, :expires_at)"
)
_ABOUT = Statement(
    "SELECT t.*, g.given_name AS giver_given, g.family_name AS giver_family, g.user_name AS giver_user,"
    " r.given_name AS receiver_given, r.family_name AS receiver_family, r.user_name AS receiver_user"
    " FROM device_transfers t JOIN accounts g ON g.account_id = t.account_id"
    " LEFT JOIN accounts r ON r.account_id = t.receiver_id"
    " WHERE t.account_id = :account_id OR t.receiver_id = :account_id OR (t.state = 'waiting' AND t.email_key IN"
    " (SELECT email_key FROM accounts WHERE account_id = :account_id)) ORDER BY t.created_at DESC, t.transfer_id LIMIT :limit"
)
_FIND = Statement("SELECT * FROM device_transfers WHERE token_hash = :token_hash")
_GET = Statement("SELECT * FROM device_transfers WHERE transfer_id = :transfer_id")
_WAITING = Statement(
    "SELECT * FROM device_transfers WHERE account_id = :account_id AND state = 'waiting' AND expires_at > :now"
    " ORDER BY created_at, transfer_id"
)
_OFFERED_TO = Statement(
    "SELECT t.*, g.given_name AS giver_given, g.family_name AS giver_family, g.user_name AS giver_user,"
    " NULL AS receiver_given, NULL AS receiver_family, NULL AS receiver_user FROM device_transfers t"
    " JOIN accounts g ON g.account_id = t.account_id AND g.access <> 'closed'"
    " WHERE t.state = 'waiting' AND t.expires_at > :now"
    " AND t.email_key = (SELECT email_key FROM accounts WHERE account_id = :account_id AND email_verified_at IS NOT NULL)"
    " ORDER BY t.created_at, t.transfer_id"
)
_END = Statement(
    "UPDATE device_transfers SET state = :state, receiver_id = :receiver_id, ended_at = :now"
    " WHERE transfer_id = :transfer_id AND state = 'waiting' AND expires_at > :now"
)
_EXPIRE = Statement(
    "UPDATE device_transfers SET state = 'expired', ended_at = :now"
    " WHERE transfer_id = :transfer_id AND state = 'waiting' AND expires_at <= :now"
)
_DUE = Statement(
    "SELECT transfer_id, account_id FROM device_transfers WHERE state = 'waiting' AND expires_at <= :now"
    " ORDER BY expires_at LIMIT :limit"
)
_VOID_DEVICE = Statement(
    "UPDATE device_transfers SET state = 'void', ended_at = :now"
    " WHERE account_id = :account_id AND serial_number = :serial_number AND state = 'waiting'"
)
_VOID_ALL = Statement(
    "UPDATE device_transfers SET state = 'void', ended_at = :now WHERE account_id = :account_id AND state = 'waiting'"
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as its row said when it was read; the token itself is only in the mail."""

    transfer_id: str
    account_id: str
    serial_number: str
    email: str
    email_key: str
    reference: str
    state: State
    receiver_id: str | None
    created_at: int
    expires_at: int
    ended_at: int | None

    def state_at(self, now: int) -> State:
        """What became of it; one whose time is over is so before housekeeping notes it."""
        return "expired" if self.state == "waiting" and self.expires_at <= now else self.state


@dataclass(frozen=True, slots=True)
class OfferedTransfer:
    """What goes into the mail: the secret token, the reference people can name, the end."""

    token: str
    reference: str
    expires_at: int

    def __repr__(self) -> str:
        return f"OfferedTransfer({self.reference!r})"


@dataclass(frozen=True, slots=True)
class NamedTransfer:
    """A transfer with the names of both sides, for staff; `receiver_name` is "" where nobody has accepted."""

    transfer: Transfer
    giver_name: str
    receiver_name: str


def insert_transfer(
    tx: Transaction, *, account_id: str, serial_number: str, email: str, lifetime: int, now: int
) -> OfferedTransfer:
    """Note that a device is offered to whoever has an e-mail address."""
    token = new_secret()
    offered = OfferedTransfer(token=token, reference=new_reference(), expires_at=now + lifetime)
    tx.run(
        _INSERT,
        transfer_id=new_identifier(),
        account_id=account_id,
        serial_number=serial_number,
        email=email,
        email_key=email_key(email),
        token_hash=hash_secret(_PURPOSE, token),
        reference=offered.reference,
        now=now,
        expires_at=offered.expires_at,
    )
    return offered


def insert_accepted(
    tx: Transaction, *, account_id: str, receiver_id: str, serial_number: str, email: str, now: int
) -> str:
    """Note a transfer that nobody has to accept, because staff made it; out: its reference."""
    offered = insert_transfer(tx, account_id=account_id, serial_number=serial_number, email=email, lifetime=1, now=now)
    made = find_transfer(tx, offered.token)
    assert made is not None
    end_transfer(tx, made.transfer_id, "accepted", now, receiver_id=receiver_id)
    return offered.reference


def list_about(tx: Transaction, account_id: str, limit: int = 50) -> list[NamedTransfer]:
    """The transfers from, to, or offered to an account, newest first."""
    return [_named(row) for row in tx.all(_ABOUT, account_id=account_id, limit=limit)]


def list_offered_to(tx: Transaction, account_id: str, now: int) -> list[NamedTransfer]:
    """What waits for the answer of an account, because the giver named its address, which is confirmed; oldest first."""
    return [_named(row) for row in tx.all(_OFFERED_TO, account_id=account_id, now=now)]


def find_transfer(tx: Transaction, token: str) -> Transfer | None:
    """The transfer whose mail had this token, whatever its state."""
    return _parse(tx.one(_FIND, token_hash=hash_secret(_PURPOSE, token)))


def find_by_id(tx: Transaction, transfer_id: str) -> Transfer | None:
    """The transfer with this identifier."""
    return _parse(tx.one(_GET, transfer_id=transfer_id))


def list_waiting(tx: Transaction, account_id: str, now: int) -> dict[str, Transfer]:
    """The transfers of an owner's devices that wait for an answer, by serial number."""
    found = (_parse(row) for row in tx.all(_WAITING, account_id=account_id, now=now))
    return {transfer.serial_number: transfer for transfer in found if transfer}


def end_transfer(tx: Transaction, transfer_id: str, state: State, now: int, *, receiver_id: str | None = None) -> bool:
    """End a transfer that waits; only one caller ever gets True, and none after its time."""
    return tx.run(_END, transfer_id=transfer_id, state=state, receiver_id=receiver_id, now=now) == 1


def expire_transfer(tx: Transaction, transfer_id: str, now: int) -> bool:
    """End a transfer whose time is over; only one caller gets True."""
    return tx.run(_EXPIRE, transfer_id=transfer_id, now=now) == 1


def list_due(tx: Transaction, now: int, limit: int = 100) -> list[tuple[str, str]]:
    """Identifier and owner of transfers that nobody answered in their time."""
    return [(row["transfer_id"], row["account_id"]) for row in tx.all(_DUE, now=now, limit=limit)]


def void_transfers(tx: Transaction, account_id: str, now: int, *, serial_number: str | None = None) -> int:
    """End what waits without an answer, because the owner has the device (or, without one, the account) no more."""
    if serial_number is None:
        return tx.run(_VOID_ALL, account_id=account_id, now=now)
    return tx.run(_VOID_DEVICE, account_id=account_id, serial_number=serial_number, now=now)


def _named(row: Row) -> NamedTransfer:
    names = [
        f"{row[f'{side}_given'] or ''} {row[f'{side}_family'] or ''}".strip() or row[f"{side}_user"] or ""
        for side in ("giver", "receiver")
    ]
    transfer = _parse(row)
    assert transfer is not None
    return NamedTransfer(transfer, *names)


def _parse(row: Row | None) -> Transfer | None:
    return None if row is None else Transfer(**{name: row[name] for name in Transfer.__slots__})
