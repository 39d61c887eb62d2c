"""A running world for each journey."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.smtp import SmtpServer
from tests.support.world import World, running_world


@pytest.fixture
def world(tmp_path: Path, database_url: str, smtp_server: SmtpServer) -> Iterator[World]:
    """The provider and both sites, on SQLite and on PostgreSQL."""
    with running_world(tmp_path, database_url, smtp_server) as running:
        yield running


@pytest.fixture
def sqlite_world(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[World]:
    """The provider and both sites on SQLite."""
    with running_world(tmp_path, f"sqlite:///{tmp_path / 'idp.sqlite3'}", smtp_server) as running:
        yield running
