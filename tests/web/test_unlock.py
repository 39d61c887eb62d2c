"""Unlock by mail: the owner gets in while an attack goes on, and nobody else does (BF-4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.accounts.closing import close_own_account
from idp.accounts.guessing import Caller
from idp.accounts.lock_notice import request_notice
from idp.accounts.sign_in import SignInRequest, sign_in
from idp.accounts.unlock import look_at_unlock_link, unlock_browser
from idp.errors import Refusal
from idp.signals.worker import SIGNAL_LANE, deliver_due
from idp.store import accounts
from idp.store.accounts import Account
from tests.support.applicant import mails
from tests.support.lobby import Lobby, hidden_fields

PASSWORD = "seven quiet lighthouses"
STRANGER = Caller("203.0.113.9", "the stranger's browser")
HOME = Caller("198.51.100.7", "a browser at home")


@pytest.fixture
def ada(lobby: Lobby) -> Account:
    """An account with a password."""
    return lobby.add_account("ada", password_hash=lobby.provider.passwords.hash(PASSWORD))


def try_it(lobby: Lobby, caller: Caller, password: str = "wrong") -> str:
    """The key of the refusal, or "in"."""
    try:
        sign_in(lobby.provider, SignInRequest("ada", password, keep=False, caller=caller))
    except Refusal as refusal:
        return refusal.key
    return "in"


def lock(lobby: Lobby) -> str:
    """Guess until the account waits; out: the token of the mail."""
    while try_it(lobby, STRANGER) != "sign_in.slowed_down":
        pass
    deliver_due(lobby.provider, SIGNAL_LANE, "test")
    return str([mail for mail in mails(lobby) if mail["name"] == "account_locked"][-1]["link"]).rpartition("/")[2]


def acts(lobby: Lobby, act: str) -> int:
    """How many lines of the trail."""
    return len(lobby.rows("SELECT 1 FROM audit_events WHERE act = :act", act=act))


def test_one_browser_gets_in_and_the_others_wait(lobby: Lobby, ada: Account) -> None:
    """The link signs nobody in: the password is still needed, and the attack's counter stays as it is."""
    token = lock(lobby)
    assert try_it(lobby, HOME, PASSWORD) == "sign_in.slowed_down"
    unlock_browser(lobby.provider, token, HOME)
    assert try_it(lobby, STRANGER, PASSWORD) == "sign_in.slowed_down"
    assert try_it(lobby, Caller(HOME.address, "another one"), PASSWORD) == "sign_in.slowed_down"
    assert [try_it(lobby, HOME) for _ in range(2)] == ["sign_in.wrong"] * 2
    assert try_it(lobby, HOME, PASSWORD) == "in"
    assert try_it(lobby, STRANGER, PASSWORD) == "sign_in.slowed_down"
    assert acts(lobby, "browser_unlocked") == 1


def test_the_page_changes_nothing_until_its_button(lobby: Lobby, ada: Account) -> None:
    """Mail scanners open links; no name is shown; afterwards the sign-in page says so and the browser is known."""
    token = lock(lobby)
    browser = lobby.browser()
    for _ in range(3):
        shown = browser.get(f"/unlock/{token}")
        assert (shown.status_code, "Ada" in shown.text, "ada@" in shown.text) == (200, False, False)
    assert look_at_unlock_link(lobby.provider, token).state == "open"
    assert browser.post(f"/unlock/{token}", {}).status_code in (400, 403, 422)
    answer = browser.post(f"/unlock/{token}", hidden_fields(shown.text))
    assert "This browser can sign in" in browser.get(answer.headers["Location"]).text
    form = hidden_fields(browser.get("/sign-in").text)
    entered = browser.post("/sign-in", {**form, "username": "ada", "password": PASSWORD})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/")
    used = lobby.browser().get(f"/unlock/{token}")
    assert (used.status_code, "This link was used already" in used.text) == (200, True)


@pytest.mark.parametrize(
    ("spoil", "status"),
    [("later", 410), ("moved", 410), ("closed", 410), ("damaged", 404), ("cut off", 404)],
)
def test_a_dead_link_lets_nobody_in(lobby: Lobby, ada: Account, spoil: str, status: int) -> None:
    """Its page says what to do next, and its button does nothing."""
    token = lock(lobby)
    if spoil == "later":
        lobby.now += 86400
    if spoil == "moved":
        with lobby.provider.database.transaction() as tx:
            accounts.set_email(
                tx, ada.account_id, "new@lab.example", old_key=ada.email_key, verified_at=lobby.now, now=lobby.now
            )
    if spoil == "closed":
        close_own_account(lobby.provider, ada.account_id)
    token = {"damaged": token[:-3], "cut off": ""}.get(spoil, token)
    browser = lobby.browser()
    shown = browser.get(f"/unlock/{token}")
    assert (shown.status_code, "Choose a new password" in shown.text) == (status, True)
    with pytest.raises(Refusal, match=r"^link\."):
        unlock_browser(lobby.provider, token, HOME)
    assert (acts(lobby, "browser_unlocked"), lobby.rows("SELECT 1 FROM known_browsers")) == (0, [])


def test_the_link_works_for_one_browser(lobby: Lobby, ada: Account) -> None:
    """Of many that press the button at once one is let in (RS-1, RC-2)."""
    token = lock(lobby)

    def press(number: int) -> str:
        try:
            unlock_browser(lobby.provider, token, Caller("198.51.100.7", f"browser {number}"))
        except Refusal as refusal:
            return refusal.key
        return "in"

    with ThreadPoolExecutor(8) as pool:
        pressed = list(pool.map(press, range(8)))
    assert sorted(pressed) == ["in"] + ["link.used"] * 7
    assert len(lobby.rows("SELECT 1 FROM known_browsers")) == 1


def test_the_mail_goes_to_owners_only(lobby: Lobby) -> None:
    """Nobody's name makes a row that leads nowhere: no link, no mail (EN-2)."""
    with lobby.provider.database.transaction() as tx:
        request_notice(lobby.provider, tx, None, until=lobby.now + 300, now=lobby.now)
    deliver_due(lobby.provider, SIGNAL_LANE, "test")
    assert lobby.rows("SELECT 1 FROM links") == []
    assert mails(lobby) == []
