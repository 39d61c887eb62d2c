"""What a registration chose of products, topics and region, until the account has it.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one column."""
    op.add_column("registrations", sa.Column("claims", sa.Text(), nullable=False, server_default="{}"))
