"""How often an unconfirmed registration was reminded of its confirmation.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column."""
    op.add_column("registrations", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))
