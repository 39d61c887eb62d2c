"""Decisions about many applications, put off for half a minute.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "scheduled_decisions",
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=255), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_scheduled_decisions_account_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "account_id", name=op.f("pk_scheduled_decisions")),
    )
    with op.batch_alter_table("scheduled_decisions") as batch_op:
        batch_op.create_index(batch_op.f("ix_scheduled_decisions_account_id"), ["account_id"], unique=False)
        batch_op.create_index("ix_scheduled_decisions_staff", ["staff_id", "created_at"], unique=False)

