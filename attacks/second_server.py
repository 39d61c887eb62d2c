"""A second server process on an SQLite database (`python -m attacks.second_server`), which `idp serve` refuses to be.

Operators run `idp …` beside the server, and a restart may overlap; so who wins must not hang on one process's lock.
"""

from __future__ import annotations

import os
from pathlib import Path

from idp.cli.serve import parse_bind, prepare, run_granian
from idp.config import load_settings
from idp.logs import configure_logging


def main() -> None:
    """Serve with the configuration that IDP_CONFIG names."""
    settings = load_settings(Path(os.environ["IDP_CONFIG"]))
    configure_logging(settings.server.log_level)
    prepare(settings)
    run_granian(settings, *parse_bind(settings.server.bind))


if __name__ == "__main__":
    main()
