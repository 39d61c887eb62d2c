"""The mark of the audit trail leaves the database by itself."""

from __future__ import annotations

import logging

import pytest
import structlog

from idp.accounts.audit_mark import EVERY_SECONDS, MarkWriter
from idp.redaction import redact_text
from idp.store import audit, audit_chain
from tests.support.lobby import Lobby


def test_it_is_written_every_hour_while_the_trail_goes_on(lobby: Lobby) -> None:
    """Not every minute, and not twice the same; a trail that was cut after it does not pass the check (LG-2)."""
    chore = MarkWriter()

    def act() -> None:
        with lobby.provider.database.transaction() as tx:
            audit.record(tx, "signed_in", now=lobby.now)

    def marks(seconds: int) -> list[str]:
        lobby.now += seconds
        with structlog.testing.capture_logs() as lines:
            chore(lobby.provider)
        return [line["mark"] for line in lines if line["event"] == "audit_mark"]

    act()
    (first,) = marks(0)
    act()
    assert marks(60) == []
    (second,) = marks(EVERY_SECONDS)
    assert marks(EVERY_SECONDS) == []
    database = lobby.provider.database
    for mark in (first, second):
        assert redact_text(mark) == mark
        assert audit_chain.verify(database, expected=mark).fault is None
    lobby.run("DELETE FROM audit_events WHERE event_id = (SELECT MAX(event_id) FROM audit_events)")
    assert audit_chain.verify(database, expected=second).fault is not None


def test_it_is_among_the_chores(lobby: Lobby, caplog: pytest.LogCaptureFixture) -> None:
    """The worker of every installation writes it; nothing switches it off (LG-2)."""
    (chore,) = [task for task in lobby.provider.housekeeping if isinstance(task, MarkWriter)]
    with lobby.provider.database.transaction() as tx:
        audit.record(tx, "signed_in", now=lobby.now)
    with caplog.at_level(logging.INFO, "idp.audit"):
        chore(lobby.provider)
    assert "audit_mark" in caplog.text
