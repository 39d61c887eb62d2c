"""Reminders of the confirmation, and the report of what goes when nobody confirms (F-1.5, RG-11)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.accounts.registration import DAY, forget_unconfirmed
from idp.accounts.reminders import remind_unconfirmed
from idp.cli import main
from idp.store import registrations
from tests.cli.test_apply import Terminal
from tests.support.applicant import Applicant, accounts_of, mails, newest_link, path_of
from tests.support.lobby import Lobby


@pytest.fixture
def nora(lobby: Lobby) -> Applicant:
    """Somebody who sent the form and forgot it."""
    nora = Applicant(lobby)
    nora.register()
    return nora


def reminders(lobby: Lobby) -> list[str]:
    """The links of the reminders that were written."""
    return [path_of(mail["link"]) for mail in mails(lobby) if mail["name"] == "remind_registration"]


def test_three_reminders_on_their_days(lobby: Lobby, nora: Applicant) -> None:
    """Days 3, 10 and 13, each once, in the registrant's words and never after the end."""
    start, counts = lobby.now, []
    for day in range(16):
        lobby.now = start + day * DAY + 60
        remind_unconfirmed(lobby.provider)
        remind_unconfirmed(lobby.provider)
        counts.append(len(reminders(lobby)))
    assert counts == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_reminders_link_takes_the_place_of_the_older_one(lobby: Lobby, nora: Applicant) -> None:
    """It confirms as the first one would have; the first one says that it was replaced."""
    first = newest_link(lobby)
    lobby.now += 3 * DAY
    remind_unconfirmed(lobby.provider)
    assert "newer" in nora.get(first).text
    assert nora.confirm(reminders(lobby)[0]).status_code == 303
    assert len(accounts_of(lobby)) == 1


def test_who_confirmed_or_was_missed_is_not_pestered(lobby: Lobby, nora: Applicant) -> None:
    """After an outage only the latest reminder comes; whoever confirmed gets none."""
    done = Applicant(lobby)
    done.register(email="done@waterworks.example", serial_number="CD124Z")
    done.confirm(newest_link(lobby))
    lobby.now += 11 * DAY
    remind_unconfirmed(lobby.provider)
    lobby.now += DAY // 2
    remind_unconfirmed(lobby.provider)
    assert len(reminders(lobby)) == 1


def test_two_workers_write_one_reminder(lobby: Lobby, nora: Applicant) -> None:
    """The database decides who writes it."""
    lobby.now += 3 * DAY
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: remind_unconfirmed(lobby.provider), range(6)))
    assert len(reminders(lobby)) == 1


def test_the_report_names_what_goes_and_never_a_confirmed_one(lobby: Lobby, nora: Applicant) -> None:
    """Marked, emptied a day later, deleted after 90 more."""
    done = Applicant(lobby)
    done.register(email="done@waterworks.example", serial_number="CD124Z")
    done.confirm(newest_link(lobby))
    lobby.now += 14 * DAY + 1

    def ended() -> list[str]:
        with lobby.provider.database.reading() as tx:
            found = registrations.report_ended(tx, now=lobby.now, delete_before=lobby.now - 90 * DAY)
        return [one.email for one in found]

    assert ended() == ["nora@waterworks.example"]
    lobby.now += DAY
    forget_unconfirmed(lobby.provider)
    assert ended() == []
    lobby.now += 91 * DAY
    assert ended() == [""]


def test_the_command_shows_before_it_acts(tmp_path: Path, database_url: str) -> None:
    """`idp registrations purge --dry-run` changes nothing."""
    terminal = Terminal(tmp_path, database_url)
    command = ["--config", str(terminal.config), "registrations", "purge", "--json"]
    told = CliRunner().invoke(main, [*command, "--dry-run"])
    assert (told.exit_code, json.loads(told.output)) == (0, [])
    assert CliRunner().invoke(main, command).exit_code == 0
