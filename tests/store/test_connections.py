"""Connections that are kept open: how many there are, who gets them back, which of them are not used again."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from idp.errors import Busy
from idp.store import connections
from idp.store.database import Conflict, Database, Statement, is_away
from tests.support.lobby import Lobby

ONE = Statement("SELECT 1 AS one")


@pytest.fixture
def database(lobby: Lobby) -> Database:
    """On SQLite and on PostgreSQL, with no connection left over from what was prepared."""
    lobby.provider.database.connections.close_idle()
    return lobby.provider.database


def is_working(database: Database) -> bool:
    """Whether the next who asks gets an answer."""
    with database.reading() as tx:
        row = tx.one(ONE)
        return row is not None and row["one"] == 1


def test_whoever_finds_all_in_use_is_told_to_come_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting ends (RL-5); what is given back is there for the next."""
    monkeypatch.setattr(connections, "MOST", 2)
    monkeypatch.setattr(connections, "WAIT_SECONDS", 0.0)
    taken = [database.connections.take() for _ in range(2)]
    with pytest.raises(Busy), database.reading():
        pass
    assert not database.is_in_transaction
    database.connections.give_back(taken[0], is_sound=True)
    assert is_working(database)
    database.connections.give_back(taken[1], is_sound=False)
    for lease in [database.connections.take() for _ in range(2)]:
        database.connections.give_back(lease, is_sound=True)


def test_a_waiting_thread_gets_what_another_gives_back(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it was closed: a place is free then."""
    monkeypatch.setattr(connections, "MOST", 1)
    lease = database.connections.take()
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(is_working(database)))
    waiting.start()
    database.connections.give_back(lease, is_sound=False)
    waiting.join(30)
    assert answers == [True]


def test_a_connection_that_cannot_be_opened_takes_no_place(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database is away everybody tries; once it is back there must be a place for them (GO-1)."""
    monkeypatch.setattr(connections, "MOST", 1)
    monkeypatch.setattr(connections, "WAIT_SECONDS", 0.0)

    def fail() -> Any:
        raise sqlite3.OperationalError("unable to open database file")

    with monkeypatch.context() as away:
        away.setattr(database.engine, "raw_connection", fail)
        for _ in range(3):
            with pytest.raises(Busy), database.transaction():
                pass
    assert is_working(database)


def test_a_connection_that_the_server_closed_is_not_used_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was started again meanwhile: who comes then notices nothing. SQLite has no server."""
    if database.is_sqlite:
        return
    for spoil in ("closed", "old", "killed"):
        database.connections.close_idle()
        lease = database.connections.take()
        number = lease.driver.info.backend_pid
        database.connections.give_back(lease, is_sound=True)
        if spoil == "closed":
            lease.driver.close()
        elif spoil == "old":
            lease.made_at -= connections.OLDEST_SECONDS + 1
        else:
            with database.engine.connect() as other:
                other.exec_driver_sql("SELECT pg_terminate_backend(%s, 5000)", (number,))
            lease.idle_since -= connections.QUIET_SECONDS + 1
        assert is_working(database), spoil
        after = database.connections.take()
        assert after is not lease, spoil
        assert after.driver.info.backend_pid != number, spoil
        database.connections.give_back(after, is_sound=True)


def test_a_connection_that_was_idle_and_works_is_kept(database: Database) -> None:
    """It is asked, and stays the same."""
    lease = database.connections.take()
    database.connections.give_back(lease, is_sound=True)
    lease.idle_since -= connections.QUIET_SECONDS + 1
    again = database.connections.take()
    assert again is lease
    database.connections.give_back(again, is_sound=True)


def test_an_exception_undoes_all_and_leaves_a_whole_connection(database: Database) -> None:
    """What was written is gone, and what was to follow the commit is not done."""
    followed: list[str] = []
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:  # noqa: PT012 - what is undone comes first
        tx.run(Statement("INSERT INTO notes (name, value) VALUES ('lost', 'x')"))
        tx.after_commit(lambda: followed.append("after"))
        raise ZeroDivisionError
    with database.reading() as tx:
        assert tx.one(Statement("SELECT value FROM notes WHERE name = 'lost'")) is None
    assert followed == []


def test_callbacks_come_in_their_order_and_once(database: Database) -> None:
    """Before the commit one of each name, after it all of them."""
    came: list[str] = []
    with database.transaction() as tx:
        tx.after_commit(lambda: came.append("after"))
        tx.before_commit("seal", lambda: came.append("before"))
        tx.before_commit("seal", lambda: came.append("never"))
        came.append("inside")
    assert came == ["inside", "before", "after"]


def test_transactions_do_not_nest(database: Database) -> None:
    """Two connections of one thread could wait for each other; a cache may read aside, and sees what was committed."""
    add = Statement("INSERT INTO notes (name, value) VALUES ('mine', 'x')")
    find = Statement("SELECT value FROM notes WHERE name = 'mine'")
    with database.transaction() as tx:
        tx.run(add)
        with pytest.raises(RuntimeError, match="do not nest"), database.transaction():
            pass
        with pytest.raises(RuntimeError, match="do not nest"), database.reading():
            pass
        with database.reading_aside() as aside:
            assert aside.one(find) is None
        assert database.is_in_transaction
    with database.reading() as after:
        assert after.one(find) is not None


def test_a_second_row_with_a_unique_value_is_a_conflict(database: Database) -> None:
    """The same on both databases; anything else that is wrong with a statement is none."""
    add = Statement("INSERT INTO notes (name, value) VALUES ('twice', 'x')")
    with pytest.raises(Conflict), database.transaction() as tx:  # noqa: PT012 - the second one is refused
        tx.run(add)
        tx.run(add)
    with pytest.raises(Exception, match="no_such_table"), database.transaction() as tx:
        tx.run(Statement("INSERT INTO no_such_table (name) VALUES ('x')"))
    assert is_working(database)


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (sqlite3.OperationalError("database is locked"), True),
        (sqlite3.OperationalError("unable to open database file"), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (sqlite3.OperationalError("no such table: accounts"), False),
        (sqlite3.OperationalError('near "SELEC": syntax error'), False),
        (PoolTimeout("no connection came free"), True),
    ],
)
def test_only_what_passes_by_itself_is_told_as_busy(error: Exception, away: bool) -> None:
    """A statement that is wrong stays so (GO-1)."""
    assert is_away(error) is away
