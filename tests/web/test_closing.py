"""One's data, closing the account, the way back, and the erasure that comes once and leaves nobody's name."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts import people_search
from idp.accounts.approval import Actor, assess, change_status
from idp.accounts.closing import close_by_staff, close_own_account, erase_closed, reopen_by_staff, reopen_own_account
from idp.accounts.own_devices import add_own_device
from idp.errors import Refusal
from idp.policy.approval import Status
from idp.store import accounts, audit_chain, personal_data
from idp.store.accounts import Account
from idp.store.models import Base
from tests.support.applicant import Applicant, mails
from tests.support.lobby import Browser, Lobby, hidden_fields

PASSWORD = "a walk along the old river"
WAITING = 14 * 86400


def sit_down(lobby: Lobby, name: str = "ada", **values: Any) -> tuple[Browser, Account]:
    """Somebody who is signed in, with a password."""
    account = lobby.add_account(name, password_hash=lobby.provider.passwords.hash(PASSWORD), **values)
    browser = lobby.browser()
    browser.sign_in(account)
    return browser, account


def _all_of(lobby: Lobby, table: str) -> list[Any]:
    with lobby.provider.database.engine.connect() as connection:
        return list(connection.execute(Base.metadata.tables[table].select()))


def sign_in_with_password(lobby: Lobby, name: str = "ada") -> Any:
    """Send the sign-in form from another browser; out: its answer and the browser."""
    browser = lobby.browser()
    fields = hidden_fields(browser.get("/sign-in").text)
    return browser, browser.post("/sign-in", {**fields, "username": name, "password": PASSWORD})


def test_every_table_about_an_account_is_exported_or_left_out_with_a_reason() -> None:
    """A new table must decide; columns that are named exist, and none holds a secret."""
    with_account = {name: table for name, table in Base.metadata.tables.items() if "account_id" in table.columns}
    assert set(with_account) == set(personal_data.EXPORTED) | set(personal_data.LEFT_OUT)
    assert all(personal_data.LEFT_OUT.values())
    for name, columns in personal_data.EXPORTED.items():
        assert set(columns) <= set(with_account[name].columns.keys()), name
        told = [one for one in columns if one != "text_hash"]  # of the terms of use, which everybody may read
        assert not [one for one in told if any(word in one for word in ("hash", "sealed", "secret", "mac", "salt"))]


def test_the_page_and_the_file_tell_everything_and_no_secret(lobby: Lobby) -> None:
    """Devices, decisions with reasons, mails and history; the password's hash is in neither."""
    browser, ada = sit_down(lobby, company="Lab", claims={"phone_number": "+41 61 555 01 00"})
    add_own_device(lobby.provider, ada.account_id, "AB123Z", "Balance")
    lobby.run(
        "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark, facts,"
        " created_at) VALUES (:account, 'pending', 'rejected', 'staff', 's1', 'Look at the plate.', 'inner note', '[]', :now)",
        account=ada.account_id,
        now=lobby.now,
    )
    page = browser.get("/account/data")
    assert page.status_code == 200
    for text in ("AB123Z", "Balance", "Look at the plate.", "ada@lab.example", "555 01 00", "You added a device"):
        assert text in page.text
    file = browser.get("/account/data/file")
    assert file.headers["Content-Disposition"].startswith("attachment")
    held = json.loads(file.text)["data"]
    assert held["devices"][0]["serial_number"] == "AB123Z"
    assert held["approval_decisions"][0]["reason"] == "Look at the plate."
    for text in (page.text, file.text):
        assert "$argon2" not in text
        assert "inner note" not in text


def test_who_waits_does_not_read_in_their_data_what_we_know_of_a_serial_number(lobby: Lobby) -> None:
    """EN-4: whether it is sold, blocked or has another owner is told in neither page nor file while staff have not decided."""
    vera = lobby.add_account("vera", company="Vera Works")
    lobby.run("UPDATE accounts SET email = 'vera@her.example', email_key = 'vera@her.example'")
    add_own_device(lobby.provider, vera.account_id, "CD123Z")
    nora = Applicant(lobby)
    nora.register()
    nora.confirm([mail["link"] for mail in mails(lobby)][-1])
    with lobby.provider.database.transaction() as tx:
        account = accounts.find_by_email(tx, "nora@waterworks.example")
        assert account is not None
        verdict = assess(lobby.provider, tx, account)
        assert "owned_by_others" in {reason.key for reason in verdict.reasons}
        for old, new in ((Status.PENDING, Status.APPROVED), (Status.APPROVED, Status.PENDING)):
            account = accounts.get_account(tx, account.account_id)
            change_status(lobby.provider, tx, account, new, Actor("customer", "n"), verdict=verdict, now=lobby.now)
            if old is Status.PENDING:
                lobby.now += 1
    browser = lobby.browser()
    browser.sign_in(account)
    held = json.loads(browser.get("/account/data/file").text)["data"]
    (waiting,) = [row for row in held["audit_events"] if row["act"] == "review_waits_for_staff"]
    assert "reasons" not in waiting["details"]
    told = [[fact["key"] for fact in row["facts"]] for row in held["approval_decisions"]]
    assert ["owned_by_others" in keys for keys in told] == [True, False]
    assert told[1] != []


@pytest.mark.parametrize("path", ["/account/data", "/account/data/file", "/account/data/close"])
def test_the_data_wants_a_fresh_password(lobby: Lobby, path: str) -> None:
    """Over five minutes after the sign-in the password is asked for again."""
    browser, _ada = sit_down(lobby)
    lobby.now += 301
    assert browser.get(path).headers["Location"].startswith("/sign-in")


def test_closing_ends_everything_and_signing_in_offers_the_way_back(lobby: Lobby) -> None:
    """DESIGN, "What ends what": closed; one mail; the way back opens it again."""
    browser, ada = sit_down(lobby)
    page = browser.get("/account/data/close")
    assert "signed out in all browsers" in page.text
    assert browser.post("/account/data/close", hidden_fields(page.text)).headers["Location"] == "/closed"
    assert browser.get("/account").status_code == 303
    assert lobby.rows("SELECT sid FROM sessions WHERE ended_at IS NULL") == []
    assert [mail["name"] for mail in mails(lobby)] == ["account_closed"]
    other, answer = sign_in_with_password(lobby)
    way = answer.headers["Location"]
    assert way.startswith("/reopen/")
    asked = other.get(way)
    assert other.post(way, hidden_fields(asked.text)).headers["Location"] == "/closed?open=1"
    assert other.get(way).status_code == 410
    assert [mail["name"] for mail in mails(lobby)] == ["account_closed", "account_reopened"]
    _third, answer = sign_in_with_password(lobby)
    assert answer.headers["Location"] == "/"
    lobby.now += WAITING + 1
    assert erase_closed(lobby.provider) == 0
    assert lobby.rows("SELECT email FROM accounts")[0]["email"] == ada.email


def test_the_erasure_leaves_no_name_and_frees_the_address(lobby: Lobby) -> None:
    """Not before its time; afterwards the trail still holds, and address, user name and device are free."""
    _browser, ada = sit_down(lobby, company="Secret Lab")
    add_own_device(lobby.provider, ada.account_id, "AB123Z", "Balance")
    close_own_account(lobby.provider, ada.account_id)
    assert erase_closed(lobby.provider) == 0
    lobby.now += WAITING
    assert erase_closed(lobby.provider) == 1
    assert erase_closed(lobby.provider) == 0
    for table in sorted(Base.metadata.tables):
        for row in _all_of(lobby, table):
            text = str(tuple(row)).casefold()
            for word in ("ada@lab", "secret lab", "ab123z", "'ada'"):
                assert word not in text, table
    assert audit_chain.verify(lobby.provider.database).fault is None
    lobby.add_account("ada")
    browser = lobby.browser()
    fields = hidden_fields(browser.get("/sign-in").text)
    assert browser.post("/sign-in", {**fields, "username": ada.account_id, "password": PASSWORD}).status_code == 422


def test_many_workers_erase_an_account_once(lobby: Lobby) -> None:
    """The database decides who does it."""
    _browser, ada = sit_down(lobby)
    close_own_account(lobby.provider, ada.account_id)
    lobby.now += WAITING
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _n: erase_closed(lobby.provider), range(4))) == 1
    assert len(lobby.rows("SELECT 1 FROM audit_events WHERE act = 'account_erased'")) == 1


def test_erasing_leaves_a_whole_trail_and_no_word_of_the_name(lobby: Lobby) -> None:
    """Network addresses and details are blank, the chain holds (LG-1), and the search has forgotten the name."""
    _browser, ada = sit_down(lobby)
    lobby.run("UPDATE accounts SET family_name = 'Quittenbaum' WHERE account_id = :id", id=ada.account_id)
    assert people_search.find_people(lobby.provider, "quittenbaum").accounts
    close_own_account(lobby.provider, ada.account_id)
    lobby.now += WAITING
    assert erase_closed(lobby.provider) == 1
    people_search.read_changed_words(lobby.provider)
    assert not lobby.rows("SELECT 1 FROM search_words WHERE word LIKE 'quitten%'")
    verdict = audit_chain.verify(lobby.provider.database)
    assert verdict.fault is None
    assert verdict.blank > 0


def test_closing_twice_at_once_closes_once(lobby: Lobby) -> None:
    """One mail, one date."""
    _browser, ada = sit_down(lobby)

    def close(_number: int) -> str:
        try:
            close_own_account(lobby.provider, ada.account_id)
        except Refusal as refusal:
            return refusal.key
        return "closed"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(close, range(4))) == ["closed"] + ["closing.closed"] * 3
    assert len(mails(lobby)) == 1


def test_who_works_at_the_desk_does_not_close_themselves(lobby: Lobby) -> None:
    """The role goes first; nothing ends."""
    browser, _ada = sit_down(lobby, roles="customer_care")
    page = browser.get("/account/data/close")
    answer = browser.post("/account/data/close", hidden_fields(page.text))
    assert answer.status_code == 422
    assert lobby.rows("SELECT * FROM account_closings") == []


def test_staff_close_and_open_again_and_what_they_closed_only_they_open(lobby: Lobby) -> None:
    """The page says what ends, then until when; the customer is not offered the way back."""
    desk, care = sit_down(lobby, "care", roles="customer_care")
    _browser, ada = sit_down(lobby)
    add_own_device(lobby.provider, ada.account_id, "AB123Z", "Balance")
    path = f"/staff/accounts/{ada.account_id}"
    assert "AB123Z (Balance)" in desk.get(path).text
    page = desk.get(f"{path}/close")
    assert "then everything personal is erased" in page.text
    refused = desk.post(f"{path}/close", hidden_fields(page.text) | {"reason": "  "})
    assert (refused.status_code, "Write why the account is closed." in refused.text) == (422, True)
    assert lobby.rows("SELECT * FROM account_closings") == []
    desk.post(f"{path}/close", hidden_fields(page.text) | {"reason": "Asked on the phone."})
    assert "Asked on the phone." in desk.get(path).text
    assert "This account is closed." in desk.get(f"{path}/close").text
    shown = desk.get(f"{path}?done=close").text
    assert "Staff closed it." in shown
    _other, answer = sign_in_with_password(lobby)
    assert answer.status_code == 422
    with pytest.raises(Refusal, match=r"closing\.closed"):
        close_by_staff(lobby.provider, staff_id=care.account_id, account_id=ada.account_id, reason="Asked.")
    desk.post(f"{path}/reopen", hidden_fields(shown))
    _other, answer = sign_in_with_password(lobby)
    assert answer.headers["Location"] == "/"
    with pytest.raises(Refusal, match=r"closing\.no_way_back"):
        reopen_by_staff(lobby.provider, staff_id=care.account_id, account_id=ada.account_id)
    with pytest.raises(Refusal, match="not_permitted"):
        close_by_staff(lobby.provider, staff_id=ada.account_id, account_id=care.account_id, reason="Asked.")
    with pytest.raises(Refusal, match=r"closing\.no_way_back"):
        reopen_own_account(lobby.provider, "made-up")


def test_a_way_back_is_of_its_own_closing_only(lobby: Lobby) -> None:
    """RG-5: who closed it, asked for the way back and was let in by staff has none once staff close the account."""
    care = lobby.add_account("care", roles="customer_care")
    _browser, ada = sit_down(lobby)
    close_own_account(lobby.provider, ada.account_id)
    stale, answer = sign_in_with_password(lobby)
    way_back = answer.headers["Location"]
    page = stale.get(way_back)
    assert page.status_code == 200
    reopen_by_staff(lobby.provider, staff_id=care.account_id, account_id=ada.account_id)
    close_by_staff(lobby.provider, staff_id=care.account_id, account_id=ada.account_id, reason="Asked.")
    assert stale.get(way_back).status_code == 410
    assert stale.post(way_back, hidden_fields(page.text)).status_code == 410
    with pytest.raises(Refusal, match=r"closing\.no_way_back"):
        reopen_own_account(lobby.provider, way_back.rsplit("/", 1)[1])
    (row,) = lobby.rows("SELECT access FROM accounts WHERE account_id = :id", id=ada.account_id)
    assert row["access"] == "closed"
