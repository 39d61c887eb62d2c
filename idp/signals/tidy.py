"""Forgets what was delivered long ago: rows of the outbox and mails of the development mailbox (RL-9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.store import mailbox, outbox

if TYPE_CHECKING:
    from idp.provider import Provider

KEPT_SECONDS = 90 * 86400
"""So long staff can see what became of a mail."""


def forget_delivered(provider: Provider) -> None:
    """Delete what ended more than 90 days ago."""
    before = provider.clock() - KEPT_SECONDS
    with provider.database.transaction() as tx:
        outbox.purge(tx, before=before)
        mailbox.purge(tx, before=before)
