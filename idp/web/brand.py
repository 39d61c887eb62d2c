"""The operator's brand on pages: the logo, and the accent colour in light and dark, each readable on its background.

`/brand/logo` the logo file of the settings; 404 where there is none.
"""

from __future__ import annotations

from functools import lru_cache

from flask import Blueprint, Response, abort, send_file

from idp.web.context import provider

blueprint = Blueprint("brand", __name__)

_DARK_SURFACE = (23, 29, 35)
_READABLE = 5.0


@blueprint.get("/brand/logo")
def logo() -> Response:
    """The operator's logo; as an image it can run nothing, and the edge's policy forbids it to load anything."""
    path = provider().settings.branding.logo
    if path is None or not path.is_file():
        abort(404)
    response = send_file(path.resolve(), max_age=3600)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


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
