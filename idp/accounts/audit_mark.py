"""The mark of the audit trail in the log, every hour: whoever cuts the trail and its head cannot cut what left the machine (LG-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from idp.store import audit_chain

if TYPE_CHECKING:
    from idp.provider import Provider

EVERY_SECONDS = 3600

log = structlog.get_logger("idp.audit")


class MarkWriter:
    """A chore of the worker; it writes its first mark when it starts, and none twice."""

    __name__ = "write_audit_mark"

    def __init__(self) -> None:
        self._written_at = 0
        self._mark = ""

    def __call__(self, provider: Provider) -> None:
        """Write the mark, where an hour has passed and the trail went on. `idp audit verify --expect MARK` checks against it."""
        now = provider.clock()
        if now < self._written_at + EVERY_SECONDS:
            return
        with provider.database.reading() as tx:
            head = audit_chain.find_head(tx)
        if head is not None and head.event_id and head.mark != self._mark:
            log.info("audit_mark", mark=head.mark)
            self._mark = head.mark
        self._written_at = now
