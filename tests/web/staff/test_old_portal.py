"""The cockpit of the old portal: how many came, how many have moved, per format and by week."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from idp.config import OldPortalSettings
from idp.store import accounts, old_portal
from tests.support.lobby import NOW, Lobby
from tests.web.staff.test_desk import sit_down

PAGE = "/staff/old-portal"
HASHES = {"ldap": "{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==", "bcrypt": "$2b$12$" + "a" * 53, "none": None}


def add_old(lobby: Lobby, number: int, hash_format: str, *, moved: int | None = None, is_complete: bool = True) -> None:
    """An imported account; `moved` is when its owner came."""
    account = lobby.add_account(f"old{number}", status="pending")
    with lobby.provider.database.transaction() as tx:
        if HASHES[hash_format]:
            accounts.set_password(tx, account.account_id, str(HASHES[hash_format]), NOW)
        old_portal.insert_old_account(
            tx,
            account.account_id,
            source="old-portal",
            row_id=str(number),
            hash_format=hash_format,
            is_weak=hash_format == "ldap",
            now=NOW,
        )
        if moved is not None:
            old_portal.move_account(tx, account.account_id, by="sign_in", now=moved)
            if is_complete:
                old_portal.complete_account(tx, account.account_id, moved)


def cells(html: str, table: str) -> list[list[str]]:
    """The rows of a table, without markup."""
    body = html.partition(f'id="{table}"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub("<[^>]+>", "", cell).split()) for cell in row] for row in found]


def test_the_cockpit_counts_per_format_and_by_week(lobby: Lobby) -> None:
    """Weeks begin on Mondays; what is older than half a year is in the totals only."""
    monday = int(datetime(2027, 1, 11, tzinfo=UTC).timestamp())
    assert monday <= NOW < monday + old_portal.WEEK
    add_old(lobby, 1, "ldap", moved=monday)
    add_old(lobby, 2, "ldap", moved=monday - 1, is_complete=False)
    add_old(lobby, 3, "ldap")
    add_old(lobby, 4, "bcrypt", moved=NOW - 200 * 86400)
    add_old(lobby, 5, "none")
    browser, _ = sit_down(lobby)
    html = browser.get(PAGE).text
    assert cells(html, "formats") == [
        ["bcrypt", "1", "1 (100%)", "0"],
        ["LDAP SSHA weak", "3", "2 (66%)", "1"],
        ["without a password", "1", "0 (0%)", "1"],
    ]
    assert cells(html, "weeks") == [["4 January 2027", "1"], ["11 January 2027", "1"]]
    assert "The passwords of 3 customers are still kept in a weak format." in html
    assert "No end is set." in html


@pytest.mark.parametrize(("days", "words"), [(10, "They work until 25 January 2027"), (-1, "Since 14 January 2027")])
def test_the_end_of_weak_hashes_is_told(days: int, words: str, lobby: Lobby) -> None:
    """Before and after."""
    add_old(lobby, 1, "ldap")
    end = (datetime.fromtimestamp(NOW, UTC) + timedelta(days=days)).date()
    settings = lobby.provider.settings.model_copy(update={"old_portal": OldPortalSettings(weak_hashes_end=end)})
    object.__setattr__(lobby.provider, "settings", settings)
    browser, _ = sit_down(lobby)
    assert words in browser.get(PAGE).text


def test_before_an_import_the_page_says_how_one_is_made(lobby: Lobby) -> None:
    """The empty state; the list of accounts leads there, and only staff who may read accounts get in."""
    browser, _ = sit_down(lobby)
    assert "Nobody was imported yet." in browser.get(PAGE).text
    assert PAGE in browser.get("/staff/accounts").text
    auditor, _ = sit_down(lobby, "auditor", "otto")
    assert auditor.get(PAGE).status_code == 403


def test_the_account_page_says_whether_its_owner_has_come(lobby: Lobby) -> None:
    """Waiting, moved with something missing, complete; nothing for accounts that were made here."""
    add_old(lobby, 1, "ldap")
    add_old(lobby, 2, "ldap", moved=NOW, is_complete=False)
    add_old(lobby, 3, "ldap", moved=NOW)
    browser, staff = sit_down(lobby)
    told = {}
    for name in ("old1", "old2", "old3", staff.user_name):
        [row] = lobby.rows("SELECT account_id FROM accounts WHERE user_name = :name", name=name)
        told[name] = browser.get(f"/staff/accounts/{row['account_id']}").text
    assert "has not been here yet" in told["old1"]
    assert "The profile is not complete yet." in told["old2"]
    assert "Came over on" in told["old3"]
    assert "not complete yet" not in told["old3"]
    assert "old portal" not in told[staff.user_name].partition("<h1")[2]
