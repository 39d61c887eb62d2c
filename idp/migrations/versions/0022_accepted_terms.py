"""Which version of the terms of use somebody accepted, when, in which language, and the hash of the text.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, and what a registration and an account say of it."""
    op.create_table(
        "terms_acceptances",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=32), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_terms_acceptances_account_id")),
        sa.PrimaryKeyConstraint("account_id", "version", name=op.f("pk_terms_acceptances")),
    )
    with op.batch_alter_table("accounts") as table:
        table.add_column(sa.Column("terms_version", sa.String(length=32), server_default="", nullable=False))
    with op.batch_alter_table("registrations") as table:
        table.add_column(sa.Column("terms", sa.Text(), server_default="{}", nullable=False))
