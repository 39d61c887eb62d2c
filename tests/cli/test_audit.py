"""`idp audit`: the trail for a terminal, as a file, and checked (LG-1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.store.database import Statement
from tests.cli.test_apply import FILE, Terminal


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal with a trail of a few lines, on each database."""
    terminal = Terminal(tmp_path, database_url)
    assert terminal.apply(FILE).exit_code == 0
    return terminal


def audit(terminal: Terminal, *arguments: str) -> Result:
    """Run `idp audit`."""
    return CliRunner().invoke(main, ["--config", str(terminal.config), "audit", *arguments])


def tamper(terminal: Terminal, sql: str) -> None:
    """Write to the database as nobody should."""
    with terminal.post.provider.database.transaction() as tx:
        tx.run(Statement(sql))


def test_a_whole_trail_is_told_with_its_mark(terminal: Terminal) -> None:
    """The mark can be given back, also after more lines were written (LG-2)."""
    told = audit(terminal, "verify")
    assert told.exit_code == 0, told.output
    assert "the audit trail is whole" in told.output
    mark = told.output.split("mark: ")[1].strip()
    assert terminal.apply(FILE.replace("Berg", "Tal")).exit_code == 0
    again = audit(terminal, "verify", "--expect", mark, "--json")
    assert json.loads(again.output)["whole"] is True
    assert json.loads(again.output)["mark"] != mark


@pytest.mark.parametrize(
    ("sql", "words", "kind"),
    [
        ("UPDATE audit_events SET actor = 'me' WHERE event_id = 2", "line 2 was changed", "changed"),
        ("DELETE FROM audit_events WHERE event_id = 2", "lines before line 3 are missing", "missing"),
        ("UPDATE audit_head SET event_id = 1", "where the trail ends was changed", "head"),
    ],
)
def test_a_fault_is_named_and_refused(terminal: Terminal, sql: str, words: str, kind: str) -> None:
    """Exit 1, the line, and the same for scripts."""
    tamper(terminal, sql)
    told = audit(terminal, "verify")
    assert (told.exit_code, words in told.output) == (1, True), told.output
    told = audit(terminal, "verify", "--json")
    assert told.exit_code == 1
    assert json.loads(told.output)["fault"]["kind"] == kind


@pytest.mark.parametrize("mark", ["4711", "x:" + "0" * 64, "1:00"])
def test_a_mark_that_is_none_is_wrong_use(terminal: Terminal, mark: str) -> None:
    """Exit 2, with what a mark looks like."""
    told = audit(terminal, "verify", "--expect", mark)
    assert told.exit_code == 2
    assert "a mark looks like" in told.output


def test_lines_are_listed_and_the_listing_is_a_line(terminal: Terminal) -> None:
    """By what they are about; for scripts as JSON."""
    assert "audit_read" not in audit(terminal, "list").output
    assert "audit_read" in audit(terminal, "list").output
    found = json.loads(audit(terminal, "list", "--about", "rosa", "--json").output)
    assert found
    assert {line["account_id"] for line in found} == {found[0]["account_id"]}
    assert json.loads(audit(terminal, "list", "--until", "2020-01-01", "--json").output) == []


def test_a_file_is_written_once_and_not_over_another(terminal: Terminal, tmp_path: Path) -> None:
    """JSON Lines unless asked otherwise; `-` is the terminal."""
    file = tmp_path / "trail.jsonl"
    assert audit(terminal, "export", str(file)).exit_code == 0
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["event_id"] for line in lines] == list(range(len(lines), 0, -1))
    told = audit(terminal, "export", str(file))
    assert told.exit_code == 1
    assert "is there already" in told.output
    assert audit(terminal, "export", "-", "--format", "csv").output.startswith("event_id,at,act")
    assert audit(terminal, "export", str(tmp_path / "no" / "file")).exit_code == 1
