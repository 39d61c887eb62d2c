"""Indexes by which the desk finds its staff, and registrations of one state, among many.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two indexes."""
    has_roles = sa.text("roles <> ''")
    op.create_index(
        "ix_accounts_staff", "accounts", ["account_id"], sqlite_where=has_roles, postgresql_where=has_roles
    )
    op.create_index("ix_registrations_state", "registrations", ["state", "sent_at", "registration_id"])
