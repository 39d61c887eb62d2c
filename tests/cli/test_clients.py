"""`idp apply` and `idp clients` for clients that sign, and for those that register themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from idp.store import clients
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
