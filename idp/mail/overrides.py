"""The operator's own words for mails: what is in the folder `[branding] templates`, and whether it serves.

A template that fails never stops a mail (`render` takes ours); here the operator is told beforehand, by `idp check` and at
the previews of the desk. Blocks keep their names within a version of `BLOCKS`; a template says for which it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

from idp import resources
from idp.config import LANGUAGES
from idp.mail.render import OURS, render_from

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.mail.outgoing import Draft

BLOCKS = 1
"""The version of the blocks' names and of the values that templates get; raised when one goes or changes its meaning."""

PARTS = ("subject.txt", "body.txt", "body.html")

_VERSION = re.compile(r"\{#-?\s*blocks (\d+)\s*-?#\}")
_BLOCK = re.compile(r"\{%-?\s*block (\w+)")
_EXTENDS = re.compile(r"\{%-?\s*extends\s+[\"']([^\"']+)[\"']")
_PART = re.compile(rf"(?P<stem>subject|body)(?:\.(?:{'|'.join(LANGUAGES)}))?\.(?P<kind>txt|html)")


def list_own(settings: Settings) -> list[Path]:
    """The operator's templates for mails, relative to the folder of mails."""
    folder = _folder(settings)
    if folder is None or not folder.is_dir():
        return []
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def find_file_faults(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Files that change nothing, or that were written for other blocks than there are."""
    folder = _folder(settings)
    for path in list_own(settings):
        assert folder is not None
        if any(part.startswith((".", "_")) for part in path.parts):
            continue  # the operator's own building blocks
        part = _PART.fullmatch(path.name)
        if part is None or len(path.parts) != 2 or f"{part['stem']}.{part['kind']}" not in PARTS:
            yield path, "changes nothing: it is no part of a mail, such as approved/body.html or approved/body.de.html"
        elif not (resources.templates_folder() / "mail" / path.parts[0]).is_dir():
            yield path, f"changes nothing: there is no mail {path.parts[0]}"
        else:
            yield from ((path, fault) for fault in _faults_of_text(_read(folder / path)))


def find_fault(settings: Settings, draft: Draft, language: str, *, name: str) -> str:
    """Why the operator's templates do not serve for this message, or nothing."""
    own = settings.branding.templates
    if own is None:
        return ""
    values = draft.values
    try:
        theirs = render_from(own, settings, draft.message, name=name, locale=language, values=values)
    except Exception as error:  # noqa: BLE001 - an operator's template may fail in any way, and each is told
        return f"{type(error).__name__}: {error}"
    ours = render_from(None, settings, draft.message, name=name, locale=language, values=values)
    if not theirs.subject:
        return "the subject is empty"
    for value, given in values.items():
        needed = str(given)
        is_needed = value == "code" or value.endswith("link")
        for part, before, after in (
            ("text", ours.text, theirs.text),
            ("HTML", unescape(ours.html), unescape(theirs.html)),
        ):
            if is_needed and needed in before and needed not in after:
                return f"{value} is missing in the {part} part"
    return ""


def _folder(settings: Settings) -> Path | None:
    return settings.branding.templates / "mail" if settings.branding.templates else None


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _faults_of_text(text: str) -> Iterator[str]:
    """The version that it names, and blocks that its parent does not have."""
    parent = _EXTENDS.search(text)
    if parent is None:
        return  # a whole part of its own
    version = _VERSION.search(text)
    if version is None:
        yield f"names no version of the blocks; write {{# blocks {BLOCKS} #}} into it"
    elif int(version[1]) != BLOCKS:
        yield f"was written for blocks {version[1]}, and these are blocks {BLOCKS}; see docs/mail-texts.md"
    if parent[1].startswith(OURS + "/"):
        known = _blocks_behind(parent[1].removeprefix(OURS + "/"))
        for block in _BLOCK.findall(text):
            if block not in known:
                yield f"changes nothing with its block {block}: {parent[1]} has {', '.join(sorted(known)) or 'none'}"


def _blocks_behind(name: str) -> set[str]:
    """The blocks of a template of ours and of those that it extends."""
    path = resources.templates_folder() / "mail" / name
    if not path.is_file():
        return set()
    text = _read(path)
    parent = _EXTENDS.search(text)
    return set(_BLOCK.findall(text)) | (_blocks_behind(parent[1]) if parent else set())
