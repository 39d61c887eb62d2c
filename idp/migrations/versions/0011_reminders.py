"""How often an unconfirmed registration was reminded of its confirmation.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column."""
    op.add_column("registrations", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))
