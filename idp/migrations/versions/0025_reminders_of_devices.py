"""When staff were reminded of a device that waits for them.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column."""
    op.add_column("device_claims", sa.Column("reminded_at", sa.BigInteger(), nullable=True))
