"""Blocking: serial numbers (stolen, reported), addresses and domains that no rule approves; staff decide about them.

Nobody is told that something is blocked (EN-4). What was approved before stays so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from idp.accounts.identifiers import email_key, parse_email
from idp.accounts.serial_numbers import parse_serial_number
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.policy.rule_parsing import DOMAIN
from idp.policy.staff import Permission
from idp.store import audit, blocked

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.audit import ActorKind
    from idp.store.blocked import Blocked
    from idp.store.database import Transaction

LONGEST_REASON = 500


def parse_blocked(text: str) -> tuple[str, str]:
    """Kind and value of what is to be blocked: a serial number, an e-mail address, or a domain with or without its `@`.

    Raises `Refusal("blocked_value_unclear")`.
    """
    text = text.strip()
    if "@" in text.lstrip("@"):
        try:
            return "email", email_key(parse_email(text))
        except Refusal:
            raise Refusal("blocked_value_unclear") from None
    domain = text.lstrip("@").lower()
    if re.fullmatch(DOMAIN, domain) and len(domain) <= 253:
        return "domain", domain
    try:
        return "serial", parse_serial_number(text)
    except Refusal:
        raise Refusal("blocked_value_unclear") from None


def list_blocked(provider: Provider, part: str = "") -> list[Blocked]:
    """What is blocked, the latest first; `part` is a piece of it in any spelling."""
    wanted = part.strip()
    with provider.database.reading() as tx:
        found = blocked.list_blocked(tx, wanted.lower().lstrip("@"))
        return found or blocked.list_blocked(tx, "".join(letter for letter in wanted.upper() if letter.isalnum()))


def block(provider: Provider, text: str, *, reason: str, staff_id: str, address: str = "") -> Blocked:
    """Block a value as a member of staff.

    Raises `Refusal`: `not_permitted`, `blocked_value_unclear`, `reason_missing`, `reason_too_long`, `blocked_already`.
    """
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.BLOCK)
        return block_value(
            tx, text, reason=reason, actor_kind="staff", actor=staff_id, address=address, now=provider.clock()
        )


def block_value(
    tx: Transaction, text: str, *, reason: str, actor_kind: ActorKind, actor: str, now: int, address: str = ""
) -> Blocked:
    """What `block` does, in the caller's transaction and without asking for a permission."""
    kind, value = parse_blocked(text)
    if not reason.strip():
        raise Refusal("reason_missing")
    if len(reason) > LONGEST_REASON:
        raise Refusal("reason_too_long", limit=LONGEST_REASON)
    if not blocked.block(tx, kind, value, reason=reason.strip(), actor_kind=actor_kind, actor=actor, now=now):
        raise Refusal("blocked_already", value=value)
    _record(
        tx, "value_blocked", kind, value, actor_kind=actor_kind, actor=actor, address=address, reason=reason, now=now
    )
    return next(found for found in blocked.list_blocked(tx, value) if (found.kind, found.value) == (kind, value))


def unblock(provider: Provider, text: str, *, staff_id: str, address: str = "") -> None:
    """Let the rules judge it again. Raises `Refusal`: `not_permitted`, `not_blocked`."""
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.BLOCK)
        unblock_value(tx, text, actor_kind="staff", actor=staff_id, address=address, now=provider.clock())


def unblock_value(
    tx: Transaction, text: str, *, actor_kind: ActorKind, actor: str, now: int, address: str = ""
) -> None:
    """What `unblock` does, in the caller's transaction and without asking for a permission."""
    try:
        kind, value = parse_blocked(text)
    except Refusal:
        raise Refusal("not_blocked") from None
    if not blocked.unblock(tx, kind, value):
        raise Refusal("not_blocked")
    _record(tx, "value_unblocked", kind, value, actor_kind=actor_kind, actor=actor, address=address, reason="", now=now)


def _record(
    tx: Transaction,
    act: str,
    kind: str,
    value: str,
    *,
    actor_kind: ActorKind,
    actor: str,
    address: str,
    reason: str,
    now: int,
) -> None:
    audit.record(
        tx,
        act,
        now=now,
        actor_kind=actor_kind,
        actor=actor,
        address=address,
        details={"kind": kind, "value": value, "reason": reason.strip()},
    )
