"""Versions and what watches them; signing keys and clients as rows, on both databases."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Settings
from idp.errors import ConfigError
from idp.provider import Provider
from idp.store import clients, notes, signing_keys
from idp.store.database import Statement, Transaction
from tests.support.databases import FreshDatabase
from tests.support.tokens import NOW, House, add_client, make_app


def provider_of(url: str, keys: Path) -> Provider:
    """Another instance."""
    made: Provider = create_app(
        Settings(database=DatabaseSettings(url=url), keys=KeySettings(directory=keys))
    ).extensions["idp"]
    return made


def test_a_change_shows_at_once_here_and_within_a_second_elsewhere(
    house: House, house_url: str, house_keys: Path
) -> None:
    """Clients are cached as frozen values; every instance hears of changes (IN-4, GO-10)."""
    other: Provider = make_app(house_url, house_keys, house.clock).extensions["idp"]
    assert other.clients.find("late") is None
    add_client(house.provider, "late", client_name="Late")
    found = house.provider.clients.find("late")
    assert found is not None
    assert found.name == "Late"
    deadline = time.monotonic() + 1
    while other.clients.find("late") is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert other.clients.find("late") == found


def test_unchanged_values_are_not_read_again(house: House) -> None:
    """The rows are read once for each version."""
    loads = []

    def load(_tx: Transaction) -> int:
        loads.append(1)
        return len(loads)

    watched = notes.Watched(house.provider.database, "test_version", load)
    assert (watched.get(), watched.get()) == (1, 1)
    time.sleep(notes.LOOK_AGAIN_SECONDS + 0.05)
    assert watched.get() == 1
    with house.provider.database.transaction() as tx:
        notes.change_version(tx, "test_version")
        assert watched.get() == 1
    assert watched.get() == 2


def test_a_change_that_is_taken_back_changes_nothing(house: House) -> None:
    """Only a commit tells the caches."""
    before = house.provider.clients.find("site")

    def fail() -> None:
        with house.provider.database.transaction() as tx:
            clients.set_client_disabled(tx, "site", True, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert house.provider.clients.find("site") == before


def test_nobody_waits_for_a_second_connection(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a transaction open and the pool used up, what is known must do: waiting would end in a fault (GO-1)."""
    database = house.provider.database
    assert house.provider.clients.find("site") is not None
    with ExitStack() as held, database.transaction() as tx:
        while not database.is_crowded:
            held.enter_context(database.reading_aside())
        time.sleep(notes.LOOK_AGAIN_SECONDS + 0.05)
        notes.save_note(tx, "unrelated", "x")
        with monkeypatch.context() as exhausted:
            exhausted.setattr(database, "reading_aside", None)
            assert house.provider.clients.find("site") is not None
    assert not database.is_crowded


def test_many_threads_look_together(house: House) -> None:
    """No thread waits for another's look, none sees nothing."""
    barrier = threading.Barrier(16)

    def look(_: int) -> bool:
        barrier.wait()
        return all(house.provider.clients.find("site") is not None for _ in range(50))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(look, range(16)))


def test_instances_that_start_together_make_one_set_of_keys(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    """Of many that find none, one makes them (RC-1)."""
    provider = provider_of(fresh_database(), tmp_path / "keys")
    with provider.database.transaction() as tx:
        tx.run(Statement("DELETE FROM signing_keys"))
    barrier = threading.Barrier(4)

    def make(_: int) -> None:
        barrier.wait()
        signing_keys.make_missing_keys(provider.database, provider.master, ("ES256", "RS256"), NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    with provider.database.reading() as tx:
        assert sorted(key.alg for key in signing_keys.list_signing_keys(tx)) == ["ES256", "RS256"]


def test_a_second_start_keeps_the_keys(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    """All instances publish the same."""
    url = fresh_database()
    first, second = provider_of(url, tmp_path / "keys"), provider_of(url, tmp_path / "keys")
    assert first.keyring.jwks() == second.keyring.jwks()
    assert second.keyring.verify_own_jwt(first.keyring.sign_jwt({"sub": "x"})) == {"sub": "x"}


def test_a_master_key_that_does_not_fit_stops_the_start(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    """Before anything is sealed with it (CR-3)."""
    url = fresh_database()
    provider_of(url, tmp_path / "keys")
    other = tmp_path / "other"
    provider_of(f"sqlite:///{tmp_path}/elsewhere.sqlite3", other)
    with pytest.raises(ConfigError, match="does not fit"):
        provider_of(url, other)


def test_private_keys_are_not_in_the_database_in_clear(house: House) -> None:
    """The rows hold sealed bytes (JW-8)."""
    with house.provider.database.reading() as tx:
        keys = signing_keys.list_signing_keys(tx)
    assert len(keys) == 4
    for key in keys:
        assert house.provider.master.open(key.sealed_private, f"signing_keys:{key.kid}")[:1] == b"\x30"
        assert key.sealed_private[:1] == b"\x01"


def test_defaults_of_absent_metadata(house: House) -> None:
    """RFC 7591 §2."""
    with house.provider.database.transaction() as tx:
        clients.save_client(tx, "bare", {}, now=NOW)
    bare = house.provider.clients.find("bare")
    assert bare is not None
    assert bare.grant_types == {"authorization_code"}
    assert bare.response_types == {"code"}
    assert (bare.token_endpoint_auth_method, bare.id_token_algorithm) == ("client_secret_basic", "RS256")
    assert (bare.audience, bare.require_approval, bare.name) == (("bare",), True, "bare")
