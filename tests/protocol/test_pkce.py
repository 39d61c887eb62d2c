"""PKCE's comparison."""

from __future__ import annotations

import pytest

from idp.protocol.pkce import is_verified, make_challenge

# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_standards_example() -> None:
    """RFC 7636, appendix B."""
    assert make_challenge(VERIFIER) == CHALLENGE
    assert is_verified(CHALLENGE, VERIFIER)


@pytest.mark.parametrize(
    ("challenge", "verifier"),
    [
        (CHALLENGE, None),
        (CHALLENGE, ""),
        (None, VERIFIER),
        (None, ""),
        (CHALLENGE, CHALLENGE),
        (VERIFIER, VERIFIER),
        (CHALLENGE, VERIFIER.swapcase()),
        (CHALLENGE, VERIFIER + "\n"),
        (make_challenge("a" * 42), "a" * 42),
        (make_challenge("a" * 129), "a" * 129),
        (make_challenge("a" * 42 + "+"), "a" * 42 + "+"),
        (make_challenge("ä" * 43), "ä" * 43),
    ],
)
def test_what_does_not_match(challenge: str | None, verifier: str | None) -> None:
    """One without the other, plain, too short, too long, foreign characters (CO-5, CO-6, CO-7)."""
    assert not is_verified(challenge, verifier)


@pytest.mark.parametrize("length", [43, 128])
def test_the_allowed_lengths(length: int) -> None:
    """43 to 128 unreserved characters (CO-7)."""
    verifier = ("a-._~" * 30)[:length]
    assert is_verified(make_challenge(verifier), verifier)


def test_neither_is_for_exempt_clients() -> None:
    """No challenge was stored, because the client is exempt."""
    assert is_verified(None, None)
