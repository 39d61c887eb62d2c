"""A few rounds of `make races`, and that its counting would see what must not be (GO-10)."""

from __future__ import annotations

import pytest

from attacks.one_time import Round, with_status
from attacks.races import DATABASES, Figures, open_stage, race
from attacks.volley import Answer

ROUNDS = 2
TRIES = 16


@pytest.mark.timeout(300)
@pytest.mark.parametrize("database", DATABASES)
def test_every_one_time_thing_has_one_winner(database: str) -> None:
    """Two instances on PostgreSQL, two processes on SQLite (CO-1, RF-2, RG-5, RG-7, RG-8, RS-1).

    RC-1, RC-2, RC-4, RL-3, CO-13.
    """
    with open_stage(database, tries=TRIES) as stage:
        figures = list(race(stage, database, rounds=ROUNDS, tries=TRIES))
        assert stage.count_deadlocks() == 0
    assert len(figures) >= 14
    assert [f for f in figures if not f.is_good] == []
    assert {f.tries for f in figures} == {ROUNDS * TRIES}


@pytest.mark.parametrize(
    ("statuses", "effects", "fault"),
    [
        ([200, 400, 400], 1, ""),
        ([200, 200, 400], 1, "doubles"),
        ([200, 400, 400], 2, "doubles"),
        ([400, 400, 400], 1, "lost"),
        ([200, 400, 400], 0, "lost"),
        ([200, 500, 400], 1, "failed"),
        ([200, 0, 400], 1, "failed"),
    ],
)
def test_the_counting_sees_what_must_not_be(statuses: list[int], effects: int, fault: str) -> None:
    """Each kind of fault is counted under its name and makes the run fail."""
    figures = Figures("postgresql", "made up")
    answers = [Answer(number, status, "", b"") for number, status in enumerate(statuses)]
    figures.note(Round([], with_status(200)), answers, effects)
    assert figures.is_good == (not fault)
    assert {name for name in ("doubles", "lost", "failed") if getattr(figures, name)} == ({fault} if fault else set())


def test_busy_is_a_fault_where_nothing_is_locked_as_a_whole() -> None:
    """SQLite has one writer, and says so to who comes later; on PostgreSQL nobody has to wait so long."""
    answers = [Answer(0, 200, "", b""), Answer(1, 503, "", b"", "5")]
    for database in DATABASES:
        figures = Figures(database, "made up")
        figures.note(Round([], with_status(200)), answers, 1)
        assert figures.busy == 1
        assert figures.is_good == (database == "sqlite")
