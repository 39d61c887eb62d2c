"""Security rules that hold in the source itself: statements, patterns, comparisons, who may open a session.

Read from the source and from the imported modules, so that a new line that breaks one is found wherever it stands.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import idp

PACKAGE = Path(idp.__file__).parent
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations/versions" not in path.as_posix())


def nodes(kind: type[ast.AST], source: str) -> Iterator[Any]:
    """All nodes of a kind."""
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, kind))


def name_of(call: ast.Call) -> str:
    """What is called, without where it is from."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


# Statements


# Where a statement is put together when it is needed: from lists of our own, never from what was sent.
MADE_WHEN_NEEDED = {
    "store/personal_data.py": "names of our own tables",
    "store/device_claims.py": "clauses of this module, one for each limit",
    "store/review_queue.py": "clauses of this module, one for each filter",
    "store/sealed_rows.py": "names of our own columns, when the module is imported",
    "store/search.py": "clauses of this module",
}
EXECUTES = {"Statement", "exec_driver_sql", "text"}


def late_statements(source: str) -> list[str]:
    """Statements that are made inside functions and are no constants."""
    found = []
    for function in nodes(ast.FunctionDef, source):
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            is_sql = name_of(call) in EXECUTES and (isinstance(call.func, ast.Name) or call.func.attr != "text")  # type: ignore[attr-defined]
            if is_sql and not (call.args and is_constant(call.args[0])):
                found.append(ast.unparse(call))
    return found


def is_constant(node: ast.AST) -> bool:
    """Text that stands in the source, or one of several."""
    if isinstance(node, ast.IfExp):
        return is_constant(node.body) and is_constant(node.orelse)
    return isinstance(node, ast.Constant)


def test_statements_are_made_when_a_module_is_imported() -> None:
    """Nothing that was sent can be part of one; values are parameters, order and filters are among ours (IV-7)."""
    late = {
        path.relative_to(PACKAGE).as_posix(): found
        for path in SOURCES
        if (found := late_statements(path.read_text(encoding="utf-8")))
    }
    assert late.keys() == MADE_WHEN_NEEDED.keys()


def test_the_check_of_statements_can_fail() -> None:
    """A statement with a value in it, inside a function."""
    assert late_statements("def f(name):\n    tx.one(Statement(f'SELECT {name}'))")
    assert late_statements("def f(tx, name):\n    tx.exec_driver_sql('DELETE ' + name)")
    assert not late_statements("_A = Statement(f'SELECT {COLUMNS}')\ndef f(tx):\n    tx.exec_driver_sql('ANALYZE')")


# Patterns


def patterns() -> set[str]:
    """Every regular expression of ours: constants in the source, and what modules made of parts."""
    found = set()
    for path in SOURCES:
        for call in nodes(ast.Call, path.read_text(encoding="utf-8")):
            is_re = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "re"
            if is_re and call.args and isinstance(call.args[0], ast.Constant) and call.func.attr != "escape":
                found.add(str(call.args[0].value))
    for module in pkgutil.walk_packages([str(PACKAGE)], "idp."):
        if "migrations" in module.name or module.name.endswith("__main__"):
            continue
        found |= {one.pattern for one in kept_in(list(vars(importlib.import_module(module.name)).values()))}
    return found


def kept_in(value: object) -> Iterator[re.Pattern[str]]:
    """The patterns in a value of a module, also within its lists and tables."""
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from kept_in(one)


def explodes(pattern: str) -> bool:
    """Whether a repetition without end stands in another one whose rounds nothing tells apart (CWE-1333)."""
    return _explodes(re._parser.parse(pattern))  # type: ignore[attr-defined]


def _explodes(parsed: Any, *, within: bool = False) -> bool:
    for position, (kind, value) in enumerate(parsed):
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _least, most, body = value
            endless = most > 1000
            if endless and within and not _begins_with_a_separator(parsed, position):
                return True
            if _explodes(body, within=within or endless):
                return True
        else:
            inner = {"SUBPATTERN": lambda value: [value[-1]], "BRANCH": lambda value: value[1]}.get(name)
            look_around = [value[1]] if name in ("ASSERT", "ASSERT_NOT") else []
            if any(_explodes(one, within=within) for one in (inner(value) if inner else look_around)):
                return True
    return False


def _begins_with_a_separator(parsed: Any, position: int) -> bool:
    """Whether a sign that the inner repetition never takes stands at the beginning of each round."""
    kind, value = parsed[0]
    if str(kind) != "LITERAL" or position == 0:
        return False
    inner = parsed[position][1][2]
    return len(inner) == 1 and not re.match(_spell(inner), chr(value))


def _spell(inner: Any) -> str:
    """A class of signs as a pattern again."""
    kind, value = inner[0]
    if str(kind) != "IN":
        return "."
    signs = []
    for what, sign in value:
        if str(what) == "LITERAL":
            signs.append(re.escape(chr(sign)))
        elif str(what) == "RANGE":
            signs.append(f"{re.escape(chr(sign[0]))}-{re.escape(chr(sign[1]))}")
        else:
            return "."
    return "[" + "".join(signs) + "]"


def test_no_pattern_explodes() -> None:
    """No repetition within a repetition that leaves a choice, whatever text it reads (RX-5)."""
    found = patterns()
    assert len(found) > 60
    assert any(pattern.startswith("bcrypt_sha256") for pattern in found)
    assert [pattern for pattern in found if explodes(pattern)] == []


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(?:[a-z]*-?)*", r"([a-z]+\.?)+@", r"((?:a|b)+)*", r"(?:-[a-z-]+)+"])
def test_the_check_of_patterns_can_fail(pattern: str) -> None:
    """Those that are known to take for ever."""
    assert explodes(pattern)


# Comparisons

SECRET = re.compile(
    r"secret|token|password|digest|\bmac\b|signature|challenge|verifier|code_hash|cookie", re.IGNORECASE
)
# Names that sound like secrets and are compared in the usual way, because they are none.
NO_SECRET = re.compile(
    r"token_endpoint_auth_method|SIGNS_WITH_SECRET|token\.header|token\.claims|DEMO_PASSWORD|own_link"
    r"|account\.password_hash|self\._digest|self\._expected_digest"
)


def plain_comparisons(source: str) -> list[str]:
    """Where something that sounds like a secret is compared with `==`, and not with a constant."""
    found = []
    for node in nodes(ast.Compare, source):
        sides = [node.left, *node.comparators]
        is_plain = any(isinstance(operator, (ast.Eq, ast.NotEq)) for operator in node.ops)
        if is_plain and not any(isinstance(side, ast.Constant) for side in sides):
            text = ast.unparse(node)
            if SECRET.search(text) and not NO_SECRET.search(text):
                found.append(text)
    return found


def test_secrets_are_compared_in_constant_time() -> None:
    """By `is_same`, by a hash that is the row's key, or by a library's own check (CR-5, CO-7)."""
    found = {path.relative_to(PACKAGE).as_posix(): plain_comparisons(path.read_text("utf-8")) for path in SOURCES}
    assert {path: lines for path, lines in found.items() if lines} == {}
    assert "is_same(" in (PACKAGE / "protocol" / "pkce.py").read_text(encoding="utf-8")


def test_the_check_of_comparisons_can_fail() -> None:
    """A client secret, and the digest of a link."""
    assert plain_comparisons("ok = client.secret == sent")
    assert plain_comparisons("ok = row['digest'] != hash_secret('link', token)")
    assert not plain_comparisons("ok = is_same(client.secret, sent)\nno = token == ''")


# Sessions

# Who opens a session or gives it a new secret, and what was shown before.
OPENS_A_SESSION = {"accounts/sign_in.py": "the password", "accounts/profile.py": "the old password, for a new one"}


def test_a_session_is_opened_by_a_password_only() -> None:
    """Nobody, staff included, gets a session of somebody else: there is no other door (AD-5)."""
    callers = {
        path.relative_to(PACKAGE).as_posix()
        for path in SOURCES
        if "relying_party" not in path.as_posix() and path.name != "sessions.py"
        for call in nodes(ast.Call, path.read_text(encoding="utf-8"))
        if name_of(call) in ("start_session", "renew_session")
    }
    assert callers == OPENS_A_SESSION.keys()


# Where HTML that is no constant is shown as it is.
SAFE_MARKUP = {
    "web/account/terms.py": "CommonMark of the operator's files, rendered without HTML, images or foreign schemes"
}


def test_no_log_line_or_form_is_made_of_markup() -> None:
    """Text of people is never declared to be safe HTML: `Markup` is made of constants, or of what was escaped (IV-8)."""
    found = []
    for path in SOURCES:
        for call in nodes(ast.Call, path.read_text(encoding="utf-8")):
            if name_of(call) == "Markup" and call.args and not is_constant(call.args[0]):
                found.append(path.relative_to(PACKAGE).as_posix())
    assert found == list(SAFE_MARKUP)
    for template in (PACKAGE.parent / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert "xmlattr" not in text, template
        assert not re.search(r"\|\s*safe\b", text), template
        assert "autoescape false" not in text, template


def redirects(source: str) -> list[str]:
    """Redirects whose status is not said to be 303."""
    calls = (call for call in nodes(ast.Call, source) if isinstance(call.func, ast.Name) and call.func.id == "redirect")
    codes = ((call, [word.value for word in call.keywords if word.arg == "code"] or call.args[1:2]) for call in calls)
    return [ast.unparse(call) for call, code in codes if not (code and ast.unparse(code[0]) == "303")]


def test_every_redirect_is_a_303() -> None:
    """So that no browser sends a form with a password on to where it is sent (RD-12, RFC 9700 §4.12)."""
    found = {path.name: redirects(path.read_text("utf-8")) for path in (PACKAGE / "web").rglob("*.py")}
    assert {name: calls for name, calls in found.items() if calls} == {}
    assert redirects("redirect(x)")
    assert redirects("redirect(x, code=307)")
    assert not redirects("redirect(x, code=303)")
