"""Tables of approval: decisions with their reasons, rules, known serial numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from idp.store.models.base import (
    Base,
    Identifier,
    Instant,
    JsonText,
    Line,
    Prose,
    Serial,
    Word,
)


class ApprovalDecision(Base):
    """A change of an account's approval status: who or which rule, when, why, old, new."""

    __tablename__ = "approval_decisions"

    decision_id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), index=True)
    old_status: Mapped[Word]
    new_status: Mapped[Word]
    actor_kind: Mapped[Word]
    actor: Mapped[Line]
    reason: Mapped[Prose] = mapped_column(default="")
    remark: Mapped[Prose] = mapped_column(default="")
    facts: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    rule_version: Mapped[int | None]
    created_at: Mapped[Instant] = mapped_column(index=True)


class ReviewLook(Base):
    """A member of staff has an application open; the queue shows it to the others."""

    __tablename__ = "review_looks"

    account_id: Mapped[Identifier] = mapped_column(primary_key=True)
    staff_id: Mapped[Identifier] = mapped_column(primary_key=True)
    seen_at: Mapped[Instant] = mapped_column(index=True)


class ApproverLimit(Base):
    """The serial families and countries that a member of staff decides about; an empty list is all."""

    __tablename__ = "approver_limits"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    families: Mapped[list[str]] = mapped_column(JsonText, default=list)
    countries: Mapped[list[str]] = mapped_column(JsonText, default=list)
    updated_at: Mapped[Instant]


class ReviewAssignment(Base):
    """A member of staff has an application; `given_by` is empty where the operator gave it."""

    __tablename__ = "review_assignments"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    staff_id: Mapped[Identifier] = mapped_column(index=True)
    given_by: Mapped[Identifier]
    given_at: Mapped[Instant]


class ReviewReminder(Base):
    """Staff were reminded of an application; one that waits since another time is a new one."""

    __tablename__ = "review_reminders"

    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    waiting_since: Mapped[Instant]
    sent_at: Mapped[Instant]


class ReviewNote(Base):
    """What a member of staff noted about an account for colleagues."""

    __tablename__ = "review_notes"

    note_id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), index=True)
    actor_kind: Mapped[Word]
    actor: Mapped[Line]
    text: Mapped[Prose]
    created_at: Mapped[Instant]


class ScheduledDecision(Base):
    """A decision that takes effect a little later; `outcome` is empty until then, or says what became of it."""

    __tablename__ = "scheduled_decisions"

    batch_id: Mapped[Identifier] = mapped_column(primary_key=True)
    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True, index=True)
    staff_id: Mapped[Identifier]
    act: Mapped[Word]
    reason: Mapped[Prose] = mapped_column(default="")
    remark: Mapped[Prose] = mapped_column(default="")
    address: Mapped[Line] = mapped_column(default="")
    seen_at: Mapped[Instant]
    due_at: Mapped[Instant]
    outcome: Mapped[Word] = mapped_column(default="")
    created_at: Mapped[Instant]
    settled_at: Mapped[Instant | None]

    __table_args__ = (Index("ix_scheduled_decisions_staff", "staff_id", "created_at"),)


class Proposal(Base):
    """What one member of staff proposes and a second one confirms; `details` has what the act needs besides."""

    __tablename__ = "proposals"

    kind: Mapped[Word] = mapped_column(primary_key=True)
    account_id: Mapped[Identifier] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    proposal_id: Mapped[Identifier] = mapped_column(unique=True)
    staff_id: Mapped[Identifier]
    act: Mapped[Word]
    reason: Mapped[Prose] = mapped_column(default="")
    remark: Mapped[Prose] = mapped_column(default="")
    details: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    seen_at: Mapped[Instant]
    created_at: Mapped[Instant]


class ReasonText(Base):
    """A text that staff choose as the reason of a decision, in several languages."""

    __tablename__ = "reason_texts"

    text_key: Mapped[Identifier] = mapped_column(primary_key=True)
    title: Mapped[Line]
    texts: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    updated_at: Mapped[Instant]


class RuleVersion(Base):
    """A version of the approval rules, as they were switched on; never changed afterwards."""

    __tablename__ = "rule_versions"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    remark: Mapped[Prose] = mapped_column(default="")
    actor_kind: Mapped[Word]
    actor: Mapped[Line]
    created_at: Mapped[Instant]


class RuleDraft(Base):
    """The next version of the rules while it is written; there is one at most."""

    __tablename__ = "rule_drafts"

    draft_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    base_version: Mapped[int]
    revision: Mapped[Instant]
    content: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    actor_kind: Mapped[Word]
    actor: Mapped[Line]
    updated_at: Mapped[Instant]


class BlockedValue(Base):
    """A serial number, an e-mail address or its domain that no rule approves; `kind` says which."""

    __tablename__ = "blocked_values"

    kind: Mapped[Word] = mapped_column(primary_key=True)
    value: Mapped[Line] = mapped_column(primary_key=True)
    reason: Mapped[Prose] = mapped_column(default="")
    actor_kind: Mapped[Word]
    actor: Mapped[Line]
    created_at: Mapped[Instant]


class SerialNumber(Base):
    """A serial number that was sold; where none is listed, every well-formed one may be real."""

    __tablename__ = "serial_numbers"

    serial_number: Mapped[Word] = mapped_column(primary_key=True)
    product: Mapped[Line] = mapped_column(default="")
