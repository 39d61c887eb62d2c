"""Write docs/security/licences.md: the licences of what the server installs (requirements/server.txt), as its metadata has them.

`make licences` runs it in the environment of the tests; tests/test_supply.py refuses licences that nobody has looked at.
"""

from __future__ import annotations

import re
import sys
from email.message import Message
from importlib import metadata
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LOCK = CHECKOUT / "requirements" / "server.txt"
TABLE = CHECKOUT / "docs" / "security" / "licences.md"

ALLOWED = {
    "MIT": "",
    "MIT-0": "",
    "BSD-2-Clause": "",
    "BSD-3-Clause": "",
    "BSD": "which of the BSD licences, its own file says",
    "ISC": "",
    "Apache-2.0": "",
    "MPL-2.0": "changes to its own files would be published; there are none",
    "MPL-2.0 AND (Apache-2.0 OR MIT)": "changes to its own files would be published; there are none",
    "PSF-2.0": "",
    "Unlicense": "",
    "LGPL-3.0-only": "installed unchanged and exchangeable, as the licence asks",
}
"""Licences that somebody has looked at, and what to mind."""

_PIN = re.compile(r"^(?P<name>[a-z0-9.-]+)==[^\s;]+(?: ; (?P<marker>[^\\]+))?", re.MULTILINE)
_CLASSIFIERS = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}

HEAD = """\
# Licences of what the server installs

Written by `make licences` from `requirements/server.txt` and the packages' metadata. A package with a licence that is not
known here fails the tests until somebody has looked at it (`ALLOWED` in `scripts/licences.py`).

| package | licence | to mind |
|---|---|---|
"""


def packages() -> list[str]:
    """What the lock file installs on Linux."""
    found = _PIN.finditer(LOCK.read_text(encoding="utf-8"))
    return [match["name"] for match in found if "win32" not in (match["marker"] or "")]


def licence_of(about: Message) -> str:
    """The licence by a package's metadata: its expression, its short text, or its classifiers; empty if none is said."""
    said = about.get("License-Expression") or about.get("License") or ""
    if said and len(said) < 60 and "\n" not in said:
        return said
    classifiers = [
        text.rpartition(":: ")[2] for text in about.get_all("Classifier") or [] if text.startswith("License")
    ]
    return " OR ".join(sorted(_CLASSIFIERS.get(text, text) for text in classifiers))


def is_allowed(licence: str) -> bool:
    """Whether the whole, or each part, or one of its alternatives, is known; brackets only stand in wholes."""
    return licence in ALLOWED or any(
        all(part in ALLOWED for part in choice.split(" AND ")) for choice in licence.split(" OR ")
    )


def licences() -> dict[str, str]:
    """The licence of each package that is installed here."""
    return {name: licence_of(metadata.metadata(name)) for name in packages()}  # type: ignore[arg-type]


def render(found: dict[str, str]) -> str:
    """The table."""
    rows = [f"| {name} | {licence} | {ALLOWED.get(licence, '')} |\n" for name, licence in sorted(found.items())]
    return HEAD + "".join(rows)


def main() -> int:
    """Write the table; out: 1 where a licence is not known."""
    found = licences()
    TABLE.write_text(render(found), encoding="utf-8")
    unknown = [
        f"{name}: {licence or 'no licence is said'}" for name, licence in found.items() if not is_allowed(licence)
    ]
    for line in unknown:
        print(line, file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
