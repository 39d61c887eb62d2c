"""Token tables with fewer trees to write: on SQLite without a rowid, and no index that nothing looks up by.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLES = ("token_families", "codes", "access_tokens", "refresh_tokens")


def upgrade() -> None:
    """Make the tables anew on SQLite; their rows stay."""
    op.drop_index("ix_access_tokens_account_id", "access_tokens")
    op.drop_index("ix_access_tokens_family_id", "access_tokens")
    if op.get_bind().dialect.name == "sqlite":
        for table in _TABLES:
            with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_with_rowid": False}):
                pass
    has_family = sa.text("family_id IS NOT NULL")
    op.create_index(
        "ix_access_tokens_family_id",
        "access_tokens",
        ["family_id"],
        sqlite_where=has_family,
        postgresql_where=has_family,
    )
