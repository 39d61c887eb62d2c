"""Roles permit what they say, and nobody acts on themselves or on their equals."""

from __future__ import annotations

import pytest

from idp.policy.staff import (
    ROLES,
    Permission,
    is_at_work,
    is_permitted,
    is_staff,
    is_within_limits,
    may_act_on,
    permissions_of,
)


@pytest.mark.parametrize(
    ("role", "permission", "expected"),
    [
        ("customer_care", Permission.SEND_RESET_LINK, True),
        ("customer_care", Permission.DECIDE, False),
        ("customer_care", Permission.READ_AUDIT, False),
        ("approver", Permission.DECIDE, True),
        ("approver", Permission.SUSPEND, True),
        ("approver", Permission.SEND_RESET_LINK, False),
        ("customer_care", Permission.CHANGE_EMAIL, True),
        ("approver", Permission.CHANGE_EMAIL, False),
        ("customer_care", Permission.CLOSE_ACCOUNT, True),
        ("approver", Permission.CLOSE_ACCOUNT, False),
        ("customer_care", Permission.WITHDRAW_CONSENT, True),
        ("approver", Permission.WITHDRAW_CONSENT, False),
        ("auditor", Permission.READ_AUDIT, True),
        ("administrator", Permission.READ_AUDIT, True),
        ("Approver", Permission.DECIDE, False),
        ("", Permission.READ_QUEUE, False),
    ],
)
def test_roles_permit_what_they_say(role: str, permission: Permission, expected: bool) -> None:
    """Unknown roles permit nothing (AD-1, AD-2)."""
    assert is_permitted([role], permission) is expected


def test_an_auditor_can_do_nothing_else() -> None:
    """LG-3."""
    assert ROLES["auditor"] == {Permission.READ_AUDIT}


@pytest.mark.parametrize(
    ("access", "status", "expected"),
    [
        ("active", "approved", True),
        ("active", "pending", True),
        ("active", "suspended", False),
        ("active", "rejected", False),
        ("closed", "approved", False),
        ("", "approved", False),
    ],
)
def test_roles_rest_while_the_account_is_not_in_order(access: str, status: str, expected: bool) -> None:
    """A session survives a suspension for the owner's own pages only (AD-2)."""
    assert is_at_work(access, status) is expected


def test_roles_add_up() -> None:
    """Two roles permit what either does."""
    assert permissions_of(["customer_care", "approver"]) == ROLES["customer_care"] | ROLES["approver"]
    assert not is_staff(["visitor"])


@pytest.mark.parametrize(
    ("actor", "actor_roles", "target", "target_roles", "expected"),
    [
        ("a", ["approver"], "b", [], True),
        ("a", ["approver"], "b", ["visitor"], True),
        ("b", ["approver"], "a", [], True),
        ("a", ["approver"], "a", [], False),
        ("a", ["administrator"], "a", ["administrator"], False),
        ("a", ["approver"], "b", ["customer_care"], False),
        ("a", ["customer_care", "approver"], "b", ["auditor"], False),
        ("a", ["administrator"], "b", ["approver"], True),
        ("a", ["administrator"], "b", ["administrator"], False),
    ],
)
def test_nobody_acts_on_themselves_or_their_equals(
    actor: str, actor_roles: list[str], target: str, target_roles: list[str], expected: bool
) -> None:
    """AD-2, RG-8."""
    assert may_act_on(actor, actor_roles, target, target_roles) is expected


def test_own_is_what_reads_alike() -> None:
    """Two texts from two rows are one account (AD-2)."""
    first, second = ("".join(letters) for letters in (["a", "b"], ["a", "b"]))
    assert not may_act_on(first, ["administrator"], second, [])


@pytest.mark.parametrize(
    ("families", "countries", "serials", "country", "expected"),
    [
        ((), (), (), "", True),
        ((), (), ("CD1",), "FR", True),
        (("AB",), (), ("AB123C",), "FR", True),
        (("AB",), (), ("CD123C",), "FR", False),
        (("AB",), (), ("AB123C", "CD123C"), "FR", False),
        (("AB",), (), (), "FR", False),
        (("A", "ABC"), (), ("ABC123",), "FR", False),
        ((), ("DE", "FR"), (), "FR", True),
        ((), ("DE",), ("AB123C",), "FR", False),
        (("AB",), ("DE",), ("AB123C",), "DE", True),
        (("AB",), ("DE",), ("AB123C",), "FR", False),
        (("AB",), ("DE",), ("CD123C",), "DE", False),
    ],
)
def test_limits_hold_for_every_device_and_the_country(
    families: tuple[str, ...], countries: tuple[str, ...], serials: tuple[str, ...], country: str, expected: bool
) -> None:
    """Empty limits let everything through; where families are limited, somebody without a device is beyond them."""
    assert bool(is_within_limits(families, countries, serials=serials, country=country)) is expected
