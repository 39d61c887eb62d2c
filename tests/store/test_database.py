"""The database's file."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from idp import create_app
from idp.config import DatabaseSettings
from idp.errors import Busy
from idp.store.database import Statement, engine_options, is_away
from tests.support.lobby import Lobby
from tests.test_smoke import settings_in


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    """Addresses and password hashes are not for others on the machine, nor are the journals beside them."""
    settings = settings_in(tmp_path)
    provider = create_app(settings).extensions["idp"]
    with provider.database.reading():
        folder = Path(settings.database.url.removeprefix("sqlite:///")).parent
        files = [path for path in folder.iterdir() if ".sqlite3" in path.name]
        assert len(files) > 1
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.mark.parametrize("threads", [1, 4, 16, 64])
def test_every_thread_can_have_a_second_connection(threads: int) -> None:
    """Parallel refreshes of one token filled the pool and waited for each other until all were told to come again (RL-1)."""
    options = engine_options("postgresql://idp@db.example/idp", threads)
    assert options["pool_size"] + options["max_overflow"] >= 2 * threads + 8


def test_every_wait_ends(lobby: Lobby) -> None:
    """For a lock, for a statement, for a connection, for a transaction that does nothing (RL-5)."""
    database = lobby.provider.database
    with database.engine.connect() as connection:
        if database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 5000
            return
        for name, longest in (
            ("statement_timeout", "10s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ):
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == longest
    options = engine_options("postgresql://idp@db.example/idp", 4)
    assert options["pool_timeout"] == 5
    assert options["connect_args"]["connect_timeout"] == 3
    assert options["pool_pre_ping"]


def test_a_transaction_that_postgresql_gave_up_is_told_as_busy(postgresql_url: str, tmp_path: Path) -> None:
    """A process that stood still for so long is no defect: whoever asked may ask again (GO-1)."""
    settings = settings_in(tmp_path).model_copy(update={"database": DatabaseSettings(url=postgresql_url)})
    database = create_app(settings).extensions["idp"].database
    with pytest.raises(Busy), database.transaction() as tx:  # noqa: PT012 - the second statement is what fails
        tx.run(Statement("UPDATE accounts SET locale = 'de'"))
        raise psycopg.errors.IdleInTransactionSessionTimeout(
            "terminating connection due to idle-in-transaction timeout"
        )
    with database.reading() as tx:
        assert tx.one(Statement("SELECT 1 AS one")) == {"one": 1}


@pytest.mark.parametrize(
    "error", [psycopg.errors.DataError("NUL"), psycopg.errors.InternalError_("x"), ValueError("x")]
)
def test_a_defect_is_not_told_as_busy(error: Exception) -> None:
    """It would be asked for again and again."""
    assert not is_away(error)
