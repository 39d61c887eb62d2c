"""Approval rules in versions, their draft, what is blocked, and the version with each decision.

The rules that were there become version 1.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import json
import time

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_OLD = sa.text(
    "SELECT rule_key, enabled, serial_families, email_domains, countries, ownership, outcome, reason FROM approval_rules"
    " ORDER BY position, rule_key"
)


def upgrade() -> None:
    """Add three tables and a column; the table of single rules goes."""
    versions = op.create_table(
        "rule_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_rule_versions")),
    )
    op.create_table(
        "rule_drafts",
        sa.Column("draft_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", name=op.f("pk_rule_drafts")),
    )
    op.create_table(
        "blocked_values",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_blocked_values")),
    )
    with op.batch_alter_table("approval_decisions") as table:
        table.add_column(sa.Column("rule_version", sa.Integer(), nullable=True))
    rules = [_plain(row) for row in op.get_bind().execute(_OLD).mappings()]
    if rules:
        first = {
            "version": 1,
            "content": json.dumps({"rules": rules, "families": [], "free_mail_domains": []}),
            "remark": "",
            "actor_kind": "operator",
            "actor": "idp migrate",
            "created_at": int(time.time()),
        }
        op.bulk_insert(versions, [first])
    op.drop_table("approval_rules")


def _plain(row: sa.RowMapping) -> dict[str, object]:
    plain: dict[str, object] = {
        "rule_key": row["rule_key"],
        "outcome": row["outcome"],
        "enabled": bool(row["enabled"]),
        **{name: json.loads(row[name]) for name in ("serial_families", "email_domains", "countries")},
        "ownership": row["ownership"],
        "reason": row["reason"],
    }
    return {name: value for name, value in plain.items() if value or name == "enabled"}
