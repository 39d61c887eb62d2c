"""What is installed: licences that somebody has looked at, no version with a hole that we know of, a bill of materials."""

from __future__ import annotations

import re
from email.message import Message
from pathlib import Path

import pytest

from scripts import audit, licences

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = sorted((CHECKOUT / "requirements").glob("*.txt"))


def test_every_licence_is_known() -> None:
    """A new package with a licence that nobody has looked at is refused (SC-1)."""
    found = licences.licences()
    assert len(found) > 40
    assert {name: licence for name, licence in found.items() if not licences.is_allowed(licence)} == {}


def test_the_list_of_licences_is_up_to_date() -> None:
    """Otherwise: make licences."""
    assert licences.TABLE.read_text(encoding="utf-8") == licences.render(licences.licences()), "run: make licences"


@pytest.mark.parametrize(
    ("fields", "licence", "allowed"),
    [
        ([("License-Expression", "MIT OR Apache-2.0")], "MIT OR Apache-2.0", True),
        ([("License-Expression", "GPL-3.0-only OR MIT")], "GPL-3.0-only OR MIT", True),
        ([("License-Expression", "MIT AND GPL-3.0-only")], "MIT AND GPL-3.0-only", False),
        ([("License", "A text\nof many lines"), ("Classifier", "License :: OSI Approved :: BSD License")], "BSD", True),
        ([("Classifier", "License :: Other/Proprietary License")], "Other/Proprietary License", False),
        ([("License", "AGPL-3.0-or-later")], "AGPL-3.0-or-later", False),
        ([], "", False),
    ],
)
def test_licences_are_read_from_the_metadata(fields: list[tuple[str, str]], licence: str, allowed: bool) -> None:
    """Expression, text, classifier; a choice needs one that is known, a sum all of them."""
    about = Message()
    for name, value in fields:
        about[name] = value
    assert licences.licence_of(about) == licence
    assert licences.is_allowed(licence) is allowed


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_pin_has_a_hole_that_we_know_of(lock: Path) -> None:
    """Our own list, without a network; whoever lowers a version below it fails here (SC-1)."""
    assert audit.find_holes(lock.read_text(encoding="utf-8"), audit.OWN_LIST.read_text(encoding="utf-8")) == []
    assert lock.name in audit.LOCKS


def test_our_list_knows_what_it_should() -> None:
    """A hole is told with the version that closes it; names are those of the lock files, versions are versions."""
    own_list = audit.OWN_LIST.read_text(encoding="utf-8")
    (hole,) = audit.find_holes("jinja2==3.1.5 \\\n    --hash=sha256:0\n", own_list)
    assert hole.startswith("jinja2 3.1.5: CVE-2025-27516")
    assert hole.endswith("closed in 3.1.6")
    assert audit.find_holes("jinja2==3.1.10 \\\n", own_list) == []
    pinned = {name for lock in LOCKS for name in re.findall(r"^([a-z0-9.-]+)==", lock.read_text("utf-8"), re.MULTILINE)}
    assert set(audit.tomllib.loads(own_list)["closed_in"]) <= pinned


@pytest.mark.parametrize(
    ("code", "out", "err", "meaning"),
    [
        (0, "", "No known vulnerabilities found", 0),
        (1, "flask 1.0 PYSEC-2019-179", "Found 1 known vulnerability", 1),
        (1, "", "requests.exceptions.ConnectionError: Max retries exceeded", 2),
        (1, "", "ERROR: a hash is missing", 1),
    ],
)
def test_a_service_that_cannot_be_asked_is_no_all_clear(code: int, out: str, err: str, meaning: int) -> None:
    """Nothing found, something found, nobody asked: three ends that a build can tell apart (SC-1)."""
    assert audit.judge(code, out, err)[0] == meaning
