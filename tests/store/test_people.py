"""Accounts, links and sessions are found, changed and used up as their callers rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.provider import Provider
from idp.store import accounts, links, sessions
from idp.store.database import Conflict
from tests.support.people import make_town

NOW = 1_800_000_000


@pytest.fixture
def provider(tmp_path: Path, database_url: str) -> Provider:
    """A provider on an empty database, SQLite and PostgreSQL."""
    return make_town(tmp_path, url=database_url).provider


def make_account(provider: Provider, email: str = "Anna@Example.com", user_name: str = "Anna.Berg") -> accounts.Account:
    """One account."""
    with provider.database.transaction() as tx:
        return accounts.insert_account(tx, email=email, user_name=user_name, now=NOW)


@pytest.mark.parametrize(
    "typed", ["anna@example.com", "ANNA@EXAMPLE.COM", " Anna@Example.Com ", "anna.berg", "ANNA.BERG "]
)
def test_an_account_is_found_by_any_spelling_of_its_names(provider: Provider, typed: str) -> None:
    """One account, whatever spelling was typed (F-2.2, BF-1)."""
    account = make_account(provider)
    with provider.database.reading() as tx:
        assert accounts.find_by_identifier(tx, typed) == account


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "ann\u0430@example.com",
        "anna@example.co",
        "\x00",
        "\ud800",
        "a\x00@b.example",
        "a" * 5000,
        "anna@exam\u212ale.com",
    ],
)
def test_look_alikes_find_nobody(provider: Provider, typed: str) -> None:
    """Other scripts' look-alikes and rubbish are nobody's name (RS-3)."""
    make_account(provider)
    with provider.database.reading() as tx:
        assert accounts.find_by_identifier(tx, typed) is None


@pytest.mark.parametrize(
    ("email", "user_name", "taken"),
    [("ANNA@example.com", "other", "email"), ("b@example.com", "ANNA.BERG", "user_name")],
)
def test_a_taken_name_is_a_conflict_and_the_transaction_goes_on(
    provider: Provider, email: str, user_name: str, taken: str
) -> None:
    """Uniqueness is the database's decision, and says which name it was."""
    make_account(provider)
    with provider.database.transaction() as tx:
        with pytest.raises(Conflict, match=taken):
            accounts.insert_account(tx, email=email, user_name=user_name, now=NOW)
        accounts.insert_account(tx, email="free@example.com", user_name="free", now=NOW)


def test_a_link_is_used_once(provider: Provider) -> None:
    """The second of two users loses (RS-1)."""
    account = make_account(provider)
    with provider.database.transaction() as tx:
        issued = links.issue_link(
            tx,
            purpose="reset",
            email=account.email,
            account_id=account.account_id,
            lifetime=60,
            now=NOW,
            master=provider.master,
        )
        link = links.find_link(tx, "reset", issued.token)
        assert link is not None
        assert links.link_state(link, NOW) == "open"
        assert links.link_state(link, NOW + 60) == "expired"
        assert not links.use_link(tx, link, NOW + 60)
        assert links.use_link(tx, link, NOW)
        assert not links.use_link(tx, link, NOW)
        again = links.find_link(tx, "reset", issued.token)
        assert again is not None
        assert links.link_state(again, NOW) == "used"
        assert links.find_link(tx, "confirm", issued.token) is None


def test_a_newer_link_replaces_the_older(provider: Provider) -> None:
    """Only the newest mail works (RS-1), and the reference of both finds them (F-1.7)."""
    with provider.database.transaction() as tx:
        first, second = (
            links.issue_link(
                tx, purpose="confirm", email="a@b.c", registration_id="r1", lifetime=60, now=NOW, master=provider.master
            )
            for _ in range(2)
        )
        old = links.find_by_reference(tx, first.reference.lower())
        assert old is not None
        assert links.link_state(old, NOW) == "replaced"
        assert not links.use_link(tx, old, NOW)
        newest = links.find_newest_open(tx, "confirm", registration_id="r1", now=NOW)
        assert newest is not None
        assert newest.reference == second.reference


def test_code_tries_are_counted_also_when_wrong(provider: Provider) -> None:
    """After the last try even the right code is refused (BF-1)."""
    with provider.database.transaction() as tx:
        issued = links.issue_link(
            tx,
            purpose="confirm",
            email="a@b.c",
            registration_id="r",
            lifetime=60,
            now=NOW,
            master=provider.master,
            with_code=True,
        )
        link = links.find_link(tx, "confirm", issued.token)
        assert link is not None
        assert issued.code is not None
        spelled = f" {issued.code[:4].lower()}-{issued.code[4:]} "
        answers = [
            links.try_code(tx, link, code, master=provider.master, limit=3, now=NOW)
            for code in ("WRONG", spelled, "", issued.code)
        ]
    assert answers == ["wrong", "right", "wrong", "spent"]


def test_reauthentication_changes_the_secret_and_never_the_end(provider: Provider) -> None:
    """New secret and auth_time, same sid, same end; the old secret is dead (SE-2, SE-3)."""
    account = make_account(provider)
    with provider.database.transaction() as tx:
        first = sessions.start_session(tx, account_id=account.account_id, kept=True, lifetime=100, now=NOW)
        second = sessions.renew_session(tx, first.session, now=NOW + 50)
        assert second is not None
        assert (second.session.sid, second.session.expires_at) == (first.session.sid, NOW + 100)
        assert second.session.auth_time == NOW + 50
        assert sessions.find_by_secret(tx, first.secret, NOW + 51) is None
        assert sessions.find_by_secret(tx, second.secret, NOW + 99) == second.session
        assert sessions.find_by_secret(tx, second.secret, NOW + 100) is None
        assert sessions.renew_session(tx, first.session, now=NOW + 100) is None


def test_sessions_end_all_but_one(provider: Provider) -> None:
    """Ended sessions are dead in the record; each is reported once (SE-4)."""
    account = make_account(provider)
    with provider.database.transaction() as tx:
        started = [
            sessions.start_session(tx, account_id=account.account_id, kept=False, lifetime=100, now=NOW)
            for _ in range(3)
        ]
        mine = started[0].session.sid
        ended = sessions.end_sessions(tx, account.account_id, except_sid=mine, reason="test", now=NOW)
        assert sorted(ended) == sorted(s.session.sid for s in started[1:])
        assert sessions.end_sessions(tx, account.account_id, except_sid=mine, reason="test", now=NOW) == []
        assert [s.sid for s in sessions.list_sessions(tx, account.account_id, NOW)] == [mine]
        assert sessions.find_by_secret(tx, started[1].secret, NOW) is None
