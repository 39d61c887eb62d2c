"""`idp mail`: fates, dead letters and a test mail, with a real SMTP server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from tests.cli.test_apply import Terminal
from tests.support.smtp import SmtpServer


@pytest.fixture
def terminal(tmp_path: Path, database_url: str, smtp_server: SmtpServer) -> Terminal:
    """A terminal on each database, whose mails go to a server here."""
    terminal = Terminal(tmp_path, database_url)
    text = terminal.config.read_text(encoding="utf-8")
    assert "[mail]" not in text
    terminal.config.write_text(
        f'{text}\n[mail]\nurl = "{smtp_server.url}"\nsender = "idp@example.com"\n', encoding="utf-8"
    )
    return terminal


def mail(terminal: Terminal, *arguments: str) -> Result:
    """Run `idp mail`."""
    return CliRunner().invoke(main, ["--config", str(terminal.config), "mail", *arguments])


def listed(terminal: Terminal, *arguments: str) -> list[dict[str, object]]:
    """What `idp mail list` tells scripts."""
    return list(json.loads(mail(terminal, "list", "--json", *arguments).output))


def test_a_test_mail_goes_out_at_once(terminal: Terminal, smtp_server: SmtpServer) -> None:
    """In the language asked for."""
    told = mail(terminal, "test", "ops@example.com", "--language", "de")
    assert told.exit_code == 0, told.output
    (arrived,) = smtp_server.mails_to("ops@example.com")
    assert "Test" in arrived.subject
    assert [row["state"] for row in listed(terminal)] == ["done"]


def test_a_refused_test_mail_says_what_the_server_said_and_can_be_tried_again(
    terminal: Terminal, smtp_server: SmtpServer
) -> None:
    """Exit 1 with the server's words; `retry` gives the dead letter another chance, once."""
    smtp_server.refuse("550 5.1.1 nobody here")
    told = mail(terminal, "test", "ops@example.com")
    assert told.exit_code == 1
    assert "refuses the recipient (550)" in told.output
    (dead,) = listed(terminal, "--state", "dead")
    again = mail(terminal, "retry", str(dead["outbox_id"]))
    assert again.exit_code == 0, again.output
    assert listed(terminal, "--state", "dead") == []
    assert mail(terminal, "retry", str(dead["outbox_id"])).exit_code == 1
    assert mail(terminal, "retry", "--all-dead").exit_code == 0
    assert mail(terminal, "retry").exit_code == 2


def test_a_wrong_address_is_refused(terminal: Terminal) -> None:
    """Nothing is written."""
    assert mail(terminal, "test", "nobody at all").exit_code == 1
    assert listed(terminal) == []
