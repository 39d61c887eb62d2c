"""Who was first: parallel registrations and confirmations on both databases, from two instances (RG-7, GO-10)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from idp.accounts.confirmation import Proof, confirm_by_code, confirm_by_link
from idp.accounts.guessing import Caller
from idp.accounts.registration import RegistrationRequest, register
from idp.errors import Refusal
from idp.keys.secrets import new_secret
from idp.store import links
from idp.store.database import Transaction
from tests.support.applicant import accounts_of, mails, newest_code, newest_link, registration_rows
from tests.support.databases import FreshDatabase
from tests.support.lobby import Lobby
from tests.support.postgresql import Prepare

AT_ONCE = 8
ROUNDS = 3
CALLER = Caller("127.0.0.1")


@pytest.fixture
def houses(fresh_database: FreshDatabase, prepare_lobby: Prepare, lobby_keys: Path, database_kind: str) -> list[Lobby]:
    """Two instances on PostgreSQL, with a connection pool and caches each; SQLite has one server process."""
    url = fresh_database(prepare_lobby)
    return [Lobby(url, lobby_keys) for _ in range(1 if database_kind == "sqlite" else 2)]


def wish(browser_id: str, email: str, **changes: Any) -> RegistrationRequest:
    """What a form said."""
    values: dict[str, Any] = {
        "email": email,
        "given_name": "Nora",
        "family_name": "Newcomer",
        "company": "Waterworks Basel",
        "country": "CH",
        "serial_number": "CD123Z",
        "user_name": None,
        "locale": "en",
        "password": "seven quiet mountains",
        "browser_id": browser_id,
        "caller": CALLER,
    }
    return RegistrationRequest(**{**values, **changes})


def all_at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Start all acts together; out: what each returned, or the key of its refusal."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return act()
        except Refusal as refusal:
            return refusal.key

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_parallel_confirmations_make_one_account(houses: list[Lobby]) -> None:
    """By link and by code at once: one winner, one account, one review, one mail; the others see that it is done."""
    house = houses[0]
    for number in range(ROUNDS):
        browser, email = new_secret(), f"p{number}@waterworks.example"
        register(house.provider, wish(browser, email))
        token, code = newest_link(house).rpartition("/")[2], newest_code(house)
        proof = Proof(browser_id=browser, caller=CALLER)
        acts: list[Callable[[], Any]] = []
        for turn in range(AT_ONCE):
            provider = houses[turn % len(houses)].provider
            by_code, by_link = (
                partial(confirm_by_code, provider, code, proof),
                partial(confirm_by_link, provider, token, proof),
            )
            acts.append(by_code if turn % 4 == 3 else by_link)
        answers = all_at_once(acts)
        assert len([answer for answer in answers if not isinstance(answer, str)]) == 1, answers
        assert {answer for answer in answers if isinstance(answer, str)} <= {
            "link.used",
            "link.replaced",
            "link.expired",
        }
        assert len(accounts_of(house, email)) == 1
        assert [mail["name"] for mail in mails(house) if mail["email"] == email] == [
            "confirm_registration",
            "registration_waiting",
        ]
    assert len(house.rows("SELECT * FROM audit_events WHERE act = 'registration_confirmed'")) == ROUNDS


def test_parallel_registrations_of_an_address_end_in_one_account(houses: list[Lobby]) -> None:
    """However they came in, at most one of them can become an account, and the names of all stay free."""
    house = houses[0]
    email = "nora@waterworks.example"
    browsers = [new_secret() for _ in range(4)]
    all_at_once(
        [
            partial(register, houses[turn % len(houses)].provider, wish(browser, email))
            for turn, browser in enumerate(browsers)
        ]
    )
    assert len(registration_rows(house)) == 4
    tokens = [mail["link"].rpartition("/")[2] for mail in mails(house) if mail["name"] == "confirm_registration"]
    proofs = [Proof(browser_id=browser, caller=CALLER) for browser in browsers]
    answers = all_at_once(
        [
            partial(confirm_by_link, houses[turn % len(houses)].provider, token, proof)
            for turn, (token, proof) in enumerate((token, proof) for token in tokens for proof in proofs)
        ]
    )
    assert len([answer for answer in answers if not isinstance(answer, str)]) == 1, answers
    assert len(accounts_of(house, email)) == 1
    assert len(house.rows("SELECT * FROM registrations WHERE state = 'confirmed'")) == 1
    assert len(house.rows("SELECT * FROM registrations WHERE state = 'sent'")) == 0


def test_the_same_wish_for_a_name_makes_different_names(houses: list[Lobby]) -> None:
    """Different people with the same name, confirmed at once, all get an account (RG-7)."""
    house = houses[0]
    acts: list[Callable[[], Any]] = []
    for number in range(5):
        browser = new_secret()
        register(house.provider, wish(browser, f"n{number}@waterworks.example", user_name="nora"))
        token = newest_link(house).rpartition("/")[2]
        proof = Proof(browser_id=browser, caller=CALLER)
        provider = houses[number % len(houses)].provider
        acts.append(partial(confirm_by_link, provider, token, proof))
    names = [account.user_name for account in all_at_once(acts)]
    assert len(set(names)) == 5
    assert "nora" in names


def test_parallel_wrong_codes_count_exactly(houses: list[Lobby]) -> None:
    """Ten tries are ten tries, also when they come together (BF-1)."""
    house, browser = houses[0], new_secret()
    register(house.provider, wish(browser, "nora@waterworks.example"))
    proof = Proof(browser_id=browser, caller=CALLER)
    answers = all_at_once(
        [partial(confirm_by_code, houses[turn % len(houses)].provider, "BBBBBBBB", proof) for turn in range(14)]
    )
    assert sorted(answers) == ["code.spent"] * 4 + ["code.wrong"] * 10


def test_confirmations_of_one_address_do_not_wait_for_each_other(
    houses: list[Lobby], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two open registrations of an address, both confirmed with their links spent first: no deadlock (RL-1)."""
    house, email = houses[0], "nora@waterworks.example"
    browsers = [new_secret(), new_secret()]
    for browser in browsers:
        register(house.provider, wish(browser, email))
    tokens = [mail["link"].rpartition("/")[2] for mail in mails(house)]
    # What two registrations that came in at the very same moment could leave behind.
    house.run("UPDATE registrations SET state = 'sent'")
    house.run("UPDATE links SET replaced_at = NULL")
    use_link = links.use_link

    def use_and_pause(tx: Transaction, link: links.Link, now: int) -> bool:
        used = use_link(tx, link, now)
        time.sleep(0.3)
        return used

    monkeypatch.setattr(links, "use_link", use_and_pause)
    answers = all_at_once(
        [
            partial(
                confirm_by_link, houses[turn % len(houses)].provider, token, Proof(browser_id=browser, caller=CALLER)
            )
            for turn, (token, browser) in enumerate(zip(tokens, browsers, strict=True))
        ]
    )
    assert [answer for answer in answers if isinstance(answer, str)] == ["link.replaced"]
    assert len(accounts_of(house, email)) == 1
