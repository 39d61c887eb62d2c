"""When signing keys change: published before they sign, kept until what they signed has ended (OpenID Connect Core §10.1.1)."""

from __future__ import annotations

import pytest

from idp.policy.key_rotation import Due, KeyState, KeyTimes, Schedule, find_due, find_state

NOW = 1_800_000_000
DAY = 86400
SCHEDULE = Schedule(rotate_after=90 * DAY, longest_life=DAY // 2)
OLD = KeyTimes("old", "RS256", NOW - 100 * DAY)
NEW = KeyTimes("new", "RS256", NOW - DAY)
NEXT = KeyTimes("next", "RS256", NOW + DAY)


@pytest.mark.parametrize(
    ("key", "keys", "state"),
    [
        (NEW, [NEW], KeyState.SIGNING),
        (NEW, [OLD, NEW, NEXT], KeyState.SIGNING),
        (OLD, [OLD, NEW, NEXT], KeyState.RETIRED),
        (NEXT, [OLD, NEW, NEXT], KeyState.PUBLISHED),
        (KeyTimes("x", "RS256", NOW, retired_at=NOW), [NEW], KeyState.RETIRED),
        (KeyTimes("x", "RS256", NOW, retired_at=NOW, removed_at=NOW), [NEW], KeyState.REMOVED),
        (KeyTimes("x", "ES256", NOW - 5), [OLD, NEW, KeyTimes("x", "ES256", NOW - 5)], KeyState.SIGNING),
    ],
)
def test_the_newest_active_key_of_an_algorithm_signs(key: KeyTimes, keys: list[KeyTimes], state: KeyState) -> None:
    """One signs; a younger one is only published, older ones only verify."""
    assert find_state(key, keys, NOW) is state


@pytest.mark.parametrize(
    ("keys", "due"),
    [
        ([NEW], Due()),
        ([OLD], Due(next_keys=("RS256",))),
        ([OLD, NEXT], Due()),
        ([OLD, NEW], Due(retire=("old",))),
        ([KeyTimes("old", "RS256", OLD.active_from, retired_at=NOW - DAY), NEW], Due(remove=("old",))),
        ([KeyTimes("old", "RS256", OLD.active_from, retired_at=NOW - 60), NEW], Due()),
        ([KeyTimes("old", "RS256", OLD.active_from, retired_at=NOW - DAY, removed_at=NOW), NEW], Due()),
        ([], Due()),
    ],
)
def test_what_is_due(keys: list[KeyTimes], due: Due) -> None:
    """A next key in time, once; the superseded one retires, and goes when its last token has ended."""
    found = find_due(keys, ["RS256"], SCHEDULE, NOW)
    assert found == due
    assert bool(found) is (due != Due())


def test_without_a_schedule_nothing_is_made() -> None:
    """0 days: only by hand."""
    assert find_due([OLD], ["RS256"], Schedule(0, DAY), NOW) == Due()
