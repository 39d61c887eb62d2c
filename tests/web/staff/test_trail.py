"""The page of the audit trail: filters, pages, files; who reads it stands in it (LG-3)."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape

import pytest

from idp.accounts import audit_trail
from idp.store import audit
from tests.support.lobby import NOW, Lobby
from tests.web.staff.test_desk import sit_down

DAY = 86400


def write(lobby: Lobby, count: int = 1, *, act: str = "account_changed", at: int = NOW, **values: str) -> None:
    """So many lines."""
    with lobby.provider.database.transaction() as tx:
        for _ in range(count):
            audit.record(tx, act, now=at, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("act=account_changed", 3),
        ("about=ada@lab.example", 1),
        ("about=ADA", 1),
        ("about=site", 1),
        ("about=R-1234", 1),
        ("about=nobody", 0),
        ("act=account_changed&until=2027-01-14", 1),
        ("act=account_changed&since=2027-01-15", 2),
        ("act=account_changed&since=not-a-day", 3),
        ("act=no_such_act&about=site", 1),
    ],
)
def test_lines_are_found_by_act_by_whom_they_concern_and_by_day(lobby: Lobby, query: str, count: int) -> None:
    """The start of the clock is 15 January 2027, 08:00 UTC."""
    ada = lobby.add_account("ada")
    write(lobby, at=NOW - DAY, account_id=ada.account_id)
    write(lobby, client_id="site")
    write(lobby, reference="R-1234")
    browser, _staff = sit_down(lobby, "auditor")
    page = browser.get("/staff/audit?" + query).text
    assert page.count("<td>The account was changed</td>") == count
    assert ("Nothing fits." in page) == (count == 0)


def test_a_long_trail_has_pages_that_keep_the_filter(lobby: Lobby) -> None:
    """50 lines each."""
    write(lobby, audit_trail.PAGE + 2, reference="R-1234")
    browser, _staff = sit_down(lobby, "auditor")
    page = browser.get("/staff/audit?about=R-1234")
    assert page.text.count("<td>The account was changed</td>") == audit_trail.PAGE
    (following,) = re.findall(r'href="([^"]*before=[^"]*)"', page.text)
    following = unescape(following)
    assert "about=R-1234" in following
    assert browser.get(following).text.count("<td>The account was changed</td>") == 2


def test_the_file_holds_all_lines_that_fit_and_is_told_of(lobby: Lobby) -> None:
    """Both kinds, more than one batch, and the export's own line is not in it but in the trail."""
    write(lobby, 1001, reference="R-1234", actor_kind="client", actor="=1+1")
    browser, staff = sit_down(lobby, "auditor")
    answer = browser.get("/staff/audit/export/csv?about=R-1234")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 1001
    assert rows[0]["actor"] == "'=1+1"
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = browser.get("/staff/audit/export/jsonl?about=R-1234").text.splitlines()
    assert [json.loads(line)["event_id"] for line in lines] == [int(row["event_id"]) for row in rows]
    told = lobby.rows("SELECT actor, details FROM audit_events WHERE act = 'audit_exported'")
    assert [row["actor"] for row in told] == [staff.account_id] * 2
    assert json.loads(told[0]["details"]) == {"about": "R-1234", "kind": "csv"}
    assert browser.get("/staff/audit/export/exe").status_code == 404


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"])
def test_no_cell_of_the_file_begins_a_formula(lobby: Lobby, first: str) -> None:
    """What a stranger is called, in any column; other texts stay as they are (IV-9)."""
    write(lobby, 1, reference="R-1234", actor_kind="client", actor=f"{first}cmd|' /C calc'!A0")
    write(lobby, 1, reference="R-1234", actor_kind="client", actor=f"a{first}b")
    browser, _staff = sit_down(lobby, "auditor")
    rows = list(csv.DictReader(io.StringIO(browser.get("/staff/audit/export/csv?about=R-1234").text, newline="")))
    assert {row["actor"] for row in rows} == {f"'{first}cmd|' /C calc'!A0", f"a{first}b"}
    assert all(not cell or cell[0] not in "=+-@\t\r＝＋－＠" for row in rows for cell in row.values())


def test_others_get_no_file(lobby: Lobby) -> None:
    """Only who may read the trail."""
    browser, _staff = sit_down(lobby, "approver")
    assert browser.get("/staff/audit/export/csv").status_code == 403
    assert not lobby.rows("SELECT 1 FROM audit_events WHERE act = 'audit_exported'")
