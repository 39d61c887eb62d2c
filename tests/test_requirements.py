"""The tables of requirements in docs/ tell the truth: every row names tests, and every test exists."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
TABLES = sorted((CHECKOUT / "docs").glob("rfc-*.md"))
HEAD = ["§", "requirement", "here", "test"]


def rows_of(table: Path) -> list[list[str]]:
    """The cells of each row, heads and rules left out."""
    lines = [line for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]
    return [row for row in rows if row != HEAD and not set("".join(row)) <= {"-", "|"}]


@cache
def find_tests(path: str) -> frozenset[str]:
    """The names of the test functions in a file."""
    tree = ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_there_is_a_table() -> None:
    """Otherwise the next test would show nothing."""
    assert CHECKOUT / "docs" / "rfc-introspection-userinfo-revocation.md" in TABLES
    assert min(len(rows_of(table)) for table in TABLES) > 50


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_names_tests_that_exist(table: Path) -> None:
    """Section, requirement, what is done, and at least one test function in one of our files."""
    for row in rows_of(table):
        assert len(row) == len(HEAD), row
        section, requirement, _, tests = row
        assert section, row
        assert requirement, row
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
        assert named, row
        assert re.fullmatch(r"(`tests/[\w/]+\.py::test_\w+`(, )?)+", tests), row
        for path, name in named:
            assert name in find_tests(path), f"{path}::{name}"


def test_every_module_of_the_suite_has_a_test_here() -> None:
    """What the conformance suite proved once is kept by tests that run every time."""
    results = json.loads((CHECKOUT / "conformance" / "results.json").read_text(encoding="utf-8"))
    proved = {module["module"] for plan in results.values() for module in plan["modules"]}
    lines = (CHECKOUT / "docs" / "conformance-modules.md").read_text(encoding="utf-8").splitlines()
    told = {}
    for line in lines:
        if line.startswith("| `"):
            module, _rule, tests = line.strip("| ").split(" | ")
            told[module.strip("`")] = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
    assert told.keys() == proved
    missing = [f"{path}::{name}" for named in told.values() for path, name in named if name not in find_tests(path)]
    assert missing == []
    assert all(told.values())
