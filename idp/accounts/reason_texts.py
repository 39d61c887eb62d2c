"""Reason texts: approvers keep the words that they send again and again, in every language that customers read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from idp.accounts.approval import LONGEST_REASON
from idp.accounts.staff_rights import check_permission
from idp.config import LANGUAGES
from idp.errors import Refusal
from idp.keys.secrets import new_identifier
from idp.policy.staff import Permission
from idp.store import audit, reason_texts

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.reason_texts import ReasonText


def list_reason_texts(provider: Provider) -> list[ReasonText]:
    """All texts by title."""
    with provider.database.reading() as tx:
        return reason_texts.list_texts(tx)


def get_reason_text(provider: Provider, text_key: str) -> ReasonText:
    """One text. Raises `Refusal("text_unknown")`."""
    with provider.database.reading() as tx:
        found = reason_texts.find_text(tx, text_key)
    if found is None:
        raise Refusal("text_unknown")
    return found


def save_reason_text(
    provider: Provider,
    *,
    staff_id: str,
    title: str,
    texts: Mapping[str, str],
    text_key: str | None = None,
    address: str = "",
) -> str:
    """Keep a new text, or a changed one; out: its key.

    Raises `Refusal`: `not_permitted`, `text_unknown`, `title_missing`, `text_missing` where no language has words,
    `reason_too_long`.
    """
    words = {code: texts[code].strip() for code in LANGUAGES if texts.get(code, "").strip()}
    if not title.strip():
        raise Refusal("title_missing")
    if not words:
        raise Refusal("text_missing")
    if max(map(len, words.values())) > LONGEST_REASON:
        raise Refusal("reason_too_long", limit=LONGEST_REASON)
    now, key = provider.clock(), text_key or new_identifier()
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.EDIT_REASONS)
        if text_key and reason_texts.find_text(tx, text_key) is None:
            raise Refusal("text_unknown")
        reason_texts.save_text(tx, key, title.strip(), words, now)
        audit.record(
            tx,
            "reason_text_saved",
            now=now,
            actor_kind="staff",
            actor=staff_id,
            address=address,
            details={"text": key, "title": title.strip(), "texts": words},
        )
    return key


def remove_reason_text(provider: Provider, *, staff_id: str, text_key: str, address: str = "") -> None:
    """Take a text away. Raises `Refusal`: `not_permitted`, `text_unknown`."""
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.EDIT_REASONS)
        found = reason_texts.find_text(tx, text_key)
        if found is None or not reason_texts.remove_text(tx, text_key):
            raise Refusal("text_unknown")
        audit.record(
            tx,
            "reason_text_removed",
            now=provider.clock(),
            actor_kind="staff",
            actor=staff_id,
            address=address,
            details={"text": text_key, "title": found.title},
        )
