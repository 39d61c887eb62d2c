"""The provider behind the current request."""

from __future__ import annotations

from typing import cast

from flask import current_app

from idp.provider import Provider


def provider() -> Provider:
    """The parts that this application was built with."""
    return cast(Provider, current_app.extensions["idp"])
