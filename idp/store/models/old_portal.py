"""Tables of the old portal's customers: who was imported, who has come since, and how far an import got."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import Base, Identifier, Instant, Line, Word


class OldAccount(Base):
    """An account that was imported; `moved_at` is its owner's first sign-in here, `completed_at` the complete profile."""

    __tablename__ = "old_accounts"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    source: Mapped[Word]
    row_id: Mapped[Line]
    hash_format: Mapped[Word]
    is_weak: Mapped[bool]
    imported_at: Mapped[Instant]
    moved_at: Mapped[Instant | None] = mapped_column(index=True)
    moved_by: Mapped[Word] = mapped_column(default="")
    completed_at: Mapped[Instant | None]

    __table_args__ = (UniqueConstraint("source", "row_id", name="uq_old_accounts_source"),)


class OldImport(Base):
    """How far the import of a file got, so that it goes on there."""

    __tablename__ = "old_imports"

    source: Mapped[Word] = mapped_column(primary_key=True)
    digest: Mapped[Identifier]
    rows_done: Mapped[Instant]
    started_at: Mapped[Instant]
    updated_at: Mapped[Instant]
