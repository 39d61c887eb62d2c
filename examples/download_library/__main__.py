"""Serve the site on loopback: `python -m examples.download_library`."""

from __future__ import annotations

import os

from granian import Granian
from granian.constants import Interfaces

if __name__ == "__main__":
    Granian(
        "examples.download_library.app:create_app",
        address="127.0.0.1",
        port=int(os.environ.get("SITE_PORT", "8101")),
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=4,
    ).serve()
