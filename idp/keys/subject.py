"""Whom a client sees: the account's own number, or one that only its sector knows (OpenID Connect Core §8).

Two sectors cannot find out that their customers are the same person: neither by the subject nor by the session's `sid`. Both
are made again from the master key whenever they are needed, so that nothing is kept and nobody else can make them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.keys.master import MasterKey

_SUBJECT = "pairwise-subject"
_SESSION = "pairwise-session"


def subject_of(account_id: str, sector: str | None, master: MasterKey) -> str:
    """The account's `sub` in this sector; without a sector, the public one."""
    return account_id if sector is None else master.derive_token(_SUBJECT, f"{sector} {account_id}")


def session_of(sid: str, sector: str | None, master: MasterKey) -> str:
    """The session's `sid` in this sector; without a sector, the public one."""
    return sid if sector is None else master.derive_token(_SESSION, f"{sector} {sid}")
