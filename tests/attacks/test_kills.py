"""A small `make kills`, and that its checks would see what must not be (RL-1, RL-2)."""

from __future__ import annotations

import pytest

from attacks.aftermath import find_lost, find_missing_mails, find_used_twice
from attacks.flows import Journal, OneTime
from attacks.kills import DATABASES, opened, run


@pytest.mark.timeout(400)
@pytest.mark.parametrize("database", DATABASES)
def test_nothing_acknowledged_is_lost_or_doubled_by_kills(database: str) -> None:
    """Server, worker and PostgreSQL die once each while people register, sign in, decide, change, add and close.

    RL-1, RL-2, RL-4.
    """
    outcome = run(database, kills=3 if database == "postgresql" else 2, flows=16, seed=11)
    assert {name: faults for name, faults in outcome.faults.items() if faults} == {}
    assert outcome.kills.total() >= 2
    assert outcome.journal.flows == 16
    assert outcome.journal.acknowledged > 5


def test_the_checks_see_what_is_missing() -> None:
    """Each made-up promise that nobody kept is found."""
    journal = Journal()
    journal.registered.add("nobody@lab.example")
    journal.confirmed.add("nobody@lab.example")
    journal.devices.add(("nobody", "AB123Z"))
    journal.decided["nobody"] = "approved"
    journal.letters["nobody@lab.example"] = 1
    with opened("sqlite") as made:
        assert len(find_lost(made, journal)) == 4
        assert find_missing_mails(made, journal) == ["1 of 1 to nobody@lab.example"]


@pytest.mark.parametrize(
    ("is_used", "wins", "is_found"),
    [
        (True, [False, False], False),
        (True, [True, False], True),
        (False, [True, False], False),
        (False, [True, True], True),
        (False, [False, True], True),
    ],
)
def test_a_value_that_wins_again_is_found(is_used: bool, wins: list[bool], is_found: bool) -> None:
    """One whose answer a kill cut off may win once more, and then never."""
    answers = iter(wins)
    journal = Journal(one_time=[OneTime("link", lambda: next(answers), is_used)])
    assert bool(find_used_twice(journal)) == is_found
