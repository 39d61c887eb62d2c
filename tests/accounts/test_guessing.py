"""Limits that many networks share, on both databases: what an attack on everybody does to strangers and to owners."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from idp.accounts.guessing import Caller, take_wrong_credentials
from idp.accounts.sign_in import SignInRequest, sign_in
from idp.config import LimitSettings
from idp.errors import Refusal
from tests.support.people import PASSWORD, Town, make_town

OWNER = Caller("198.51.100.7", "the owner's browser")
IN_ALL = 20


@pytest.fixture
def town(tmp_path: Path, database_url: str) -> Town:
    """A provider that lets few wrong passwords pass in a minute, on SQLite and on PostgreSQL."""
    return make_town(tmp_path, url=database_url, limits=LimitSettings(network_tries=5, tries_in_all=IN_ALL))


def try_it(town: Town, name: str, caller: Caller, password: str = "wrong") -> str:
    """The key of the refusal, or "" where one gets in."""
    try:
        sign_in(town.provider, SignInRequest(name, password, keep=False, caller=caller))
    except Refusal as refusal:
        return refusal.key
    return ""


def attack(town: Town, networks: int) -> list[str]:
    """One wrong password at an account of its own from each network, eight at once."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda n: try_it(town, f"victim{n}", Caller(f"203.0.113.{n}")), range(networks)))


def test_tries_from_everywhere_are_counted_together_and_exactly(town: Town) -> None:
    """However many networks and accounts: so many are looked at in a minute, then all wait, and it ends by itself (BF-1)."""
    keys = attack(town, 60)
    assert (keys.count("sign_in.wrong"), keys.count("sign_in.slowed_down")) == (IN_ALL, 60 - IN_ALL)
    town.clock.move(minutes=1)
    assert try_it(town, "victim1", Caller("203.0.113.250")) == "sign_in.wrong"


def test_right_passwords_leave_the_common_allowance_as_it_was(town: Town) -> None:
    """Busy mornings are no attack (BF-1, BF-5)."""
    town.add()
    for number in range(IN_ALL + 5):
        assert try_it(town, "anna.berg", Caller(f"203.0.113.{number}"), PASSWORD) == ""


def test_a_known_browser_gets_in_while_everybody_is_attacked(town: Town) -> None:
    """Neither its network nor the attack elsewhere uses up its tries; those are few as well (BF-2, BF-4)."""
    town.add()
    assert try_it(town, "anna.berg", OWNER, PASSWORD) == ""
    attack(town, 40)
    for _ in range(6):
        try_it(town, "anna.berg", Caller(OWNER.address))
    assert try_it(town, "anna.berg", Caller(OWNER.address, "another browser"), PASSWORD) == "sign_in.slowed_down"
    assert try_it(town, "anna.berg", OWNER, PASSWORD) == ""
    assert [try_it(town, "anna.berg", OWNER) for _ in range(6)] == ["sign_in.wrong"] * 5 + ["sign_in.slowed_down"]


def test_wrong_client_credentials_count_exactly_per_network(town: Town) -> None:
    """Forty at once from one network; its neighbour is free, and the next minute too (CA-4)."""
    parts = town.provider
    allowed = parts.settings.limits.client_secret_tries
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: take_wrong_credentials(parts, "192.0.2.1", town.clock()), range(allowed + 20)))
    assert waits.count(None) == allowed
    assert take_wrong_credentials(parts, "192.0.2.2", town.clock()) is None
    town.clock.move(minutes=1)
    assert take_wrong_credentials(parts, "192.0.2.1", town.clock()) is None
