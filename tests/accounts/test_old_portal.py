"""Customers of the old portal on both databases: the old password works once more, and becomes argon2id by that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from idp.accounts.guessing import Caller
from idp.accounts.sign_in import SignInRequest, sign_in
from idp.errors import Refusal
from idp.store import accounts
from tests.accounts.test_old_passwords import VECTORS
from tests.support.people import Town, make_town

FAMILIES = ("bcrypt", "pbkdf2", "scrypt", "django", "phpass", "md5_crypt", "sha_crypt", "ldap")


@pytest.fixture
def town(tmp_path: Path, database_url: str) -> Town:
    """An empty provider, on SQLite and on PostgreSQL."""
    return make_town(tmp_path, url=database_url)


def add_old(town: Town, family: str) -> tuple[str, str]:
    """An account with a hash of this family; out: its id and its password, which is shorter than a new one may be."""
    vector = next(v for v in VECTORS if v["format"] == family)
    account = town.add(family.replace("_", ""), password=None)
    with town.provider.database.transaction() as tx:
        accounts.set_password(tx, account.account_id, vector["hash"], town.clock())
    return account.account_id, vector["password"]


def wish(name: str, password: str) -> SignInRequest:
    """What the form says."""
    return SignInRequest(identifier=name, password=password, keep=False, caller=Caller("192.0.2.9"))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_sign_in_turns_an_old_hash_into_argon2id(family: str, town: Town) -> None:
    """With a password that the rules of today would refuse (PW-1)."""
    account_id, password = add_old(town, family)
    name = f"{family.replace('_', '')}@lab.example"
    with pytest.raises(Refusal):
        sign_in(town.provider, wish(name, "wrong horse"))
    sign_in(town.provider, wish(name, password))
    with town.provider.database.reading() as tx:
        stored = accounts.get_account(tx, account_id).password_hash
    assert stored is not None
    assert stored.startswith("$argon2id$")
    sign_in(town.provider, wish(name, password))


def test_two_first_sign_ins_at_once_store_one_hash_that_works(town: Town) -> None:
    """A double click: the update is conditional, and who comes second is let in by the newer hash."""
    _, password = add_old(town, "ldap")

    def attempt(_: int) -> bool:
        try:
            sign_in(town.provider, wish("ldap@lab.example", password))
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(attempt, range(4))) == [True] * 4
    sign_in(town.provider, wish("ldap@lab.example", password))
