"""What the processes of a site share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from idp.relying_party.shared_store import KEEP_ENDED, KEEP_INPUT, SQLiteStore

NOW = 1_800_000_000


def two_processes(folder: Path) -> tuple[SQLiteStore, SQLiteStore]:
    """Two stores on one file."""
    return SQLiteStore(folder / "s.sqlite3"), SQLiteStore(folder / "s.sqlite3")


def test_an_ended_session_is_known_to_the_other_process(tmp_path: Path) -> None:
    """A back-channel call that reached one process counts in all."""
    one, other = two_processes(tmp_path)
    assert not other.has_ended("sid", "sub", NOW)
    one.end_session("sid", NOW)
    assert other.has_ended("sid", "sub", NOW)
    assert not other.has_ended("another", "sub", NOW)


def test_ending_a_subject_ends_what_began_before(tmp_path: Path) -> None:
    """A logout token without `sid` ends all sessions of the subject, and none that begins later."""
    one, other = two_processes(tmp_path)
    one.end_subject("sub", NOW)
    assert other.has_ended("any", "sub", NOW - 10)
    assert not other.has_ended("any", "sub", NOW + 1)


def test_ended_sessions_are_forgotten_when_none_can_live(tmp_path: Path) -> None:
    """Nothing is kept longer than a session can last (RX-2)."""
    one, _ = two_processes(tmp_path)
    one.end_session("old", NOW)
    one.end_session("new", NOW + KEEP_ENDED + 1)
    assert not one.has_ended("old", "", NOW)


def test_a_logout_token_counts_once_among_parallel_tries(tmp_path: Path) -> None:
    """Exactly one of 16 parallel tries is the first (RC-1)."""
    stores = two_processes(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        firsts = list(pool.map(lambda i: stores[i % 2].is_first_use("jti", NOW), range(16)))
    assert firsts.count(True) == 1


def test_kept_input_is_handed_out_once_and_not_for_ever(tmp_path: Path) -> None:
    """Form input waits half an hour for its customer."""
    one, other = two_processes(tmp_path)
    one.keep_input("state", "sealed", NOW)
    assert other.take_input("state", NOW + 1) == "sealed"
    assert one.take_input("state", NOW + 1) is None
    one.keep_input("late", "sealed", NOW)
    assert one.take_input("late", NOW + KEEP_INPUT + 1) is None
