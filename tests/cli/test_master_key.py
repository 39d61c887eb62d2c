"""`idp keys rotate-master`: everything opens before, meanwhile and after, here and on an instance that runs on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import LargeBinary

from idp import create_app
from idp.accounts import master_key
from idp.config import DatabaseSettings, KeySettings, Settings
from idp.errors import ConfigError
from idp.keys import master_file
from idp.keys.master import MasterKey
from idp.keys.subject import subject_of
from idp.provider import Provider
from idp.store import audit_chain, clients, kept_inputs, mailbox, notes, outbox, sealed_rows, signing_keys
from idp.store.database import Statement
from idp.store.models.base import db
from tests.cli.test_apply import Terminal

PACKAGE = Path(master_file.__file__).parents[1]


class Vault(Terminal):
    """A terminal beside a running instance that has one of everything that is sealed."""

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder, database_url)
        provider, now = self.provider, self.post.now
        with provider.database.transaction() as tx:
            outbox.enqueue(tx, provider.master, kind="mail", name="m", payload={"to": "ada"}, now=now)
            clients.save_client(tx, "signer", {"token_endpoint_auth_method": "client_secret_jwt"}, now=now)
            clients.set_client_secret(tx, "signer", "s" * 43, seal_with=provider.master, now=now)
            mailbox.keep_message(tx, message_id="m1", sealed=provider.master.seal(b"mail", "mailbox:m1"), now=now)
            self.handle = kept_inputs.keep_input(
                tx, provider.master, browser_id="b", account_id="a", path="/x", pairs=[("n", "v")], lifetime=60, now=now
            )

    @property
    def provider(self) -> Provider:
        """The instance that runs on."""
        return self.post.provider

    @property
    def keys(self) -> list[str]:
        """The lines of the file."""
        return (self.folder / "keys" / "master.key").read_text().splitlines()

    def rotate(self, *options: str) -> Result:
        """Run the command."""
        return self.run("keys", "rotate-master", *options)

    def start_another(self) -> Provider:
        """An instance that starts now, with the file as it is."""
        settings = Settings(
            database=DatabaseSettings(url=self.post.provider.settings.database.url),
            keys=KeySettings(directory=self.folder / "keys"),
        )
        provider: Provider = create_app(settings, clock=lambda: self.post.now).extensions["idp"]
        return provider

    def check_all_opens(self, provider: Provider) -> None:
        """With this instance's keys."""
        with provider.database.transaction() as tx:
            item = outbox.claim(tx, mail=True, worker="w", lease=0, limit=1, now=self.post.now)[0]
            assert item.open(provider.master) == {"to": "ada"}
            message = mailbox.find_message(tx, "m1")
            assert message is not None
            assert provider.master.open(bytes(message["sealed"]), "mailbox:m1") == b"mail"
            found = kept_inputs.find_input(
                tx, provider.master, handle=self.handle, browser_id="b", account_id="a", path="/x", now=self.post.now
            )
            assert found == [("n", "v")]
            for key in signing_keys.list_signing_keys(tx):
                assert provider.master.open(key.sealed_private, f"signing_keys:{key.kid}")
        signer = provider.clients.find("signer")
        assert signer is not None
        assert clients.open_secrets(signer, provider.master, self.post.now) == [b"s" * 43]
        assert audit_chain.verify(provider.database).fault is None

    def sealed_values(self) -> dict[str, list[bytes]]:
        """What lies in the database, by column."""
        found: dict[str, list[bytes]] = {}
        with self.provider.database.reading() as tx:
            for one in sealed_rows.COLUMNS:
                rows = tx.all(Statement(f"SELECT {one.column} AS content FROM {one.table}"))  # noqa: S608
                found[one.table] = [bytes(row["content"]) for row in rows if row["content"] is not None]
        return found


@pytest.fixture
def vault(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """On each database; processes notice the file at once."""
    monkeypatch.setattr(master_file, "LOOK_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(master_key, "NOTICED_SECONDS", 0.0)
    monkeypatch.setattr(notes, "LOOK_AGAIN_SECONDS", 0.0)
    return Vault(tmp_path, database_url)


def test_everything_is_sealed_anew_and_the_old_key_opens_nothing(vault: Vault) -> None:
    """All in one: an instance that runs on notices, one that starts works, the trail has a line (CR-3, CR-2)."""
    (old,) = vault.keys
    before = vault.sealed_values()
    assert all(before.values()), "the vault has one of everything"
    subject = subject_of("ada", "site.example", vault.provider.master)
    result = vault.rotate()
    assert result.exit_code == 0, result.output
    (new,) = vault.keys
    assert new != old
    assert old not in result.output
    assert new not in result.output
    after = vault.sealed_values()
    for table, values in after.items():
        assert not set(values) & set(before[table]), table
    another = vault.start_another()
    for provider in (vault.provider, another):
        vault.check_all_opens(provider)
        assert subject_of("ada", "site.example", provider.master) == subject
    with pytest.raises(ValueError, match="does not open"):
        MasterKey(bytes.fromhex(old)).open(after["mailbox"][0], "mailbox:m1")
    with vault.provider.database.reading() as tx:
        row = tx.one(Statement("SELECT actor_kind, details FROM audit_events WHERE act = 'master_key_changed'"))
    assert row is not None
    assert row["actor_kind"] == "operator"
    another.database.engine.dispose()


def test_after_each_step_old_and_new_instances_open_everything(vault: Vault) -> None:
    """Step by step, each at its time only; what either seals, the other opens; the old key does not seal any more (CR-3)."""
    started = []
    for step, refused in (("add", "finish"), ("switch", "add"), ("finish", "switch")):
        wrong = vault.rotate("--step", refused)
        assert wrong.exit_code == 1
        assert f"--step {step}" in wrong.output
        assert vault.rotate("--step", step).exit_code == 0
        another = vault.start_another()
        started.append(another)
        for one in (vault.provider, *started):
            vault.check_all_opens(one)
            for other in (vault.provider, *started):
                assert other.master.open(one.master.seal(b"x", "t:1"), "t:1") == b"x"
    assert len(vault.keys) == 1
    for one in started:
        one.database.engine.dispose()


def test_it_goes_on_where_it_was_interrupted(vault: Vault) -> None:
    """After adding, after switching, and half-way through sealing anew (RL-1)."""
    vault.rotate("--step", "add")
    vault.rotate("--step", "switch")
    first, second = vault.keys
    half = MasterKey(bytes.fromhex(first), bytes.fromhex(second.removeprefix("old ")))
    with vault.provider.database.transaction() as tx:
        message = mailbox.find_message(tx, "m1")
        assert message is not None
        newer = half.seal(half.open(bytes(message["sealed"]), "mailbox:m1"), "mailbox:m1")
        mailbox.keep_message(tx, message_id="m1", sealed=newer, now=vault.post.now)
    assert vault.rotate().exit_code == 0
    assert len(vault.keys) == 1
    vault.check_all_opens(vault.provider)


def test_a_value_that_was_moved_is_told_and_stays(vault: Vault) -> None:
    """The row's identity is part of the seal: another row's value does not open, before or after (CR-2)."""
    with vault.provider.database.transaction() as tx:
        mailbox.keep_message(tx, message_id="m2", sealed=vault.provider.master.seal(b"x", "mailbox:m3"), now=1)
    result = vault.rotate()
    assert result.exit_code == 0
    assert "1 values were opened by no key" in result.output
    vault.check_all_opens(vault.provider)


def test_a_key_in_the_environment_is_the_operators_to_change(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told with the steps; what is sealed is sealed anew all the same, and the old one may then be left out."""
    (old,) = vault.keys
    new = os.urandom(32).hex()
    monkeypatch.setenv("IDP_MASTER_KEY", old)
    refused = vault.rotate()
    assert refused.exit_code == 1
    assert "OLD NEW" in refused.output
    monkeypatch.setenv("IDP_MASTER_KEY", f"{new} {old}")
    assert vault.rotate("--step", "finish").exit_code == 0
    assert vault.keys == [old]
    monkeypatch.setenv("IDP_MASTER_KEY", new)
    another = vault.start_another()
    vault.check_all_opens(another)
    another.database.engine.dispose()
    monkeypatch.setenv("IDP_MASTER_KEY", old)
    with pytest.raises(ConfigError, match="does not fit"):
        vault.start_another()


@pytest.mark.parametrize("text", ["", "00" * 32, "ab" * 32, "12" * 31, "zz" * 32, " ".join(["12" * 32] * 3)])
def test_a_key_that_is_none_stops_the_start(tmp_path: Path, text: str) -> None:
    """Missing, short, an example, too many; the words show nothing of it (CR-4)."""
    file = tmp_path / "master.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigError) as refusal:
        master_file.read_key_file(file)
    assert not text or text[:8] not in str(refusal.value)


def test_the_file_is_always_its_owners(tmp_path: Path) -> None:
    """Also where it is replaced, and whatever lay beside it (CR-3)."""
    file = tmp_path / "keys" / "master.key"
    master_file.create_key_file(file)
    (tmp_path / "keys" / "master.key.new").write_text("left over")
    master_file.replace_key_file(file, master_file.new_key(), label=master_file.NEXT, other=master_file.new_key())
    assert [path.name for path in file.parent.iterdir()] == ["master.key"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(master_file.read_key_file(file)) == 2
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        master_file.read_key_file(file)


def test_the_list_of_what_is_sealed_is_whole() -> None:
    """Columns of the models whose name says so, and every module that seals: a new one belongs into the list (CR-2)."""
    columns = {
        (table.name, column.name)
        for table in db.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.startswith("sealed")
    }
    assert columns == {(one.table, one.column) for one in sealed_rows.COLUMNS}
    sealing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "master.seal(" in path.read_text(encoding="utf-8") or "seal_with.seal(" in path.read_text(encoding="utf-8")
    }
    assert sealing == {
        "keys/keyring.py",
        "mail/mailbox.py",
        "store/audit_chain.py",
        "store/clients.py",
        "store/kept_inputs.py",
        "store/notes.py",
        "store/outbox.py",
        "store/sealed_rows.py",
    }
