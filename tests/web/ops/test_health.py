"""`/healthz` and `/readyz` (RL-7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from idp.store import schema
from tests.support.post import PostOffice


def test_a_running_process_is_healthy_and_ready(tmp_path: Path, database_url: str) -> None:
    """Both answer 200 and say nothing else (GO-2)."""
    web = PostOffice(tmp_path, database_url=database_url).app.test_client()
    for path in ("/healthz", "/readyz"):
        answer = web.get(path)
        assert (answer.status_code, answer.json) == (200, {"status": "ok"})
        assert answer.headers["Cache-Control"] == "no-store"


def test_without_the_database_it_is_healthy_and_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer takes the instance out, a supervisor leaves it alone (RL-4)."""
    web = PostOffice(tmp_path).app.test_client()

    def away(_engine: Any) -> bool:
        raise OperationalError("SELECT", {}, Exception("host db.internal is away"))

    monkeypatch.setattr(schema, "is_current", away)
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "database is not ready"})
    assert answer.headers["Retry-After"] == "5"
    assert web.get("/healthz").status_code == 200


def test_an_older_schema_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance waits until the database is migrated (RL-6)."""
    web = PostOffice(tmp_path).app.test_client()
    monkeypatch.setattr(schema, "newest_revision", lambda: "9999")
    assert web.get("/readyz").status_code == 503
