"""Which serial families and countries an approver decides about.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "approver_limits",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("families", sa.Text(), nullable=False),
        sa.Column("countries", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_approver_limits_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_approver_limits")),
    )
