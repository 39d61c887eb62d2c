"""`idp accounts move-device`: the same as customer care's page, for whoever has the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_apply import Terminal
from tests.cli.test_commands import _with_people

WHY = ("--reason", "Sold with the laboratory.")


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal with some people, on each database."""
    return _with_people(tmp_path, database_url)


def devices_of(terminal: Terminal, email: str) -> list[str]:
    """The serial numbers of an account."""
    serials: list[str] = json.loads(terminal.run("accounts", "show", email, "--json").output)["serial_numbers"]
    return serials


def test_the_device_moves_and_refusals_have_words(terminal: Terminal) -> None:
    """Exit 1 for a refusal, and nothing changes."""
    for serial, to, words in (
        ("AB123Z", "nobody", "there is no open account"),
        ("AB123Z", "anna@example.com", "has the device now"),
        ("CD321X", "willi@example.com", "does not have the device"),
        ("1", "willi@example.com", "two letters"),
    ):
        refused = terminal.run("accounts", "move-device", "anna@example.com", serial, "--to", to, *WHY)
        assert (refused.exit_code, words in refused.output) == (1, True), refused.output
    assert devices_of(terminal, "anna@example.com") == ["AB123Z"]
    moved = terminal.run("accounts", "move-device", "anna@example.com", "ab 123-z", "--to", "willi@example.com", *WHY)
    assert moved.exit_code == 0, moved.output
    assert "willi@example.com owns it now" in moved.output
    assert (devices_of(terminal, "anna@example.com"), devices_of(terminal, "willi@example.com")) == ([], ["AB123Z"])
