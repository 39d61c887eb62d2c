"""The operator's brand on pages: the accent colour in light and dark, each readable on its background."""

from __future__ import annotations

from functools import lru_cache

_DARK_SURFACE = (23, 29, 35)
_READABLE = 5.0


@lru_cache(maxsize=8)
def accent_for_dark(accent: str) -> str:
    """The accent, lightened until text in it is readable on the dark surface (WCAG 2.2 §1.4.3)."""
    red, green, blue = (int(accent[at : at + 2], 16) for at in (1, 3, 5))
    for step in range(21):
        lighter = tuple(round(part + (255 - part) * step / 20) for part in (red, green, blue))
        if contrast(lighter, _DARK_SURFACE) >= _READABLE:
            break
    return "#" + "".join(f"{part:02x}" for part in lighter)


def contrast(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """The contrast ratio of two colours (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: tuple[int, ...]) -> float:
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
