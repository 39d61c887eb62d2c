"""Issuing a code beside an act that ends things: wholly before or wholly after (RC-3, CO-10)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from idp.accounts.endings import apply_ending
from idp.policy.endings import Act
from tests.support.lobby import Lobby

LIVE = "SELECT family_id FROM token_families WHERE revoked_at IS NULL"


def race(lobby: Lobby, act: Act, rounds: int = 6) -> tuple[int, int]:
    """Ask for codes while the act happens; out: codes that were given, families that lived on."""
    given = survived = 0
    for number in range(rounds):
        account = lobby.add_account(f"{act.value.replace('_', '-')}-{number}")
        browsers = [lobby.browser() for _ in range(4)]
        sid = browsers[0].sign_in(account)
        cookie = browsers[0].web.get_cookie("idp_session")
        assert cookie is not None
        for browser in browsers:
            browser.web.set_cookie("idp_session", cookie.value)
        start = Barrier(len(browsers) + 1)

        def end(account_id: str = account.account_id, sid: str = sid, start: Barrier = start) -> None:
            start.wait()
            with lobby.provider.database.transaction() as tx:
                apply_ending(lobby.provider, tx, act, account_id=account_id, sid=sid, now=lobby.now)

        def ask(browser: object, start: Barrier = start) -> bool:
            start.wait()
            answer = browser.authorize(client_id="own", prompt="none")  # type: ignore[attr-defined]
            return "code=" in answer.headers["Location"]

        with ThreadPoolExecutor(len(browsers) + 1) as pool:
            ended = pool.submit(end)
            given += sum(pool.map(ask, browsers))
            ended.result()
        survived += len(lobby.rows(LIVE))
    return given, survived


def test_no_code_outlives_a_sign_out(lobby: Lobby) -> None:
    """Whatever comes first, no family of an ended session lives."""
    assert race(lobby, Act.SIGN_OUT)[1] == 0


def test_no_code_outlives_a_reset(lobby: Lobby) -> None:
    """The same for all sessions of the account."""
    assert race(lobby, Act.PASSWORD_RESET)[1] == 0
