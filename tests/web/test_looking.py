"""Strangers who only look leave nothing in the database (RX-4)."""

from __future__ import annotations

from idp.accounts.session_ends import forget_old_traces
from idp.store.models import Base
from tests.support.lobby import Lobby

DAY = 86400

# An incomplete link of a mail is a refused check, which is counted and written down (GO-8).
REFUSED = {"/confirm", "/confirm/"}


def rows_of(lobby: Lobby) -> dict[str, int]:
    """How many rows each table has."""
    names = sorted(Base.metadata.tables)
    return {name: int(lobby.rows(f"SELECT COUNT(*) AS number FROM {name}")[0]["number"]) for name in names}  # noqa: S608


def test_a_strangers_visit_to_every_page_writes_nothing(lobby: Lobby) -> None:
    """Every address without a variable part, sign-in among them, twice: not one row more (RX-4)."""
    rules = [rule for rule in lobby.app.url_map.iter_rules() if not rule.arguments and "GET" in (rule.methods or ())]
    addresses = {rule.rule for rule in rules} - REFUSED
    assert {"/", "/sign-in", "/register", "/forgot-password"} <= addresses
    before = rows_of(lobby)
    for _ in range(2):
        browser = lobby.browser()
        for address in sorted(addresses):
            assert browser.get(address).status_code < 500, address
    assert rows_of(lobby) == before


def test_a_strangers_authorization_request_is_forgotten(lobby: Lobby) -> None:
    """It is one row, which housekeeping takes away a day after its end (RX-4)."""
    assert lobby.browser().authorize().status_code == 303
    assert rows_of(lobby)["pending_authorizations"] == 1
    lobby.now += 2 * DAY
    forget_old_traces(lobby.provider)
    assert rows_of(lobby)["pending_authorizations"] == 0
