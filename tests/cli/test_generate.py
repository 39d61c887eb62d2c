"""`idp accounts generate`: made-up people, the same for the same seed, only on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.accounts import people_search
from idp.accounts.made_up_people import make_people
from idp.cli import main
from idp.store import audit_chain
from tests.cli.test_apply import Terminal


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal on each database."""
    return Terminal(tmp_path, database_url)


def generate(terminal: Terminal, *arguments: str) -> Result:
    """Run `idp accounts generate`."""
    return CliRunner().invoke(main, ["--config", str(terminal.config), "accounts", "generate", *arguments])


def test_people_are_made_up_with_all_that_a_desk_shows(terminal: Terminal) -> None:
    """Accounts with history, devices and references; some wait; the search finds them and the trail is whole."""
    assert generate(terminal, "40", "--waiting", "5", "--seed", "3").exit_code == 0
    provider = terminal.post.provider
    person = next(make_people(40, 5, seed=3, now=provider.clock()))
    (found,) = people_search.find_people(provider, person.email).accounts
    assert (found.account_id, found.serial_number) == ("m3-0", person.serial_number)
    assert found.reference
    waiting = people_search.find_people(provider, "", status="pending").accounts
    assert len(waiting) == 5
    assert audit_chain.verify(provider.database).fault is None


def test_the_same_seed_makes_the_same_people() -> None:
    """And another one makes others."""
    first, again, other = (list(make_people(30, 3, seed=seed, now=1_800_000_000)) for seed in (1, 1, 2))
    assert first == again
    assert not {person.email for person in first} & {person.email for person in other}


def test_a_seed_is_used_once(terminal: Terminal) -> None:
    """The second time nothing is written, and the command says what to do."""
    assert generate(terminal, "3").exit_code == 0
    told = generate(terminal, "3")
    assert (told.exit_code, "another --seed" in told.output) == (1, True)
    assert generate(terminal, "3", "--seed", "2").exit_code == 0


def test_a_public_provider_gets_no_made_up_people(terminal: Terminal) -> None:
    """They would stand among customers."""
    text = terminal.config.read_text(encoding="utf-8")
    terminal.config.write_text('[server]\nissuer = "https://login.example.com"\n' + text, encoding="utf-8")
    told = generate(terminal, "3")
    assert told.exit_code == 1
    assert "on this machine only" in told.output
