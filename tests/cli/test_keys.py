"""`idp keys`: what is signed before, meanwhile and after verifies as it must, on every instance within a second."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
import pytest
from click.testing import Result

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Settings
from idp.keys.keyring import InvalidJwt
from idp.keys.secrets import new_identifier
from idp.provider import Provider
from idp.signals import key_rotation
from idp.store import audit
from tests.cli.test_apply import Terminal

DAY = 86400


class Instance(Terminal):
    """A terminal beside another instance of the provider; both have the clock of this machine, as keys are made by it."""

    def __init__(self, folder: Path, database_url: str) -> None:
        settings = Settings(database=DatabaseSettings(url=database_url), keys=KeySettings(directory=folder / "keys"))
        create_app(settings).extensions["idp"].database.engine.dispose()
        super().__init__(folder, database_url)
        self.post.now = int(time.time())

    def run(self, *arguments: str) -> Result:
        """Run `idp`; the other instance's clock goes on meanwhile."""
        result = super().run(*arguments)
        self.post.now = int(time.time())
        return result


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Instance:
    """A terminal on each database."""
    return Instance(tmp_path, database_url)


def keys_of(terminal: Instance, *options: str) -> dict[str, dict[str, str]]:
    """The keys by `kid`, as the command tells scripts."""
    return {row["kid"]: row for row in json.loads(done(terminal.run("keys", "list", "--json", *options)))}


def signing(terminal: Instance, alg: str = "RS256") -> str:
    """The key that signs now."""
    return next(kid for kid, row in keys_of(terminal).items() if (row["alg"], row["state"]) == (alg, "signing"))


def done(result: Result) -> str:
    """What the command printed, if it did what was asked."""
    assert result.exit_code == 0, result.output
    return result.output


def kid_of(provider: Provider) -> str:
    """Which key signs in this process, told by a fresh token; a second at most after it changed elsewhere."""
    token = provider.keyring.sign_jwt({"jti": new_identifier()})
    return str(jwt.get_unverified_header(token)["kid"])


def published(provider: Provider) -> set[str]:
    """The key ids of the published set."""
    return {key["kid"] for key in json.loads(provider.keyring.jwks()[0])["keys"]}


def wait_for(provider: Provider, kid: str) -> None:
    """Until another process's change is seen here (GO-10)."""
    end = time.monotonic() + 5
    while kid not in published(provider):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_next_key_is_published_before_it_signs(terminal: Instance) -> None:
    """Old and new are in the set; the old one goes on signing."""
    other = terminal.post.provider
    before = signing(terminal)
    assert kid_of(other) == before
    output = done(terminal.run("keys", "rotate", "--alg", "RS256"))
    made = output.split()[0]
    assert "is published now and signs from" in output
    assert keys_of(terminal)[made]["state"] == "published"
    wait_for(other, made)
    assert kid_of(other) == before


def test_at_once_and_the_old_one_still_verifies(terminal: Instance) -> None:
    """`--now`: signs at once; tokens of the old key stay good, and it stays published (server-rotate-keys)."""
    other = terminal.post.provider
    before, token = signing(terminal), other.keyring.sign_jwt({"sub": "x"})
    made = done(terminal.run("keys", "rotate", "--alg", "RS256", "--now")).split()[0]
    wait_for(other, made)
    assert kid_of(other) == made
    assert keys_of(terminal)[before]["state"] == "retired"
    assert before in published(other)
    assert other.keyring.verify_own_jwt(token) == {"sub": "x"}


def test_all_algorithms_rotate_together(terminal: Instance) -> None:
    """Without a choice each configured algorithm gets its next key."""
    before = set(keys_of(terminal))
    done(terminal.run("keys", "rotate", "--now"))
    made = [row["alg"] for kid, row in keys_of(terminal).items() if kid not in before]
    assert sorted(made) == ["ES256", "RS256"]


def test_a_removed_key_is_void_at_once(terminal: Instance) -> None:
    """Emergency: out of the set, its tokens and hints refused, another signs in its place; the audit trail says so."""
    other = terminal.post.provider
    stolen, token = signing(terminal), other.keyring.sign_jwt({"sub": "x"})
    output = done(terminal.run("keys", "remove", stolen, "--yes"))
    made = output.splitlines()[1].split()[0]
    wait_for(other, made)
    assert stolen not in published(other)
    with pytest.raises(InvalidJwt):
        other.keyring.verify_own_jwt(token)
    assert kid_of(other) == made
    assert stolen not in keys_of(terminal)
    assert keys_of(terminal, "--all")[stolen]["state"] == "removed"
    with other.database.reading() as tx:
        acts = [event.act for event in audit.page_events(tx)]
    assert {"signing_key_removed", "signing_key_made"} <= set(acts)


def test_removing_asks_first(terminal: Instance) -> None:
    """Before harm, say what will happen; no answer changes nothing."""
    kid = signing(terminal)
    result = terminal.run("keys", "remove", kid)
    assert result.exit_code == 1
    assert "void at once" in result.output
    assert signing(terminal) == kid


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("retire", "nobody"), "there is no such key"),
        (("remove", "nobody", "--yes"), "there is no such key"),
        (("rotate", "--alg", "PS256"), "PS256 is not among keys.algorithms: RS256, ES256"),
    ],
)
def test_what_cannot_be_done_is_said(terminal: Instance, words: tuple[str, ...], told: str) -> None:
    """Exit 1 and the remedy."""
    result = terminal.run("keys", *words)
    assert result.exit_code == 1
    assert told in result.output


def test_the_only_key_cannot_be_retired(terminal: Instance) -> None:
    """Something must sign; after a rotation it can."""
    kid = signing(terminal)
    refused = terminal.run("keys", "retire", kid)
    assert refused.exit_code == 1
    assert "make one first: idp keys rotate --alg RS256 --now" in refused.output
    done(terminal.run("keys", "rotate", "--alg", "RS256", "--now"))
    again = terminal.run("keys", "retire", kid)
    assert again.exit_code == 1
    assert "signs no more already" in again.output


def test_the_schedule_makes_retires_and_removes(terminal: Instance) -> None:
    """Housekeeping follows the settings; a second run does nothing more."""
    provider, clock = terminal.post.provider, terminal.post
    first, before = signing(terminal), published(terminal.post.provider)
    key_rotation.follow_schedule(provider)
    assert published(provider) == before
    clock.now += 90 * DAY
    key_rotation.follow_schedule(provider)
    key_rotation.follow_schedule(provider)
    assert len(published(provider)) == 4
    assert kid_of(provider) == first
    clock.now += DAY
    key_rotation.follow_schedule(provider)
    assert kid_of(provider) != first
    assert first in published(provider)
    clock.now += DAY
    key_rotation.follow_schedule(provider)
    assert first not in published(provider)
    assert len(published(provider)) == 2
