"""What a password may be (SP 800-63B-4 §3.1.1.2): long enough, not common, not the person's own data; nothing else.

The whole password counts, each code point as one; it is normalised to NFC at set and at check and otherwise left as it
was typed (PW-3). There are no rules of composition (PW-2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from idp.accounts.guessed_passwords import is_guessed_early
from idp.errors import Refusal

LONGEST = 256
LONGEST_BYTES = 1024
DEMO_PASSWORD = "try-the-demo-today"
"""Of the demo's ready-made accounts: printed on its start page, so it opens nothing but a provider on loopback."""

LEFT_OVER = 6
"""So many characters must remain when common words, sequences and the person's own words are taken out."""


def prepare_password(password: str) -> bytes:
    """The bytes that are hashed; what is longer than any password may be never matches and is not hashed whole."""
    text = unicodedata.normalize("NFC", password[: LONGEST_BYTES + 1])
    prepared = text.encode("utf-8", "surrogatepass")
    return b"" if is_too_long(password) else prepared


def temporary_as_given(typed: str) -> str:
    """A temporary password as it was given, however it was typed: case, blanks and dashes do not matter."""
    return "".join(letter for letter in typed.upper() if letter.isalpha())


def is_too_long(password: str) -> bool:
    """Whether it is longer than 256 characters or 1024 bytes (PW-1)."""
    if len(password) > LONGEST_BYTES:
        return True
    text = unicodedata.normalize("NFC", password)
    return len(text) > LONGEST or len(text.encode("utf-8", "surrogatepass")) > LONGEST_BYTES


def is_demo_password(password: str) -> bool:
    """Whether it is the password that everybody knows."""
    return prepare_password(password) == DEMO_PASSWORD.encode()


def check_new_password(password: str, *, minimum: int, personal: Iterable[str] = ()) -> None:
    """Raise `Refusal` where a password cannot be chosen; `personal` are names, addresses, serial numbers (PW-1, PW-4)."""
    if is_too_long(password):
        raise Refusal("password.too_long", maximum=LONGEST)
    text = unicodedata.normalize("NFC", password)
    if len(text) < minimum:
        raise Refusal("password.too_short", minimum=minimum)
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise Refusal("password.control_characters")
    folded = _fold(text)
    if folded == _fold(DEMO_PASSWORD) or _repeats(folded) or len(_without(folded, _common_words())) < LEFT_OVER:
        raise Refusal("password.common")
    if is_guessed_early(folded):
        raise Refusal("password.common")
    if len(_without(folded, _words_of(personal) | _common_words())) < LEFT_OVER:
        raise Refusal("password.personal")


def _fold(text: str) -> str:
    """A password as guessers see it: letter case, compatibility forms and separators do not matter."""
    return re.sub(r"[\s_.,-]+", "", unicodedata.normalize("NFKC", text).casefold())


def _without(folded: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        folded = folded.replace(word, "")
    return folded


def _words_of(personal: Iterable[str]) -> set[str]:
    """The words of names, addresses and numbers, and each of them as a whole."""
    texts = [unicodedata.normalize("NFKC", text).casefold() for text in personal]
    words = {word for text in texts for word in re.findall(r"[^\W_]+", text) if len(word) >= 3}
    return words | {whole for whole in map(_fold, texts) if len(whole) >= 3}


def _repeats(folded: str) -> bool:
    """Whether it is one short piece again and again, or has hardly any different characters."""
    if len(set(folded)) < 5:
        return True
    return any(folded == (folded[:size] * len(folded))[: len(folded)] for size in range(1, 6))


@cache
def _common_words() -> frozenset[str]:
    text = files("idp.accounts").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    listed = {line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")}
    return frozenset(listed | _runs())


def _runs() -> set[str]:
    """Runs of four neighbours on the keyboard, in the alphabet and among the digits, both ways."""
    rows = (
        "qwertyuiop",
        "qwertzuiop",
        "azertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "yxcvbnm",
        "abcdefghijklmnopqrstuvwxyz",
        "01234567890",
    )
    return {run for row in rows for way in (row, row[::-1]) for run in (way[i : i + 4] for i in range(len(way) - 3))}
