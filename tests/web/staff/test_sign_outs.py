"""The log of sign-outs at sites: every delivery with its fate, back channel and front channel in one list."""

from __future__ import annotations

import re
from typing import Any

from idp.store import audit, outbox
from tests.support.lobby import NOW, Lobby
from tests.web.staff.test_desk import sit_down


def deliver(lobby: Lobby, client_id: str, *, at: int = NOW, **marks: Any) -> None:
    """A back-channel delivery; `marks` are columns of its row."""
    with lobby.provider.database.transaction() as tx:
        number = outbox.enqueue(
            tx,
            lobby.provider.master,
            kind="backchannel_logout",
            name="backchannel_logout",
            payload={},
            now=at,
            client_id=client_id,
        )
    for column, value in marks.items():
        lobby.run(f"UPDATE outbox SET {column} = :value WHERE outbox_id = :number", value=value, number=number)  # noqa: S608 - names of columns


def ask_in_front(lobby: Lobby, client_id: str, *, at: int = NOW) -> None:
    """A site that was asked in the browser."""
    with lobby.provider.database.transaction() as tx:
        audit.record(tx, "frontchannel_logout", now=at, client_id=client_id)


def rows_of(page: Any) -> list[str]:
    """The rows of the table, as text without tags."""
    body = page.text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in body.split("</tr>") if row.strip()]


def test_each_delivery_is_listed_with_how_the_site_answered(lobby: Lobby) -> None:
    """Newest first: told, being told with the next try, never told with the reason, asked in the browser."""
    browser, _staff = sit_down(lobby, "customer_care")
    assert "No site had to be told" in browser.get("/staff/sign-outs").text
    deliver(lobby, "own", at=NOW - 40, done_at=NOW - 39, attempts=1)
    deliver(lobby, "site", at=NOW - 30, attempts=3, last_error="HTTP 503", available_at=NOW + 600)
    deliver(lobby, "strict", at=NOW - 20, dead_at=NOW, attempts=7, last_error="connection refused")
    ask_in_front(lobby, "own", at=NOW - 10)
    rows = rows_of(browser.get("/staff/sign-outs"))
    assert [("asked in the browser" in rows[0]), "never told connection refused" in rows[1]] == [True, True]
    assert "being told HTTP 503 · next try" in rows[2]
    assert rows[2].endswith("3")
    assert "told" in rows[3]
    assert len(rows) == 4


def test_the_log_is_filtered_by_site_and_state(lobby: Lobby) -> None:
    """The filter stays in the address; what fits nothing says so."""
    browser, _staff = sit_down(lobby, "customer_care")
    deliver(lobby, "own", done_at=NOW)
    deliver(lobby, "site", dead_at=NOW)
    ask_in_front(lobby, "site")
    assert len(rows_of(browser.get("/staff/sign-outs?site=site"))) == 2
    assert len(rows_of(browser.get("/staff/sign-outs?site=site&state=dead"))) == 1
    assert len(rows_of(browser.get("/staff/sign-outs?state=done"))) == 1
    nothing = browser.get("/staff/sign-outs?site=own&state=dead")
    assert "No sign-out fits" in nothing.text


def test_the_log_pages_by_key_and_loses_nothing(lobby: Lobby) -> None:
    """Many of the same second, of both channels: each is on one page only."""
    browser, _staff = sit_down(lobby, "customer_care")
    for number in range(60):
        deliver(lobby, "own", at=NOW - number // 30)
        ask_in_front(lobby, "site", at=NOW - number // 30)
    seen, path, pages = 0, "/staff/sign-outs", 0
    while path:
        page = browser.get(path)
        seen, pages = seen + len(rows_of(page)), pages + 1
        path = page.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        path = path if 'rel="next"' in page.text else ""
    assert (seen, pages) == (120, 3)


def test_odd_addresses_of_the_log_are_no_error(lobby: Lobby) -> None:
    """What cannot be a key or a filter is passed over."""
    browser, _staff = sit_down(lobby, "customer_care")
    deliver(lobby, "own")
    for query in ("after=1.b", "after=1.f99999999999999999999", "after=x", "state=none", "site=%00"):
        assert browser.get(f"/staff/sign-outs?{query}").status_code == 200


def test_auditors_do_not_read_the_log(lobby: Lobby) -> None:
    """Who may not read mails may not read this."""
    browser, _staff = sit_down(lobby, "auditor")
    assert browser.get("/staff/sign-outs").status_code == 403
