"""Tables of the house: outbox, mailbox, signing keys, versions, audit trail."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import (
    Base,
    Hash,
    Identifier,
    Instant,
    JsonText,
    Line,
    Prose,
    Serial,
    Word,
)


class OutboxItem(Base):
    """Something that others must learn, written in the transaction of the act; the payload is sealed."""

    __tablename__ = "outbox"

    outbox_id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    kind: Mapped[Word]
    name: Mapped[Line]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    seal_identity: Mapped[Identifier]
    account_id: Mapped[Identifier | None] = mapped_column(index=True)
    registration_id: Mapped[Identifier | None] = mapped_column(index=True)
    client_id: Mapped[Line | None]
    sid: Mapped[Identifier | None] = mapped_column(index=True)
    created_at: Mapped[Instant]
    available_at: Mapped[Instant]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_by: Mapped[Identifier | None]
    claimed_until: Mapped[Instant | None]
    done_at: Mapped[Instant | None]
    dead_at: Mapped[Instant | None]
    last_error: Mapped[Line | None]

    __table_args__ = (Index("ix_outbox_waiting", "done_at", "dead_at", "available_at"),)


class MailboxMessage(Base):
    """A mail that the `mailbox:` transport kept for the mailbox page; sealed like the outbox."""

    __tablename__ = "mailbox"

    message_id: Mapped[Identifier] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Instant] = mapped_column(index=True)


class SigningKey(Base):
    """A signing key: the public half in clear, the private half sealed under the master key with its `kid`."""

    __tablename__ = "signing_keys"

    kid: Mapped[Identifier] = mapped_column(primary_key=True)
    alg: Mapped[Word]
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JsonText)
    sealed_private: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Instant]
    active_from: Mapped[Instant]
    retired_at: Mapped[Instant | None]
    removed_at: Mapped[Instant | None]


class Note(Base):
    """Small facts by name: versions that caches watch, the check value of the master key."""

    __tablename__ = "notes"

    name: Mapped[Identifier] = mapped_column(primary_key=True)
    value: Mapped[Prose]


class AuditEvent(Base):
    """What happened, to whom, by whom; rows are only added, and each is chained to the one before (`store/audit_chain`)."""

    __tablename__ = "audit_events"

    event_id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    at: Mapped[Instant] = mapped_column(index=True)
    act: Mapped[Line]
    actor_kind: Mapped[Word]
    actor: Mapped[Line]
    account_id: Mapped[Identifier | None] = mapped_column(index=True)
    registration_id: Mapped[Identifier | None]
    client_id: Mapped[Line | None]
    reference: Mapped[Word | None] = mapped_column(index=True)
    address: Mapped[Identifier] = mapped_column(default="")
    details: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    personal_digest: Mapped[Hash | None]
    digest: Mapped[Hash | None]


class AuditHead(Base):
    """The one row that says where the audit trail ends."""

    __tablename__ = "audit_head"

    name: Mapped[Word] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(Serial)
    digest: Mapped[Hash]
    seal: Mapped[Hash]
