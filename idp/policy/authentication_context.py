"""How strongly one has signed in, in the words of `acr` (OpenID Connect Core §2, §3.1.2.1, §5.5.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PASSWORD = "1"
ACR_VALUES = (PASSWORD,)
"""What can be reached now, the weakest first (ISO/IEC 29115: level 1)."""


@dataclass(frozen=True, slots=True)
class AcrWish:
    """What a client asks for: `is_essential` where nothing else will do."""

    values: Sequence[str] = ()
    is_asked: bool = False
    is_essential: bool = False


def find_acr(wish: AcrWish, amr: str) -> str | None:
    """What the ID token says: how the end-user really signed in, told to whoever asks."""
    return PASSWORD if wish.is_asked and "pwd" in amr.split() else None


def can_meet(wish: AcrWish) -> bool:
    """Whether the sign-in that is possible satisfies the wish; a voluntary one always is (§5.5.1.1)."""
    return not wish.is_essential or not wish.values or bool(set(wish.values) & set(ACR_VALUES))
