"""Who asks: programs get JSON errors and send no form tokens, people get pages (GO-5).

Below `/oauth/` everything is for programs except what a browser is shown; `/.well-known/` and `/api/` are for programs.
"""

from __future__ import annotations

import re

_FOR_PEOPLE = re.compile(r"/oauth/(authorize|continue|consent|logout|logged-out|check_session)(?![A-Za-z0-9_-])")
_FOR_PROGRAMS = re.compile(r"/oauth(?![A-Za-z0-9_-])|/api(?![A-Za-z0-9_-])|/\.well-known/|/(healthz|readyz|metrics)\Z")


def is_for_programs(path: str) -> bool:
    """Whether this path answers clients, services and supervisors rather than people."""
    return bool(_FOR_PROGRAMS.match(path)) and not _FOR_PEOPLE.match(path)
