"""`idp reasons` and notes: what the desk does about them, for whoever has the command line."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from idp.accounts import reason_texts, review_work
from idp.errors import Refusal
from idp.store import accounts
from idp.store.database import Statement
from tests.cli.test_apply import Terminal
from tests.cli.test_commands import _with_people


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal with some people, on each database."""
    return _with_people(tmp_path, database_url)


def answer(terminal: Terminal, *arguments: str) -> Any:
    """What a command says to scripts."""
    result = terminal.run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def trail(terminal: Terminal, *acts: str) -> list[tuple[str, str]]:
    """Who did these acts, oldest first."""
    with terminal.post.provider.database.reading() as tx:
        rows = tx.all(Statement("SELECT act, actor_kind FROM audit_events ORDER BY event_id"))
    return [(row["act"], row["actor_kind"]) for row in rows if row["act"] in acts]


def test_the_operator_keeps_reason_texts(terminal: Terminal) -> None:
    """Written, changed in one language only, one language taken away, removed; each leaves its line in the trail (LG-3)."""
    made = answer(terminal, "reasons", "add", "--title", " Photo ", "--en", "Send a photo.", "--de", "Ein Foto.")
    assert (made["title"], made["texts"]) == ("Photo", {"en": "Send a photo.", "de": "Ein Foto."})
    key = made["text_key"]
    changed = answer(terminal, "reasons", "change", key, "--de", "Ein Foto, bitte.", "--fr", "Une photo.")
    assert changed["texts"] == {"en": "Send a photo.", "de": "Ein Foto, bitte.", "fr": "Une photo."}
    assert answer(terminal, "reasons", "change", key, "--de", "", "--title", "Picture")["title"] == "Picture"
    assert [sorted(text["texts"]) for text in answer(terminal, "reasons", "list")] == [["en", "fr"]]
    assert "Picture" in terminal.run("reasons", "list").output
    assert "[fr]\nUne photo." in terminal.run("reasons", "show", key).output
    assert terminal.run("reasons", "remove", key).output.startswith("Picture: removed")
    assert answer(terminal, "reasons", "list") == []
    saved, removed = ("reason_text_saved", "operator"), ("reason_text_removed", "operator")
    assert trail(terminal, "reason_text_saved", "reason_text_removed") == [saved] * 3 + [removed]


FAULTS = [
    (("add", "--title", "Photo"), 1, "write the text in one language at least: --en"),
    (("add", "--title", " ", "--en", "x"), 1, "--title: say something"),
    (("add", "--title", "x" * 101, "--en", "x"), 1, "must not have more than 100 characters"),
    (("add", "--title", "Long", "--en", "x" * 2001), 1, "must not have more than 2000 characters"),
    (("change", "KEY", "--en", ""), 1, "write the text in one language at least"),
    (("change", "KEY"), 2, "say what changes"),
    (("change", "nothing", "--en", "x"), 1, "there is no such text; see: idp reasons list"),
    (("show", "nothing"), 1, "there is no such text"),
    (("remove", "nothing"), 1, "there is no such text"),
]


def test_what_cannot_be_a_text_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """Exit 1 for a refusal, 2 for wrong use."""
    terminal = Terminal(tmp_path, f"sqlite:///{tmp_path}/idp.sqlite3")
    key = reason_texts.save_reason_text(terminal.post.provider, staff_id=None, title="Kept", texts={"en": "Words."})
    before = answer(terminal, "reasons", "list")
    for arguments, code, words in FAULTS:
        result = terminal.run("reasons", *(key if one == "KEY" else one for one in arguments))
        assert (result.exit_code, words in result.output) == (code, True), result.output
    assert answer(terminal, "reasons", "list") == before


def test_two_who_correct_one_text_lose_nothing(terminal: Terminal) -> None:
    """Each language as its writer left it, whoever is first; and a text that was removed does not come back (RC-2)."""
    provider = terminal.post.provider
    key = reason_texts.save_reason_text(provider, staff_id=None, title="Photo", texts={"en": "Send a photo."})

    def correct(code: str) -> None:
        reason_texts.correct_reason_text(provider, text_key=key, title=None, texts={code: f"In {code}."})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(correct, ("en", "de", "fr", "es")))
    found = reason_texts.get_reason_text(provider, key)
    assert found.texts == {code: f"In {code}." for code in ("en", "de", "fr", "es")}
    reason_texts.remove_reason_text(provider, staff_id=None, text_key=key)
    with pytest.raises(Refusal, match="text_unknown"):
        reason_texts.save_reason_text(provider, staff_id=None, title="Photo", texts={"en": "x"}, text_key=key)
    assert reason_texts.list_reason_texts(provider) == []


def test_the_operator_removes_a_note_whoever_wrote_it(terminal: Terminal) -> None:
    """By the number that the list tells, once, and only about the account that was named."""
    provider = terminal.post.provider
    with provider.database.transaction() as tx:
        people = [accounts.find_by_email(tx, email) for email in ("willi@example.com", "anna@example.com")]
        willi, staff = (person for person in people if person)
    review_work.write_note(provider, staff_id=staff.account_id, account_id=willi.account_id, text="His illness.")
    [listed] = answer(terminal, "approvals", "note", "willi@example.com")
    number = str(listed["number"])
    assert f"{number}  " in terminal.run("approvals", "note", "willi@example.com").output
    for account, word, code in (
        ("anna@example.com", "has no such note", 1),
        ("willi@example.com", "is removed", 0),
        ("willi@example.com", "has no such note", 1),
    ):
        result = terminal.run("approvals", "remove-note", account, number)
        assert (result.exit_code, word in result.output) == (code, True), result.output
    assert answer(terminal, "approvals", "note", "willi@example.com") == []
    assert trail(terminal, "review_note_removed") == [("review_note_removed", "operator")]
