"""`idp approvals devices` and `device`: the same as the desk's page, for whoever has the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from idp.accounts.own_devices import add_own_device
from idp.store import accounts
from idp.store.database import Statement
from tests.cli.test_apply import Terminal
from tests.cli.test_commands import _with_people


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal with some people, on each database."""
    return _with_people(tmp_path, database_url)


def test_the_operator_refuses_and_accepts(terminal: Terminal) -> None:
    """A refusal needs a reason; accepted, it is owned; a second answer comes too late."""
    provider = terminal.post.provider
    with provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET approval_status = 'approved' WHERE email_key = 'willi@example.com'"))
        willi = accounts.find_by_email(tx, "willi@example.com")
    assert willi is not None
    assert not add_own_device(provider, willi.account_id, "AB123Z")
    [listed] = json.loads(terminal.run("approvals", "devices", "--json").output)
    assert (listed["serial_number"], listed["company"]) == ("AB123Z", "100% Lab_oratory")
    assert "AB123Z" in terminal.run("approvals", "devices").output
    for act, words in (("refuse", "say why not"), ("accept", "is owned now"), ("accept", "does not wait")):
        result = terminal.run("approvals", "device", "willi@example.com", "ab123z", act)
        assert words in result.output
    shown = json.loads(terminal.run("accounts", "show", "willi@example.com", "--json").output)
    assert shown["serial_numbers"] == ["AB123Z"]
    assert [mail["message"] for mail in shown["mails"]] == ["device_checked"]
