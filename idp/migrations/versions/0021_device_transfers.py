"""Devices that somebody hands on to somebody else.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one table."""
    op.create_table(
        "device_transfers",
        sa.Column("transfer_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("serial_number", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("email_key", sa.String(length=255), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("receiver_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_device_transfers_account_id")),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_device_transfers")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_device_transfers_token_hash")),
        sa.UniqueConstraint("reference", name=op.f("uq_device_transfers_reference")),
    )
    op.create_index("ix_device_transfers_account_id", "device_transfers", ["account_id"])
    op.create_index("ix_device_transfers_email_key", "device_transfers", ["email_key"])
    op.create_index("ix_device_transfers_receiver_id", "device_transfers", ["receiver_id"])
    op.create_index("ix_device_transfers_due", "device_transfers", ["state", "expires_at"])
