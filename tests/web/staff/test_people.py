"""Accounts and registrations for the caller on the phone: found, answered, suspended, sent a link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from idp.store.accounts import Account
from tests.support.databases import FreshDatabase
from tests.support.lobby import NOW, Browser, Lobby
from tests.support.postgresql import Prepare
from tests.web.staff.test_desk import mails, names_in, sit_down, status_of, token_in


@pytest.fixture
def house(fresh_sqlite: FreshDatabase, prepare_lobby: Prepare, lobby_keys: Path) -> Lobby:
    """A provider with nobody in it, on SQLite: for what does not depend on the database."""
    return Lobby(fresh_sqlite(prepare_lobby), lobby_keys)


def add_registration(
    house: Lobby, name: str, *, state: str = "sent", reference: str = "BCDF-GHJK", **values: Any
) -> str:
    """A registration; out: its id."""
    fields = {
        "registration_id": f"r-{name}",
        "reference": reference,
        "state": state,
        "email": f"{name}@lab.example",
        "email_key": f"{name}@lab.example",
        "user_name": None,
        "given_name": name.title(),
        "family_name": "Wartet",
        "company": "Labor",
        "country": "DE",
        "serial_number": "XY123Z",
        "locale": "de",
        "password_hash": "hash-that-nobody-sees",
        "address_taken": False,
        "status_hash": name.encode().ljust(32, b"."),
        "sent_at": NOW - 100,
        "expires_at": NOW + 14 * 86400,
        **values,
    }
    names = ", ".join(fields)
    house.run(f"INSERT INTO registrations ({names}) VALUES ({', '.join(':' + name for name in fields)})", **fields)  # noqa: S608
    return str(fields["registration_id"])


def act(browser: Browser, account: Account, **values: str) -> Any:
    """Send the form of an account's page."""
    path = f"/staff/accounts/{account.account_id}"
    return browser.post(path, {"csrf_token": token_in(browser.get(path)), **values})


def test_an_account_is_found_by_what_a_caller_remembers(lobby: Lobby) -> None:
    """Name, company, user name, serial number, reference, on both databases (F-2.3)."""
    house = lobby
    registration_id = add_registration(house, "ada", state="confirmed")
    account = house.add_account("ada", company="Laborbedarf Hartmann", registration_id=registration_id)
    house.run("UPDATE accounts SET user_name = 'ada.lovely' WHERE account_id = :id", id=account.account_id)
    house.run("UPDATE registrations SET account_id = :id", id=account.account_id)
    house.run(
        "INSERT INTO devices (account_id, serial_number, created_at) VALUES (:id, 'AB123Z', 1)", id=account.account_id
    )
    house.add_account("other")
    browser, _staff = sit_down(house)
    for typed in ("hartmann", "ada test", "ADA@LAB", "ab-123 z", "ada.lovely", "BCDF-GHJK", "bcdfghjk"):
        page = browser.web.get("/staff/accounts", query_string={"q": typed}, follow_redirects=True)
        assert "Ada Test" in page.text, typed
        assert "Other Test" not in page.text, typed


def test_a_reference_leads_to_the_registration(house: Lobby) -> None:
    """The number on the customer's screenshot is enough (F-1.7)."""
    add_registration(house, "willi")
    browser, _staff = sit_down(house)
    answer = browser.get("/staff/accounts?q=bcdf-ghjk")
    assert answer.status_code == 303
    page = browser.get(answer.headers["Location"])
    assert "willi@lab.example" in page.text
    assert "hash-that-nobody-sees" not in page.text


def test_unconfirmed_registrations_are_listed_and_found(house: Lobby) -> None:
    """Those that wait first; other states by choice."""
    add_registration(house, "willi")
    add_registration(house, "emil", state="expired", reference="ZZZZ-ZZZZ")
    browser, _staff = sit_down(house)
    assert names_in(browser.get("/staff/registrations")) == ["Willi Wartet"]
    assert names_in(browser.get("/staff/registrations?state=expired")) == ["Emil Wartet"]
    assert len(names_in(browser.get("/staff/registrations?state=all"))) == 2
    assert names_in(browser.get("/staff/accounts?q=wartet")) == ["Willi Wartet"]


def test_the_confirmation_mail_is_sent_again(house: Lobby) -> None:
    """With a new link, and a line in the trail (F-1.6)."""
    registration_id = add_registration(house, "willi")
    browser, staff = sit_down(house)
    path = f"/staff/registrations/{registration_id}"
    answer = browser.post(f"{path}/mail", {"csrf_token": token_in(browser.get(path))})
    assert answer.status_code == 303
    assert mails(house) == ["confirm_registration"]
    assert "The mail is on its way" in browser.get(answer.headers["Location"]).text
    rows = house.rows("SELECT actor FROM audit_events WHERE act = 'confirmation_resent'")
    assert [row["actor"] for row in rows] == [staff.account_id]
    house.run("UPDATE registrations SET state = 'expired'")
    answer = browser.post(f"{path}/mail", {"csrf_token": token_in(browser.get("/staff/accounts/" + staff.account_id))})
    assert answer.status_code in (400, 409)
    assert mails(house) == ["confirm_registration"]


def test_suspending_says_what_ends_and_ends_it(lobby: Lobby) -> None:
    """Tokens at sites that require approval end at once, others stay; one mail (DESIGN, "What ends what")."""
    house = lobby
    account = house.add_account("anna")
    for client_id, required in (("library", True), ("portal", False)):
        house.add_client(client_id, require_approval=required)
        house.run(
            "INSERT INTO token_families (family_id, account_id, client_id, scope, auth_time, amr, offline, kept, created_at,"
            " expires_at) VALUES (:client_id, :id, :client_id, 'openid', 1, 'pwd', :no, :no, 1, :until)",
            client_id=client_id,
            id=account.account_id,
            no=False,
            until=NOW + 1000,
        )
    browser, _staff = sit_down(house)
    page = browser.get(f"/staff/accounts/{account.account_id}")
    assert "This ends access now at: Library." in page.text
    assert act(browser, account, act="suspend").status_code == 422
    assert act(browser, account, act="suspend", reason="Contract ended.").status_code == 303
    assert status_of(house, account) == "suspended"
    assert mails(house) == ["suspended"]
    ended = house.rows("SELECT client_id FROM token_families WHERE revoked_at IS NOT NULL")
    assert [row["client_id"] for row in ended] == ["library"]
    assert "Contract ended." in browser.get(f"/staff/accounts/{account.account_id}").text
    assert act(browser, account, act="reinstate").status_code == 303
    assert status_of(house, account) == "approved"
    assert mails(house) == ["suspended", "reinstated"]


def test_a_rejected_application_is_taken_up_again(house: Lobby) -> None:
    """It goes back into the queue."""
    account = house.add_account("rosa", status="rejected")
    browser, _staff = sit_down(house)
    assert act(browser, account, act="reopen").status_code == 303
    assert names_in(browser.get("/staff")) == ["Rosa Test"]


def test_an_act_that_came_too_late_says_who_was_first(house: Lobby) -> None:
    """Two members of staff suspend the same account: one does (RG-8)."""
    account = house.add_account("anna")
    browser, _staff = sit_down(house)
    other, _colleague = sit_down(house, "approver", "paul")
    path = f"/staff/accounts/{account.account_id}"
    token = token_in(browser.get(path))
    assert act(other, account, act="suspend", reason="First.").status_code == 303
    answer = browser.post(path, {"csrf_token": token, "act": "suspend", "reason": "Second."})
    assert answer.status_code == 409
    assert "Paul Test suspended the approval" in answer.text
    assert mails(house) == ["suspended"]


@pytest.mark.parametrize(
    ("roles", "target", "status"),
    [
        ("customer_care", "", 303),
        ("approver", "", 403),
        ("customer_care", "approver", 403),
        ("administrator", "approver", 303),
    ],
)
def test_reset_links_go_to_the_stored_address(house: Lobby, roles: str, target: str, status: int) -> None:
    """Customer care sends them, to customers only; an administrator to staff as well (AD-2, F-2.3)."""
    account = house.add_account("anna", roles=target)
    browser, staff = sit_down(house, roles)
    token = token_in(browser.get("/staff/registrations"))
    answer = browser.post(
        f"/staff/accounts/{account.account_id}/reset-link", {"csrf_token": token, "email": "evil@x.example"}
    )
    assert answer.status_code == status
    assert mails(house) == (["reset_password"] if status == 303 else [])
    rows = house.rows("SELECT actor FROM audit_events WHERE act = 'reset_link_sent'")
    assert [row["actor"] for row in rows] == ([staff.account_id] if status == 303 else [])


def test_nobody_acts_on_colleagues_or_themselves(house: Lobby) -> None:
    """Only an administrator acts on staff, and nobody on their own account (AD-2)."""
    colleague = house.add_account("paul", roles="approver")
    browser, staff = sit_down(house, "approver")
    token = token_in(browser.get("/staff/registrations"))
    for account in (colleague, staff):
        path = f"/staff/accounts/{account.account_id}"
        assert "decision-suspend" not in browser.get(path).text
        answer = browser.post(path, {"csrf_token": token, "act": "suspend", "reason": "x"})
        assert answer.status_code == 403
        assert status_of(house, account) == "approved"


def test_reading_the_trail_is_a_line_of_it(house: Lobby) -> None:
    """LG-3."""
    browser, staff = sit_down(house, "auditor")
    browser.get("/staff/audit")
    page = browser.get("/staff/audit?act=audit_read")
    assert "The audit trail was read" in page.text
    rows = house.rows("SELECT actor FROM audit_events WHERE act = 'audit_read'")
    assert [row["actor"] for row in rows] == [staff.account_id, staff.account_id]


def test_the_fate_of_mails_is_shown(house: Lobby) -> None:
    """Whether it went out, and why not (F-2.5)."""
    account = house.add_account("anna")
    browser, _staff = sit_down(house)
    act(browser, account, act="suspend", reason="x")
    house.run("UPDATE outbox SET dead_at = :now, last_error = 'refused by the server'", now=NOW)
    for path in ("/staff/mail", f"/staff/accounts/{account.account_id}"):
        page = browser.get(path)
        assert "not delivered" in page.text
        assert "refused by the server" in page.text
