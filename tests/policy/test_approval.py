"""Ownership, promises and changes of status: what comes in decides what goes out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from idp.policy.approval import TRANSITIONS, Ownership, Status, is_allowed, late_before, ownership_of, promised_until


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ([], Ownership.NEW),
        ([("Lab GmbH", "lab.example")], Ownership.SAME_COMPANY),
        ([("LAB  GmbH.", "lab.example")], Ownership.SAME_COMPANY),
        ([("Lab GmbH", "mail.example")], Ownership.OTHER_COMPANY),
        ([("Other", "lab.example")], Ownership.OTHER_COMPANY),
        ([("Lab GmbH", "lab.example"), ("Other", "other.example")], Ownership.OTHER_COMPANY),
    ],
)
def test_colleagues_share_company_and_domain(owners: list[tuple[str, str]], expected: Ownership) -> None:
    """What somebody typed as their company is no proof by itself (RG-9)."""
    assert ownership_of("Lab GmbH", "lab.example", owners) is expected


def test_two_without_a_company_are_no_colleagues() -> None:
    """An empty company equals nobody's."""
    assert ownership_of("", "lab.example", [("", "lab.example")]) is Ownership.OTHER_COMPANY


@pytest.mark.parametrize("old", Status)
@pytest.mark.parametrize("new", Status)
def test_only_listed_changes_exist(old: Status, new: Status) -> None:
    """The state machine cell by cell (RG-1)."""
    allowed = {
        ("pending", "approved"),
        ("pending", "rejected"),
        ("approved", "suspended"),
        ("approved", "pending"),
        ("suspended", "approved"),
        ("rejected", "pending"),
    }
    assert is_allowed(old, new) is ((old.value, new.value) in allowed)
    assert len(TRANSITIONS) == len(allowed)


def at(text: str) -> int:
    """An instant."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("since", "days", "until"),
    [
        ("2026-11-23T10:00", 2, "2026-11-25T10:00"),
        ("2026-11-26T10:00", 2, "2026-11-30T10:00"),
        ("2026-11-27T10:00", 1, "2026-11-30T10:00"),
        ("2026-11-28T10:00", 1, "2026-12-01T00:00"),
        ("2026-11-29T23:00", 2, "2026-12-02T00:00"),
    ],
)
def test_the_promise_counts_working_days(since: str, days: int, until: str) -> None:
    """Weekends do not count."""
    assert promised_until(at(since), days) == at(until)


@pytest.mark.parametrize("hour", range(0, 24 * 9, 5))
@pytest.mark.parametrize("days", [1, 2, 5])
def test_late_is_where_the_promise_is_over(hour: int, days: int) -> None:
    """The queue's filter and the words at the row never differ."""
    now = at("2026-11-23T00:30") + hour * 3600
    edge = late_before(now, days)
    assert promised_until(edge - 1, days) < now <= promised_until(edge, days)
