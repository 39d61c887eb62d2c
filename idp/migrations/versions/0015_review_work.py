"""Who works on which application, and what colleagues noted about it.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "review_assignments",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("given_by", sa.String(length=64), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_review_assignments_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_review_assignments")),
    )
    with op.batch_alter_table("review_assignments") as batch_op:
        batch_op.create_index(batch_op.f("ix_review_assignments_staff_id"), ["staff_id"], unique=False)
    op.create_table(
        "review_notes",
        sa.Column("note_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("actor_kind", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_review_notes_account_id")),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_review_notes")),
    )
    with op.batch_alter_table("review_notes") as batch_op:
        batch_op.create_index(batch_op.f("ix_review_notes_account_id"), ["account_id"], unique=False)
