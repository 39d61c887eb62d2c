"""What can be blocked, how it may be written, and who may block."""

from __future__ import annotations

import pytest

from idp.accounts import blocking
from idp.errors import Refusal
from tests.support.lobby import Lobby


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" ab-123 z ", ("serial", "AB123Z")),
        ("Ann@LAB.example", ("email", "ann@lab.example")),
        ("@Lab.Example", ("domain", "lab.example")),
        ("lab.example", ("domain", "lab.example")),
    ],
)
def test_serial_numbers_addresses_and_domains_are_told_apart(text: str, found: tuple[str, str]) -> None:
    """In any spelling that a caller uses (F-1.4)."""
    assert blocking.parse_blocked(text) == found


@pytest.mark.parametrize("text", ["", "@", "ann@", "a b@lab.example", "AB12", "lab", "x" * 250 + ".com"])
def test_what_could_mean_anything_is_refused(text: str) -> None:
    """Nothing is blocked by guessing what was meant, nor is anything unblocked."""
    with pytest.raises(Refusal, match="blocked_value_unclear"):
        blocking.parse_blocked(text)


@pytest.mark.parametrize(
    ("roles", "text", "reason", "key"),
    [
        ("approver", "AB123Z", " \n", "reason_missing"),
        ("approver", "AB123Z", "x" * (blocking.LONGEST_REASON + 1), "reason_too_long"),
        ("approver", "device", "Stolen.", "blocked_value_unclear"),
        ("support", "AB123Z", "Stolen.", "not_permitted"),
        ("auditor", "AB123Z", "Stolen.", "not_permitted"),
        ("", "AB123Z", "Stolen.", "not_permitted"),
    ],
)
def test_a_refused_block_leaves_no_trace(lobby: Lobby, roles: str, text: str, reason: str, key: str) -> None:
    """Neither a row nor a line that says it was done (LG-2)."""
    staff = lobby.add_account("staff", roles=roles)
    with pytest.raises(Refusal, match=key):
        blocking.block(lobby.provider, text, reason=reason, staff_id=staff.account_id)
    assert blocking.list_blocked(lobby.provider) == []
    assert lobby.rows("SELECT act FROM audit_events WHERE act = 'value_blocked'") == []


def test_blocking_twice_and_unblocking_twice_is_told(lobby: Lobby) -> None:
    """The first reason stays; a value that is not blocked, or is none at all, cannot be let go (LG-2)."""
    staff = lobby.add_account("staff", roles="approver")
    blocking.block(lobby.provider, "ab 123 z", reason=" Stolen. ", staff_id=staff.account_id)
    with pytest.raises(Refusal, match="blocked_already"):
        blocking.block(lobby.provider, "AB-123-Z", reason="Again.", staff_id=staff.account_id)
    for part in ("", "ab-1", "123z"):
        (found,) = blocking.list_blocked(lobby.provider, part)
        assert (found.kind, found.value, found.reason) == ("serial", "AB123Z", "Stolen.")
    assert blocking.list_blocked(lobby.provider, "cd") == []
    blocking.unblock(lobby.provider, "ab123z", staff_id=staff.account_id)
    for text in ("AB123Z", "device"):
        with pytest.raises(Refusal, match="not_blocked"):
            blocking.unblock(lobby.provider, text, staff_id=staff.account_id)
    acts = lobby.rows("SELECT act FROM audit_events WHERE act LIKE 'value_%' ORDER BY event_id")
    assert [row["act"] for row in acts] == ["value_blocked", "value_unblocked"]
