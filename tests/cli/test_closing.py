"""`idp accounts export`, `close`, `reopen` and `erase`: what they do, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

from idp.store import accounts
from tests.cli.test_apply import FILE, Terminal


def test_an_account_is_exported_closed_reopened_and_erased(tmp_path: Path, database_url: str) -> None:
    """Each refuses what makes no sense; only a closed account is erased, and only when somebody insists."""
    terminal = Terminal(tmp_path, database_url)
    assert terminal.apply(FILE + '\n[[accounts]]\nemail = "willi@example.com"\ncompany = "Lab"\n').exit_code == 0
    held = json.loads(terminal.run("accounts", "export", "willi@example.com").output)
    account_id = held["accounts"][0]["account_id"]
    assert held["accounts"][0]["company"] == "Lab"
    assert terminal.run("accounts", "reopen", account_id).exit_code == 1
    assert terminal.run("accounts", "erase", account_id, "--yes").exit_code == 1
    assert "--reason must say something" in terminal.run("accounts", "close", account_id, "--reason", " ").output
    assert terminal.run("accounts", "close", account_id, "--reason", "Asked.").exit_code == 0
    assert terminal.run("accounts", "close", account_id, "--reason", "Asked.").exit_code == 1
    assert terminal.run("accounts", "reopen", account_id).exit_code == 0
    assert terminal.run("accounts", "close", account_id, "--reason", "Asked.").exit_code == 0
    assert terminal.run("accounts", "erase", account_id).exit_code == 1
    with terminal.post.provider.database.reading() as tx:
        assert accounts.get_account(tx, account_id).company == "Lab"
    assert terminal.run("accounts", "erase", account_id, "--yes").exit_code == 0
    assert terminal.run("accounts", "erase", account_id, "--yes").exit_code == 1
    with terminal.post.provider.database.reading() as tx:
        assert accounts.find_by_email(tx, "willi@example.com") is None
