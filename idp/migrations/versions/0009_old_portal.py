"""Customers of the old portal: who was imported, and how far an import got.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "old_accounts",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.String(length=255), nullable=False),
        sa.Column("hash_format", sa.String(length=32), nullable=False),
        sa.Column("is_weak", sa.Boolean(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=True),
        sa.Column("moved_by", sa.String(length=32), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_old_accounts_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_old_accounts")),
        sa.UniqueConstraint("source", "row_id", name=op.f("uq_old_accounts_source")),
    )
    op.create_index(op.f("ix_old_accounts_moved_at"), "old_accounts", ["moved_at"])
    op.create_table(
        "old_imports",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_old_imports")),
    )
