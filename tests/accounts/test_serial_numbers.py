"""What is a serial number, however it was typed (F-1.4)."""

from __future__ import annotations

import pytest

from idp.accounts.serial_numbers import parse_serial_number
from idp.errors import Refusal


@pytest.mark.parametrize(
    "typed",
    ["AB123Z", "ab 123-z", " a b 1 2 3 z ", "AB-123-Z", "ab–123—z", "AB\u00a0123\u2011Z", "\u200bAB123Z", "AB_123_Z"],
)
def test_case_blanks_and_dashes_are_forgiven(typed: str) -> None:
    """One device, whatever the spelling."""
    assert parse_serial_number(typed) == "AB123Z"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "AB123",
        "AB123ZZ",
        "A1123Z",
        "ABC23Z",
        "AB12Z3",
        "АВ123Z",
        "AB١٢٣Z",
        "AB123Z\x00",
        "AB.123.Z",
        "ıb123z",
        "A" * 500,
    ],
)
def test_other_shapes_are_refused(typed: str) -> None:
    """Letters and digits of other scripts are not guessed at (IV-5)."""
    with pytest.raises(Refusal, match=r"serial_number\.invalid"):
        parse_serial_number(typed)
