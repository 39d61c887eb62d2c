"""The shape of the house: which room may import what, how large a file may be, and that pages load nothing foreign.

The rules are read from the source, so imports inside functions and below `TYPE_CHECKING` count as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "idp"
TEMPLATES = CHECKOUT / "templates"

# Modules beside the rooms: values that everybody may use, so they import no room themselves.
COMMON = {"config", "errors", "clock", "resources", "i18n", "logs", "redaction"}
# `provider` is the bag that create_app fills with the parts; whoever acts is given it, whoever decides or computes is not.
WIRING = {"provider"}

EVERY_ROOM = {
    "policy",
    "keys",
    "store",
    "mail",
    "signals",
    "protocol",
    "accounts",
    "web",
    "cli",
    "relying_party",
    "testing",
}
# What each room may import, besides itself and the common modules.
MAY_IMPORT = {
    "policy": set(),
    "keys": set(),
    "store": {"keys"},
    "mail": {"store", "keys", *WIRING},
    "signals": {"policy", "store", "keys", *WIRING},
    "protocol": {"policy", "store", "keys", "signals"},
    "accounts": {"policy", "store", "keys", "mail", "signals", *WIRING},
    "web": {"protocol", "accounts", "policy", "store", "keys", "mail", "signals", *WIRING},
    "cli": {"protocol", "accounts", "policy", "store", "keys", "mail", "signals", "web", "create_app", *WIRING},
    "relying_party": set(),
    "testing": {*EVERY_ROOM - {"testing", "relying_party"}, "create_app", *WIRING},
    "provider": {"protocol", "accounts", "policy", "store", "keys", "mail", "signals"},
    "migrations": {"store"},
    "__main__": {"cli"},
}
MAY_IMPORT.update({module: set() for module in COMMON})

MAY_IMPORT_FLASK = {"__init__", "web", "relying_party", "testing"}
MAY_IMPORT_SQL = {"store", "migrations"}
MAY_IMPORT_AUTHLIB_INTEGRATIONS = {"web", "store", "relying_party"}
FORBIDDEN_EVERYWHERE = {
    "authlib.jose": "joserfc has replaced it",
    "authlib.integrations.sqla_oauth2": "its models keep secrets in the clear",
    "authlib.oauth2.drafts": "drafts change",
}
MAXIMUM_LINES = 500


@dataclass(frozen=True)
class Import:
    """One imported module, and where."""

    module: str
    line: int


def imports_of(source: str, module: str = "idp.room.module") -> list[Import]:
    """Every import in a module; `from idp import store` counts as `idp.store`, relative imports are resolved."""
    return list(_imports(ast.parse(source), module))


def _imports(tree: ast.AST, module: str) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: -node.level]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            # The names may be modules themselves: `from authlib import jose`, `from idp import store`.
            yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and _is_dynamic_import(node.func):
            name = node.args[0]
            yield Import(str(name.value) if isinstance(name, ast.Constant) else "a computed name", node.lineno)


def _is_dynamic_import(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__")


def room_of(path: Path) -> str:
    """The room (or the module beside the rooms) of a file, given relative to the package."""
    return path.parts[0].removesuffix(".py")


def faults_between_rooms(room: str, source: str, module: str = "idp.room.module") -> list[str]:
    """Imports of other rooms that this room may not make."""
    if room == "__init__":
        return []
    if room not in MAY_IMPORT:
        return [f"idp/{room} is not on the map in tests/test_architecture.py and STYLE.md"]
    allowed = MAY_IMPORT[room] | COMMON | {room}
    return [
        f"line {found.line}: {room} imports {found.module}"
        for found in imports_of(source, module)
        if found.module.partition(".")[0] == "idp" and _part_of_idp(found.module) not in allowed
    ]


def _part_of_idp(module: str) -> str:
    return module.removeprefix("idp").removeprefix(".").partition(".")[0]


def faults_of_libraries(room: str, source: str) -> list[str]:
    """Libraries that this room may not import."""
    faults = []
    for found in imports_of(source):
        reason = _refused_library(room, found.module)
        if reason:
            faults.append(f"line {found.line}: {room} imports {found.module}: {reason}")
    return faults


def _refused_library(room: str, module: str) -> str:
    top = module.partition(".")[0]
    for forbidden, reason in FORBIDDEN_EVERYWHERE.items():
        if module == forbidden or module.startswith(forbidden + "."):
            return reason
    if room == "store" and (top == "flask_sqlalchemy" or module == "flask.Flask"):
        return ""  # Flask-SQLAlchemy is bound to an application; its type may be named
    if room == "relying_party" and top == "sqlite3":
        return ""  # the kit remembers ended sessions in a file of its own
    if (top == "flask" or top.startswith("flask_")) and room not in MAY_IMPORT_FLASK:
        return "Flask belongs to web"
    if top in ("sqlalchemy", "sqlite3", "psycopg", "alembic", "flask_sqlalchemy") and room not in MAY_IMPORT_SQL:
        return "only store speaks SQL"
    if module.startswith("authlib.integrations") and room not in MAY_IMPORT_AUTHLIB_INTEGRATIONS:
        return "Authlib's integrations stay in web and store"
    return ""


LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|input)\b[^>]*?\ssrc(?:set)?\s*=\s*["']?\s*(?:https?:)?//"""
    r"""|<(?:link|object|use|image)\b[^>]*?\s(?:href|data|xlink:href)\s*=\s*["']?\s*(?:https?:)?//"""
    r"""|url\(\s*["']?\s*(?:https?:)?//"""
    r"""|@import\s+["']?\s*(?:https?:)?//"""
    r"""|^\s*import\b[^;]*?["'](?:https?:)?//""",
    re.IGNORECASE | re.MULTILINE,
)


def faults_of_page(text: str) -> list[str]:
    """Scripts, styles, images and fonts that a page or a style sheet would load from elsewhere."""
    return [f"line {text.count(chr(10), 0, found.start()) + 1}: {found.group()}" for found in LOADED.finditer(text)]


def is_too_long(source: str) -> bool:
    """Whether nobody reads this file to its end."""
    return len(source.splitlines()) > MAXIMUM_LINES


MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
PAGES = sorted(
    path.relative_to(CHECKOUT)
    for folder in (TEMPLATES, PACKAGE, CHECKOUT / "examples")
    for path in folder.rglob("*")
    if path.suffix in (".html", ".css", ".js", ".svg")
)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_one_way(path: Path) -> None:
    """Web to protocol and accounts, those to policy, store, keys and mail; never back."""
    source = (PACKAGE / path).read_text(encoding="utf-8")
    module = ".".join(["idp", *path.with_suffix("").parts])
    assert faults_between_rooms(room_of(path), source, module) == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    """Flask in web, SQL in store, Authlib's integrations in both, its old parts nowhere."""
    assert faults_of_libraries(room_of(path), (PACKAGE / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_file_is_too_long(path: Path) -> None:
    """A file is read in one go; a migration is a list and may be long."""
    source = (PACKAGE / path).read_text(encoding="utf-8")
    assert path.parts[0] == "migrations" or not is_too_long(source)


def test_pages_load_nothing_foreign() -> None:
    """No third-party script, style, font or image in a page, a mail or a style sheet."""
    faults = {str(path): faults_of_page((CHECKOUT / path).read_text(encoding="utf-8")) for path in PAGES}
    assert {path: found for path, found in faults.items() if found} == {}


def test_every_room_is_on_the_map() -> None:
    """The table above knows every room once."""
    assert set(MAY_IMPORT) >= EVERY_ROOM
    assert all(allowed <= EVERY_ROOM | WIRING | {"create_app"} for allowed in MAY_IMPORT.values())


BETWEEN_ROOMS = [
    ("policy", "import idp.store", False),
    ("policy", "from idp import store", False),
    ("policy", "from ..store import codes", False),
    ("policy", "def f():\n    from idp.accounts.passwords import check", False),
    ("policy", "from idp.errors import Refusal\nfrom idp.policy.consent import x\nimport datetime", True),
    ("keys", "from idp.store import rows", False),
    ("keys", "from idp.config import Settings", True),
    ("store", "from idp.web import context", False),
    ("store", "if TYPE_CHECKING:\n    from idp.accounts import sign_in", False),
    ("mail", "from idp.store import outbox", True),
    ("mail", "from idp.accounts import sign_in", False),
    ("signals", "from idp.keys import keyring", True),
    ("signals", "from idp.mail import send", False),
    ("protocol", "from idp.accounts import sign_in", False),
    ("protocol", "from idp.web import context", False),
    ("protocol", "from idp.mail import send", False),
    ("protocol", "from idp.policy import consent\nfrom idp.store import codes", True),
    ("accounts", "from idp.protocol import pkce", False),
    ("accounts", "from idp.mail import confirmation", True),
    ("accounts", "from idp.provider import Provider", True),
    ("protocol", "from idp.provider import Provider", False),
    ("policy", "from idp.provider import Provider", False),
    ("web", "from idp.protocol import pkce\nfrom idp.provider import Provider", True),
    ("web", "from idp.cli import main", False),
    ("cli", "from idp import create_app\nfrom idp.web import front", True),
    ("relying_party", "from idp.store import codes", False),
    ("relying_party", "import importlib\nimportlib.import_module('idp.store')", False),
    ("relying_party", "from idp.relying_party.sessions import find", True),
    ("errors", "from idp.store import codes", False),
    ("attic", "import datetime", False),
]


@pytest.mark.parametrize(("room", "source", "good"), BETWEEN_ROOMS)
def test_the_check_of_rooms_can_fail(room: str, source: str, good: bool) -> None:
    """Each rule is shown an import that breaks it."""
    assert (faults_between_rooms(room, source) == []) is good


LIBRARIES = [
    ("protocol", "import flask", False),
    ("protocol", "from flask import request", False),
    ("protocol", "from flask_wtf import FlaskForm", False),
    ("cli", "from flask import Flask", False),
    ("web", "from flask_babel import gettext", True),
    ("relying_party", "import flask", True),
    ("store", "import flask", False),
    ("store", "from flask import current_app", False),
    ("store", "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy", True),
    ("web", "from flask_sqlalchemy import SQLAlchemy", False),
    ("accounts", "def f():\n    import sqlite3", False),
    ("web", "from sqlalchemy import select", False),
    ("keys", "import psycopg", False),
    ("relying_party", "import sqlite3", True),
    ("relying_party", "import sqlalchemy", False),
    ("migrations", "from alembic import op\nimport sqlalchemy as sa", True),
    ("protocol", "from authlib.oauth2.rfc6749 import grants", True),
    ("protocol", "from authlib.integrations.flask_oauth2 import AuthorizationServer", False),
    ("web", "from authlib.integrations.flask_oauth2 import AuthorizationServer", True),
    ("keys", "from authlib.jose import jwt", False),
    ("keys", "from authlib import jose", False),
    ("store", "from authlib.integrations.sqla_oauth2 import OAuth2ClientMixin", False),
    ("store", "from authlib.integrations import sqla_oauth2", False),
    ("web", "import authlib.oauth2.drafts", False),
]


@pytest.mark.parametrize(("room", "source", "good"), LIBRARIES)
def test_the_check_of_libraries_can_fail(room: str, source: str, good: bool) -> None:
    """Each rule is shown a library where it does not belong."""
    assert (faults_of_libraries(room, source) == []) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ('<script src="https://cdn.example/x.js">', False),
        ("<script\n  defer src='//cdn.example/x.js'>", False),
        ('<link rel="stylesheet" href="http://fonts.example/css">', False),
        ('<img alt="" src="https://pixel.example/1.gif">', False),
        ("@font-face { src: url(https://fonts.example/a.woff2) }", False),
        ('@import "//cdn.example/a.css";', False),
        ('import x from "https://cdn.example/x.js";', False),
        ('<a href="https://www.example.com/">our shop</a>', True),
        ('<script src="{{ url_for("static", filename="x.js") }}" defer></script>', True),
        ('<img src="/static/logo.svg" alt="">', True),
    ],
)
def test_the_check_of_pages_can_fail(text: str, good: bool) -> None:
    """A link may lead elsewhere; what is loaded may not come from there."""
    assert (faults_of_page(text) == []) is good


def test_the_check_of_length_can_fail() -> None:
    """One line more is too long."""
    assert is_too_long("x = 1\n" * (MAXIMUM_LINES + 1))
    assert not is_too_long("x = 1\n" * MAXIMUM_LINES)
