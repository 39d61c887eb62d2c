"""Serve the site on loopback: `python -m examples.training_portal`."""

from __future__ import annotations

import os

from granian import Granian
from granian.constants import Interfaces

if __name__ == "__main__":
    Granian(
        "examples.training_portal.app:create_app",
        address="127.0.0.1",
        port=int(os.environ.get("SITE_PORT", "8102")),
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=4,
    ).serve()
