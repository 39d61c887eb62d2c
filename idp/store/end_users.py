"""The end-user of an authorization step: account and session, held while a code is issued.

The rows are locked for reading, account first, until the code is written: an act that ends the session or withdraws the
approval comes wholly before (and no code is issued) or wholly after (and finds the code's family). SQLite has one writer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_ACCOUNT = (
    "SELECT given_name, family_name, email, claims, access, approval_status, terms_version FROM accounts"
    " WHERE account_id = :account_id"
)
_SESSION = (
    "SELECT auth_time, amr, kept, expires_at FROM sessions WHERE sid = :sid AND account_id = :account_id"
    " AND ended_at IS NULL AND expires_at > :now"
)
_READ_ACCOUNT, _HOLD_ACCOUNT = Statement(_ACCOUNT), Statement(_ACCOUNT + " FOR SHARE")
_READ_SESSION, _HOLD_SESSION = Statement(_SESSION), Statement(_SESSION + " FOR SHARE")


@dataclass(frozen=True, slots=True)
class EndUser:
    """Who is signed in, as account and session say now."""

    account_id: str
    sid: str
    name: str
    email: str
    address: str
    phone_number: str
    is_active: bool
    approval_status: str
    terms_version: str
    auth_time: int
    amr: str
    kept: bool
    session_expires_at: int


def find_end_user(tx: Transaction, account_id: str, sid: str, now: int, *, hold: bool = False) -> EndUser | None:
    """The end-user of a live session; None where session or account has ended. `hold` locks both until the commit."""
    hold = hold and not tx.is_sqlite
    account = tx.one(_HOLD_ACCOUNT if hold else _READ_ACCOUNT, account_id=account_id)
    session = tx.one(_HOLD_SESSION if hold else _READ_SESSION, sid=sid, account_id=account_id, now=now)
    if account is None or session is None or account["access"] == "closed":
        return None
    claims = json.loads(account["claims"] or "{}")
    return EndUser(
        account_id=account_id,
        sid=sid,
        name=f"{account['given_name']} {account['family_name']}".strip(),
        email=account["email"],
        address=" ".join(str((claims.get("address") or {}).get("formatted") or "").split()),
        phone_number=str(claims.get("phone_number") or ""),
        is_active=account["access"] == "active",
        approval_status=account["approval_status"],
        terms_version=account["terms_version"],
        auth_time=session["auth_time"],
        amr=session["amr"],
        kept=bool(session["kept"]),
        session_expires_at=session["expires_at"],
    )
