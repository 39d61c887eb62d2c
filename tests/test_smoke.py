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


@pytest.mark.parametrize("name", ["FLASK_DEBUG", "FLASK_ENV", "WERKZEUG_DEBUG_PIN", "PYTHONDEVMODE"])
def test_no_variable_switches_debugging_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A defect is a page with a reference, whatever the environment says (SC-2, GO-2)."""
    monkeypatch.setenv(name, "1" if name != "FLASK_ENV" else "development")
    app = create_app(settings_in(tmp_path))

    def fail() -> str:
        raise RuntimeError("the inside")

    app.add_url_rule("/fail", "fail", fail)
    assert app.debug is False
    answer = app.test_client().get("/fail")
    assert answer.status_code == 500
    assert "the inside" not in answer.text
    assert "Traceback" not in answer.text
    assert "/console" not in {rule.rule for rule in app.url_map.iter_rules()}


def test_there_is_no_page_that_sets_the_provider_up(tmp_path: Path) -> None:
    """An empty provider shows the sign-in page; its first administrator is made on the command line (AD-6)."""
    app = create_app(settings_in(tmp_path))
    assert not {rule.rule for rule in app.url_map.iter_rules() if "setup" in rule.rule or "install" in rule.rule}
    browser = app.test_client()
    assert 'name="password"' in browser.get("/").text
    assert browser.get("/staff").status_code == 303
