"""Ends, in one sweep, everything that was open in a copy of the database which was put back (RL-8).

What was used, rotated or ended after the copy was made is open in it again; only what is issued from now on is known to
be used once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_REASON = "restored"

_SWEEPS = {
    "sessions": Statement("UPDATE sessions SET ended_at = :now, end_reason = :reason WHERE ended_at IS NULL"),
    "families": Statement(
        "UPDATE token_families SET revoked_at = :now, revoke_reason = :reason WHERE revoked_at IS NULL"
    ),
}
_MORE_SWEEPS = {
    "codes": Statement("UPDATE codes SET revoked_at = :now WHERE revoked_at IS NULL AND spent_at IS NULL"),
    "access_tokens": Statement("UPDATE access_tokens SET revoked_at = :now WHERE revoked_at IS NULL"),
    "requests": Statement("UPDATE pending_authorizations SET finished_at = :now WHERE finished_at IS NULL"),
    "links": Statement("UPDATE links SET replaced_at = :now WHERE used_at IS NULL AND replaced_at IS NULL"),
    "temporary_passwords": Statement(
        "UPDATE temporary_passwords SET expires_at = :now WHERE used_at IS NULL AND expires_at > :now"
    ),
    "registration_tokens": Statement(
        "UPDATE initial_access_tokens SET expires_at = :now WHERE expires_at IS NULL OR expires_at > :now"
    ),
}
_FORGET_INPUTS = Statement("DELETE FROM kept_inputs")
_WAITING = Statement("SELECT COUNT(*) AS number FROM outbox WHERE done_at IS NULL AND dead_at IS NULL")


def end_everything_open(tx: Transaction, now: int) -> dict[str, int]:
    """End all sessions, tokens, codes, requests, links and temporary passwords; out: how many of each ended."""
    ended = {name: tx.run(statement, now=now, reason=_REASON) for name, statement in _SWEEPS.items()}
    ended |= {name: tx.run(statement, now=now) for name, statement in _MORE_SWEEPS.items()}
    tx.run(_FORGET_INPUTS)
    return ended


def count_waiting(tx: Transaction) -> int:
    """How many mails and signals wait in the outbox: some may have been sent after the copy was made."""
    row = tx.one(_WAITING)
    return int(row["number"]) if row else 0
