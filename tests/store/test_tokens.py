"""Rows of tokens: what housekeeping forgets, and what it must not."""

from __future__ import annotations

from dataclasses import replace

from idp.accounts.session_ends import forget_old_tokens
from idp.store import tokens
from tests.support.tokens import NOW, House


def test_housekeeping_keeps_what_may_be_replayed(house: House) -> None:
    """A spent code stays as long as its family may live; then everything of it goes (CO-2)."""
    code = house.code()
    body = house.redeem(code).get_json()
    house.refresh(body["refresh_token"])
    end = house.session.expires_at
    with house.provider.database.transaction() as tx:
        tokens.delete_old_tokens(tx, NOW + 700)
    tables = ("codes", "refresh_tokens", "token_families", "access_tokens")
    assert [house.count(table) for table in tables] == [1, 2, 1, 0]
    house.clock.now = end - 1
    assert house.redeem(code).status_code == 400
    assert house.count("token_families", "revoked_at IS NOT NULL") == 1
    forget_old_tokens(replace(house.provider, clock=lambda: end + 86400))
    assert house.count("token_families") == 1
    forget_old_tokens(replace(house.provider, clock=lambda: end + 86401))
    assert [house.count(table) for table in tables] == [0, 0, 0, 0]


def test_housekeeping_goes_on_until_nothing_is_left(house: House) -> None:
    """More than one helping."""
    for _ in range(210):
        house.code()
    forget_old_tokens(replace(house.provider, clock=lambda: house.session.expires_at + 86401))
    assert (house.count("codes"), house.count("token_families")) == (0, 0)
