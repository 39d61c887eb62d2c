"""Where the package's own files are: in the checkout, or inside the installed wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def templates_folder() -> Path:
    """The folder of page and mail templates: `templates/` beside the package in a checkout, inside it in a wheel."""
    inside = PACKAGE / "templates"
    return inside if inside.is_dir() else PACKAGE.parent / "templates"


def connect_folder() -> Path:
    """The folder of the pages that tell how to connect a site: `docs/connect/` in a checkout, inside the package in a wheel."""
    inside = PACKAGE / "connect"
    return inside if inside.is_dir() else PACKAGE.parent / "docs" / "connect"


def static_folder() -> Path:
    """The folder of style sheets and scripts."""
    return PACKAGE / "web" / "static"


def translations_folder() -> Path:
    """The folder of compiled gettext catalogues."""
    return PACKAGE / "translations"


def examples_folder() -> Path:
    """The folder of the example sites and the demo's data, which only a checkout has."""
    return PACKAGE.parent / "examples"
