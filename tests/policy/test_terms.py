"""Who owes an acceptance of the terms in force."""

from __future__ import annotations

import pytest

from idp.policy.terms import TermsDemand


@pytest.mark.parametrize(
    ("version", "asks_everybody", "accepted", "owed"),
    [
        ("", True, "", False),
        ("", True, "2026-01-01", False),
        ("2026-05-01", True, "", True),
        ("2026-05-01", True, "2026-01-01", True),
        ("2026-05-01", True, "2026-05-01", False),
        ("2026-05-01", False, "", False),
        ("2026-05-01", False, "2026-01-01", True),
        ("2026-05-01", True, "2026-06-01", False),
    ],
)
def test_whoever_accepted_older_terms_owes_the_new_ones(
    version: str, asks_everybody: bool, accepted: str, owed: bool
) -> None:
    """Who never accepted any is asked only where everybody is; without terms nobody is."""
    assert TermsDemand(version, asks_everybody).is_owed(accepted) is owed
