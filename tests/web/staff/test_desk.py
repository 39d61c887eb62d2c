"""The desk: who gets in, the queue with its filter in the address, decisions, and what a second person sees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from idp.policy.approval import promised_until
from idp.policy.rules import Rule
from idp.policy.staff import Permission
from idp.store.accounts import Account
from idp.web.staff.access import MARK
from idp.web.staff.forms import PREVIEWS
from tests.support.databases import FreshDatabase
from tests.support.lobby import NOW, Browser, Lobby
from tests.support.postgresql import Prepare
from tests.support.rules import add_rules

DAY = 86400


@pytest.fixture
def house(fresh_sqlite: FreshDatabase, prepare_lobby: Prepare, lobby_keys: Path) -> Lobby:
    """A provider with nobody in it, on SQLite: for what does not depend on the database."""
    return Lobby(fresh_sqlite(prepare_lobby), lobby_keys)


def add_waiting(house: Lobby, name: str, *, since: int = NOW - 3600, serial: str = "XY123Z", **values: Any) -> Account:
    """An applicant in the queue."""
    account = house.add_account(name, status="pending", **values)
    house.run(
        "UPDATE accounts SET approval_updated_at = :at, created_at = :at WHERE account_id = :id",
        at=since,
        id=account.account_id,
    )
    house.run(
        "INSERT INTO devices (account_id, serial_number, created_at) VALUES (:id, :serial, :at)",
        id=account.account_id,
        serial=serial,
        at=since,
    )
    return account


def sit_down(house: Lobby, roles: str = "approver customer_care", name: str = "carla") -> tuple[Browser, Account]:
    """A member of staff at a browser."""
    staff = house.add_account(name, roles=roles)
    browser = house.browser()
    browser.sign_in(staff)
    return browser, staff


def token_in(page: Any) -> str:
    """The token of the page's forms."""
    return str(re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page.text)[1])  # type: ignore[index]


def decide(browser: Browser, account: Account, act: str, query: str = "", **values: str) -> Any:
    """Open the application and press a button."""
    path = f"/staff/applications/{account.account_id}{query}"
    page = browser.get(path)
    seen = re.search(r'name="seen_at"[^>]*value="([^"]*)"', page.text)
    fields = {"csrf_token": token_in(page), "seen_at": seen[1] if seen else "", "act": act, "reason": "", "remark": ""}
    return browser.post(path, {**fields, **values})


def names_in(page: Any) -> list[str]:
    """The names in the list, in order."""
    return re.findall(r'<span class="who"><span>([^<]*)</span>', page.text)


def mails(house: Lobby) -> list[str]:
    """The mails that were written."""
    return [row["name"] for row in house.rows("SELECT name FROM outbox WHERE kind = 'mail' ORDER BY outbox_id")]


def status_of(house: Lobby, account: Account) -> str:
    """The approval status now."""
    rows = house.rows("SELECT approval_status FROM accounts WHERE account_id = :id", id=account.account_id)
    return str(rows[0]["approval_status"])


def staff_rules(app: Flask) -> list[Any]:
    """All routes of the desk."""
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/staff")]


def test_every_route_of_the_desk_names_its_permission(house: Lobby) -> None:
    """A route without a permission is a defect (AD-1)."""
    rules = staff_rules(house.app)
    assert len(rules) > 10
    views = {rule.rule: house.app.view_functions[rule.endpoint] for rule in rules}
    assert [path for path, view in views.items() if not isinstance(getattr(view, MARK, None), Permission)] == []


def test_a_route_without_a_permission_is_refused(house: Lobby) -> None:
    """The default is deny (AD-1)."""
    browser, _staff = sit_down(house, "administrator")
    house.app._got_first_request = False
    house.app.add_url_rule("/staff/forgotten", "staff_queue.forgotten", lambda: "secret")
    answer = browser.get("/staff/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("roles", "path", "status"),
    [
        ("", "/staff", 403),
        ("visitor", "/staff", 403),
        ("customer_care", "/staff", 200),
        ("approver", "/staff", 200),
        ("auditor", "/staff", 403),
        ("auditor", "/staff/audit", 200),
        ("auditor", "/staff/accounts", 403),
        ("approver", "/staff/audit", 403),
        ("customer_care", "/staff/rules", 403),
        ("customer_care", "/staff/registrations", 200),
        ("customer_care", "/staff/accounts", 200),
        ("customer_care", "/staff/mail", 200),
        ("approver", "/staff/rules", 200),
        ("administrator", "/staff/rules", 200),
        ("administrator", "/staff/audit", 200),
    ],
)
def test_roles_open_what_they_permit(house: Lobby, roles: str, path: str, status: int) -> None:
    """Each page asks for its permission; an auditor reads the trail and nothing else (AD-2, LG-3)."""
    browser, _staff = sit_down(house, roles)
    assert browser.get(path).status_code == status


def test_who_is_signed_out_signs_in_and_comes_back(house: Lobby) -> None:
    """The ordinary sign-in page, with the way back."""
    answer = house.browser().get("/staff/accounts?q=anna")
    assert answer.status_code == 303
    target = urlsplit(answer.headers["Location"])
    assert target.path == "/sign-in"
    assert parse_qs(target.query)["next"] == ["/staff/accounts?q=anna"]


@pytest.mark.parametrize("kept", [False, True])
def test_the_desk_asks_again_after_a_quarter_of_an_hour(house: Lobby, kept: bool) -> None:
    """Who has a role is asked for the password again, also where the browser is kept signed in (AD-7)."""
    browser = house.browser()
    browser.sign_in(house.add_account("carla", roles="approver"), kept=kept)
    house.now += 900
    assert browser.get("/staff").status_code == 200
    house.now += 901
    answer = browser.get("/staff")
    assert answer.status_code == 303
    assert urlsplit(answer.headers["Location"]).path == "/sign-in"
    assert browser.get("/staff").status_code == 303
    browser.sign_in_again()
    assert browser.get("/staff").status_code == 200


def test_customers_are_not_asked_so_soon(house: Lobby) -> None:
    """The short pause is for staff only."""
    browser = house.browser()
    browser.sign_in(house.add_account("anna"))
    house.now += 901
    assert browser.get("/account").status_code == 200


def test_the_queue_is_oldest_first_with_age_and_promise(house: Lobby) -> None:
    """Each row has age and promise; what is late says so."""
    add_waiting(house, "new", since=NOW - 3600)
    add_waiting(house, "old", since=NOW - 9 * DAY)
    browser, _staff = sit_down(house)
    page = browser.get("/staff")
    assert names_in(page) == ["Old Test", "New Test"]
    assert "late by" in page.text
    assert "for 1 hour" in page.text
    assert "one later than promised" in page.text


FILTERS = [
    ("", ["Ann", "Bob", "Cid"]),
    ("?sort=newest", ["Cid", "Bob", "Ann"]),
    ("?country=FR", ["Bob"]),
    ("?family=QQ", ["Cid"]),
    ("?late=1", ["Ann"]),
    ("?q=WATERWERK+ann", ["Ann"]),
    ("?q=ann+water+werk+lab+example+five", ["Ann"]),
    ("?q=W%C3%84SSER", ["Bob"]),
    ("?q=qq-777+c", ["Cid"]),
    ("?q=bob@lab", ["Bob"]),
    ("?q=100%25", []),
    ("?q=nobody", []),
    ("?country=FR&family=QQ", []),
    ("?country=%27&family=x&sort=1&late=2&after=x", ["Ann", "Bob", "Cid"]),
]


def test_the_filter_is_in_the_address(lobby: Lobby) -> None:
    """Filter, search and order, with every spelling of a serial number, on both databases."""
    house = lobby
    add_waiting(house, "ann", since=NOW - 9 * DAY, company="Waterwerk")
    bob = add_waiting(house, "bob", since=NOW - 200, company="Les Wässer")
    house.run("UPDATE accounts SET country = 'FR' WHERE account_id = :id", id=bob.account_id)
    add_waiting(house, "cid", since=NOW - 100, serial="QQ777C")
    browser, _staff = sit_down(house)
    for query, found in FILTERS:
        assert names_in(browser.get(f"/staff{query}")) == [f"{name} Test" for name in found], query


def test_the_queue_pages_by_key(lobby: Lobby) -> None:
    """Nothing is shown twice and nothing left out when somebody decides meanwhile."""
    house = lobby
    people = [add_waiting(house, f"p{n:03}", since=NOW - 1000 + n // 2) for n in range(120)]
    browser, _staff = sit_down(house)
    seen, path = [], "/staff"
    while path:
        page = browser.get(path)
        seen += names_in(page)
        found = re.search(r'href="([^"]*)" rel="next"', page.text)
        path = found[1].replace("&amp;", "&") if found else ""
        house.run("UPDATE accounts SET approval_status = 'approved' WHERE account_id = :id", id=people[0].account_id)
    assert len(seen) == 120
    assert len(set(seen)) == 120


def test_approving_leads_to_the_next_one(lobby: Lobby) -> None:
    """One decision, one mail, the claim at once, and on to the next under the same filter (RG-8)."""
    house = lobby
    first, second = add_waiting(house, "ann", since=NOW - 200), add_waiting(house, "bob", since=NOW - 100)
    browser, staff = sit_down(house)
    answer = decide(browser, first, "approve", "?country=DE")
    assert answer.status_code == 303
    target = urlsplit(answer.headers["Location"])
    assert target.path == f"/staff/applications/{second.account_id}"
    assert parse_qs(target.query) == {"country": ["DE"], "done": [first.account_id]}
    assert status_of(house, first) == "approved"
    assert mails(house) == ["approved"]
    page = browser.get(answer.headers["Location"])
    assert "Ann Test – approved" in page.text
    rows = house.rows("SELECT actor, actor_kind, address FROM audit_events WHERE act = 'approval_changed'")
    assert [(row["actor"], row["actor_kind"], row["address"]) for row in rows] == [
        (staff.account_id, "staff", "127.0.0.1")
    ]


def test_who_skips_one_is_not_led_back_to_it_at_once(house: Lobby) -> None:
    """After a decision comes the one behind it, and the skipped one when the end is reached."""
    skipped, second, third = (add_waiting(house, name, since=NOW - 300 + n) for n, name in enumerate("abc"))
    browser, _staff = sit_down(house)
    answer = decide(browser, second, "approve")
    assert urlsplit(answer.headers["Location"]).path == f"/staff/applications/{third.account_id}"
    answer = decide(browser, third, "approve")
    assert urlsplit(answer.headers["Location"]).path == f"/staff/applications/{skipped.account_id}"


def test_the_last_decision_empties_the_queue(house: Lobby) -> None:
    """The empty queue says how it went today."""
    browser, _staff = sit_down(house)
    answer = decide(browser, add_waiting(house, "ann", since=NOW - 3 * 3600), "approve")
    page = browser.get(answer.headers["Location"])
    assert "All done: nobody is waiting." in page.text
    assert "it took 3 hours" in page.text


def test_a_rejection_needs_a_reason_and_keeps_what_was_typed(house: Lobby) -> None:
    """The page says what is missing, at the field and above (UX: errors)."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    answer = decide(browser, account, "reject", remark="Called us <b>twice</b>.")
    assert answer.status_code == 422
    assert "Error:" in answer.text
    assert "Write a reason" in answer.text
    assert "Called us &lt;b&gt;twice&lt;/b&gt;." in answer.text
    assert status_of(house, account) == "pending"
    answer = decide(browser, account, "reject", reason="Send us a photo.\r\nOf the name plate.", remark="Hm.")
    assert answer.status_code == 303
    assert mails(house) == ["rejected"]
    (row,) = house.rows("SELECT reason, remark FROM approval_decisions")
    assert (row["reason"], row["remark"]) == ("Send us a photo.\nOf the name plate.", "Hm.")


def test_who_comes_second_reads_who_decided(house: Lobby) -> None:
    """Exactly one wins; the other keeps what was typed and learns who it was (RG-8)."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    other, _colleague = sit_down(house, "approver", "paul")
    page = browser.get(f"/staff/applications/{account.account_id}")
    seen = re.search(r'name="seen_at"[^>]*value="([^"]*)"', page.text)
    assert decide(other, account, "approve").status_code == 303
    late = {"csrf_token": token_in(page), "seen_at": seen[1] if seen else "", "act": "reject", "reason": "No proof."}
    answer = browser.post(f"/staff/applications/{account.account_id}", late)
    assert answer.status_code == 409
    assert "Somebody else was first" in answer.text
    assert "Paul Test approved" in answer.text
    assert "No proof." in answer.text
    assert "decision-approve" not in answer.text
    assert mails(house) == ["approved"]
    assert len(house.rows("SELECT 1 FROM approval_decisions")) == 1


def test_who_decides_twice_reads_that_it_was_oneself(house: Lobby) -> None:
    """A second tab: no colleague is blamed, and nothing is offered that cannot be done."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    page = browser.get(f"/staff/applications/{account.account_id}")
    seen = re.search(r'name="seen_at"[^>]*value="([^"]*)"', page.text)
    late = {"csrf_token": token_in(page), "seen_at": seen[1] if seen else "", "act": "reject", "reason": "No proof."}
    assert decide(browser, account, "approve").status_code == 303
    answer = browser.post(f"/staff/applications/{account.account_id}", late)
    assert answer.status_code == 409
    assert "You have decided this already" in answer.text
    assert "Somebody else" not in answer.text
    assert "No proof." in answer.text
    assert "decision-reject" not in answer.text


def test_colleagues_see_what_is_open(house: Lobby) -> None:
    """Two people do not work on the same application unawares."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    other, _colleague = sit_down(house, "approver", "paul")
    other.get(f"/staff/applications/{account.account_id}")
    house.now += 60
    assert "Paul Test has it open" in browser.get("/staff").text
    assert "Paul Test opened this 1 minute ago" in browser.get(f"/staff/applications/{account.account_id}").text
    house.now += 600
    assert "Paul Test has it open" not in browser.get("/staff").text


def test_customer_care_sees_but_does_not_decide(house: Lobby) -> None:
    """No button, and no way around it (AD-1)."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house, "customer_care")
    page = browser.get(f"/staff/applications/{account.account_id}")
    assert "decision-approve" not in page.text
    answer = browser.post(f"/staff/applications/{account.account_id}", {"csrf_token": token_in(page), "act": "approve"})
    assert answer.status_code == 403
    assert status_of(house, account) == "pending"


def test_nobody_decides_about_themselves(house: Lobby) -> None:
    """Not even an administrator (RG-8)."""
    browser, staff = sit_down(house, "administrator")
    house.run("UPDATE accounts SET approval_status = 'pending' WHERE account_id = :id", id=staff.account_id)
    page = browser.get(f"/staff/applications/{staff.account_id}")
    assert "decision-approve" not in page.text
    values = {"csrf_token": token_in(page), "act": "approve"}
    assert browser.post(f"/staff/applications/{staff.account_id}", values).status_code == 403
    assert status_of(house, staff) == "pending"


def test_a_form_without_its_token_decides_nothing(house: Lobby) -> None:
    """WB-1."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    assert browser.post(f"/staff/applications/{account.account_id}", {"act": "approve"}).status_code == 400
    assert status_of(house, account) == "pending"


def test_a_session_that_ended_brings_the_reason_back(house: Lobby) -> None:
    """Nothing typed is lost (UX, principle 3)."""
    account = add_waiting(house, "ann")
    browser, staff = sit_down(house)
    page = browser.get(f"/staff/applications/{account.account_id}")
    house.now += 3 * 3600
    values = {"csrf_token": token_in(page), "act": "reject", "reason": "A long and careful reason."}
    answer = browser.post(f"/staff/applications/{account.account_id}", values)
    assert answer.status_code == 303
    back = parse_qs(urlsplit(answer.headers["Location"]).query)["next"][0]
    browser.sign_in_again()
    page = browser.get(back)
    assert "A long and careful reason." in page.text
    assert status_of(house, account) == "pending"
    assert staff.account_id


def test_the_detail_says_what_the_rules_say(house: Lobby) -> None:
    """Reasons and how each rule was tried, and who else owns the device (EN-4)."""
    with house.provider.database.transaction() as tx:
        add_rules(tx, Rule("family-XY", serial_families=frozenset({"XY"})), now=NOW)
    owner = add_waiting(house, "owner", since=NOW - 500, company="Mill")
    house.run("UPDATE accounts SET approval_status = 'approved' WHERE account_id = :id", id=owner.account_id)
    account = add_waiting(house, "ann", company="Lab")
    browser, _staff = sit_down(house)
    page = browser.get(f"/staff/applications/{account.account_id}")
    assert "No rule approves this registration." in page.text
    assert "XY123Z is registered already, by somebody else." in page.text
    assert "serial family XY (wanted: XY)" in page.text
    assert "device owned by others (wanted: nobody else)" in page.text
    assert "Owner Test" in page.text


def test_text_of_strangers_is_only_text(house: Lobby) -> None:
    """What applicants write is escaped (RG-10, GO-4, IV-8)."""
    account = add_waiting(house, "ann", company="<script>alert(1)</script>")
    browser, _staff = sit_down(house)
    for path in ("/staff", f"/staff/applications/{account.account_id}", "/staff/accounts"):
        page = browser.get(path)
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text


def test_unknown_things_are_not_found(house: Lobby) -> None:
    """404, never a fault of ours (GO-1)."""
    browser, _staff = sit_down(house)
    for name in ("%00", "x%27y", "unknown", "x" * 65, "a%20b", "%F0%9F%92%A9"):
        for folder in ("applications", "accounts", "registrations"):
            assert browser.get(f"/staff/{folder}/{name}").status_code == 404, (folder, name)


@pytest.mark.parametrize("act", ["approve", "reject", "insert", *PREVIEWS])
def test_decisions_about_nobody_are_not_found(house: Lobby, act: str) -> None:
    """Also where only the mail is to be seen first (GO-1)."""
    browser, _staff = sit_down(house)
    ann = add_waiting(house, "ann")
    token = token_in(browser.get(f"/staff/applications/{ann.account_id}"))
    fields = {"csrf_token": token, "act": act, "reason": "No.", "remark": "", "seen_at": "1"}
    assert browser.post("/staff/applications/unknown", fields).status_code == 404


STRANGE = ("%00", "%FF", "x" * 3000, "%F0%9F%92%A9", "'", "!%25_", "1.x", "99999999999999999999", "\u202e")


@pytest.mark.parametrize(
    "path", ["/staff", "/staff/accounts", "/staff/registrations", "/staff/mail", "/staff/audit", "/staff/rules"]
)
def test_strange_addresses_are_answered(house: Lobby, path: str) -> None:
    """Whatever stands in the address, lists answer (IV-1, IV-5, GO-1)."""
    browser, _staff = sit_down(house, "administrator")
    names = ("q", "country", "family", "sort", "late", "after", "before", "state", "status", "act", "done")
    for value in STRANGE:
        query = "&".join(f"{name}={value}&{name}={value}" for name in names)
        assert browser.get(f"{path}?{query}").status_code < 500, value


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"act": ""},
        {"act": "promote"},
        {"act": ["approve", "reject"]},
        {"act": "approve", "reason": "x" * 2001},
        {"act": "approve", "reason": "a\x00b"},
        {"act": "approve", "seen_at": "x" * 30},
        {"act": "reject", "reason": ["a", "b"]},
    ],
)
def test_strange_decisions_change_nothing(house: Lobby, values: dict[str, Any]) -> None:
    """Missing, doubled, too long, control characters: the page says so, nothing is half written (RG-2)."""
    account = add_waiting(house, "ann")
    browser, _staff = sit_down(house)
    path = f"/staff/applications/{account.account_id}"
    answer = browser.post(path, {"csrf_token": token_in(browser.get(path)), **values})
    assert answer.status_code == 422
    assert status_of(house, account) == "pending"
    assert mails(house) == []


def test_the_queue_says_in_words_what_is_late_and_what_is_due_soon(house: Lobby) -> None:
    """Never by colour alone; with their numbers, and narrowed by a click."""
    end = promised_until(NOW - DAY, 2)
    add_waiting(house, "fresh", since=end)
    add_waiting(house, "soon", since=NOW - DAY)
    add_waiting(house, "late", since=NOW - 9 * DAY)
    house.now = end - 3600
    browser, _staff = sit_down(house)
    page = browser.get("/staff")
    assert "due soon, in 60 minutes" in page.text or "due soon, in 1 hour" in page.text
    assert "one due soon" in page.text
    assert "one later than promised" in page.text
    assert names_in(browser.get("/staff?soon=1")) == ["Late Test", "Soon Test"]
    assert names_in(browser.get("/staff?late=1")) == ["Late Test"]
