"""Signing in on both databases: who waits, what it costs, when it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from idp.accounts import password_reset, session_ends
from idp.accounts.guessing import Caller, network_of
from idp.accounts.hashing_worker import PasswordHasher
from idp.accounts.sign_in import SignInRequest, sign_in
from idp.config import PasswordSettings
from idp.errors import Busy, Refusal
from idp.store import links, sessions
from idp.store.database import Statement
from tests.accounts.test_passwords import record_computations
from tests.support.people import PASSWORD, Town, make_town

HERE = Caller("192.0.2.1")


@pytest.fixture
def town(tmp_path: Path, database_url: str) -> Town:
    """An empty provider, on SQLite and on PostgreSQL."""
    return make_town(tmp_path, url=database_url)


def wish(
    name: str = "anna.berg", password: str = PASSWORD, *, keep: bool = False, sid: str | None = None
) -> SignInRequest:
    """What a form says."""
    return SignInRequest(identifier=name, password=password, keep=keep, caller=HERE, current_sid=sid)


def refusal_of(town: Town, name: str, password: str = "wrong") -> str:
    """The key of the refusal, or "" where one gets in."""
    try:
        sign_in(town.provider, wish(name, password))
    except Refusal as refusal:
        return refusal.key
    return ""


def test_parallel_guesses_are_counted_exactly(town: Town) -> None:
    """Five of 40 are looked at, whatever spelling they use (BF-1)."""
    town.add()
    names = ["anna.berg", "ANNA.BERG", "anna@lab.example", "Anna@LAB.example"] * 10
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda name: refusal_of(town, name), names))
    assert (keys.count("sign_in.wrong"), keys.count("sign_in.slowed_down")) == (5, 35)
    assert town.audit().count("sign_in_refused") == 40


def test_the_window_opens_again_without_a_block(town: Town) -> None:
    """Four failures, a quiet while, four failures: nobody waits (BF-2)."""
    town.add()
    for _ in range(3):
        assert [refusal_of(town, "anna.berg") for _ in range(4)] == ["sign_in.wrong"] * 4
        town.clock.move(minutes=5)
    assert refusal_of(town, "anna.berg", PASSWORD) == ""


def test_a_renewed_session_keeps_sid_and_end_and_somebody_elses_ends(town: Town) -> None:
    """SE-2, SE-3, SE-7."""
    anna, _ben = town.add("anna"), town.add("ben")
    first = sign_in(town.provider, wish(keep=True))
    town.clock.move(hours=3)
    again = sign_in(town.provider, wish(sid=first.session.sid))
    assert (again.session.sid, again.session.expires_at) == (first.session.sid, first.session.expires_at)
    assert again.session.kept
    assert again.session.auth_time == town.clock()
    bens = sign_in(town.provider, wish("ben.berg", sid=first.session.sid))
    assert bens.session.sid != first.session.sid
    with town.provider.database.reading() as tx:
        assert sessions.list_sessions(tx, anna.account_id, town.clock()) == []
        assert sessions.find_by_secret(tx, first.secret, town.clock()) is None
        assert sessions.find_by_secret(tx, again.secret, town.clock()) is None


def test_a_session_that_reached_its_end_is_not_renewed_but_begun_anew(town: Town) -> None:
    """The 12 hours cannot be stretched by signing in at the last second."""
    town.add()
    first = sign_in(town.provider, wish())
    town.clock.move(hours=12)
    second = sign_in(town.provider, wish(sid=first.session.sid))
    assert second.session.sid != first.session.sid
    assert second.session.expires_at == town.clock() + 12 * 3600


def test_housekeeping_ends_what_reached_its_end_and_forgets_old_traces(town: Town) -> None:
    """Twice does no harm (RL-9); live things stay."""
    anna = town.add()
    old = sign_in(town.provider, wish())
    refusal_of(town, "nobody")
    with town.provider.database.transaction() as tx:
        password_reset.send_reset_link(town.provider, tx, anna)
    town.clock.move(hours=12)
    live = sign_in(town.provider, wish())
    for _ in range(2):
        session_ends.end_expired_sessions(town.provider)
        session_ends.forget_old_traces(town.provider)
    with town.provider.database.reading() as tx:
        assert sessions.get_session(tx, old.session.sid).end_reason == "session_expired"
        assert sessions.get_session(tx, live.session.sid).ended_at is None
        assert links.find_newest_open(tx, "reset", account_id=anna.account_id, now=0) is not None
    town.clock.move(hours=24 * 91)
    session_ends.end_expired_sessions(town.provider)
    session_ends.forget_old_traces(town.provider)
    with town.provider.database.reading() as tx:
        for table in ("sessions", "links", "try_counters", "kept_inputs"):
            assert tx.all(Statement(f"SELECT * FROM {table}")) == [], table  # noqa: S608 - our tables


def test_a_password_that_changes_while_it_is_checked_lets_nobody_in(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session would outlive what ended all others (SE-4)."""
    anna = town.add()
    verify = town.provider.passwords.verify

    def slow(password: str, encoded: str | None) -> bool:
        with town.provider.database.transaction() as tx:
            tx.run(Statement("UPDATE accounts SET password_hash = 'new' WHERE account_id = :a"), a=anna.account_id)
        return verify(password, encoded)

    monkeypatch.setattr(PasswordHasher, "verify", lambda _self, password, encoded: slow(password, encoded))
    assert refusal_of(town, "anna.berg", PASSWORD) == "sign_in.wrong"


def test_one_of_many_resets_wins(town: Town) -> None:
    """Eight at once with the same link (RS-1)."""
    anna = town.add()
    with town.provider.database.transaction() as tx:
        token = password_reset.send_reset_link(town.provider, tx, anna).token

    def reset(number: int) -> str:
        try:
            password_reset.reset_password(town.provider, token, f"the lighthouse number {number}")
        except Refusal as refusal:
            return refusal.key
        return "won"

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(reset, range(8)))
    assert answers == ["link.used"] * 7 + ["won"]
    assert [name for name, _ in town.mails(anna)] == ["reset_password", "password_was_reset"]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "garbage", True),
        ("garbage", "192.0.2.1", False),
    ],
)
def test_networks(left: str, right: str, same: bool) -> None:
    """IPv4 /32, IPv6 /64; what is no address counts together and never passes uncounted (BF-1, BF-6)."""
    assert (network_of(left) == network_of(right)) is same


def test_unknown_and_known_names_cost_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole act: one computation with the same parameters for both, so that nobody can tell them apart (EN-2)."""
    town = make_town(tmp_path)
    hasher = PasswordHasher(PasswordSettings(memory_kib=4096, time_cost=1))
    object.__setattr__(town.provider, "passwords", hasher)
    town.add()
    done = record_computations(monkeypatch)
    for name in ("anna.berg", "nobody.at.all"):
        assert refusal_of(town, name) == "sign_in.wrong"
    assert len(done) == 2
    assert done[0] == done[1]


def test_a_full_queue_is_said_by_503_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Retry-After, at every door that hashes (PW-6, GO-1)."""
    town = make_town(tmp_path)
    town.add()

    def full(*_: object) -> str:
        raise Busy(2)

    monkeypatch.setattr(PasswordHasher, "_do", full)
    response = town.browser().sign_in()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
