"""The house: lock files that anybody can install from, and a wheel that works away from the checkout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.wheel import build_wheel, copy_source, run
from tests.test_architecture import imports_of

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = sorted((CHECKOUT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^\s;]+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


def faults_of_lock(text: str) -> list[str]:
    """Lines that are no pin, hash or comment: addresses, options, packages without a hash."""
    lines = text.splitlines()
    faults = [line for line in lines if not (line.lstrip().startswith("#") or PINNED.match(line) or HASH.match(line))]
    faults += [line for line in lines if "://" in line]
    followers = zip(lines, [*lines[1:], ""], strict=True)
    return faults + [line for line, after in followers if PINNED.match(line) and not HASH.match(after)]


def pins(lock: Path) -> dict[str, str]:
    """Names and versions in a lock file."""
    found = (PINNED.match(line) for line in lock.read_text(encoding="utf-8").splitlines())
    return {match["name"]: match["version"] for match in found if match}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_has_only_pins_and_hashes(lock: Path) -> None:
    """No address of a package server, no option, nothing without a hash (SC-1)."""
    assert faults_of_lock(lock.read_text(encoding="utf-8")) == []
    assert pins(lock)


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://packages.example/simple",
        "flask==3.1.3",
        "flask>=3 \\\n    --hash=sha256:" + "0" * 64,
        "flask==3.1.3 \\\n    # via idp",
        "# from https://packages.example/simple",
    ],
)
def test_the_check_of_locks_can_fail(text: str) -> None:
    """Each rule is shown a line that breaks it."""
    assert faults_of_lock(text)


def test_locks_agree() -> None:
    """A package has one version, whichever file names it."""
    server = pins(CHECKOUT / "requirements" / "server.txt")
    dev = pins(CHECKOUT / "requirements" / "dev.txt")
    assert pins(CHECKOUT / "requirements" / "base.txt").items() <= server.items() <= dev.items()
    clients = pins(CHECKOUT / "requirements" / "clients.txt")
    assert {name: clients[name] for name in clients.keys() & dev.keys()}.items() <= dev.items()


def test_build_tools_are_pinned_alike() -> None:
    """What builds the wheel elsewhere is what builds it here."""
    needed = PROJECT["build-system"]["requires"]
    assert needed == PROJECT["dependency-groups"]["build"]
    locked = pins(CHECKOUT / "requirements" / "server.txt")
    assert [f"{name}=={locked[name]}" for name in (line.partition("==")[0] for line in needed)] == needed


FLASKS_OWN = {"werkzeug", "jinja2", "markupsafe", "itsdangerous"}


def needed_by(files: Iterable[Path]) -> set[str]:
    """The distributions that modules import, by their names on the package index."""
    tops = {found.module.partition(".")[0] for file in files for found in imports_of(file.read_text(encoding="utf-8"))}
    known = packages_distributions()
    return {known[top][0].lower().replace("_", "-") for top in tops if top in known} - FLASKS_OWN - {"idp"}


def declared(requirements: list[str]) -> set[str]:
    """The names in a list of requirements."""
    return {re.split(r"[\[<>=!~ ]", line, maxsplit=1)[0] for line in requirements}


def test_what_is_imported_is_declared() -> None:
    """No package is there by luck, because another one needs it; the kit gets along with the base."""
    base = declared(PROJECT["project"]["dependencies"])
    server = declared(PROJECT["project"]["optional-dependencies"]["server"])
    kit = set((CHECKOUT / "idp" / "relying_party").rglob("*.py"))
    assert needed_by(kit) - base == set()
    assert needed_by(set((CHECKOUT / "idp").rglob("*.py")) - kit) - base - server == set()


def test_the_check_of_declarations_can_fail(tmp_path: Path) -> None:
    """An import is traced to the package it comes from."""
    (tmp_path / "module.py").write_text("def f():\n    import argon2\n    from flask import g", encoding="utf-8")
    assert needed_by([tmp_path / "module.py"]) == {"argon2-cffi", "flask"}


def test_the_kit_needs_nothing_of_the_server() -> None:
    """A sibling site installs neither SQLAlchemy nor a server."""
    assert (
        not {"sqlalchemy", "granian", "psycopg", "alembic", "argon2-cffi"}
        & pins(CHECKOUT / "requirements/base.txt").keys()
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what makes the wheel, fresh from the repository, with one template and one translation more."""
    copy = tmp_path_factory.mktemp("source")
    copy_source(copy)
    (copy / "templates" / "probe").mkdir(parents=True)
    (copy / "templates" / "probe" / "page.html").write_text("<h1>probe</h1>", encoding="utf-8")
    catalogue = copy / "idp" / "translations" / "eo" / "LC_MESSAGES" / "messages.po"
    catalogue.parent.mkdir(parents=True)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    catalogue.write_text(header + 'msgid "probe"\nmsgstr "provo"\n', encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


def test_wheel_has_every_file_of_the_package(source: Path, wheel: Path) -> None:
    """Code, migrations, static files and the kit's pages; templates and compiled translations come to it."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = {path.relative_to(source) for path in (source / "idp").rglob("*") if path.is_file()}
    templates = {Path("idp") / path.relative_to(source) for path in (source / "templates").rglob("*") if path.is_file()}
    templates |= {Path("idp/connect") / path.name for path in (source / "docs" / "connect").iterdir()}
    expected = {path.with_suffix(".mo") if path.suffix == ".po" else path for path in package | templates}
    metadata = {name for name in inside if ".dist-info/" in name}
    assert {str(path) for path in expected} == inside - metadata


PROBE = """
import gettext, json, idp
from idp.resources import static_folder, templates_folder, translations_folder
print(json.dumps({
    "from": idp.__file__,
    "template": (templates_folder() / "probe" / "page.html").read_text(),
    "word": gettext.translation("messages", translations_folder(), ["eo"]).gettext("probe"),
    "static": str(static_folder()),
}))
"""


def test_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Installed elsewhere, it finds its own templates and translations."""
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target)]
    run([*pip, str(wheel)], tmp_path)
    answer = json.loads(
        run([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(target)!r})\n{PROBE}"], tmp_path)
    )
    assert Path(answer["from"]).is_relative_to(target)
    assert Path(answer["static"]).is_relative_to(target)
    assert (answer["template"], answer["word"]) == ("<h1>probe</h1>", "provo")


@pytest.mark.parametrize(
    ("translation", "fault"),
    [("%(count)s Mails", ""), ("%(number)s Mails", "unknown named placeholder")],
)
def test_translations_with_a_placeholder_of_their_own_are_refused(tmp_path: Path, translation: str, fault: str) -> None:
    """A sentence must not fail in one language only."""
    folder = tmp_path / "idp" / "translations" / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    text = f'#, python-format\nmsgid "%(count)s mails"\nmsgstr "{translation}"\n'
    (folder / "messages.po").write_text(text, encoding="utf-8")
    command = [sys.executable, str(CHECKOUT / "scripts" / "compile_messages.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is not bool(fault)
    assert fault in done.stderr
    assert (folder / "messages.mo").exists() is not bool(fault)
