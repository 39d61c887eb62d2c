"""`idp accounts import`: every collision is reported before, and nothing is lost or doubled when it is killed."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from idp.store import accounts, approvals, old_portal, review_queue, search
from idp.store.database import Statement
from tests.accounts.test_old_passwords import VECTORS
from tests.cli.test_apply import Terminal

ROWS = int(os.environ.get("IDP_TEST_IMPORT_ROWS", "3000"))
LDAP = next(vector for vector in VECTORS if vector["format"] == "ldap")["hash"]
BCRYPT = next(vector for vector in VECTORS if vector["format"] == "bcrypt")["hash"]
HEADER = (
    "row_id,email,preferred_username,given_name,family_name,company,country,serial_number,password_hash,approval_status"
)
GOOD = f"1,Otto@Old.example,otto,Otto,Old,Oldworks,de,ab 123-z;CD321X,{BCRYPT},approved"
BARE = "2,bare@old.example,,,,,,,,"


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """On SQLite and on PostgreSQL."""
    return Terminal(tmp_path, database_url)


def write(terminal: Terminal, *lines: str, name: str = "old.csv") -> Path:
    """A file of these lines."""
    path = terminal.folder / name
    path.write_text("\n".join((HEADER, *lines)) + "\n" if name.endswith(".csv") else "\n".join(lines))
    return path


def run_import(terminal: Terminal, path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the report for scripts."""
    result = terminal.run("accounts", "import", str(path), "--json", *options)
    return result.exit_code, json.loads(result.stdout)


def refused_rows(path: Path) -> list[dict[str, str]]:
    """The result file."""
    with path.with_name(path.name + ".refused.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_becomes_an_account_with_all_it_says(terminal: Terminal) -> None:
    """Names, device in its one spelling, hash as it was, status with its decision."""
    code, report = run_import(terminal, write(terminal, GOOD))
    assert (code, report["imported"], report["formats"], report["missing"]) == (0, 1, {"bcrypt": 1}, {})
    with terminal.post.provider.database.reading() as tx:
        otto = accounts.find_by_identifier(tx, "otto")
        assert otto is not None
        assert (otto.email, otto.country, otto.company) == ("Otto@old.example", "DE", "Oldworks")
        assert (otto.password_hash, otto.approval_status) == (BCRYPT, "approved")
        assert accounts.list_serial_numbers(tx, otto.account_id) == ["AB123Z", "CD321X"]
        assert [d.new_status for d in approvals.list_decisions(tx, otto.account_id)] == ["approved"]
        old = old_portal.find_old_account(tx, otto.account_id)
        assert old is not None
        assert [row.account_id for row in search.search_accounts(tx, search.understand(tx, "oldworks"), limit=5)] == [
            otto.account_id
        ]
        assert (old.source, old.row_id, old.hash_format, old.is_weak, old.is_waiting) == (
            "old-portal",
            "1",
            "bcrypt",
            True,
            True,
        )


def test_a_bare_row_waits_for_its_owner_and_not_for_staff(terminal: Terminal) -> None:
    """Only the address is needed; the report says what will be asked for, and the queue stays empty."""
    code, report = run_import(terminal, write(terminal, BARE))
    assert (code, report["imported"], report["formats"]) == (0, 1, {"none": 1})
    assert report["missing"] == dict.fromkeys(("company", "country", "family_name", "given_name", "serial_number"), 1)
    with terminal.post.provider.database.reading() as tx:
        assert review_queue.page_queue(tx, review_queue.Filter(), after=None, limit=5) == []
        assert review_queue.count_queue(tx, review_queue.Filter()) == 0
        assert review_queue.list_countries(tx) == []


def test_the_same_in_json_lines(terminal: Terminal) -> None:
    """Lists and tables are written as such."""
    row = {
        "row_id": 7,
        "email": "jo@old.example",
        "given_name": "Jo",
        "serial_number": ["AB123Z"],
        "address": {"locality": "Basel"},
        "phone_number": "+41 61 555 01 00",
        "locale": "de-CH",
    }
    code, report = run_import(terminal, write(terminal, json.dumps(row), "", name="old.jsonl"))
    assert (code, report["imported"]) == (0, 1)
    with terminal.post.provider.database.reading() as tx:
        account = accounts.find_by_email(tx, "jo@old.example")
    assert account is not None
    assert (account.locale, account.claims["address"]) == ("de", {"locality": "Basel"})


def test_the_list_of_refused_rows_opens_as_text_in_a_spreadsheet(terminal: Terminal) -> None:
    """What somebody once typed at the old portal is no formula on the operator's desk (IV-9)."""
    path = write(terminal, '=1+1,"=HYPERLINK(""https://evil.example"")",,,,,,,,', "@2,-3,,,,,,,,")
    assert run_import(terminal, path)[0] == 1
    told = [(row["row_id"], row["email"]) for row in refused_rows(path)]
    assert told == [("'=1+1", '\'=HYPERLINK("https://evil.example")'), ("'@2", "'-3")]


REFUSED = (
    ("missing", "3,,,,,,,,,"),
    ("missing", ",noid@old.example,,,,,,,,"),
    ("bad_value", "5,not an address,,,,,,,,"),
    ("bad_value", "6,c@old.example,,,,,Germany,,,"),
    ("bad_value", "7,s@old.example,,,,,,,,perhaps"),
    ("bad_value", "8,short@old.example"),
    ("bad_serial", "9,n@old.example,,,,,,12345,,"),
    ("bad_hash", "10,h@old.example,,,,,,,5f4dcc3b5aa765d61d8327deb882cf99,"),
    ("bad_hash", f"11,d@old.example,,,,,,,{BCRYPT.replace('$05$', '$31$')},"),
    ("row_twice", "1,again@old.example,,,,,,,,"),
    ("email_twice", "12,OTTO@old.example,,,,,,,,"),
    ("user_name_twice", "13,o2@old.example,OTTO,,,,,,,"),
    ("email_taken", "14,anna@here.example,,,,,,,,"),
    ("user_name_taken", "15,a2@old.example,Anna,,,,,,,"),
)


def test_every_collision_and_fault_is_reported_before_and_listed_with_its_reason(terminal: Terminal) -> None:
    """The dry run says the same as the import, and changes nothing; the good rows come all the same."""
    with terminal.post.provider.database.transaction() as tx:
        accounts.insert_account(tx, email="anna@here.example", user_name="anna", now=1)
    path = write(terminal, GOOD, *(line for _, line in REFUSED), BARE)
    code, report = run_import(terminal, path, "--dry-run")
    assert (code, report["imported"], report["importable"]) == (1, 0, 2)
    assert [row["kind"] for row in refused_rows(path)] == [kind for kind, _ in REFUSED]
    assert all(row["reason"] for row in refused_rows(path))
    assert path.with_name("old.csv.refused.csv").stat().st_mode & 0o777 == 0o600
    assert count(terminal, "accounts") == 1
    before = refused_rows(path)
    code, again = run_import(terminal, path)
    assert (code, again["imported"], again["refused"]) == (1, 2, report["refused"])
    assert refused_rows(path) == before
    assert (count(terminal, "accounts"), count(terminal, "old_accounts")) == (3, 2)


def test_people_read_the_report(terminal: Terminal) -> None:
    """The same on a terminal, in words."""
    result = terminal.run("accounts", "import", str(write(terminal, GOOD, BARE, REFUSED[0][1])))
    assert result.exit_code == 1
    assert "3  rows in the file" in result.stdout
    assert "2 imported" in result.stdout
    assert "row id or e-mail address missing" in result.stdout
    assert "will be asked for company" in result.stdout


def test_the_same_file_again_and_a_longer_one_import_only_what_is_new(terminal: Terminal) -> None:
    """Row ids decide, so a corrected file may be given as a whole."""
    assert run_import(terminal, write(terminal, GOOD))[1]["imported"] == 1
    code, report = run_import(terminal, write(terminal, GOOD))
    assert (code, report["imported"], report["already"]) == (0, 0, 1)
    code, report = run_import(terminal, write(terminal, GOOD, BARE))
    assert (code, report["imported"], report["already"]) == (0, 1, 1)
    code, report = run_import(terminal, write(terminal, BARE), "--source", "other")
    assert (code, report["refused"]) == (1, {"email_taken": 1})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("row_id,email,hair\n1,a@b.example,red\n", "hair"),
        ("row_id,given_name\n1,Anna\n", "'email' is missing"),
        ("row_id,email,email\n1,a@b.example,b\n", "twice"),
        ("", "empty"),
    ],
)
def test_a_file_that_cannot_be_understood_is_wrong_use(terminal: Terminal, text: str, why: str) -> None:
    """Exit 2, and what would be right."""
    path = terminal.folder / "wrong.csv"
    path.write_text(text)
    result = terminal.run("accounts", "import", str(path))
    assert result.exit_code == 2
    assert why in result.stderr
    path.write_bytes(b"row_id,email\n1,\xff@b.example\n")
    assert terminal.run("accounts", "import", str(path)).exit_code == 2


def count(terminal: Terminal, table: str) -> int:
    """How many rows a table has."""
    with terminal.post.provider.database.reading() as tx:
        row = tx.one(Statement(f"SELECT COUNT(*) AS count FROM {table}"))  # noqa: S608 - our own words
    assert row is not None
    return int(row["count"])


def test_killed_in_the_middle_and_called_again_nothing_is_lost_or_doubled(terminal: Terminal) -> None:
    """`kill -9` after some batches; size by IDP_TEST_IMPORT_ROWS."""
    lines = [f"{n},p{n}@old.example,old{n},P,Old,Works,DE,AB{n % 1000:03d}Z,{LDAP}," for n in range(1, ROWS + 1)]
    path = write(terminal, *lines, "again,P1@old.example,,,,,,,,")
    command = [sys.executable, "-m", "idp", "--config", str(terminal.config), "accounts", "import", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and count(terminal, "old_accounts") < 2 * 500:
            pass
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = count(terminal, "old_accounts")
    assert 0 < done < ROWS
    assert done % 500 == 0
    code, report = run_import(terminal, path)
    assert (code, report["imported"], report["already"], report["refused"]) == (
        1,
        ROWS - done,
        done,
        {"email_twice": 1},
    )
    for table in ("accounts", "old_accounts", "devices"):
        assert count(terminal, table) == ROWS


def test_the_command_line_counts_as_the_cockpit_does(terminal: Terminal) -> None:
    """For people and for scripts."""
    run_import(terminal, write(terminal, GOOD, BARE))
    found = json.loads(terminal.run("accounts", "old-portal", "--json").stdout)
    assert (found["imported"], found["moved"], found["waiting"], found["weak_kept"]) == (2, 0, 2, 1)
    assert found["formats"][0] == {"format": "bcrypt", "weak": True, "imported": 1, "moved": 0}
    told = terminal.run("accounts", "old-portal").stdout
    assert "2  still waiting" in told
    assert "weak_hashes_end" in told
