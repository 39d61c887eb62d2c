"""Write docs/security/rules.md: each security rule with the tests that name its id in their docstrings.

`docs/security/rules.toml` has the ids and names. `make security-rules` writes the table; `--check` only says whether it
is up to date and whole (exit 1 where it is not), which tests/test_security_rules.py does as well.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCE = CHECKOUT / "docs" / "security" / "rules.toml"
TABLE = CHECKOUT / "docs" / "security" / "rules.md"
TESTS = CHECKOUT / "tests"

HEAD = """\
# Security rules and the tests that show them

Written by `make security-rules` from [rules.toml](rules.toml) and the tests' docstrings; not edited by hand. A rule is
shown by the tests that name its id. Where a rule reads differently here than in the source it came from, "Here" says so.
"""


@dataclass(frozen=True)
class Section:
    """Rules whose ids begin alike."""

    prefix: str
    title: str
    names: dict[str, str]


@dataclass(frozen=True)
class Rules:
    """What rules.toml says: names by section, and what is refused, decided otherwise or open."""

    sections: list[Section]
    refused: dict[str, str]
    decided: dict[str, str]
    open: dict[str, str]

    @property
    def ids(self) -> list[str]:
        """All ids in their order."""
        return [rule for section in self.sections for rule in section.names]


@dataclass
class Findings:
    """Which tests name which id, as `path::name`; and ids that are none of ours."""

    tests: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def read_rules(source: Path = SOURCE) -> Rules:
    """Read rules.toml."""
    told = tomllib.loads(source.read_text(encoding="utf-8"))
    sections = [
        Section(prefix, rules["title"], {rule: name for rule, name in rules.items() if rule != "title"})
        for prefix, rules in told["sections"].items()
    ]
    return Rules(sections, told["refused"], told["decided"], told["open"])


def find_tests(rules: Rules, folder: Path = TESTS) -> Findings:
    """Go through the docstrings of all test functions below a folder, in the order of files and lines."""
    prefixes = "|".join(section.prefix for section in rules.sections)
    pattern = re.compile(rf"\b(?:{prefixes})-\d+\b")
    known = set(rules.ids)
    findings = Findings()
    for path in sorted(folder.rglob("*.py")):
        where = path.relative_to(folder.parent).as_posix()
        for name, docstring in _docstrings(path):
            for rule in dict.fromkeys(pattern.findall(docstring)):
                if rule in known:
                    findings.tests.setdefault(rule, []).append(f"{where}::{name}")
                else:
                    findings.unknown.append(f"{where}::{name}: {rule}")
    return findings


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """The test functions of a file with what their docstrings say, with the name of their class if they have one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for function in inner:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                yield prefix + function.name, ast.get_docstring(function) or ""


def find_faults(rules: Rules, findings: Findings) -> list[str]:
    """What is not whole: rules without a test, rules called open that have one, ids that nobody knows."""
    known = set(rules.ids)
    faults = [f"{line}: there is no such rule" for line in findings.unknown]
    for section in rules.sections:
        faults += [
            f"{rule}: not in section {section.prefix}" for rule in section.names if not rule.startswith(section.prefix)
        ]
    for table in (rules.refused, rules.decided, rules.open):
        faults += [f"{rule}: there is no such rule" for rule in table if rule not in known]
    for rule in rules.ids:
        if rule in rules.open and findings.tests.get(rule) and not rules.open[rule].startswith("Partly"):
            faults.append(f"{rule}: has a test; take it out of [open], or say what is missing: Partly: ...")
        elif rule not in rules.open and not findings.tests.get(rule):
            faults.append(f"{rule}: no test names it")
    return faults


def render(rules: Rules, findings: Findings) -> str:
    """The table as Markdown."""
    shown = sum(1 for rule in rules.ids if findings.tests.get(rule))
    named = {test for tests in findings.tests.values() for test in tests}
    parts = [HEAD, f"{len(rules.ids)} rules; {shown} shown by {len(named)} tests, {len(rules.open)} open.\n"]
    for section in rules.sections:
        parts.append(f"## {section.title} ({section.prefix})\n\n| id | rule | here | tests |\n|---|---|---|---|")
        parts += [_row(rule, name, rules, findings.tests.get(rule, [])) for rule, name in section.names.items()]
        parts.append("")
    return "\n".join(parts)


def _row(rule: str, name: str, rules: Rules, tests: list[str]) -> str:
    remarks = []
    if rule in rules.refused:
        remarks.append(f"Not offered. {rules.refused[rule]}")
    if rule in rules.decided:
        remarks.append(rules.decided[rule])
    if rule in rules.open:
        remarks.append(f"**Open:** {rules.open[rule]}")
    links = "<br>".join(f"`{test}`" for test in tests)
    return f"| {rule} | {name} | {' '.join(remarks)} | {links} |"


def main(arguments: list[str]) -> int:
    """Write the table, or with `--check` only compare; out: the exit code."""
    rules = read_rules()
    findings = find_tests(rules)
    text = render(rules, findings)
    faults = find_faults(rules, findings)
    if "--check" not in arguments:
        TABLE.write_text(text, encoding="utf-8")
    elif not TABLE.exists() or TABLE.read_text(encoding="utf-8") != text:
        faults.append("docs/security/rules.md is stale; run: make security-rules")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
