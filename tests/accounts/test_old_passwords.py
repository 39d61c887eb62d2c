"""Hashes of the old portal: what their own makers made is understood, and nothing is computed that would cost too much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idp.accounts.hashing_worker import PasswordHasher
from idp.accounts.old_passwords import read_old_hash
from idp.config import PasswordSettings
from tests.accounts.test_passwords import record_computations

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors" / "old_passwords.json").read_text(encoding="utf-8")
)
BCRYPT = next(v["hash"] for v in VECTORS if v["format"] == "bcrypt")


@pytest.fixture(scope="module")
def hasher() -> PasswordHasher:
    """A cheap one."""
    return PasswordHasher(PasswordSettings(memory_kib=8, time_cost=1))


@pytest.mark.parametrize("number", range(len(VECTORS)))
def test_what_its_maker_hashed_is_right_and_nothing_else_is(number: int, hasher: PasswordHasher) -> None:
    """Vectors of the packages and programs that made them (`vectors/make_old_passwords.py`)."""
    vector = VECTORS[number]
    read = read_old_hash(vector["hash"])
    assert read.format == vector["format"]
    assert hasher.verify(vector["password"], vector["hash"])
    assert hasher.needs_rehash(vector["hash"])
    wrong = "X" + vector["password"][1:]
    for near_miss in (wrong, vector["password"] + "\x00", ""):
        assert not hasher.verify(near_miss, vector["hash"])


def test_there_are_vectors_of_every_family() -> None:
    """Seven families; md5crypt and SHA-crypt are one of them."""
    formats = {vector["format"] for vector in VECTORS}
    assert formats == {"bcrypt", "pbkdf2", "scrypt", "django", "phpass", "md5_crypt", "sha_crypt", "ldap"}
    starts = {vector["hash"].split("$")[0] or vector["hash"][:4] for vector in VECTORS if vector["format"] == "django"}
    assert starts == {"pbkdf2_sha256", "pbkdf2_sha1", "bcrypt_sha256", "bcrypt", "scrypt", "argon2"}


@pytest.mark.parametrize("number", range(len(VECTORS)))
def test_a_hash_that_lost_a_letter_is_no_hash_or_matches_nothing(number: int, hasher: PasswordHasher) -> None:
    """Strict parsing: cut at the end, or with something behind it."""
    vector = VECTORS[number]
    for broken in (vector["hash"][:-3], vector["hash"] + "\n", vector["hash"] + "$", " " + vector["hash"]):
        assert not hasher.verify(vector["password"], broken)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no known format"),
        ("secret", "no known format"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "no known format"),
        ("$2x$05$" + "a" * 53, "no known format"),
        ("$2b$03$" + "a" * 53, "not a whole"),
        ("$2b$31$" + "a" * 53, "too dear"),
        ("$2b$15$" + "a" * 53, "too dear"),
        ("$pbkdf2-sha256$30000001$c2FsdHNhbHQ$" + "a" * 43, "too dear"),
        ("$pbkdf2-sha256$0$c2FsdHNhbHQ$" + "a" * 43, "not a whole"),
        ("$pbkdf2-sha256$9999999999$c2FsdHNhbHQ$" + "a" * 43, "no known format"),
        ("pbkdf2:sha256:4000000$salt$" + "ab" * 32, "too dear"),
        ("pbkdf2:md5:1000$salt$" + "ab" * 16, "no known format"),
        ("$scrypt$ln=18,r=8,p=1$c2FsdHNhbHQ$" + "a" * 43, "too dear"),
        ("$scrypt$ln=999,r=8,p=1$c2FsdHNhbHQ$" + "a" * 43, "too dear"),
        ("$scrypt$ln=14,r=8,p=500$c2FsdHNhbHQ$" + "a" * 43, "too dear"),
        ("scrypt:1000:8:1$salt$" + "ab" * 64, "not a whole"),
        ("argon2$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$" + "a" * 43, "too dear"),
        ("argon2$argon2id$v=19$m=1024,t=500,p=1$c2FsdHNhbHQ$" + "a" * 43, "too dear"),
        ("$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$" + "a" * 43, "too dear"),
        ("$P$S" + "a" * 30, "too dear"),
        ("$P$1" + "a" * 30, "not a whole"),
        ("$6$rounds=9000000$salt$" + "a" * 86, "too dear"),
        ("$5$rounds=0999$salt$" + "a" * 43, "no known format"),
        ("{SSHA}" + "a" * 28, "not a whole"),
        ("{SHA}" + "a" * 28, "no known format"),
    ],
)
def test_what_is_unknown_broken_or_too_dear_is_refused_with_the_reason(
    text: str, why: str, hasher: PasswordHasher
) -> None:
    """Nothing of it is ever computed."""
    with pytest.raises(ValueError, match=why):
        read_old_hash(text)
    assert not hasher.verify("secret", text)


@pytest.mark.parametrize(
    ("text", "is_weak"),
    [
        (BCRYPT, True),
        (BCRYPT.replace("$05$", "$12$"), False),
        ("$pbkdf2-sha256$29000$c2FsdHNhbHQ$" + "a" * 43, True),
        ("$pbkdf2-sha256$600000$c2FsdHNhbHQ$" + "a" * 43, False),
        ("$scrypt$ln=14,r=8,p=1$c2FsdHNhbHQ$" + "a" * 43, False),
        ("$6$rounds=656000$salt$" + "a" * 86, False),
        ("$6$salt$" + "a" * 86, True),
        ("$1$salt$" + "a" * 22, True),
        ("$P$B" + "a" * 30, True),
    ],
)
def test_weak_is_what_a_stolen_file_would_soon_give_away(text: str, is_weak: bool) -> None:
    """`[old_portal] weak_hashes_end` ends those."""
    assert read_old_hash(text).is_weak is is_weak


def test_an_old_hash_costs_argon2id_as_well(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a refused sign-in tells such an account by no more than the old hash's own cost (EN-2)."""
    computed = record_computations(monkeypatch)
    assert not hasher.verify("wrong", BCRYPT)
    assert len(computed) == 1
