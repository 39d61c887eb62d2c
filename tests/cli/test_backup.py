"""`idp backup` and `idp restore`: everything is there again, and nothing that was used since works twice (RL-8)."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.store import audit_chain, links, temporary_passwords
from tests.support.databases import FreshDatabase
from tests.support.tokens import House, MovableClock, make_app

DAY = 86400


@dataclass
class Place:
    """Where a provider's database is, and the command line that works on it."""

    url: str
    keys: Path
    config: Path

    def run(self, *arguments: str) -> Result:
        """Run `idp`."""
        return CliRunner().invoke(main, ["--config", str(self.config), *arguments])


def place(folder: Path, name: str, url: str, keys: Path) -> Place:
    """A configuration of its own for a database."""
    config = folder / f"{name}.toml"
    config.write_text(f'[database]\nurl = "{url}"\n[keys]\ndirectory = "{keys}"\n')
    return Place(url, keys, config)


@pytest.fixture
def before(tmp_path: Path, house_url: str, house_keys: Path) -> Place:
    """The place of the database that is lost later."""
    return place(tmp_path, "before", house_url, house_keys)


@pytest.fixture
def after(tmp_path: Path, fresh_database: FreshDatabase, house_keys: Path) -> Place:
    """The empty place where a copy is put back."""
    return place(tmp_path, "after", fresh_database(), house_keys)


def moved(house: House, to: Place) -> House:
    """The same people at a provider on another database."""
    app = make_app(to.url, to.keys, MovableClock(house.clock.now))
    return House(app, app.extensions["idp"], app.extensions["idp"].clock, house.anna, house.session)


def test_what_was_used_since_the_copy_opens_nothing(tmp_path: Path, house: House, before: Place, after: Place) -> None:
    """A code, a rotated refresh token, a reset link, a temporary password and a session of the time before (RL-8)."""
    code, tokens = house.code(), house.tokens()
    anna = house.anna.account_id
    with house.provider.database.transaction() as tx:
        link = links.issue_link(
            tx,
            purpose="reset",
            email="anna@example.com",
            lifetime=DAY,
            now=house.clock.now,
            master=house.provider.master,
            account_id=anna,
        )
        temporary_passwords.save_temporary_password(tx, anna, "hash", staff_id=anna, lifetime=DAY, now=house.clock.now)
    copy = tmp_path / "copy"
    made = before.run("backup", str(copy))
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    mark = made.output.split("mark: ")[1].strip()
    assert house.redeem(code).status_code == 200
    assert house.refresh(tokens["refresh_token"]).status_code == 200

    done = after.run("restore", str(copy))
    assert done.exit_code == 0, done.output
    assert "The audit trail is whole." in done.output
    assert "links ended: 1" in done.output
    assert "temporary passwords ended: 1" in done.output
    again = moved(house, after)
    assert again.redeem(code).status_code == 400
    assert again.refresh(tokens["refresh_token"]).status_code == 400
    assert again.introspect(tokens["access_token"]) == {"active": False}
    assert again.userinfo(tokens["access_token"]).status_code == 401
    assert again.count("sessions", "ended_at IS NULL") == 0
    with again.provider.database.transaction() as tx:
        found = links.find_link(tx, "reset", link.token)
        assert found is not None
        assert not links.use_link(tx, found, house.clock.now)
        assert not temporary_passwords.use_temporary_password(tx, anna, "hash", house.clock.now)
    assert again.count("audit_events", "act = 'backup_restored' AND actor_kind = 'operator'") == 1
    verdict = audit_chain.verify(again.provider.database, expected=mark)
    assert verdict.fault is None


def test_accounts_keys_and_sites_are_as_they_were(tmp_path: Path, house: House, before: Place, after: Place) -> None:
    """The same signing keys are published, and Anna gets tokens again once she signed in (RL-8)."""
    keys = house.app.test_client().get("/oauth/jwks").get_json()
    copy = tmp_path / "copy"
    assert before.run("backup", str(copy)).exit_code == 0
    assert after.run("restore", str(copy)).exit_code == 0
    again = moved(house, after)
    assert again.app.test_client().get("/oauth/jwks").get_json() == keys
    assert again.count("accounts") == house.count("accounts")
    assert again.count("clients") == house.count("clients")


def test_nothing_is_written_over(tmp_path: Path, house: House, before: Place) -> None:
    """Neither a file that is there, nor a database with something in it."""
    copy = tmp_path / "copy"
    assert before.run("backup", str(copy)).exit_code == 0
    held = copy.read_bytes()
    refused = before.run("backup", str(copy))
    assert (refused.exit_code, "is there already" in refused.output) == (1, True)
    assert copy.read_bytes() == held
    refused = before.run("restore", str(copy))
    assert (refused.exit_code, "Nothing was changed" in refused.output) == (1, True)
    assert house.count("sessions", "ended_at IS NULL") == 1


def test_what_is_no_copy_is_refused_and_leaves_nothing(tmp_path: Path, after: Place) -> None:
    """Some other file, and an SQLite database of somebody else."""
    junk, other = tmp_path / "junk", tmp_path / "other"
    junk.write_bytes(b"something else " * 100)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE things (name TEXT)")
    for file in (junk, other):
        refused = after.run("restore", str(file))
        assert (refused.exit_code, "Nothing was changed" in refused.output) == (1, True), refused.output
    assert not list(tmp_path.rglob("*.restoring"))


def test_a_database_that_came_back_by_other_tools_is_finished(house: House, before: Place) -> None:
    """`--already-back` does the rest alone, and says what has to be looked after (RL-8)."""
    token = house.tokens()["refresh_token"]
    done = before.run("restore", "--already-back")
    assert done.exit_code == 0, done.output
    assert "idp keys list" in done.output
    assert house.refresh(token).status_code == 400
    assert before.run("restore").exit_code == 2
