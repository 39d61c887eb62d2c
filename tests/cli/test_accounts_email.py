"""`idp accounts email`: the same as customer care's page, for whoever has the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_apply import Terminal
from tests.cli.test_commands import _with_people

WHY = ("--reason", "Called back at the number of the company.")


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal with some people, on each database."""
    return _with_people(tmp_path, database_url)


def test_the_address_changes_and_both_are_told(terminal: Terminal) -> None:
    """F-2.4: the account has it, unverified, and two mails wait."""
    result = terminal.run("accounts", "email", "willi@example.com", "Willi@New.example", *WHY)
    assert result.exit_code == 0, result.output
    assert "Willi@new.example; both addresses are told" in result.output
    shown = json.loads(terminal.run("accounts", "show", "willi@new.example", "--json").output)
    assert shown["email"] == "Willi@new.example"
    assert sorted(mail["message"] for mail in shown["mails"]) == ["email_changed", "email_is_new"]


@pytest.mark.parametrize(
    ("email", "why", "status", "words"),
    [
        ("willi@new.example", (), 2, "--reason"),
        ("willi@new.example", ("--reason", " "), 1, "say how you made sure"),
        ("nobody", WHY, 1, "must be one address"),
        ("WILLI@example.com", WHY, 1, "has this address already"),
        ("ANNA@example.com", WHY, 1, "another account has this address"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    terminal: Terminal, email: str, why: tuple[str, ...], status: int, words: str
) -> None:
    """Exit 2 for wrong use, 1 for a refusal; nothing changes."""
    result = terminal.run("accounts", "email", "willi@example.com", email, *why)
    assert (result.exit_code, words in result.output) == (status, True), result.output
    assert (
        json.loads(terminal.run("accounts", "show", "willi@example.com", "--json").output)["email"]
        == "willi@example.com"
    )
