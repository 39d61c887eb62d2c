"""The chain of the audit trail: whoever writes to the database alone cannot change it unseen (LG-1), on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Settings
from idp.errors import ConfigError
from idp.store import audit, audit_chain
from idp.store.database import Conflict, Statement
from tests.support.lobby import NOW, Lobby

LINES = 8


def write(lobby: Lobby, *acts: str, account_id: str = "ada") -> None:
    """One transaction with these lines."""
    with lobby.provider.database.transaction() as tx:
        for act in acts:
            audit.record(tx, act, now=NOW, account_id=account_id, address="192.0.2.7", details={"act": act})


@pytest.fixture
def trail(lobby: Lobby) -> Lobby:
    """A trail of eight lines."""
    for number in range(LINES // 2):
        write(lobby, f"first_{number}", f"second_{number}")
    assert audit_chain.verify(lobby.provider.database).fault is None
    return lobby


def faults(lobby: Lobby, *, expected: str = "") -> tuple[str, int] | None:
    """What a check finds."""
    fault = audit_chain.verify(lobby.provider.database, expected=expected).fault
    return (fault.kind, fault.event_id) if fault else None


def test_lines_are_numbered_without_gaps_and_chained(trail: Lobby) -> None:
    """A transaction that is rolled back leaves no hole."""
    with pytest.raises(Conflict):
        fail_after_a_line(trail)
    write(trail, "last")
    verdict = audit_chain.verify(trail.provider.database)
    assert (verdict.lines, verdict.blank, verdict.fault) == (LINES + 1, 0, None)
    assert [row["event_id"] for row in trail.rows("SELECT event_id FROM audit_events ORDER BY event_id")] == list(
        range(1, LINES + 2)
    )


def fail_after_a_line(lobby: Lobby) -> None:
    """A transaction that ends with somebody else's win."""
    with lobby.provider.database.transaction() as tx:
        audit.record(tx, "never", now=NOW)
        raise Conflict("somebody else was first")


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE audit_events SET act = 'other' WHERE event_id = 3", ("changed", 3)),
        ("UPDATE audit_events SET at = at + 1 WHERE event_id = 3", ("changed", 3)),
        ("UPDATE audit_events SET account_id = 'bob' WHERE event_id = 3", ("changed", 3)),
        ("UPDATE audit_events SET address = '192.0.2.8' WHERE event_id = 3", ("changed", 3)),
        ("UPDATE audit_events SET details = '{}' WHERE event_id = 3", ("changed", 3)),
        ("UPDATE audit_events SET details = '{}', address = '', salt = NULL WHERE event_id = 3", ("changed", 3)),
        ("UPDATE audit_events SET digest = NULL WHERE event_id = 3", ("not chained", 3)),
        ("DELETE FROM audit_events WHERE event_id = 1", ("missing", 2)),
        ("DELETE FROM audit_events WHERE event_id IN (3, 4)", ("missing", 5)),
        ("DELETE FROM audit_events WHERE event_id = 8", ("cut", 7)),
        ("DELETE FROM audit_events", ("cut", 0)),
        ("UPDATE audit_head SET event_id = 7", ("head", 8)),
        ("DELETE FROM audit_head", ("head", 8)),
    ],
)
def test_tampering_is_found_at_its_line(trail: Lobby, tampering: str, found: tuple[str, int]) -> None:
    """Edit, delete, blank, unchain, cut (LG-1)."""
    trail.run(tampering)
    assert faults(trail) == found


def test_lines_that_are_put_in_or_change_places_are_found(trail: Lobby) -> None:
    """A copy of a good line is not a good line elsewhere (LG-1)."""
    trail.run("UPDATE audit_events SET event_id = 100 WHERE event_id = 3")
    trail.run("UPDATE audit_events SET event_id = 3 WHERE event_id = 4")
    trail.run("UPDATE audit_events SET event_id = 4 WHERE event_id = 100")
    assert faults(trail) == ("changed", 3)


def test_a_copied_line_is_found(trail: Lobby) -> None:
    """Insertion with everything that a line has."""
    names = "at, act, actor_kind, actor, address, details, salt, personal_digest, digest"
    trail.run(f"INSERT INTO audit_events (event_id, {names}) SELECT 9, {names} FROM audit_events WHERE event_id = 2")  # noqa: S608
    assert faults(trail) == ("changed", 9)


def test_a_tail_cut_together_with_its_head_is_found(trail: Lobby) -> None:
    """The head's seal needs the key; a whole older copy is found by a mark that was kept elsewhere (LG-2)."""
    older = trail.rows("SELECT * FROM audit_head")[0]
    mark = audit_chain.verify(trail.provider.database).head
    write(trail, "last")
    later = audit_chain.verify(trail.provider.database).head
    assert mark
    assert later
    trail.run("DELETE FROM audit_events WHERE event_id = 9")
    trail.run(
        "UPDATE audit_head SET event_id = 8, digest = (SELECT digest FROM audit_events WHERE event_id = 8)",
    )
    assert faults(trail) == ("head", 8)
    trail.run("UPDATE audit_head SET seal = :seal, digest = :digest", seal=older["seal"], digest=older["digest"])
    assert faults(trail) is None
    assert faults(trail, expected=mark.mark) is None
    assert faults(trail, expected=later.mark) == ("not expected", 8)
    assert faults(trail, expected=f"8:{'0' * 64}") == ("not expected", 8)


def test_an_erased_accounts_lines_may_be_blank_and_nobody_elses(trail: Lobby) -> None:
    """Network address and details go, the rest stays and the chain holds."""
    write(trail, "seen", account_id="bob")
    with trail.provider.database.transaction() as tx:
        assert audit_chain.blank_personal(tx, "ada") == LINES
        audit.record(tx, audit_chain.ERASED, now=NOW, account_id="ada")
    verdict = audit_chain.verify(trail.provider.database)
    assert (verdict.lines, verdict.blank, verdict.fault) == (LINES + 2, LINES, None)
    kept = trail.rows(
        "SELECT DISTINCT address, details FROM audit_events WHERE account_id = 'ada' AND act <> 'account_erased'"
    )
    assert [tuple(row.values() if isinstance(row, dict) else row) for row in kept] == [("", "{}")]
    trail.run("UPDATE audit_events SET details = '{}', address = '', salt = NULL WHERE account_id = 'bob'")
    assert faults(trail) == ("changed", LINES + 1)


def test_many_writers_make_one_chain(lobby: Lobby) -> None:
    """Threads that write at once wait for each other and never hang, whatever else they lock."""
    accounts = [lobby.add_account(f"a{number}") for number in range(2)]
    touch = Statement("UPDATE accounts SET company = company WHERE account_id = :account_id")
    start = threading.Barrier(8)

    def act(number: int) -> None:
        start.wait()
        for turn in range(5):
            with lobby.provider.database.transaction() as tx:
                audit.record(tx, "touched", now=NOW, details={"number": number, "turn": turn})
                tx.run(touch, account_id=accounts[(number + turn) % 2].account_id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(8)))
    verdict = audit_chain.verify(lobby.provider.database)
    assert (verdict.fault, verdict.lines) == (None, 40)


def test_lines_of_the_time_before_the_chain_are_taken_in_once(trail: Lobby) -> None:
    """An older database is chained at its first start; later no line without a digest is."""
    trail.run("UPDATE audit_events SET salt = NULL, personal_digest = NULL, digest = NULL")
    trail.run("DELETE FROM audit_head")
    audit_chain.open_chain(trail.provider.database, trail.provider.master)
    assert faults(trail) is None
    trail.run("UPDATE audit_events SET digest = NULL WHERE event_id = 8")
    audit_chain.open_chain(trail.provider.database, trail.provider.master)
    assert faults(trail) == ("not chained", 8)


def test_another_key_in_its_row_stops_the_start(lobby: Lobby) -> None:
    """A new key cannot be slipped in."""
    lobby.run(
        "UPDATE notes SET value = (SELECT value FROM notes WHERE name = 'master_key_check') WHERE name = 'audit_key'"
    )
    with pytest.raises(ConfigError, match="audit trail"):
        audit_chain.open_chain(lobby.provider.database, lobby.provider.master)


def test_a_key_that_was_taken_away_does_not_make_the_trail_whole(trail: Lobby) -> None:
    """The next start makes another key, and the old lines do not fit it."""
    trail.run("DELETE FROM notes WHERE name = 'audit_key'")
    audit_chain.open_chain(trail.provider.database, trail.provider.master)
    assert faults(trail) == ("changed", 1)


def test_every_start_has_the_same_key(trail: Lobby) -> None:
    """Another instance verifies what this one wrote."""
    url = trail.provider.settings.database.url
    settings = Settings(
        database=DatabaseSettings(url=url), keys=KeySettings(directory=trail.provider.settings.keys.directory)
    )
    other = create_app(settings, clock=lambda: NOW).extensions["idp"]
    assert audit_chain.verify(other.database).fault is None
    other.database.engine.dispose()
