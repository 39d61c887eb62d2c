"""What our log lines are made of."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from idp.logs import configure_logging


def test_a_line_stays_a_line_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What a stranger sent is in the line, escaped: C1 controls, line separators, marks that turn the writing (IV-10)."""
    root, ours = logging.getLogger(), logging.getLogger("idp")
    before = (root.handlers[:], root.level, ours.level)
    sent = "/a\x1b[31m\x9b31m\n\u0085\u2028\u202e"
    try:
        configure_logging("info")
        structlog.get_logger("idp.test").info("problem", path=sent)
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
    written = capsys.readouterr().err
    assert written.isascii()
    assert "\x1b" not in written
    assert len(written.splitlines()) == 1
    assert json.loads(written)["path"] == sent
