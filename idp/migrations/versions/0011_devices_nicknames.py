"""Nicknames of devices.

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
    """Add the column; devices that are there have no nickname."""
    op.add_column("devices", sa.Column("nickname", sa.String(length=255), nullable=False, server_default=""))
