"""The schema: made and changed by Alembic migrations only."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from idp.store.models import Base

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

_POSTGRESQL_LOCK = 7246014


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; on PostgreSQL one process at a time."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRESQL_LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def is_current(engine: Engine) -> bool:
    """Whether the database has the newest revision."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest_revision()


def is_empty(engine: Engine) -> bool:
    """Whether the database has no table yet (the only time a master key is made)."""
    return not inspect(engine).get_table_names()


@lru_cache(maxsize=1)
def newest_revision() -> str | None:
    """The revision that the code expects."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def differences(engine: Engine) -> list[object]:
    """What the models say and the migrations do not (for tests)."""
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
