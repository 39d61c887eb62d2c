"""Fixtures for databases: a test that asks for `database_url` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event

from idp.store.connections import Connections
from tests.support.postgresql import PostgresqlCluster, Prepare, running_cluster

DATABASE_KINDS = ("sqlite", "postgresql")

FreshDatabase = Callable[..., str]


@pytest.fixture(autouse=True)
def _pools_are_emptied(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the connections that the test's engines kept; Python 3.13 warns of those that are forgotten."""
    engines = set()
    make = Connections.__init__

    def note(connection: Connection) -> None:
        engines.add(connection.engine)

    def note_engine(connections: Connections, engine: Engine) -> None:
        engines.add(engine)
        make(connections, engine)

    event.listen(Engine, "engine_connect", note)
    monkeypatch.setattr(Connections, "__init__", note_engine)
    yield
    event.remove(Engine, "engine_connect", note)
    for engine in engines:
        engine.dispose()


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[PostgresqlCluster]:
    """A cluster for this test process, without fsync."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def durable_postgresql() -> Iterator[PostgresqlCluster]:
    """A cluster of the test's own with fsync on: it may be killed and started again."""
    with running_cluster(fsync=True) as cluster:
        yield cluster


@pytest.fixture
def fresh_postgresql(postgresql_cluster: PostgresqlCluster) -> Iterator[FreshDatabase]:
    """A maker of PostgreSQL databases, `make(prepare=None) -> url`; they are dropped after the test."""
    urls = []

    def make(prepare: Prepare | None = None) -> str:
        urls.append(postgresql_cluster.new_database(prepare))
        return urls[-1]

    yield make
    for url in urls:
        postgresql_cluster.drop_database(url)


@pytest.fixture
def postgresql_url(fresh_postgresql: FreshDatabase) -> str:
    """An empty PostgreSQL database."""
    return fresh_postgresql()


@pytest.fixture(scope="session")
def _sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Prepare], Path]:
    templates: dict[Prepare, Path] = {}

    def template(prepare: Prepare) -> Path:
        if prepare not in templates:
            folder = tmp_path_factory.mktemp("sqlite-template")
            prepare(f"sqlite:///{folder / 'idp.sqlite3'}")
            templates[prepare] = folder
        return templates[prepare]

    return template


@pytest.fixture
def fresh_sqlite(tmp_path: Path, _sqlite_templates: Callable[[Prepare], Path]) -> FreshDatabase:
    """A maker of SQLite databases, `make(prepare=None) -> url`, below the test's own folder."""
    count = 0

    def make(prepare: Prepare | None = None) -> str:
        nonlocal count
        count += 1
        folder = tmp_path / f"sqlite-{count}"
        if prepare is None:
            folder.mkdir()
        else:
            # The whole folder, because SQLite's log (idp.sqlite3-wal) belongs to the database.
            shutil.copytree(_sqlite_templates(prepare), folder)
        return f"sqlite:///{folder / 'idp.sqlite3'}"

    return make


@pytest.fixture(params=DATABASE_KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite`, then `postgresql`."""
    kind: str = request.param
    return kind


@pytest.fixture
def fresh_database(database_kind: str, request: pytest.FixtureRequest) -> FreshDatabase:
    """A maker of databases, `make(prepare=None) -> url`; the test runs once with each kind.

    `prepare(url)` fills a template once for each test process, and every database is a copy of it: pass a function of a
    module or of a session's fixture, not a new lambda each time.
    """
    make: FreshDatabase = request.getfixturevalue(f"fresh_{database_kind}")
    return make


@pytest.fixture
def database_url(fresh_database: FreshDatabase) -> str:
    """An empty database; the test runs once with each kind."""
    return fresh_database()


def has_front(url: str) -> bool:
    """Whether tests on this database go through the front: on PostgreSQL, so that both doors serve the whole suite."""
    return not url.startswith("sqlite")
