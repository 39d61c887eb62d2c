"""What owners ask customer care for, done by the operator; and decisions about several accounts at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.store import accounts, grants
from tests.cli.test_apply import Terminal

PEOPLE = """
[[clients]]
client_id = "site"
client_name = "Site"
redirect_uris = ["https://site.example/callback"]
token_endpoint_auth_method = "none"
[[accounts]]
email = "anna@example.com"
preferred_username = "anna"
[[accounts]]
email = "bert@example.com"
preferred_username = "bert"
"""


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal on each database, with two people who wait."""
    terminal = Terminal(tmp_path, database_url)
    told = terminal.apply(PEOPLE)
    assert told.exit_code == 0, told.output
    return terminal


def idp(terminal: Terminal, *arguments: str) -> Result:
    """Run `idp`."""
    return CliRunner().invoke(main, ["--config", str(terminal.config), *arguments])


def acts(terminal: Terminal) -> list[tuple[str, str]]:
    """The last lines of the trail: act and who."""
    rows = json.loads(idp(terminal, "audit", "list", "--json").output)
    return [(row["act"], row["actor_kind"]) for row in rows]


def test_a_reset_link_and_a_temporary_password_are_given(terminal: Terminal) -> None:
    """The trail names the operator (F-2.3, F-2.5)."""
    told = idp(terminal, "accounts", "reset-link", "anna")
    assert told.exit_code == 0, told.output
    assert "the link goes to anna@example.com" in told.output
    given = idp(terminal, "accounts", "temporary-password", "anna@example.com")
    assert given.exit_code == 0, given.output
    assert "until" in given.output
    found = acts(terminal)
    assert ("reset_link_sent", "operator") in found
    assert ("temporary_password_given", "operator") in found
    assert idp(terminal, "accounts", "reset-link", "nobody").exit_code == 1


def test_a_consent_is_taken_back(terminal: Terminal) -> None:
    """Once; the second time there is nothing (RF-12)."""
    provider = terminal.post.provider
    with provider.database.transaction() as tx:
        anna = accounts.find_by_identifier(tx, "anna")
        assert anna is not None
        grants.save_grant(tx, anna.account_id, "site", {"openid"}, 1)
    assert idp(terminal, "accounts", "withdraw", "anna", "site").exit_code == 0
    assert ("consent_withdrawn", "operator") in acts(terminal)
    assert "permitted site nothing" in idp(terminal, "accounts", "withdraw", "anna", "site").output


def test_several_are_decided_about_at_once_or_none(terminal: Terminal) -> None:
    """One that cannot be takes the others back."""
    assert idp(terminal, "approvals", "approve", "anna", "nobody").exit_code == 1
    assert "anna" in idp(terminal, "approvals", "list").output
    told = idp(terminal, "approvals", "approve", "anna", "bert")
    assert told.output.count("pending → approved") == 2
    assert idp(terminal, "approvals", "approve", "anna").exit_code == 1


def test_registrations_are_listed(terminal: Terminal) -> None:
    """None yet; a reference that nobody has is told."""
    assert json.loads(idp(terminal, "registrations", "list", "--state", "all", "--json").output) == []
    assert idp(terminal, "registrations", "resend", "AAAA-BBBB").exit_code == 1
