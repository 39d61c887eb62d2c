"""The application starts on an empty folder, and starts again on what it made."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Settings
from idp.errors import ConfigError


def settings_in(folder: Path) -> Settings:
    """Settings that keep everything below one folder."""
    return Settings(
        database=DatabaseSettings(url=f"sqlite:///{folder}/idp.sqlite3"),
        keys=KeySettings(directory=folder / "keys"),
    )


def test_starts_twice_on_the_same_folder(tmp_path: Path) -> None:
    """The first start makes schema and master key, the second finds them."""
    create_app(settings_in(tmp_path))
    key = (tmp_path / "keys" / "master.key").read_text()
    create_app(settings_in(tmp_path))
    assert (tmp_path / "keys" / "master.key").read_text() == key


def test_a_lost_master_key_stops_the_start(tmp_path: Path) -> None:
    """A database that was sealed with a key is not opened without it (CR-3)."""
    create_app(settings_in(tmp_path))
    (tmp_path / "keys" / "master.key").unlink()
    with pytest.raises(ConfigError, match="master key is missing"):
        create_app(settings_in(tmp_path))
