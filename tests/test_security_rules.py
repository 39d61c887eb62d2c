"""The table of security rules tells the truth: each rule has tests that name it, and the table is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.cli import main
from scripts.security_rules import TABLE, Rules, Section, find_faults, find_tests, read_rules, render

RULES = Rules(
    [Section("RD", "Redirects", {"RD-1": "Exact", "RD-2": "Ports"}), Section("CO", "Codes", {"CO-1": "Once"})],
    refused={"CO-1": "There are no codes."},
    decided={"RD-2": "No port at all."},
    open={},
)
SHOWN = '''
class TestPorts:
    def test_a_port(self) -> None:
        """No other port (RD-2)."""

def test_exact() -> None:
    """Equal, and once (RD-1, CO-1; XX-1 is nothing, RD-12)."""

def helper() -> None:
    """A helper shows nothing (RD-1)."""
'''


def test_every_rule_is_shown() -> None:
    """No rule without a test, no test that names a rule that is not there, nothing called open that is shown."""
    rules = read_rules()
    assert len(rules.ids) == 220
    assert find_faults(rules, find_tests(rules)) == []


def test_the_table_is_up_to_date() -> None:
    """Otherwise: make security-rules."""
    rules = read_rules()
    assert TABLE.read_text(encoding="utf-8") == render(rules, find_tests(rules)), "run: make security-rules"


def test_the_docstrings_of_tests_are_what_counts(tmp_path: Path) -> None:
    """Functions and methods that are tests; an id of a section that there is, but without such a rule, is told."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(SHOWN)
    findings = find_tests(RULES, folder)
    assert findings.tests == {
        "RD-1": ["tests/test_it.py::test_exact"],
        "RD-2": ["tests/test_it.py::TestPorts::test_a_port"],
        "CO-1": ["tests/test_it.py::test_exact"],
    }
    assert find_faults(RULES, findings) == ["tests/test_it.py::test_exact: RD-12: there is no such rule"]
    written = render(RULES, findings)
    assert "| CO-1 | Once | Not offered. There are no codes. | `tests/test_it.py::test_exact` |" in written
    assert "| RD-2 | Ports | No port at all. | `tests/test_it.py::TestPorts::test_a_port` |" in written


@pytest.mark.parametrize(
    ("named", "opened", "fault"),
    [
        ("RD-1 CO-1", {}, "RD-2: no test names it"),
        (
            "RD-1 RD-2 CO-1",
            {"RD-2": "later"},
            "RD-2: has a test; take it out of [open], or say what is missing: Partly: ...",
        ),
        ("RD-1 RD-2 CO-1", {"RD-3": "later"}, "RD-3: there is no such rule"),
    ],
)
def test_what_is_not_whole_is_told(tmp_path: Path, named: str, opened: dict[str, str], fault: str) -> None:
    """A rule without a test, an open rule with one, an open rule that is none."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(f'def test_it() -> None:\n    """{named}"""\n')
    rules = Rules(RULES.sections, RULES.refused, RULES.decided, opened)
    assert find_faults(rules, find_tests(rules, folder)) == [fault]


def test_the_threat_model_needs_every_rule_and_no_other() -> None:
    """Each rule answers an attack, and each answer is a rule that there is."""
    text = (TABLE.parent / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b[A-Z]{2}-\d+\b", text))
    assert named == set(read_rules().ids)


def test_what_operators_are_told_to_do_can_be_done() -> None:
    """Every command and file that SECURITY.md names is there."""
    text = (TABLE.parents[2] / "SECURITY.md").read_text(encoding="utf-8")
    for words in re.findall(r"`idp ([a-z][a-z -]*)`", text):
        result = CliRunner().invoke(main, [*words.split(), "--help"])
        assert result.exit_code == 0, words
    for target in re.findall(r"`make ([a-z-]+)`", text):
        assert f"\n{target}:" in (TABLE.parents[2] / "Makefile").read_text(encoding="utf-8"), target
    for file in re.findall(r"\]\(([\w/.-]+)\)", text):
        assert (TABLE.parents[2] / file).exists(), file
