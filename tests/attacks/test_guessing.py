"""A small run of `make guessing`, and that its counting would see what must not be."""

from __future__ import annotations

import pytest

from attacks.guessing import Figures, attack, open_stage
from attacks.volley import Answer
from idp.config import LimitSettings

LIMITS = LimitSettings()


@pytest.mark.timeout(300)
def test_nothing_is_evaluated_beyond_the_limits_and_the_owner_gets_in() -> None:
    """Two instances on PostgreSQL count together, in parallel (BF-1, BF-2, BF-4, BF-6)."""
    with open_stage() as stage:
        figures = attack(stage, 320)
    assert figures.is_good(LIMITS), figures
    assert figures.statuses.total() == 320
    assert max(figures.by_account.values()) == LIMITS.account_tries


@pytest.mark.parametrize(
    ("evaluated", "beyond"), [(LIMITS.account_tries, 0), (LIMITS.account_tries + 1, 1), (LIMITS.account_tries + 3, 3)]
)
def test_the_counting_sees_a_try_too_many(evaluated: int, beyond: int) -> None:
    """One account from many networks (BF-1)."""
    figures = Figures(owner_tries=1, owner_wins=1)
    for number in range(evaluated):
        figures.note("anna", f"203.0.{number}.1", Answer(number, 422, "", b""))
    assert (figures.count_beyond(LIMITS), figures.is_good(LIMITS)) == (beyond, not beyond)


def test_an_owner_who_stays_outside_is_a_fault() -> None:
    """So is a refusal that does not say how long (BF-4)."""
    assert not Figures(owner_tries=100, owner_wins=98).is_good(LIMITS)
    figures = Figures(owner_tries=1, owner_wins=1)
    figures.note("anna", "203.0.1.1", Answer(0, 429, "", b""))
    assert not figures.is_good(LIMITS)
