"""`idp apply` and `idp clients` for clients that sign, and for those that register themselves."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.cli import main
from idp.store import audit, client_registration, clients
from idp.store.clients import RegisteredClient
from tests.cli.test_apply import Terminal
from tests.support.client_signing import make_key, public_jwks

SECRET = "m" * 32
SIGNER = f"""
[[clients]]
client_id = "mac"
client_secret = "{SECRET}"
redirect_uris = ["https://site.example/callback"]
token_endpoint_auth_method = "client_secret_jwt"
"""


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal on each database."""
    return Terminal(tmp_path, database_url)


def get(terminal: Terminal, client_id: str) -> RegisteredClient:
    """The client as it is registered."""
    with terminal.post.provider.database.reading() as tx:
        found = clients.find_client(tx, client_id)
    assert found is not None
    return found


def open_secrets(terminal: Terminal, client_id: str) -> list[bytes]:
    """What the client may sign with, as the provider reads it."""
    return clients.open_secrets(get(terminal, client_id), terminal.post.provider.master, int(time.time()))


def test_a_client_that_signs_with_its_secret(terminal: Terminal) -> None:
    """Its secret is kept sealed; the same file again changes nothing."""
    assert terminal.apply(SIGNER).exit_code == 0
    assert open_secrets(terminal, "mac") == [SECRET.encode()]
    assert "= client mac" in terminal.apply(SIGNER).output


def test_a_secret_must_be_there_again_when_a_client_begins_to_sign(terminal: Terminal) -> None:
    """A hash is not enough then, and the command says what to do."""
    terminal.apply(SIGNER.replace("client_secret_jwt", "client_secret_basic"))
    assert open_secrets(terminal, "mac") == []
    without = SIGNER.replace(f'client_secret = "{SECRET}"\n', "")
    assert "has no secret yet; make one with: idp clients new-secret mac" in terminal.apply(without).output
    assert "~ client mac: client_secret" in terminal.apply(SIGNER).output
    assert open_secrets(terminal, "mac") == [SECRET.encode()]


def test_a_secret_that_signs_is_long_enough(terminal: Terminal) -> None:
    """As long as the hash (RFC 7518 §3.2)."""
    short = terminal.apply(SIGNER + 'token_endpoint_auth_signing_alg = "HS512"\n')
    assert (short.exit_code, "client_secret: must have at least 64 characters" in short.output) == (1, True)


def test_a_new_signing_secret_serves_every_algorithm(terminal: Terminal) -> None:
    """Printed once, valid beside the old one for a while (CA-3)."""
    terminal.apply(SIGNER)
    printed = terminal.run("clients", "new-secret", "mac", "--overlap", "3600").output.strip()
    assert len(printed) == 86
    assert set(open_secrets(terminal, "mac")) == {SECRET.encode(), printed.encode()}


def test_a_client_with_a_key_has_no_secret(terminal: Terminal) -> None:
    """Neither in the file nor by the command."""
    keys = public_jwks(make_key("ES256"))["keys"][0]
    members = ", ".join(f'{name} = "{value}"' for name, value in keys.items())
    file = f"""
[[clients]]
client_id = "signer"
redirect_uris = ["https://site.example/callback"]
token_endpoint_auth_method = "private_key_jwt"
token_endpoint_auth_signing_alg = "ES256"
jwks = {{ keys = [{{ {members} }}] }}
"""
    applied = terminal.apply(file)
    assert applied.exit_code == 0, applied.output
    assert "has no secret yet" not in applied.output
    refused = terminal.run("clients", "new-secret", "signer")
    assert (refused.exit_code, "registered with private_key_jwt" in refused.output) == (1, True)
    assert terminal.apply(file + f'client_secret = "{SECRET}"\n').exit_code == 1


def test_a_new_secret_may_end(terminal: Terminal) -> None:
    """A secret with an end, in days (CA-3)."""
    terminal.apply(SIGNER)
    assert terminal.run("clients", "new-secret", "mac", "--valid-for", "30").exit_code == 0
    ends = [at for _, at in get(terminal, "mac").secret_hashes if at is not None and at > time.time()]
    assert len(ends) == 1
    assert abs(ends[0] - time.time() - 30 * 86400) < 60


def test_initial_tokens_are_made_listed_and_revoked(terminal: Terminal) -> None:
    """The token is printed once; the list has its label (RFC 7591 §3)."""
    made = terminal.run("clients", "initial-token", "new", "Team North", "--uses", "3", "--days", "2")
    token = made.stdout.strip()
    assert len(token) == 43
    assert "registration is closed" in made.stderr
    again = terminal.run("clients", "initial-token", "new", "Team North")
    assert (again.exit_code, "already" in again.output) == (1, True)
    listed = terminal.run("clients", "initial-token", "list", "--json").output
    (only,) = json.loads(listed)
    assert (only["label"], only["uses_left"]) == ("Team North", 3)
    assert abs(only["expires_at"] - time.time() - 2 * 86400) < 60
    assert token not in listed
    assert "Team North" in terminal.run("clients", "initial-token", "list").output
    assert terminal.run("clients", "initial-token", "revoke", "Team North").exit_code == 0
    assert terminal.run("clients", "initial-token", "revoke", "Team North").exit_code == 1
    assert json.loads(terminal.run("clients", "initial-token", "list", "--json").output) == []


def test_an_initial_token_may_serve_for_ever(terminal: Terminal) -> None:
    """Any number of sites, without an end: for tests and for one's own automation."""
    made = terminal.run("clients", "initial-token", "new", "automation", "--uses", "0", "--days", "0")
    with terminal.post.provider.database.transaction() as tx:
        for now in (0, 2**40):
            assert client_registration.use_initial_token(tx, made.stdout.strip(), now) == "automation"


@pytest.mark.parametrize("label", ["", " ", "two\nlines", "x" * 101])
def test_a_label_is_a_text_on_one_line(terminal: Terminal, label: str) -> None:
    """Wrong use is told as such."""
    assert terminal.run("clients", "initial-token", "new", label).exit_code == 2


def test_a_client_is_deleted(terminal: Terminal) -> None:
    """With its secrets; the trail says who did it."""
    terminal.apply(SIGNER)
    assert terminal.run("clients", "delete", "mac").exit_code == 0
    assert terminal.run("clients", "show", "mac").exit_code == 1
    refused = terminal.run("clients", "delete", "mac")
    assert (refused.exit_code, "there is no client mac" in refused.output) == (1, True)
    with terminal.post.provider.database.reading() as tx:
        assert audit.page_events(tx, audit.TrailFilter(act="client_deleted"))[0].actor_kind == "operator"


@pytest.mark.parametrize(
    ("lines", "level", "word"),
    [
        ('registration = "open"', "should", "anybody may register a site"),
        ("require_pkce = false", "must", "clients.require_pkce"),
    ],
)
def test_check_tells_who_may_register(tmp_path: Path, lines: str, level: str, word: str) -> None:
    """What has no place in production is said (`idp check`)."""
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/idp.sqlite3"\n[clients]\n{lines}\n')
    result = CliRunner().invoke(main, ["--config", str(config), "check", "--json"])
    assert any(one["level"] == level and word in one["text"] for one in json.loads(result.output))


def test_ready_made_configuration_is_printed(terminal: Terminal) -> None:
    """The files on standard output; what is left and what does not fit beside it; only for a client and library there are."""
    terminal.apply(SIGNER)
    result = terminal.run("clients", "connect", "mac", "oauth2-proxy")
    assert result.exit_code == 0, result.output
    assert 'client_id = "mac"' in result.stdout
    assert "to fill in: ${CLIENT_SECRET} (openssl rand -hex 32)" in result.stderr
    assert "the files need client_secret_basic; registered is client_secret_jwt" in result.stderr
    assert "there is no client nobody" in terminal.run("clients", "connect", "nobody", "oauth2-proxy").output
    assert terminal.run("clients", "connect", "mac", "nothing").exit_code == 2
