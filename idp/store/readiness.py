"""Whether the database answers and has the schema that the code expects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from idp.store import schema
from idp.store.database import driver_url, engine_options

if TYPE_CHECKING:
    from idp.store.database import Database


def find_fault(database: Database) -> str | None:
    """What keeps the database from serving, in a word; None where it is ready."""
    try:
        return None if schema.is_current(database.engine) else "schema"
    except SQLAlchemyError:
        return "database"


def look_at(url: str) -> Literal["current", "outdated", "empty", "unreachable"]:
    """What is behind a database address, without changing or making anything."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return "empty"
    engine = create_engine(driver_url(url), **engine_options(url))
    try:
        if schema.is_empty(engine):
            return "empty"
        return "current" if schema.is_current(engine) else "outdated"
    except SQLAlchemyError:
        return "unreachable"
    finally:
        engine.dispose()
