"""What a password may be, and that all of it counts (PW-1 to PW-5)."""

from __future__ import annotations

import threading
import time
import unicodedata

import argon2
import pytest
from argon2 import Parameters

from idp.accounts.hashing_worker import PasswordHasher
from idp.accounts.passwords import DEMO_PASSWORD, check_new_password
from idp.config import PasswordSettings
from idp.errors import Busy, Refusal

PERSONAL = ("anna.lindqvist@hydrolab.example", "anna.l", "Anna", "Lindqvist", "Hydrolab Instruments", "AB123Z")


@pytest.mark.parametrize(
    "password",
    [
        "seven quiet lighthouses",
        "ααββγγδδεεζζηηθθ",
        "x" * 5 + "paper lanterns drift",
        "🦊🦊 walks at dawn 🌅",
        "a" * 50 + "bcdefghjkmnp" * 15,
        "sunshine over old football fields",
        "dragon monkey cabbage lighthouse",
        "the lighthouse number 5",
        "Mein Passwort für Anna ist geheimnisvoll",
        "#!%&/()=?*+~^°§$<>|",
    ],
)
def test_long_uncommon_passwords_are_accepted_whatever_they_are_made_of(password: str) -> None:
    """No rule of composition (PW-2), blanks and any script count (PW-3)."""
    check_new_password(password, minimum=15, personal=PERSONAL)


@pytest.mark.parametrize(
    ("password", "key"),
    [
        ("", "password.too_short"),
        ("fourteen chars", "password.too_short"),
        ("e\u0301" * 14, "password.too_short"),
        ("ü" * 257, "password.too_long"),
        ("x" * 5000, "password.too_long"),
        ("😀" * 257, "password.too_long"),
        ("seven quiet\nlighthouses", "password.control_characters"),
        ("seven quiet \ud800 lighthouses", "password.control_characters"),
        ("passwordpassword", "password.common"),
        ("Password12345678!", "password.common"),
        ("qwertyuiopasdfgh", "password.common"),
        ("aaaaaaaaaaaaaaaa", "password.common"),
        ("Try the demo today", "password.common"),
        ("xyzxyzxyzxyzxyzxyz", "password.common"),
        ("12345678901234567890", "password.common"),
        ("sunshine football", "password.common"),
        ("Iloveyou babygirl 07", "password.common"),
        ("dragon.monkey.2024", "password.common"),
        ("starwars-liverpool", "password.common"),
        ("correct-horse-battery-staple".replace("-", "") + "1", None),
        ("AnnaLindqvist2024", "password.personal"),
        ("Hydrolab-Instruments", "password.personal"),
        ("ab123z.AB123Z.ab123z", "password.personal"),
        ("anna.lindqvist@hydrolab.example", "password.personal"),
    ],
)
def test_short_common_and_personal_passwords_are_refused_with_the_reason(password: str, key: str | None) -> None:
    """The reason is told (PW-1, PW-4)."""
    key = key or "password.common"
    with pytest.raises(Refusal) as refusal:
        check_new_password(password, minimum=15, personal=PERSONAL)
    assert refusal.value.key == key


@pytest.fixture
def hasher() -> PasswordHasher:
    """A cheap one."""
    return PasswordHasher(PasswordSettings(memory_kib=8, time_cost=1, queue=4))


@pytest.mark.parametrize(
    "near_miss",
    [
        "seven quiet lighthouses ",
        " seven quiet lighthouses",
        "Seven quiet lighthouses",
        "seven quiet lighthouse",
        "seven quiet lighthousess",
        "",
        "seven quiet lighthouses\x00",
    ],
)
def test_the_whole_password_counts(hasher: PasswordHasher, near_miss: str) -> None:
    """Nothing is trimmed, cut or re-cased (PW-3)."""
    encoded = hasher.hash("seven quiet lighthouses")
    assert hasher.verify("seven quiet lighthouses", encoded)
    assert not hasher.verify(near_miss, encoded)


def test_the_end_of_a_long_password_counts(hasher: PasswordHasher) -> None:
    """All 256 characters are compared, and a longer text never matches (PW-1, PW-3)."""
    longest = "0123456789abcdef" * 16
    encoded = hasher.hash(longest)
    assert hasher.verify(longest, encoded)
    assert not hasher.verify(longest[:-1] + "g", encoded)
    assert not hasher.verify(longest + "0", encoded)


def test_the_same_letters_match_however_they_are_composed(hasher: PasswordHasher) -> None:
    """Normalised the same way at set and at check (PW-3)."""
    composed = unicodedata.normalize("NFC", "müde Möwen über Münster")
    assert hasher.verify(unicodedata.normalize("NFD", composed), hasher.hash(composed))


def test_hashes_are_argon2id_with_their_parameters_and_are_renewed_when_these_rise() -> None:
    """At least 19 MiB, t=2, p=1 by default (PW-5)."""
    today = PasswordHasher(PasswordSettings())
    encoded = today.hash("seven quiet lighthouses")
    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not today.needs_rehash(encoded)
    assert PasswordHasher(PasswordSettings(time_cost=3)).needs_rehash(encoded)


@pytest.mark.parametrize("encoded", [None, "", "not a hash", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$broken"])
def test_no_or_unreadable_hash_lets_nobody_in(hasher: PasswordHasher, encoded: str | None) -> None:
    """Neither an empty password nor any other fits."""
    assert not hasher.verify("", encoded)
    assert not hasher.verify("seven quiet lighthouses", encoded)


def test_an_unknown_account_costs_what_a_known_one_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """One real computation for both, with the same parameters (EN-2)."""
    hasher = PasswordHasher(PasswordSettings(memory_kib=4096, time_cost=2))
    encoded = hasher.hash("seven quiet lighthouses")
    done = record_computations(monkeypatch)
    for known in (encoded, None):
        assert not hasher.verify("wrong", known)
    assert len(done) == 2
    assert done[0] == done[1]


def record_computations(monkeypatch: pytest.MonkeyPatch) -> list[Parameters]:
    """The parameters of each argon2 computation from now on."""
    done: list[Parameters] = []
    verify = argon2.PasswordHasher.verify

    def recorded(self: argon2.PasswordHasher, encoded: str, password: bytes) -> bool:
        done.append(argon2.extract_parameters(encoded))
        return bool(verify(self, encoded, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", recorded)
    return done


def test_a_full_queue_says_busy_and_hashes_one_at_a_time(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is bounded, and only one computation runs at a time (PW-6)."""
    release, running, most = threading.Event(), 0, 0

    def slow(*_: object) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        release.wait(10)
        running -= 1
        return "hash"

    monkeypatch.setattr(hasher, "_argon2", type("Slow", (), {"hash": staticmethod(slow)}))
    answers: list[str] = []

    def ask() -> None:
        try:
            answers.append(hasher.hash("seven quiet lighthouses"))
        except Busy:
            answers.append("busy")

    threads = [threading.Thread(target=ask) for _ in range(9)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    release.set()
    for thread in threads:
        thread.join()
    assert (answers.count("busy"), answers.count("hash"), most) == (4, 5, 1)


@pytest.mark.parametrize("is_loopback", [True, False])
def test_the_demos_password_opens_nothing_but_a_provider_on_loopback(is_loopback: bool) -> None:
    """Everybody knows it: a database that went from the demo to a public address lets nobody in with it (DESIGN)."""
    here = PasswordHasher(PasswordSettings(memory_kib=8, time_cost=1), is_loopback=is_loopback)
    assert here.verify(DEMO_PASSWORD, here.hash(DEMO_PASSWORD)) is is_loopback
    assert here.verify("seven quiet lighthouses", here.hash("seven quiet lighthouses"))
