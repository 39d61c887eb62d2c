"""The thread that hashes passwords: patience, faults, and hashes of older parameters."""

from __future__ import annotations

import threading

import pytest

from idp.accounts import hashing_worker
from idp.accounts.hashing_worker import PasswordHasher
from idp.config import PasswordSettings
from idp.errors import Busy

PASSWORD = "seven quiet lighthouses"


@pytest.fixture
def hasher() -> PasswordHasher:
    """A cheap one."""
    return PasswordHasher(PasswordSettings(memory_kib=8, time_cost=1))


@pytest.mark.parametrize("encoded", ["", "not a hash", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$broken"])
def test_a_hash_that_is_not_ours_is_made_anew(hasher: PasswordHasher, encoded: str) -> None:
    """At its owner's next sign-in (PW-5)."""
    assert hasher.needs_rehash(encoded)
    assert not hasher.needs_rehash(hasher.hash(PASSWORD))


def test_whoever_waits_too_long_is_told_to_come_again(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits without an end, and what nobody waits for is not computed (PW-6, RL-5)."""
    begun, release, done = threading.Event(), threading.Event(), []

    def slow() -> None:
        begun.set()
        release.wait(30)

    first = threading.Thread(target=hasher._do, args=(slow,))
    first.start()
    assert begun.wait(30)
    monkeypatch.setattr(hashing_worker, "PATIENCE", 0.0)
    with pytest.raises(Busy):
        hasher._do(lambda: done.append("computed for nobody"))
    release.set()
    first.join(30)
    monkeypatch.setattr(hashing_worker, "PATIENCE", 30.0)
    assert hasher.verify(PASSWORD, hasher.hash(PASSWORD))
    assert done == []


def test_a_fault_reaches_who_asked_and_the_thread_goes_on(hasher: PasswordHasher) -> None:
    """One password that cannot be hashed does not stop every sign-in after it."""

    def fail() -> None:
        raise MemoryError("no memory for argon2")

    with pytest.raises(MemoryError, match="argon2"):
        hasher._do(fail)
    assert hasher.verify(PASSWORD, hasher.hash(PASSWORD))


def test_elsewhere_than_on_linux_the_process_keeps_its_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """There niceness is the whole process's, which answers introspection too (PW-6)."""
    lowered: list[int] = []
    monkeypatch.setattr(hashing_worker.os, "setpriority", lambda *told: lowered.append(told[2]))
    for system in ("Darwin", "Linux"):
        monkeypatch.setattr(hashing_worker.os, "uname", lambda name=system: type("Uname", (), {"sysname": name}))
        hashing_worker._lower_priority()
    assert lowered == [hashing_worker.NICENESS]
