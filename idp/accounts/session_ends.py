"""Housekeeping of signing in: sessions that reached their end, and what need not be remembered any longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from idp.store import assertions, kept_inputs, known_browsers, links, pending, sessions, tokens, try_counters

if TYPE_CHECKING:
    from idp.provider import Provider

DAY = 86400
AT_ONCE = 100


def end_expired_sessions(provider: Provider) -> None:
    """End what reached its 12 hours, so that the sites learn of it; the cookie is dead since that second anyway."""
    now = provider.clock()
    while True:
        with provider.database.transaction() as tx:
            expired = sessions.list_expired(tx, now, AT_ONCE)
            for session in expired:
                apply_ending(provider, tx, Act.SESSION_EXPIRED, account_id=session.account_id, sid=session.sid, now=now)
        if len(expired) < AT_ONCE:
            return


def forget_old_traces(provider: Provider) -> None:
    """Delete links, sessions, counters, browsers and kept input that nobody can use or ask about any more."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        links.delete_old_links(tx, now - 90 * DAY)
        sessions.delete_old_sessions(tx, now - 30 * DAY)
        try_counters.delete_old_counters(tx, now - 7 * DAY)
        known_browsers.delete_old_browsers(tx, now - 180 * DAY)
        kept_inputs.delete_old_inputs(tx, now)
        pending.delete_old_pending(tx, now - DAY)


def forget_old_tokens(provider: Provider) -> None:
    """Delete families, codes, tokens and used assertions a day after they ended, a few at a time."""
    before, more = provider.clock() - DAY, True
    while more:
        with provider.database.transaction() as tx:
            assertions.forget_assertions(tx, before)
            more = tokens.delete_old_tokens(tx, before) > 0
