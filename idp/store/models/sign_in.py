"""Tables of signing in: counted tries, temporary passwords, browsers that were here before, forms that wait for a sign-in."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import Base, Hash, Identifier, Instant, Line, Prose


class TryCounter(Base):
    """Tries of one kind at one account, name or network; `blocked_until` is when the next may be made."""

    __tablename__ = "try_counters"

    counter_key: Mapped[Line] = mapped_column(primary_key=True)
    tries: Mapped[int]
    consecutive: Mapped[int]
    window_started_at: Mapped[Instant]
    blocked_until: Mapped[Instant]
    updated_at: Mapped[Instant] = mapped_column(index=True)


class TemporaryPassword(Base):
    """A password that staff gave an account until its owner chooses one; used once, kept as a hash."""

    __tablename__ = "temporary_passwords"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    password_hash: Mapped[Prose]
    staff_id: Mapped[Identifier]
    made_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    used_at: Mapped[Instant | None]


class KnownBrowser(Base):
    """A browser in which an account signed in before; it has an allowance of its own (BF-4)."""

    __tablename__ = "known_browsers"

    device_hash: Mapped[Hash] = mapped_column(primary_key=True)
    account_id: Mapped[Identifier] = mapped_column(primary_key=True)
    last_at: Mapped[Instant] = mapped_column(index=True)


class KeptInput(Base):
    """What somebody typed into a form when their session had ended; sealed, for the same account and browser only."""

    __tablename__ = "kept_inputs"

    handle_hash: Mapped[Hash] = mapped_column(primary_key=True)
    browser_hash: Mapped[Hash]
    account_id: Mapped[Identifier]
    path: Mapped[Prose]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[Instant] = mapped_column(index=True)
