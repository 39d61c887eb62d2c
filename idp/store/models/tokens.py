"""Tables of protocol steps: pending authorizations, codes, token families, tokens. One row decides; no joins to answer."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import (
    Base,
    Hash,
    Identifier,
    Instant,
    Line,
    Prose,
    Word,
)

LEAN: dict[str, Any] = {"sqlite_with_rowid": False}
"""Written at every step: on SQLite the primary key is the table, which spares one tree."""


class PendingAuthorization(Base):
    """An authorization request that waits for its end-user; only the browser that started it may go on with it.

    `account_id` and `sid`: whom a page of this request was shown to. `seen_sid` and `seen_auth_time`: who was signed in
    when the request came, so that a demanded sign-in is known to be a new one. `chosen_at`: the account was chosen.
    `request` is sealed under the handle.
    """

    __tablename__ = "pending_authorizations"

    handle_hash: Mapped[Hash] = mapped_column(primary_key=True)
    browser_hash: Mapped[Hash | None]
    client_id: Mapped[Line]
    request: Mapped[bytes] = mapped_column(LargeBinary)
    account_id: Mapped[Identifier | None] = mapped_column(index=True)
    sid: Mapped[Identifier | None]
    seen_sid: Mapped[Identifier | None]
    seen_auth_time: Mapped[Instant | None]
    chosen_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    finished_at: Mapped[Instant | None]


class TokenFamily(Base):
    """All tokens that came from one authorization; revoked as one.

    `claims`: what was asked for one by one (the `claims` parameter, as JSON). `resources`: the resource servers that the
    request named, with blanks between them; empty where it named none.
    """

    __tablename__ = "token_families"
    __table_args__ = LEAN

    family_id: Mapped[Identifier] = mapped_column(primary_key=True)
    account_id: Mapped[Identifier] = mapped_column(index=True)
    client_id: Mapped[Line]
    sid: Mapped[Identifier | None] = mapped_column(index=True)
    scope: Mapped[Prose]
    nonce: Mapped[Prose | None]
    auth_time: Mapped[Instant]
    amr: Mapped[Line]
    acr: Mapped[Line | None]
    claims: Mapped[Prose | None]
    resources: Mapped[Prose] = mapped_column(default="", server_default="")
    offline: Mapped[bool]
    kept: Mapped[bool] = mapped_column(default=False)
    session_expires_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    revoked_at: Mapped[Instant | None]
    revoke_reason: Mapped[Word | None]


class AuthorizationCode(Base):
    """A code: spent once by a conditional update; the spent row stays, so that a replay is known."""

    __tablename__ = "codes"
    __table_args__ = LEAN

    code_hash: Mapped[Hash] = mapped_column(primary_key=True)
    family_id: Mapped[Identifier] = mapped_column(index=True)
    client_id: Mapped[Line]
    redirect_uri: Mapped[Prose]
    code_challenge: Mapped[Line | None]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    spent_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]


class AccessToken(Base):
    """An opaque access token: who holds it, for whom, for what, until when."""

    __tablename__ = "access_tokens"
    __table_args__ = (
        Index(
            "ix_access_tokens_family_id",
            "family_id",
            sqlite_where=text("family_id IS NOT NULL"),
            postgresql_where=text("family_id IS NOT NULL"),
        ),
        LEAN,
    )

    token_hash: Mapped[Hash] = mapped_column(primary_key=True)
    family_id: Mapped[Identifier | None]
    client_id: Mapped[Line]
    account_id: Mapped[Identifier | None]
    sid: Mapped[Identifier | None]
    scope: Mapped[Prose]
    audience: Mapped[Prose]
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    revoked_at: Mapped[Instant | None]


class RefreshToken(Base):
    """A refresh token; the unique predecessor leaves room for one successor only."""

    __tablename__ = "refresh_tokens"
    __table_args__ = LEAN

    token_hash: Mapped[Hash] = mapped_column(primary_key=True)
    family_id: Mapped[Identifier] = mapped_column(index=True)
    client_id: Mapped[Line]
    predecessor_hash: Mapped[Hash | None] = mapped_column(unique=True)
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    rotated_at: Mapped[Instant | None]


class UsedAssertion(Base):
    """A client's assertion that was accepted, kept until it expires, so that it is accepted once (RFC 7523 §3)."""

    __tablename__ = "used_assertions"

    assertion_hash: Mapped[Hash] = mapped_column(primary_key=True)
    expires_at: Mapped[Instant] = mapped_column(index=True)


class TokenIncident(Base):
    """Counts that operators read apart: honest refresh races inside the grace, and replays outside it."""

    __tablename__ = "token_incidents"

    family_id: Mapped[Identifier] = mapped_column(primary_key=True)
    kind: Mapped[Word] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[Instant]
