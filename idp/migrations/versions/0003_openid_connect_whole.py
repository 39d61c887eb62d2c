"""What the whole of OpenID Connect needs: keys of clients, their registration, claims that were asked for one by one.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add; nothing that is there changes its meaning."""
    with op.batch_alter_table("token_families") as batch_op:
        batch_op.add_column(sa.Column("claims", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("acr", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("resources", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("client_secrets") as batch_op:
        batch_op.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("clients") as batch_op:
        batch_op.add_column(sa.Column("registration_hash", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("initial_hash", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("access_token_format", sa.String(length=32), nullable=False, server_default="opaque"))
    op.create_table(
        "initial_access_tokens",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_initial_access_tokens")),
    )
    op.create_table(
        "used_assertions",
        sa.Column("assertion_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("assertion_hash", name=op.f("pk_used_assertions")),
    )
    with op.batch_alter_table("used_assertions") as batch_op:
        batch_op.create_index(batch_op.f("ix_used_assertions_expires_at"), ["expires_at"], unique=False)
