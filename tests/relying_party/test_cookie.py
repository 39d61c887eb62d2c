"""The site's encrypted cookies."""

from __future__ import annotations

import base64

import pytest

from idp.relying_party.cookie import CookieBox

KEY = "0123456789abcdef0123456789abcdef"


def test_what_was_sealed_opens() -> None:
    """A value comes back as it went in."""
    box = CookieBox(KEY, "library")
    assert box.open("session", box.seal("session", {"name": "Zoë", "n": 1})) == {"name": "Zoë", "n": 1}


@pytest.mark.parametrize(
    ("key", "client", "purpose"),
    [(KEY, "library", "walk"), (KEY, "portal", "session"), ("another key of 32 characters ....", "library", "session")],
)
def test_a_cookie_opens_only_for_its_purpose_site_and_key(key: str, client: str, purpose: str) -> None:
    """One kind of cookie never serves as another (CO-13)."""
    sealed = CookieBox(KEY, "library").seal("session", {"n": 1})
    assert CookieBox(key, client).open(purpose, sealed) is None


def header(text: str) -> str:
    """A cookie that is nothing but this header."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode() + "..AA.AA.AA"


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "a.b.c", "a.b.c.d.e", "é", "." * 4, "x" * 20000, None),
        *(
            header(text)
            for text in ("[]", "5", "{}", '{"alg":["dir"],"enc":{}}', '{"alg":"dir","enc":"A256GCM","crit":5}')
        ),
    ],
)
def test_a_foreign_cookie_means_signed_out(text: str | None) -> None:
    """Malformed cookies are no error (SE-5)."""
    assert CookieBox(KEY, "library").open("session", text) is None


def test_every_changed_character_is_noticed() -> None:
    """A cookie with one character changed does not open (CO-12)."""
    box = CookieBox(KEY, "library")
    sealed = box.seal("session", {"n": 1})
    for i in range(len(sealed)):
        changed = sealed[:i] + ("A" if sealed[i] != "A" else "Q") + sealed[i + 1 :]
        # The last character of a segment has bits that base64 does not use; the value must then be the same.
        assert box.open("session", changed) in (None, {"n": 1})
    assert box.open("session", sealed[:-4]) is None


def test_a_short_key_is_refused() -> None:
    """No site starts with a key that can be guessed (CR-4)."""
    with pytest.raises(ValueError, match="16 random bytes"):
        CookieBox("short", "library")
