"""Sessions of browsers: `sid` stays, the cookie's secret changes with each authentication, the end never moves.

Ending a session is a conditional update on its row, so that a copied cookie is dead on every instance at once (SE-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.keys.secrets import hash_secret, new_identifier, new_secret
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_INSERT = Statement(
    "INSERT INTO sessions (sid, secret_hash, account_id, kept, amr, started_at, auth_time, last_seen_at, expires_at,"
    " user_agent, address) VALUES (:sid, :secret_hash, :account_id, :kept, :amr, :now, :now, :now, :expires_at,"
    " :user_agent, :address)"
)
_FIND_LIVE = Statement(
    "SELECT * FROM sessions WHERE secret_hash = :secret_hash AND ended_at IS NULL AND expires_at > :now"
)
_FIND_VISITOR = Statement(
    "SELECT s.*, a.roles FROM sessions s JOIN accounts a ON a.account_id = s.account_id"
    " WHERE s.secret_hash = :secret_hash AND s.ended_at IS NULL AND s.expires_at > :now"
)
_FIND_OWNER = Statement("SELECT account_id FROM sessions WHERE secret_hash = :secret_hash")
_FIND = Statement("SELECT * FROM sessions WHERE sid = :sid")
_RENEW = Statement(
    "UPDATE sessions SET secret_hash = :secret_hash, auth_time = :now, last_seen_at = :now, amr = :amr"
    " WHERE sid = :sid AND account_id = :account_id AND ended_at IS NULL AND expires_at > :now"
)
_TOUCH = Statement(
    "UPDATE sessions SET last_seen_at = :now WHERE sid = :sid AND ended_at IS NULL AND last_seen_at < :now"
)
_END = Statement("UPDATE sessions SET ended_at = :now, end_reason = :reason WHERE sid = :sid AND ended_at IS NULL")
_END_ALL = Statement(
    "UPDATE sessions SET ended_at = :now, end_reason = :reason WHERE account_id = :account_id AND sid <> :except_sid"
    " AND ended_at IS NULL RETURNING sid"
)
_LIST = Statement(
    "SELECT * FROM sessions WHERE account_id = :account_id AND ended_at IS NULL AND expires_at > :now"
    " ORDER BY last_seen_at DESC, sid"
)
_EXPIRED = Statement(
    "SELECT * FROM sessions WHERE ended_at IS NULL AND expires_at <= :now ORDER BY expires_at LIMIT :limit"
)
_DELETE_OLD = Statement("DELETE FROM sessions WHERE expires_at < :before AND ended_at IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser, as its row said when it was read."""

    sid: str
    account_id: str
    kept: bool
    amr: str
    started_at: int
    auth_time: int
    last_seen_at: int
    expires_at: int
    ended_at: int | None
    end_reason: str | None
    user_agent: str
    address: str

    def is_idle(self, now: int, limit: int) -> bool:
        """Whether the password is asked again: not kept, and unseen for longer than the limit (SE-3)."""
        return not self.kept and now - self.last_seen_at > limit


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A session together with the secret that only its cookie holds."""

    session: Session
    secret: str

    def __repr__(self) -> str:
        return f"StartedSession({self.session.sid!r})"


def start_session(
    tx: Transaction,
    *,
    account_id: str,
    kept: bool,
    lifetime: int,
    now: int,
    amr: str = "pwd",
    user_agent: str = "",
    address: str = "",
) -> StartedSession:
    """Begin a session that ends `lifetime` after now, whatever happens in between."""
    sid, secret = new_identifier(), new_secret()
    tx.run(
        _INSERT,
        sid=sid,
        secret_hash=hash_secret("session", secret),
        account_id=account_id,
        kept=kept,
        amr=amr,
        now=now,
        expires_at=now + lifetime,
        user_agent=user_agent[:255],
        address=address[:64],
    )
    return StartedSession(get_session(tx, sid), secret)


def renew_session(tx: Transaction, session: Session, *, now: int, amr: str = "pwd") -> StartedSession | None:
    """After the same person authenticated again: new secret and `auth_time`, same `sid` and end (SE-2); None if it ended."""
    secret = new_secret()
    values = {"sid": session.sid, "account_id": session.account_id, "now": now, "amr": amr}
    if tx.run(_RENEW, secret_hash=hash_secret("session", secret), **values) != 1:
        return None
    return StartedSession(get_session(tx, session.sid), secret)


def find_by_secret(tx: Transaction, secret: str, now: int) -> Session | None:
    """The live session behind a cookie."""
    return _parse(tx.one(_FIND_LIVE, secret_hash=hash_secret("session", secret), now=now))


def find_visitor(tx: Transaction, secret: str, now: int) -> tuple[Session, bool] | None:
    """The live session behind a cookie, and whether its owner has a role at the desk."""
    row = tx.one(_FIND_VISITOR, secret_hash=hash_secret("session", secret), now=now)
    return None if row is None else (session_from_row(row), bool(row["roles"]))


def find_owner(tx: Transaction, secret: str) -> str | None:
    """Whose session a cookie belongs to, live or ended; it says who was here and lets nobody in."""
    row = tx.one(_FIND_OWNER, secret_hash=hash_secret("session", secret))
    return None if row is None else str(row["account_id"])


def find_session(tx: Transaction, sid: str) -> Session | None:
    """A session by its `sid`, live or not."""
    return _parse(tx.one(_FIND, sid=sid))


def get_session(tx: Transaction, sid: str) -> Session:
    """A session by its `sid`, which must exist (raises `LookupError`)."""
    session = find_session(tx, sid)
    if session is None:
        raise LookupError("no such session")
    return session


def touch_session(tx: Transaction, sid: str, now: int) -> None:
    """Note that the browser was here; moves the idle limit, never the end."""
    tx.run(_TOUCH, sid=sid, now=now)


def end_session(tx: Transaction, sid: str, *, reason: str, now: int) -> bool:
    """End one session; True for the one who ended it."""
    return tx.run(_END, sid=sid, reason=reason, now=now) == 1


def end_sessions(
    tx: Transaction, account_id: str, *, reason: str, now: int, except_sid: str | None = None
) -> list[str]:
    """End all sessions of an account but one; out: the `sid`s that ended now."""
    rows = tx.all(_END_ALL, account_id=account_id, except_sid=except_sid or "", reason=reason, now=now)
    return [row["sid"] for row in rows]


def list_sessions(tx: Transaction, account_id: str, now: int) -> list[Session]:
    """The live sessions of an account, last seen first."""
    return [session_from_row(row) for row in tx.all(_LIST, account_id=account_id, now=now)]


def list_expired(tx: Transaction, now: int, limit: int = 100) -> list[Session]:
    """Sessions that reached their end and were not yet ended in the record (housekeeping tells the sites)."""
    return [session_from_row(row) for row in tx.all(_EXPIRED, now=now, limit=limit)]


def delete_old_sessions(tx: Transaction, before: int) -> int:
    """Forget sessions that ended long ago (housekeeping)."""
    return tx.run(_DELETE_OLD, before=before)


def session_from_row(row: Row) -> Session:
    """A row of the table as a value."""
    values = {name: row[name] for name in Session.__slots__}
    values["kept"] = bool(row["kept"])
    return Session(**values)


def _parse(row: Row | None) -> Session | None:
    return None if row is None else session_from_row(row)
