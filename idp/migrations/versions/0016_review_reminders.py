"""Which applications staff were reminded of before their promise ended.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "review_reminders",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("waiting_since", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_review_reminders_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_review_reminders")),
    )
