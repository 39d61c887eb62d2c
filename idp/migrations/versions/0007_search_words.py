"""The search for people: words, near spellings, and triggers that say whose words are to be read again.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PLAIN = sa.String(64, collation="C").with_variant(sa.String(64), "sqlite")
_WATCHED = (
    ("accounts", "account_id", "account", "given_name, family_name, email, user_name, company"),
    ("registrations", "registration_id", "registration", "given_name, family_name, email, user_name, company, purged_at"),
)
_NOTE = (
    "INSERT INTO search_stale (owner, kind) VALUES (NEW.{key}, '{kind}') ON CONFLICT (owner) DO UPDATE SET kind = excluded.kind;"
)


def upgrade() -> None:
    """Add the tables, their triggers, and the indexes of the lists; everybody is to be read."""
    op.create_table(
        "search_words",
        sa.Column("word_id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("word", _PLAIN, nullable=False),
        sa.PrimaryKeyConstraint("word_id", name=op.f("pk_search_words")),
        sa.UniqueConstraint("word", name=op.f("uq_search_words_word")),
    )
    op.create_table(
        "search_parts",
        sa.Column("part", _PLAIN, nullable=False),
        sa.Column("word_id", _SERIAL, nullable=False),
        sa.ForeignKeyConstraint(["word_id"], ["search_words.word_id"], name=op.f("fk_search_parts_word_id")),
        sa.PrimaryKeyConstraint("part", "word_id", name=op.f("pk_search_parts")),
    )
    op.create_index(op.f("ix_search_parts_word_id"), "search_parts", ["word_id"])
    op.create_table(
        "search_postings",
        sa.Column("word_id", _SERIAL, nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["word_id"], ["search_words.word_id"], name=op.f("fk_search_postings_word_id")),
        sa.PrimaryKeyConstraint("word_id", "owner", name=op.f("pk_search_postings")),
    )
    op.create_index(op.f("ix_search_postings_owner"), "search_postings", ["owner"])
    op.create_table(
        "search_stale",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_search_stale")),
    )
    op.create_index("ix_accounts_made", "accounts", ["created_at", "account_id"])
    op.create_index("ix_registrations_sent", "registrations", ["sent_at", "registration_id"])
    op.create_index("ix_registrations_serial_number", "registrations", ["serial_number"])
    for table, key, kind, columns in _WATCHED:
        _watch(table, key, kind, columns)
        op.execute(f"INSERT INTO search_stale (owner, kind) SELECT {key}, '{kind}' FROM {table}")  # noqa: S608 - ours


def _watch(table: str, key: str, kind: str, columns: str) -> None:
    note = _NOTE.format(key=key, kind=kind)
    events = {"insert": "INSERT", "update": f"UPDATE OF {columns}"}
    if op.get_bind().dialect.name == "sqlite":
        for name, event in events.items():
            op.execute(f"CREATE TRIGGER {table}_search_{name} AFTER {event} ON {table} BEGIN {note} END")
        return
    op.execute(
        f"CREATE FUNCTION {table}_search() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {note} RETURN NULL; END $$"
    )
    for name, event in events.items():
        op.execute(
            f"CREATE TRIGGER {table}_search_{name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_search()"
        )
