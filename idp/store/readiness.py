"""Whether the database answers and has the schema that the code expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from idp.store import schema

if TYPE_CHECKING:
    from idp.store.database import Database


def find_fault(database: Database) -> str | None:
    """What keeps the database from serving, in a word; None where it is ready."""
    try:
        return None if schema.is_current(database.engine) else "schema"
    except SQLAlchemyError:
        return "database"
