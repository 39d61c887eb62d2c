"""Compile the gettext catalogues (`messages.po`) into what the program reads (`messages.mo`).

Used by the Makefile (in place, only what changed) and by setup.py (into the wheel). A catalogue with a fault, such as a
placeholder that the program does not fill, stops the work.
"""

from __future__ import annotations

import sys
from pathlib import Path

TRANSLATIONS = Path("idp/translations")


class FaultyCatalogue(Exception):
    """A translation that cannot be used; the text names file, line and fault."""


def compile_all(source: Path, target: Path) -> list[Path]:
    """Compile every catalogue below `source` into the same place below `target`; out: the files that are there now."""
    compiled = []
    for po in sorted(source.glob("*/LC_MESSAGES/*.po")):
        mo = target / po.relative_to(source).with_suffix(".mo")
        if not mo.exists() or mo.stat().st_mtime <= po.stat().st_mtime:
            _compile(po, mo)
        compiled.append(mo)
    return compiled


def _compile(po: Path, mo: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with po.open("rb") as file:
        catalogue = read_po(file, locale=po.parent.parent.name, abort_invalid=True)
    faults = [f"{po}:{message.lineno}: {fault}" for message, errors in catalogue.check() for fault in errors]
    if faults:
        raise FaultyCatalogue("\n".join(faults))
    mo.parent.mkdir(parents=True, exist_ok=True)
    unfinished = mo.with_suffix(".mo.new")
    with unfinished.open("wb") as file:
        write_mo(file, catalogue)
    unfinished.replace(mo)


if __name__ == "__main__":
    try:
        compile_all(TRANSLATIONS, TRANSLATIONS)
    except FaultyCatalogue as error:
        sys.exit(str(error))
