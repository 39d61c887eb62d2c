"""Ends token families, and remembers which sites a session opened: the rows behind the table "What ends what".

Families end by one conditional update that returns them, so that a code issued beside it is either refused or found here;
codes and access tokens of an ended family end with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_RETURNING = " AND revoked_at IS NULL RETURNING family_id, account_id, client_id, sid"
_REVOKE = "UPDATE token_families SET revoked_at = :now, revoke_reason = :reason WHERE "

_FAMILIES_OF_SESSION = Statement(
    _REVOKE + "account_id = :account_id AND sid = :sid AND offline = :offline" + _RETURNING
)
# From here on it is a family without a session: `codes.Family.session_end` says none once this instant has come.
_OUTLIVE = Statement(
    "UPDATE token_families SET session_expires_at = :now WHERE account_id = :account_id AND sid = :sid"
    " AND offline = :offline AND session_expires_at > :now AND revoked_at IS NULL"
)
_OFFLINE_FAMILIES = Statement(_REVOKE + "account_id = :account_id AND offline = :offline" + _RETURNING)
_FAMILIES_OF_ACCOUNT = Statement(_REVOKE + "account_id = :account_id" + _RETURNING)
_FAMILIES_AT_CLIENT = Statement(_REVOKE + "account_id = :account_id AND client_id = :client_id" + _RETURNING)
_FAMILIES_OF_CLIENT = Statement(_REVOKE + "client_id = :client_id" + _RETURNING)
_ONE_FAMILY = Statement(_REVOKE + "family_id = :family_id" + _RETURNING)
_CODES = Statement("UPDATE codes SET revoked_at = :now WHERE family_id = :family_id AND revoked_at IS NULL")
_ACCESS = Statement("UPDATE access_tokens SET revoked_at = :now WHERE family_id = :family_id AND revoked_at IS NULL")
# What clients got for themselves.
_OWN_ACCESS = Statement(
    "UPDATE access_tokens SET revoked_at = :now WHERE client_id = :client_id AND family_id IS NULL AND revoked_at IS NULL"
)

_SESSION_CLIENTS = Statement("SELECT client_id FROM session_clients WHERE sid = :sid ORDER BY client_id")
_NOTE_CLIENT = Statement(
    "INSERT INTO session_clients (sid, client_id, first_at, last_at) VALUES (:sid, :client_id, :now, :now)"
    " ON CONFLICT (sid, client_id) DO UPDATE SET last_at = excluded.last_at"
)
_REQUIRING_APPROVAL = Statement("SELECT client_id FROM clients WHERE require_approval = :yes ORDER BY client_id")
_OFFLINE_CLIENTS = Statement(
    "SELECT DISTINCT client_id FROM token_families WHERE account_id = :account_id AND offline = :yes"
    " AND revoked_at IS NULL AND expires_at > :now ORDER BY client_id"
)


@dataclass(frozen=True, slots=True)
class EndedFamily:
    """A family that ended now."""

    family_id: str
    account_id: str
    client_id: str
    sid: str | None


def end_families_of_sessions(
    tx: Transaction, account_id: str, sids: Iterable[str], *, reason: str, now: int
) -> list[EndedFamily]:
    """End what these sessions opened; offline families stay, and say no more that their session goes on."""
    ended: list[EndedFamily] = []
    for sid in sids:
        tx.run(_OUTLIVE, account_id=account_id, sid=sid, offline=True, now=now)
        ended += _end(tx, _FAMILIES_OF_SESSION, account_id=account_id, sid=sid, offline=False, reason=reason, now=now)
    return ended


def end_offline_families(tx: Transaction, account_id: str, *, reason: str, now: int) -> list[EndedFamily]:
    """End the account's families that outlive their session."""
    return _end(tx, _OFFLINE_FAMILIES, account_id=account_id, offline=True, reason=reason, now=now)


def end_families_of_account(tx: Transaction, account_id: str, *, reason: str, now: int) -> list[EndedFamily]:
    """End all of the account's families."""
    return _end(tx, _FAMILIES_OF_ACCOUNT, account_id=account_id, reason=reason, now=now)


def end_families_at_clients(
    tx: Transaction, account_id: str | None, client_ids: Iterable[str], *, reason: str, now: int
) -> list[EndedFamily]:
    """End the account's families at some clients; without an account, everybody's, and the clients' own tokens."""
    ended: list[EndedFamily] = []
    for client_id in client_ids:
        if account_id is None:
            ended += _end(tx, _FAMILIES_OF_CLIENT, client_id=client_id, reason=reason, now=now)
            tx.run(_OWN_ACCESS, client_id=client_id, now=now)
        else:
            ended += _end(tx, _FAMILIES_AT_CLIENT, account_id=account_id, client_id=client_id, reason=reason, now=now)
    return ended


def end_family(tx: Transaction, family_id: str, *, reason: str, now: int) -> list[EndedFamily]:
    """End one family."""
    return _end(tx, _ONE_FAMILY, family_id=family_id, reason=reason, now=now)


def note_session_client(tx: Transaction, sid: str, client_id: str, now: int) -> None:
    """Remember that the session opened this site, which is told when the session ends."""
    tx.run(_NOTE_CLIENT, sid=sid, client_id=client_id, now=now)


def list_session_clients(tx: Transaction, sid: str) -> list[str]:
    """The sites that a session opened."""
    return [row["client_id"] for row in tx.all(_SESSION_CLIENTS, sid=sid)]


def list_offline_clients(tx: Transaction, account_id: str, now: int) -> list[str]:
    """The sites whose access to the account outlives its sessions (`offline_access`)."""
    return [row["client_id"] for row in tx.all(_OFFLINE_CLIENTS, account_id=account_id, yes=True, now=now)]


def list_clients_that_require_approval(tx: Transaction) -> list[str]:
    """The clients whose tokens end with an approval."""
    return [row["client_id"] for row in tx.all(_REQUIRING_APPROVAL, yes=True)]


def _end(tx: Transaction, statement: Statement, **values: object) -> list[EndedFamily]:
    families = [
        EndedFamily(row["family_id"], row["account_id"], row["client_id"], row["sid"])
        for row in tx.all(statement, **values)
    ]
    for family in families:
        tx.run(_CODES, family_id=family.family_id, now=values["now"])
        tx.run(_ACCESS, family_id=family.family_id, now=values["now"])
    return families
