"""Tables of people: accounts, devices, registrations, links in mails, sessions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import (
    Base,
    Hash,
    Identifier,
    Instant,
    JsonText,
    Line,
    Prose,
    Word,
)


class Account(Base):
    """A customer or a member of staff; `account_id` is also the public `sub`, random and never used again."""

    __tablename__ = "accounts"

    account_id: Mapped[Identifier] = mapped_column(primary_key=True)
    email: Mapped[Line]
    email_key: Mapped[Line] = mapped_column(unique=True)
    email_verified_at: Mapped[Instant | None]
    user_name: Mapped[Line]
    user_name_key: Mapped[Line] = mapped_column(unique=True)
    given_name: Mapped[Line] = mapped_column(default="")
    family_name: Mapped[Line] = mapped_column(default="")
    company: Mapped[Line] = mapped_column(default="")
    country: Mapped[Word] = mapped_column(default="")
    locale: Mapped[Word] = mapped_column(default="en")
    claims: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    password_hash: Mapped[Prose | None]
    password_changed_at: Mapped[Instant | None]
    access: Mapped[Word] = mapped_column(default="active")
    approval_status: Mapped[Word] = mapped_column(default="pending")
    approval_updated_at: Mapped[Instant]
    roles: Mapped[Line] = mapped_column(default="")
    registration_id: Mapped[Identifier | None]
    terms_version: Mapped[Word] = mapped_column(default="", server_default="")
    last_sign_in_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]

    __table_args__ = (
        Index("ix_accounts_approval", "approval_status", "approval_updated_at"),
        Index("ix_accounts_made", "created_at", "account_id"),
        Index(
            "ix_accounts_staff", "account_id", sqlite_where=text("roles <> ''"), postgresql_where=text("roles <> ''")
        ),
    )


class AccountClosing(Base):
    """A closed account: until `erase_at` there is a way back; `erased_at` once everything personal is gone."""

    __tablename__ = "account_closings"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    closed_at: Mapped[Instant]
    erase_at: Mapped[Instant]
    by_kind: Mapped[Word]
    erased_at: Mapped[Instant | None]

    __table_args__ = (Index("ix_account_closings_waiting", "erased_at", "erase_at"),)


class Device(Base):
    """Ownership of a measuring device: several accounts may own one."""

    __tablename__ = "devices"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    serial_number: Mapped[Word] = mapped_column(primary_key=True, index=True)
    nickname: Mapped[Line] = mapped_column(default="", server_default="")
    created_at: Mapped[Instant]


class DeviceClaim(Base):
    """A device that an approved customer added and staff look at first; the row is gone once they have."""

    __tablename__ = "device_claims"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    serial_number: Mapped[Word] = mapped_column(primary_key=True)
    nickname: Mapped[Line] = mapped_column(default="")
    created_at: Mapped[Instant] = mapped_column(index=True)
    reminded_at: Mapped[Instant | None]


class DeviceTransfer(Base):
    """A device that its owner (`account_id`) hands on to whoever has an e-mail address; `receiver_id` once it is accepted."""

    __tablename__ = "device_transfers"

    transfer_id: Mapped[Identifier] = mapped_column(primary_key=True)
    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), index=True)
    serial_number: Mapped[Word]
    email: Mapped[Line]
    email_key: Mapped[Line] = mapped_column(index=True)
    token_hash: Mapped[Hash] = mapped_column(unique=True)
    reference: Mapped[Word] = mapped_column(unique=True)
    state: Mapped[Word] = mapped_column(default="waiting")
    receiver_id: Mapped[Identifier | None] = mapped_column(index=True)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]

    __table_args__ = (Index("ix_device_transfers_due", "state", "expires_at"),)


class TermsAcceptance(Base):
    """A version of the terms of use that somebody accepted, with the hash of the text."""

    __tablename__ = "terms_acceptances"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    version: Mapped[Word] = mapped_column(primary_key=True)
    language: Mapped[Word]
    text_hash: Mapped[Identifier]
    accepted_at: Mapped[Instant]


class Registration(Base):
    """An application for an account: sent, confirmed, expired or replaced by a newer one."""

    __tablename__ = "registrations"

    registration_id: Mapped[Identifier] = mapped_column(primary_key=True)
    reference: Mapped[Word] = mapped_column(unique=True)
    state: Mapped[Word] = mapped_column(default="sent")
    email: Mapped[Line]
    email_key: Mapped[Line] = mapped_column(index=True)
    user_name: Mapped[Line | None]
    given_name: Mapped[Line]
    family_name: Mapped[Line]
    company: Mapped[Line] = mapped_column(default="")
    country: Mapped[Word]
    serial_number: Mapped[Word]
    locale: Mapped[Word]
    password_hash: Mapped[Prose]
    address_taken: Mapped[bool] = mapped_column(default=False)
    browser_hash: Mapped[Hash | None] = mapped_column(index=True)
    status_hash: Mapped[Hash] = mapped_column(unique=True)
    client_id: Mapped[Line | None]
    target: Mapped[Prose | None]
    account_id: Mapped[Identifier | None] = mapped_column(index=True)
    sent_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    confirmed_at: Mapped[Instant | None]
    purged_at: Mapped[Instant | None]
    reminders: Mapped[int] = mapped_column(default=0, server_default="0")
    claims: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict, server_default="{}")
    terms: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict, server_default="{}")

    __table_args__ = (
        Index("ix_registrations_sent", "sent_at", "registration_id"),
        Index("ix_registrations_state", "state", "sent_at", "registration_id"),
        Index("ix_registrations_serial_number", "serial_number"),
    )


class Link(Base):
    """A link that a mail carries, and the short code beside it; one purpose each, kept as a hash of both."""

    __tablename__ = "links"

    token_hash: Mapped[Hash] = mapped_column(primary_key=True)
    purpose: Mapped[Word]
    reference: Mapped[Word] = mapped_column(unique=True)
    registration_id: Mapped[Identifier | None] = mapped_column(index=True)
    account_id: Mapped[Identifier | None] = mapped_column(index=True)
    email: Mapped[Line]
    code_mac: Mapped[Hash | None]
    code_tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
    replaced_at: Mapped[Instant | None]


class BrowserSession(Base):
    """A signed-in browser; `sid` stays for its life, the cookie's secret changes with each authentication."""

    __tablename__ = "sessions"

    sid: Mapped[Identifier] = mapped_column(primary_key=True)
    secret_hash: Mapped[Hash] = mapped_column(unique=True)
    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), index=True)
    kept: Mapped[bool]
    amr: Mapped[Line] = mapped_column(default="pwd")
    started_at: Mapped[Instant]
    auth_time: Mapped[Instant]
    last_seen_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    ended_at: Mapped[Instant | None]
    end_reason: Mapped[Word | None]
    user_agent: Mapped[Line] = mapped_column(default="")
    address: Mapped[Identifier] = mapped_column(default="")


class SessionClient(Base):
    """A site that a session opened; it is told when the session ends."""

    __tablename__ = "session_clients"

    sid: Mapped[Identifier] = mapped_column(primary_key=True)
    client_id: Mapped[Line] = mapped_column(primary_key=True)
    first_at: Mapped[Instant]
    last_at: Mapped[Instant]
