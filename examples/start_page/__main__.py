"""Serve the page on loopback: `python -m examples.start_page`."""

from __future__ import annotations

import os

from granian import Granian
from granian.constants import Interfaces

if __name__ == "__main__":
    Granian(
        "examples.start_page.app:create_app",
        address="127.0.0.1",
        port=int(os.environ.get("SITE_PORT", "8003")),
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=4,
    ).serve()
