"""Whether the database answers and has our schema; looking makes nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from idp.store import announcements, readiness, schema
from idp.store.database import Statement, driver_url
from tests.support.databases import FreshDatabase
from tests.support.lobby import Lobby


def test_a_database_is_empty_then_outdated_then_current(fresh_database: FreshDatabase) -> None:
    """`idp check` and the start say which; only a migration changes it."""
    url = fresh_database()
    assert readiness.look_at(url) == "empty"
    engine = create_engine(driver_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE something (id INTEGER)")
    assert readiness.look_at(url) == "outdated"
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE something")
    schema.migrate(engine)
    assert readiness.look_at(url) == "current"
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert readiness.look_at(url) == "outdated"
    engine.dispose()


def test_looking_at_a_file_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    """It is told as empty."""
    path = tmp_path / "idp.sqlite3"
    assert readiness.look_at(f"sqlite:///{path}") == "empty"
    assert not path.exists()


def test_what_is_no_database_is_unreachable(tmp_path: Path) -> None:
    """Nor is a server where nobody listens."""
    path = tmp_path / "idp.sqlite3"
    path.write_text("This is a letter to my aunt, and no database at all." * 20)
    assert readiness.look_at(f"sqlite:///{path}") == "unreachable"
    assert readiness.look_at("postgresql://idp@127.0.0.1:1/idp") == "unreachable"


def test_a_provider_is_ready_while_its_schema_is_the_newest(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it says in a word what keeps it from serving."""
    database = lobby.provider.database
    assert readiness.find_fault(database) is None
    lobby.run("UPDATE alembic_version SET version_num = '0001'")
    assert readiness.find_fault(database) == "schema"
    with monkeypatch.context() as away:
        away.setattr(database, "engine", create_engine("postgresql+psycopg://idp@127.0.0.1:1/idp"))
        assert readiness.find_fault(database) == "database"


def test_models_and_migrations_say_the_same(lobby: Lobby) -> None:
    """On both databases; nothing is missing and nothing is left over."""
    assert schema.differences(lobby.provider.database.engine) == []


def test_who_listens_is_called_after_the_commit_and_only_then(lobby: Lobby) -> None:
    """What was undone is not announced."""
    database, came = lobby.provider.database, []
    announcements.listen(database, announcements.OUTBOX, lambda: came.append(database.is_in_transaction))
    with database.transaction() as tx:
        announcements.announce(tx, announcements.OUTBOX)
        assert came == []
    assert len(came) == 1
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:  # noqa: PT012 - what is undone comes first
        announcements.announce(tx, announcements.OUTBOX)
        raise ZeroDivisionError
    assert len(came) == 1


def test_another_process_hears_it_where_there_can_be_one(lobby: Lobby) -> None:
    """On PostgreSQL it travels with the commit; on SQLite the listener goes home at once."""
    database = lobby.provider.database
    heard, stop = threading.Semaphore(0), threading.Event()
    listener = threading.Thread(
        target=announcements.hear_others, args=(database, announcements.OUTBOX, heard.release, stop)
    )
    listener.start()
    if database.is_sqlite:
        listener.join(30)
        assert not listener.is_alive()
        assert not heard.acquire(blocking=False)
        return
    assert heard.acquire(timeout=30), "who begins to listen looks once by itself"
    with database.transaction() as tx:
        announcements.announce(tx, announcements.OUTBOX)
        tx.run(Statement("INSERT INTO notes (name, value) VALUES ('heard', 'x')"))
    assert heard.acquire(timeout=30)
    stop.set()
    listener.join(30)
    assert not listener.is_alive()
