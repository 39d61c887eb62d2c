"""The commands that look and decide: lists for people and scripts, exit codes, and the way that staff's decisions go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.cli import COMMANDS, main
from idp.store import accounts, audit, clients
from tests.cli.test_apply import FILE, SECRET, Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal on SQLite, with some people and sites."""
    return _with_people(tmp_path, f"sqlite:///{tmp_path}/idp.sqlite3")


@pytest.fixture
def either_terminal(tmp_path: Path, database_url: str) -> Terminal:
    """The same on each database."""
    return _with_people(tmp_path, database_url)


def _with_people(folder: Path, database_url: str) -> Terminal:
    made = Terminal(folder, database_url)
    result = made.apply(FILE + '\n[[accounts]]\nemail = "willi@example.com"\ncompany = "100% Lab_oratory"\n')
    assert result.exit_code == 0, result.output
    return made


def test_every_command_says_what_it_is() -> None:
    """The table of commands and the modules agree."""
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"  {name} " in result.output
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_wrong_use_and_refusal_are_told_apart(tmp_path: Path) -> None:
    """Exit 2 for wrong use, 1 for a refusal (the outside contract)."""
    assert CliRunner().invoke(main, ["apply"]).exit_code == 2
    assert CliRunner().invoke(main, ["no-such-command"]).exit_code == 2
    missing = CliRunner().invoke(main, ["--config", str(tmp_path / "none.toml"), "migrate"])
    assert missing.exit_code == 1
    assert "there is no such file" in missing.output


def test_a_wrong_setting_is_told_with_file_and_key(tmp_path: Path) -> None:
    """The start stops and says what would be right."""
    config = tmp_path / "config.toml"
    config.write_text('[mail]\nsender = "nobody"\nuri = "smtp://x"\n')
    result = CliRunner().invoke(main, ["migrate", "--config", str(config)])
    assert result.exit_code == 1
    assert f"{config}: mail.sender: must be one address" in result.output
    assert f"{config}: mail.uri: is not a known setting; known are: customer_care, sender, url" in result.output


def test_a_value_that_cannot_work_is_told_with_file_and_key(tmp_path: Path) -> None:
    """Also where only the part that uses it finds out (contract, "Configuration")."""
    config = tmp_path / "config.toml"
    config.write_text(f'[mail]\nurl = "smtp://host:99999"\n[database]\nurl = "sqlite:///{tmp_path}/idp.sqlite3"\n')
    result = CliRunner().invoke(main, ["--config", str(config), "clients", "list"])
    assert (result.exit_code, result.output.startswith(f"{config}: mail.url: must be smtp://")) == (1, True)


@pytest.mark.parametrize("search", ["anna", "BERG", "anna@ex", "anna.b", "b123"])
def test_accounts_are_found_by_what_a_caller_says(either_terminal: Terminal, search: str) -> None:
    """Name, address, user name or serial number, in any case (F-2.3)."""
    found = json.loads(either_terminal.run("accounts", "list", "--search", search, "--json").output)
    assert [account["email"] for account in found] == ["Anna@example.com"]


@pytest.mark.parametrize(("search", "number"), [("100% lab_", 1), ("%", 1), ("_", 1), ("x_y", 0), ("", 3)])
def test_a_search_takes_signs_literally(either_terminal: Terminal, search: str, number: int) -> None:
    """Signs of the query language are letters like others."""
    assert len(json.loads(either_terminal.run("accounts", "list", "--search", search, "--json").output)) == number


def test_an_account_is_shown_with_history_and_without_secrets(terminal: Terminal) -> None:
    """By address, user name or id."""
    shown = json.loads(terminal.run("accounts", "show", "rosa", "--json").output)
    assert (shown["approval_status"], shown["decisions"][0]["reason"]) == ("rejected", "Please send a photo.")
    assert "password" not in json.dumps(shown)
    assert terminal.run("accounts", "show", shown["account_id"]).exit_code == 0
    assert terminal.run("accounts", "show", "nobody@example.com").exit_code == 1


def test_roles_are_given_and_taken(terminal: Terminal) -> None:
    """The operator makes the first administrator; the trail says so (AD-6)."""
    assert terminal.run("accounts", "roles", "rosa", "administrator", "auditor").exit_code == 0
    with terminal.post.provider.database.reading() as tx:
        rosa = accounts.find_by_identifier(tx, "rosa")
        assert rosa is not None
        assert rosa.roles == {"administrator", "auditor"}
        assert audit.list_events(tx, rosa.account_id)[0].act == "roles_changed"
    assert terminal.run("accounts", "roles", "rosa", "king").exit_code == 2
    assert "no roles" in terminal.run("accounts", "roles", "rosa").output


def test_a_closed_account_gets_no_roles(terminal: Terminal) -> None:
    """At the terminal as at the desk; taking them away works."""
    assert terminal.run("accounts", "close", "rosa", "--reason", "She left.").exit_code == 0
    refused = terminal.run("accounts", "roles", "rosa", "approver")
    assert (refused.exit_code, "closed" in refused.output) == (1, True)
    assert terminal.run("accounts", "roles", "rosa").exit_code == 0


def test_an_operator_sees_who_is_like_an_applicant(either_terminal: Terminal) -> None:
    """The same as beside an application at the desk."""
    found = json.loads(either_terminal.run("approvals", "similar", "willi@example.com", "--json").output)
    assert "same_domain" in found["similar"][0]["in_common"]
    assert "same domain" in either_terminal.run("approvals", "similar", "willi@example.com").output


def test_an_operator_limits_an_approver(either_terminal: Terminal) -> None:
    """As on the page of roles; limits that are not named are lifted."""
    given = either_terminal.run("accounts", "roles", "rosa", "approver", "--family", "ab", "--country", "DE")
    assert (given.exit_code, "approver, only AB, DE" in given.output) == (0, True)
    assert "two capital letters" in either_terminal.run("accounts", "roles", "rosa", "approver", "--family", "A").output
    assert either_terminal.run("accounts", "roles", "rosa", "auditor", "--country", "DE").exit_code == 1
    assert "only" not in either_terminal.run("accounts", "roles", "rosa", "approver").output


def test_an_operator_assigns_and_notes(either_terminal: Terminal) -> None:
    """Only somebody who may decide gets an application."""
    refused = either_terminal.run("approvals", "assign", "willi@example.com", "--to", "rosa")
    assert (refused.exit_code, "may not decide" in refused.output) == (1, True)
    given = either_terminal.run("approvals", "assign", "willi@example.com", "--to", "anna@example.com")
    assert (given.exit_code, "has the application" in given.output) == (0, True)
    (listed,) = json.loads(either_terminal.run("approvals", "list", "--json").output)
    assert (bool(listed["assigned_to"]), bool(listed["due_at"]), listed["proposed"]) == (True, True, None)
    assert "has it" in either_terminal.run("approvals", "list").output
    freed = either_terminal.run("approvals", "assign", "willi@example.com", "--nobody")
    assert "nobody has the application" in freed.output
    assert either_terminal.run("approvals", "assign", "willi@example.com").exit_code == 1
    assert either_terminal.run("approvals", "note", "willi@example.com", " ").exit_code == 1
    assert "operator: Called." in either_terminal.run("approvals", "note", "willi@example.com", "Called.").output


def test_an_operator_decides_as_staff_do(either_terminal: Terminal) -> None:
    """Status, decision, mail: all of it, once (RG-8)."""
    queue = json.loads(either_terminal.run("approvals", "list", "--json").output)
    assert [account["email"] for account in queue] == ["willi@example.com"]
    assert "give the customer a reason" in either_terminal.run("approvals", "reject", "willi@example.com").output
    assert either_terminal.run("approvals", "approve", "willi@example.com").exit_code == 0
    assert json.loads(either_terminal.run("approvals", "list", "--json").output) == []
    again = either_terminal.run("approvals", "approve", "willi@example.com")
    assert (again.exit_code, again.output) == (1, "customer2 is approved; approve is for accounts that are pending\n")
    assert [fate.name for fate in either_terminal.post.fates()] == ["approved"]
    assert either_terminal.run("approvals", "suspend", "willi@example.com", "--reason", "Ask us.").exit_code == 0
    assert [fate.name for fate in either_terminal.post.fates()] == ["approved", "suspended"]


@pytest.mark.parametrize(
    ("act", "account", "status"),
    [
        ("reinstate", "willi@example.com", "pending"),
        ("reopen", "willi@example.com", "pending"),
        ("suspend", "rosa", "rejected"),
        ("approve", "rosa", "rejected"),
    ],
)
def test_a_decision_starts_from_its_own_status(terminal: Terminal, act: str, account: str, status: str) -> None:
    """No act of the terminal does what another one is for: reinstating approves nobody who waits (RG-1)."""
    result = terminal.run("approvals", act, account, "--reason", "Because.")
    assert (result.exit_code, f"is {status}; {act} is for accounts that are" in result.output) == (1, True)
    assert json.loads(terminal.run("accounts", "show", account, "--json").output)["approval_status"] == status
    assert terminal.post.fates() == []


def test_clients_are_listed_without_secrets(terminal: Terminal) -> None:
    """Policies in words; JSON with the registered names."""
    table = terminal.run("clients", "list").output
    assert "approved customers only" in table
    listed = {client["client_id"]: client for client in json.loads(terminal.run("clients", "list", "--json").output)}
    assert listed["site"]["redirect_uris"] == ["https://site.example/callback"]
    assert SECRET not in json.dumps(listed)


def test_a_new_secret_is_printed_once(terminal: Terminal) -> None:
    """The old one works for the overlap, if one is given (CA-3)."""
    result = terminal.run("clients", "new-secret", "site", "--overlap", "3600")
    assert len(result.output.strip()) == 43
    with terminal.post.provider.database.reading() as tx:
        client = clients.find_client(tx, "site")
    assert client is not None
    assert len(client.secret_hashes) == 2
    assert terminal.run("clients", "new-secret", "nobody").exit_code == 1


def test_a_worker_can_run_once(terminal: Terminal) -> None:
    """What waits goes out, and the command ends."""
    terminal.run("approvals", "approve", "willi@example.com")
    assert terminal.run("worker", "--once").exit_code == 0
    assert [fate.state for fate in terminal.post.fates()] == ["done"]


def test_check_says_what_is_missing(tmp_path: Path) -> None:
    """Findings with remedies, exit 1, and an empty database stays empty."""
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/idp.sqlite3"\n')
    result = CliRunner().invoke(main, ["--config", str(config), "check", "--json"])
    assert result.exit_code == 1
    must = {finding["about"] for finding in json.loads(result.output) if finding["level"] == "must"}
    assert must == {"issuer", "mail", "database"}
    assert not (tmp_path / "idp.sqlite3").exists()


def test_check_looks_into_the_database(terminal: Terminal) -> None:
    """Without an administrator nobody can look after the rest."""
    findings = json.loads(terminal.run("check", "--json").output)
    assert any(f["about"] == "staff" and f["level"] == "must" for f in findings)
    terminal.run("accounts", "roles", "rosa", "administrator")
    findings = json.loads(terminal.run("check", "--json").output)
    assert not any(f["about"] in ("staff", "sites") for f in findings)
