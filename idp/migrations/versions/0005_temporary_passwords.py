"""Temporary passwords that staff give.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "temporary_passwords",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_temporary_passwords_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_temporary_passwords")),
    )
    with op.batch_alter_table("temporary_passwords") as batch_op:
        batch_op.create_index(batch_op.f("ix_temporary_passwords_expires_at"), ["expires_at"], unique=False)
