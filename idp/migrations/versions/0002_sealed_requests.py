"""Requests that wait are sealed under their handle.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What waits in clear is dropped; whoever is in the middle of a sign-in starts again at the site."""
    op.execute("DELETE FROM pending_authorizations")
    with op.batch_alter_table("pending_authorizations") as batch_op:
        batch_op.drop_column("request")
        batch_op.add_column(sa.Column("request", sa.LargeBinary(), nullable=False))
