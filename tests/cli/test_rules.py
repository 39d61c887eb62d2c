"""`idp rules`: versions, trying a file on past registrations, switching it on, what is blocked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.accounts.approval_rules import rules_in_use
from idp.cli import main
from idp.policy.rules import Family
from idp.store import accounts
from tests.cli.test_apply import Terminal
from tests.support.rules import add_past_registration

OTHER = """
free_mail_domains = ["post.example"]
[[approval_rules]]
rule_key = "everybody"
ownership = "any"
[[serial_families]]
letters = "AB"
product = "Balance"
"""
APPLIED = """
[[approval_rules]]
rule_key = "family-AB"
serial_families = ["AB"]
[[accounts]]
email = "anna@example.com"
preferred_username = "anna"
"""


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal on each database."""
    return Terminal(tmp_path, database_url)


def rules(terminal: Terminal, *arguments: str) -> Result:
    """Run `idp rules`."""
    return CliRunner().invoke(main, ["--config", str(terminal.config), "rules", *arguments])


def written(tmp_path: Path, text: str) -> str:
    """A file of rules."""
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_is_tried_and_switched_on(terminal: Terminal, tmp_path: Path) -> None:
    """Trying changes nothing; afterwards the file is all there is, as a version with its remark (RG-9)."""
    assert terminal.apply(APPLIED).exit_code == 0
    provider, file = terminal.post.provider, written(tmp_path, OTHER)
    with provider.database.transaction() as tx:
        anna = accounts.find_by_identifier(tx, "anna@example.com")
        assert anna is not None
        add_past_registration(tx, anna, "XY123Z", provider.clock() - 86400)
    tried = json.loads(rules(terminal, "try", file, "--json").output)
    assert (tried["registrations"], tried["approved_before"], tried["approved_after"]) == (1, 0, 1)
    assert tried["differences"][0]["after"] == {"outcome": "approve", "rule": "everybody"}
    assert "1 more, 0 fewer" in rules(terminal, "try", file).output
    assert json.loads(rules(terminal, "list", "--json").output)["version"] == 1
    assert rules(terminal, "switch-on", file, "--remark", " ").exit_code == 1
    told = rules(terminal, "switch-on", file, "--remark", "Summer.")
    assert (told.exit_code, told.output) == (0, "version 2 is in use\n")
    with provider.database.reading() as tx:
        in_use = rules_in_use(tx)
    assert [rule.rule_key for rule in in_use.rules] == ["everybody"]
    assert in_use.families == (Family("AB", "Balance"),)
    assert in_use.free_mail_domains == {"post.example"}
    assert "family-AB" in rules(terminal, "list", "--version", "1").output
    assert rules(terminal, "list", "--version", "9").exit_code == 1
    assert json.loads(rules(terminal, "versions", "--json").output)[0]["remark"] == "Summer."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[[approval_rules]]\nrule_key = "x"', "rules[1]: a rule needs a condition"),
        ("approval_rules = 1", "rules: must be a list"),
        ("[[approval_rules]", "nothing was changed"),
    ],
)
def test_a_file_that_cannot_be_meant_changes_nothing(terminal: Terminal, tmp_path: Path, text: str, fault: str) -> None:
    """Exit 1, and the words name the place."""
    for arguments in (["try"], ["switch-on", "--remark", "x"]):
        told = rules(terminal, *arguments, written(tmp_path, text))
        assert told.exit_code == 1
        assert fault in told.output
    assert json.loads(rules(terminal, "list", "--json").output)["version"] == 0


def test_values_are_blocked_and_unblocked(terminal: Terminal) -> None:
    """In any spelling; twice is told."""
    assert rules(terminal, "block", "ab 123 z", "--reason", "Stolen.").exit_code == 0
    assert "is blocked already" in rules(terminal, "block", "AB123Z", "--reason", "Stolen.").output
    assert "is no serial number" in rules(terminal, "block", "x", "--reason", "Stolen.").output
    assert json.loads(rules(terminal, "blocked", "ab123", "--json").output)[0]["value"] == "AB123Z"
    assert rules(terminal, "unblock", "AB-123-Z").exit_code == 0
    assert rules(terminal, "unblock", "AB123Z").exit_code == 1
    assert json.loads(rules(terminal, "blocked", "--json").output) == []
