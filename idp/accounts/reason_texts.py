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
    from idp.store.database import Transaction
    from idp.store.reason_texts import ReasonText

LONGEST_TITLE = 100


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
    staff_id: str | None,
    title: str,
    texts: Mapping[str, str],
    text_key: str | None = None,
    operator: str = "",
    address: str = "",
) -> str:
    """Keep a new text, or with `text_key` a changed one; out: its key. `staff_id` None is the operator.

    Raises `Refusal`: `not_permitted`, `text_unknown`, `title_missing`, `title_too_long`, `text_missing` where no language has
    words, `reason_too_long`.
    """
    title, words = _check_words(title, texts)
    now, key = provider.clock(), text_key or new_identifier()
    with provider.database.transaction() as tx:
        if staff_id is not None:
            check_permission(tx, staff_id, Permission.EDIT_REASONS)
        if text_key is None:
            reason_texts.add_text(tx, key, title, words, now)
        elif not reason_texts.change_text(tx, key, title, words, now):
            raise Refusal("text_unknown")
        _record_saved(tx, staff_id, operator, now, address, key, title, words)
    return key


def correct_reason_text(
    provider: Provider, *, text_key: str, title: str | None, texts: Mapping[str, str], operator: str = ""
) -> ReasonText:
    """The operator changes what is given and leaves the rest; an empty text takes its language away. Out: how it reads now.

    Raises `Refusal`: `text_unknown`, `title_missing`, `title_too_long`, `text_missing`, `reason_too_long`.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        before = reason_texts.lock_text(tx, text_key)
        if before is None:
            raise Refusal("text_unknown")
        told, words = _check_words(before.title if title is None else title, {**before.texts, **texts})
        reason_texts.change_text(tx, text_key, told, words, now)
        _record_saved(tx, None, operator, now, "", text_key, told, words)
    return get_reason_text(provider, text_key)


def remove_reason_text(
    provider: Provider, *, staff_id: str | None, text_key: str, operator: str = "", address: str = ""
) -> None:
    """Take a text away. `staff_id` None is the operator. Raises `Refusal`: `not_permitted`, `text_unknown`."""
    with provider.database.transaction() as tx:
        if staff_id is not None:
            check_permission(tx, staff_id, Permission.EDIT_REASONS)
        found = reason_texts.lock_text(tx, text_key)
        if found is None or not reason_texts.remove_text(tx, text_key):
            raise Refusal("text_unknown")
        audit.record(
            tx,
            "reason_text_removed",
            now=provider.clock(),
            actor_kind="operator" if staff_id is None else "staff",
            actor=staff_id or operator,
            address=address,
            details={"text": text_key, "title": found.title, "texts": dict(found.texts)},
        )


def _check_words(title: str, texts: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Title and words without what surrounds them, and without languages that have none."""
    title = title.strip()
    words = {code: texts[code].strip() for code in LANGUAGES if texts.get(code, "").strip()}
    if not title:
        raise Refusal("title_missing")
    if len(title) > LONGEST_TITLE:
        raise Refusal("title_too_long", limit=LONGEST_TITLE)
    if not words:
        raise Refusal("text_missing")
    if max(map(len, words.values())) > LONGEST_REASON:
        raise Refusal("reason_too_long", limit=LONGEST_REASON)
    return title, words


def _record_saved(
    tx: Transaction,
    staff_id: str | None,
    operator: str,
    now: int,
    address: str,
    text_key: str,
    title: str,
    words: dict[str, str],
) -> None:
    audit.record(
        tx,
        "reason_text_saved",
        now=now,
        actor_kind="operator" if staff_id is None else "staff",
        actor=staff_id or operator,
        address=address,
        details={"text": text_key, "title": title, "texts": words},
    )
