"""Authorization requests that wait for their end-user (sign-in, consent, approval).

A row and a handle: the request is kept here and not in what forms send back (RD-14), and the handle works only in the
browser that started it (RD-15). A parked request is one that came by a cross-site POST, where the browser sends no
cookies: it waits without a browser until the redirect to ourselves brings them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.keys.secrets import hash_secret, new_secret, open_under, seal_under
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

PURPOSE = "pending"

_INSERT = Statement(
    "INSERT INTO pending_authorizations (handle_hash, browser_hash, client_id, request, seen_sid, seen_auth_time,"
    " created_at, expires_at) VALUES (:handle_hash, :browser_hash, :client_id, :request, :seen_sid, :seen_auth_time,"
    " :now, :expires_at)"
)
_FIND = Statement(
    "SELECT * FROM pending_authorizations WHERE handle_hash = :handle_hash AND browser_hash = :browser_hash"
    " AND finished_at IS NULL AND expires_at > :now"
)
_FIND_PARKED = Statement(
    "SELECT request FROM pending_authorizations WHERE handle_hash = :handle_hash AND browser_hash IS NULL"
    " AND expires_at > :now"
)
_FIND_CLIENT = Statement(
    "SELECT client_id FROM pending_authorizations WHERE handle_hash = :handle_hash AND browser_hash = :browser_hash"
)
_BIND = Statement(
    "UPDATE pending_authorizations SET account_id = :account_id, sid = :sid, chosen_at = NULL"
    " WHERE handle_hash = :handle_hash AND finished_at IS NULL"
)
_RELEASE = Statement(
    "UPDATE pending_authorizations SET account_id = NULL, sid = NULL, chosen_at = NULL"
    " WHERE handle_hash = :handle_hash AND finished_at IS NULL"
)
_CHOOSE = Statement(
    "UPDATE pending_authorizations SET chosen_at = :now WHERE handle_hash = :handle_hash AND account_id = :account_id"
    " AND finished_at IS NULL"
)
_FINISH = Statement(
    "UPDATE pending_authorizations SET finished_at = :now, account_id = :account_id, sid = :sid"
    " WHERE handle_hash = :handle_hash AND finished_at IS NULL AND expires_at > :now"
)
_END_OF_ACCOUNT = Statement(
    "UPDATE pending_authorizations SET finished_at = :now WHERE account_id = :account_id AND finished_at IS NULL"
)
_END_OF_SESSION = Statement(
    "UPDATE pending_authorizations SET finished_at = :now WHERE account_id = :account_id AND sid = :sid"
    " AND finished_at IS NULL"
)
_END_OF_CLIENT = Statement(
    "UPDATE pending_authorizations SET finished_at = :now WHERE client_id = :client_id AND finished_at IS NULL"
)
_END_OF_ACCOUNT_AT_CLIENT = Statement(
    "UPDATE pending_authorizations SET finished_at = :now WHERE account_id = :account_id AND client_id = :client_id"
    " AND finished_at IS NULL"
)
_DELETE_OLD = Statement("DELETE FROM pending_authorizations WHERE expires_at < :before")


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that waits; `request` has the parameters as the client sent them (`login_hint`, `ui_locales` …)."""

    handle: str
    client_id: str
    request: Mapping[str, str]
    account_id: str | None
    sid: str | None
    seen_sid: str | None
    seen_auth_time: int | None
    chosen_at: int | None
    created_at: int
    expires_at: int

    def __repr__(self) -> str:
        return f"Pending(client_id={self.client_id!r})"

    def has_fresh_sign_in(self, sid: str, auth_time: int) -> bool:
        """Whether this session authenticated after the request came (RD-18).

        The session that was seen then is compared with what was seen, and not with the clock: two events in one second must
        not look like one. Any other session counts only if it authenticated since: one that was held back while the
        request came, and shown afterwards, proves nothing.
        """
        if sid == self.seen_sid:
            return auth_time > (self.seen_auth_time or 0)
        return auth_time >= self.created_at

    def is_bound_to(self, account_id: str, sid: str) -> bool:
        """Whether the page that is now answered was shown to this person in this session (SE-7)."""
        return self.account_id == account_id and self.sid == sid


def save_pending(
    tx: Transaction,
    *,
    client_id: str,
    request: Mapping[str, str],
    browser_id: str,
    seen_sid: str | None,
    seen_auth_time: int | None,
    now: int,
    lifetime: int,
) -> str:
    """Keep a request for the browser that brought it; out: its handle."""
    handle = new_secret()
    tx.run(
        _INSERT,
        handle_hash=hash_secret(PURPOSE, handle),
        browser_hash=hash_secret("browser", browser_id),
        client_id=client_id,
        request=_seal(PURPOSE, handle, request),
        seen_sid=seen_sid,
        seen_auth_time=seen_auth_time,
        now=now,
        expires_at=now + lifetime,
    )
    return handle


def find_pending(tx: Transaction, handle: str, browser_id: str, now: int) -> Pending | None:
    """The waiting request behind a handle, in the browser that started it; None otherwise."""
    row = tx.one(
        _FIND, handle_hash=hash_secret(PURPOSE, handle), browser_hash=hash_secret("browser", browser_id), now=now
    )
    return None if row is None else _parse(handle, row)


def find_client_of_request(tx: Transaction, handle: str, browser_id: str) -> str | None:
    """The client of a request of this browser, waiting or not, so that the way back can be named."""
    hashes = {"handle_hash": hash_secret(PURPOSE, handle), "browser_hash": hash_secret("browser", browser_id)}
    row = tx.one(_FIND_CLIENT, **hashes)
    return None if row is None else str(row["client_id"])


def bind_pending(tx: Transaction, pending: Pending, *, account_id: str, sid: str) -> None:
    """Note whom a page of this request is shown to; what was chosen in another session is forgotten (SE-7)."""
    if not pending.is_bound_to(account_id, sid):
        tx.run(_BIND, handle_hash=hash_secret(PURPOSE, pending.handle), account_id=account_id, sid=sid)


def release_pending(tx: Transaction, pending: Pending) -> None:
    """Let the request wait for whoever signs in next, so that it does not end with the session it was shown to."""
    if pending.account_id is not None:
        tx.run(_RELEASE, handle_hash=hash_secret(PURPOSE, pending.handle))


def choose_account(tx: Transaction, pending: Pending, *, account_id: str, now: int) -> bool:
    """Note that the person chose to go on with this account (prompt=select_account)."""
    return tx.run(_CHOOSE, handle_hash=hash_secret(PURPOSE, pending.handle), account_id=account_id, now=now) == 1


def finish_pending(tx: Transaction, pending: Pending, *, account_id: str | None, sid: str | None, now: int) -> bool:
    """Use the request up; True for the one who may answer it."""
    values = {"account_id": account_id, "sid": sid, "now": now}
    return tx.run(_FINISH, handle_hash=hash_secret(PURPOSE, pending.handle), **values) == 1


def end_pending(
    tx: Transaction,
    *,
    now: int,
    account_id: str | None = None,
    sids: Iterable[str] | None = None,
    client_ids: Iterable[str] | None = None,
) -> None:
    """End waiting requests: of an account (all, of some sessions, or at some clients), or of clients for everybody."""
    if account_id is not None and sids is not None:
        for sid in sids:
            tx.run(_END_OF_SESSION, account_id=account_id, sid=sid, now=now)
    elif client_ids is not None:
        for client_id in client_ids:
            if account_id is None:
                tx.run(_END_OF_CLIENT, client_id=client_id, now=now)
            else:
                tx.run(_END_OF_ACCOUNT_AT_CLIENT, account_id=account_id, client_id=client_id, now=now)
    elif account_id is not None:
        tx.run(_END_OF_ACCOUNT, account_id=account_id, now=now)
    else:
        raise ValueError("say whose waiting requests end")


def park_request(tx: Transaction, purpose: str, parameters: Mapping[str, str], *, now: int, lifetime: int) -> str:
    """Keep what a cross-site POST brought until the redirect to ourselves brings the cookies; out: its handle.

    The purpose is part of the key (CO-13). Reading it changes nothing, as a repeated GET would change nothing.
    """
    handle = new_secret()
    tx.run(
        _INSERT,
        handle_hash=hash_secret(purpose, handle),
        browser_hash=None,
        client_id=parameters.get("client_id", "")[:255],
        request=_seal(purpose, handle, parameters),
        seen_sid=None,
        seen_auth_time=None,
        now=now,
        expires_at=now + lifetime,
    )
    return handle


def find_parked(tx: Transaction, purpose: str, handle: str, now: int) -> dict[str, str] | None:
    """The parameters of a parked request; None where it is unknown or too old."""
    row = tx.one(_FIND_PARKED, handle_hash=hash_secret(purpose, handle), now=now)
    return None if row is None else _open(purpose, handle, row)


def delete_old_pending(tx: Transaction, before: int) -> int:
    """Forget requests that ended before that instant (housekeeping)."""
    return tx.run(_DELETE_OLD, before=before)


def _seal(purpose: str, handle: str, parameters: Mapping[str, str]) -> bytes:
    """Hints are ID tokens, and addresses at a site are nobody's business: only who has the handle reads them (GO-7)."""
    plain = json.dumps(dict(parameters), ensure_ascii=False, separators=(",", ":"))
    return seal_under(purpose, handle, plain.encode("utf-8", "surrogatepass"))


def _open(purpose: str, handle: str, row: Row) -> dict[str, str]:
    opened: dict[str, str] = json.loads(open_under(purpose, handle, bytes(row["request"])))
    return opened


def _parse(handle: str, row: Row) -> Pending:
    names = ("client_id", "account_id", "sid", "seen_sid", "seen_auth_time", "chosen_at", "created_at", "expires_at")
    return Pending(handle=handle, request=_open(PURPOSE, handle, row), **{name: row[name] for name in names})
