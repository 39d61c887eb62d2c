"""Texts for decisions: what they must say, and who may change them."""

from __future__ import annotations

import pytest

from idp.accounts import reason_texts
from idp.accounts.approval import LONGEST_REASON
from idp.errors import Refusal
from tests.support.lobby import Lobby


@pytest.mark.parametrize(
    ("title", "texts", "key"),
    [
        (" ", {"en": "Words."}, "title_missing"),
        ("x" * 500, {"en": "Words."}, "title_too_long"),
        ("Title", {}, "text_missing"),
        ("Title", {"en": " ", "de": ""}, "text_missing"),
        ("Title", {"en": "x" * (LONGEST_REASON + 1)}, "reason_too_long"),
    ],
)
def test_a_text_without_words_is_not_kept(lobby: Lobby, title: str, texts: dict[str, str], key: str) -> None:
    """Nor is one that no decision could carry."""
    with pytest.raises(Refusal, match=key):
        reason_texts.save_reason_text(lobby.provider, staff_id=None, title=title, texts=texts)
    assert lobby.rows("SELECT text_key FROM reason_texts") == []


def test_what_is_not_there_cannot_be_changed(lobby: Lobby) -> None:
    """A text that a colleague removed meanwhile does not come back by being saved."""
    provider = lobby.provider
    with pytest.raises(Refusal, match="text_unknown"):
        reason_texts.save_reason_text(provider, staff_id=None, title="T", texts={"en": "Words."}, text_key="gone")
    with pytest.raises(Refusal, match="text_unknown"):
        reason_texts.correct_reason_text(provider, text_key="gone", title="T", texts={})
    with pytest.raises(Refusal, match="text_unknown"):
        reason_texts.get_reason_text(provider, "gone")
    assert lobby.rows("SELECT text_key FROM reason_texts") == []


def test_who_may_not_decide_writes_no_texts(lobby: Lobby) -> None:
    """Support sees them and changes none."""
    staff = lobby.add_account("staff", roles="support")
    with pytest.raises(Refusal, match="not_permitted"):
        reason_texts.save_reason_text(lobby.provider, staff_id=staff.account_id, title="T", texts={"en": "Words."})


def test_the_operator_corrects_one_language_and_leaves_the_others(lobby: Lobby) -> None:
    """An empty text takes its language away; the last one stays."""
    provider = lobby.provider
    key = reason_texts.save_reason_text(provider, staff_id=None, title="T", texts={"en": "Words.", "de": "Worte."})
    told = reason_texts.correct_reason_text(provider, text_key=key, title=None, texts={"en": "Other words."})
    assert (told.title, dict(told.texts)) == ("T", {"en": "Other words.", "de": "Worte."})
    told = reason_texts.correct_reason_text(provider, text_key=key, title="U", texts={"en": ""})
    assert (told.title, dict(told.texts), told.text_for("fr")) == ("U", {"de": "Worte."}, "Worte.")
    with pytest.raises(Refusal, match="text_missing"):
        reason_texts.correct_reason_text(provider, text_key=key, title=None, texts={"de": ""})
    assert dict(reason_texts.get_reason_text(provider, key).texts) == {"de": "Worte."}
