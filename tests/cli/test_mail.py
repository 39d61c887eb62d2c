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


def own_words(terminal: Terminal, name: str, text: str) -> None:
    """A template of the operator, and the setting that names its folder."""
    folder = terminal.config.parent / "own"
    path = folder / "mail" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    config = terminal.config.read_text(encoding="utf-8")
    if "[branding]" not in config:
        terminal.config.write_text(f'{config}\n[branding]\ntemplates = "{folder}"\n', encoding="utf-8")


def test_a_mail_is_read_beforehand(terminal: Terminal) -> None:
    """Text or HTML, in a language; nothing is written."""
    told = mail(terminal, "preview", "approved", "--language", "de")
    assert told.exit_code == 0
    assert "Subject: Ihre Registrierung ist freigegeben" in told.output
    assert "<!DOCTYPE html>" in mail(terminal, "preview", "approved", "--html").output
    assert mail(terminal, "preview", "nothing").exit_code == 2
    assert listed(terminal) == []


def test_own_words_that_do_not_serve_are_told_beforehand(terminal: Terminal) -> None:
    """`idp check` names file and language; the preview shows what goes out instead."""
    own_words(terminal, "approved/subject.txt", "Welcome to the lab\n")
    checked = terminal.run("check").output
    assert "1 templates of yours serve in every language" in checked
    own_words(
        terminal, "approved/body.fr.txt", '{% extends "ours/approved/body.txt" %}{% block contents %}x{% endblock %}'
    )
    own_words(terminal, "aproved/subject.txt", "x")
    own_words(terminal, "rejected/body.txt", "{{ nothing_of_ours }}")
    checked = terminal.run("check").output
    assert "approved/body.fr.txt names no version of the blocks" in checked
    assert "approved/body.fr.txt changes nothing with its block contents" in checked
    assert "aproved/subject.txt changes nothing: there is no mail aproved" in checked
    assert "rejected in es: UndefinedError: 'nothing_of_ours' is undefined" in checked
    assert "approved in" not in checked
    told = mail(terminal, "preview", "rejected")
    assert told.exit_code == 1
    assert "Subject: Your registration" in told.output
