"""What our log lines are made of."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from idp import create_app
from idp.logs import configure_logging
from tests.test_smoke import settings_in


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


def test_every_line_tells_when_and_in_which_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """UTC, and the id that the answer carries; the page of a defect has a reference that is in the same line (LG-5)."""
    app = create_app(settings_in(tmp_path))
    root, ours = logging.getLogger(), logging.getLogger("idp")
    before = (root.handlers[:], root.level, ours.level)
    try:
        configure_logging("info")
        answer = app.test_client().get("/nothing-here")
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = [line for line in lines if line["event"] == "problem"]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["reference"] in answer.text
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
