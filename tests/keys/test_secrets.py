"""Random values: their size, their letters, and that one kind never serves as another."""

from __future__ import annotations

import pytest

from idp.keys import secrets


def test_an_identifier_never_looks_like_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """`idp accounts show <id>` must not take the id for an option."""
    values = iter(["-starts-with-a-dash-aa", "--starts-with-two-dash", "starts-with-a-letter-a"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: next(values))
    assert secrets.new_identifier() == "starts-with-a-letter-a"


def test_secrets_have_256_bits_and_references_no_letters_that_look_alike() -> None:
    """43 URL-safe characters (CO-8); references and short codes for people avoid vowels, 0, 1, I, L and O."""
    assert {len(secrets.new_secret()) for _ in range(50)} == {43}
    letters = set("".join(secrets.new_reference() for _ in range(200))) - {"-"}
    assert not letters & set("AEIOU01L")
    assert not set("".join(secrets.new_short_code() for _ in range(200))) & set("AEIOU0123456789")


def test_the_purpose_is_part_of_the_hash() -> None:
    """A token of one kind is not found where another is looked for (CO-13)."""
    assert secrets.hash_secret("reset", "x") != secrets.hash_secret("confirm", "x")
    assert secrets.hash_secret("reset", "x") == secrets.hash_secret("reset", "x")
