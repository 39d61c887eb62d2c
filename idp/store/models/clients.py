"""Tables of clients: registered sites and services, their secrets, what end-users permitted them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import Base, Hash, Identifier, Instant, JsonText, Line, Prose, Word


class Client(Base):
    """A registered site or service; `details` has the metadata names of the registration standards.

    A client that registered itself has `registration_hash`, of the token that may read and change it (RFC 7592), and
    `initial_hash`, of the initial access token that it came with, if one was asked for.
    """

    __tablename__ = "clients"

    client_id: Mapped[Line] = mapped_column(primary_key=True)
    details: Mapped[dict[str, Any]] = mapped_column(JsonText)
    require_approval: Mapped[bool] = mapped_column(default=True)
    first_party: Mapped[bool] = mapped_column(default=False)
    pkce_exempt: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    resources: Mapped[list[str]] = mapped_column(JsonText, default=list)
    may_introspect: Mapped[list[str]] = mapped_column(JsonText, default=list)
    access_token_format: Mapped[Word] = mapped_column(default="opaque", server_default="opaque")
    registration_hash: Mapped[Hash | None]
    initial_hash: Mapped[Hash | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]


class ClientSecret(Base):
    """A client's secret, as a hash; two may be valid while one replaces the other.

    `sealed` is there only for a client that signs with its secret (`client_secret_jwt`), which needs the secret itself.
    """

    __tablename__ = "client_secrets"

    client_id: Mapped[Line] = mapped_column(ForeignKey("clients.client_id"), primary_key=True)
    secret_hash: Mapped[Hash] = mapped_column(primary_key=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant | None]


class InitialAccessToken(Base):
    """What lets a developer register a client (RFC 7591 §3); `uses_left` None means any number."""

    __tablename__ = "initial_access_tokens"

    token_hash: Mapped[Hash] = mapped_column(primary_key=True)
    label: Mapped[Line]
    uses_left: Mapped[int | None]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant | None]


class ConsentGrant(Base):
    """What an end-user permitted a client."""

    __tablename__ = "grants"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    client_id: Mapped[Line] = mapped_column(ForeignKey("clients.client_id"), primary_key=True)
    scope: Mapped[Prose]
    granted_at: Mapped[Instant]
    updated_at: Mapped[Instant]
