"""Devices that a customer added and staff have to look at first.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "device_claims",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("serial_number", sa.String(length=32), nullable=False),
        sa.Column("nickname", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_device_claims_account_id")),
        sa.PrimaryKeyConstraint("account_id", "serial_number", name=op.f("pk_device_claims")),
    )
    op.create_index("ix_device_claims_created_at", "device_claims", ["created_at"])
