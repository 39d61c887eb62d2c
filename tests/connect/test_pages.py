"""The pages of docs/connect/ are all listed, all tested, and say what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from idp.policy.approval import Status
from idp.protocol.claims import SCOPE_CLAIMS
from tests.support.connect import PAGES, connection, fill_in, read_blocks
from tests.support.smtp import SmtpServer

NAMES = sorted(path.name for path in PAGES.glob("*.md") if path.name != "README.md")
PLACE = re.compile(r"\$\{[A-Z_]+\}")


def test_every_page_is_listed_and_nothing_else() -> None:
    """README.md is the list."""
    listed = re.findall(r"\]\(([\w.-]+\.md)\)", (PAGES / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == NAMES


@pytest.mark.parametrize("page", NAMES)
def test_every_page_is_read_by_a_test(page: str) -> None:
    """By its file name."""
    tests = [path for path in Path(__file__).parent.glob("*.py") if path.name != Path(__file__).name]
    assert page == "any-library.md" or any(f'"{page}"' in path.read_text(encoding="utf-8") for path in tests)


@pytest.mark.parametrize("page", NAMES)
def test_every_page_has_an_entry_and_explains_each_place(page: str) -> None:
    """The entry is sound TOML; a page says what to put in for each `${…}` (any-library.md sends nobody anywhere else)."""
    entry = read_blocks(page)["sites.toml"]
    tomllib.loads(PLACE.sub("http://x", entry))
    places = {place for text in read_blocks(page).values() for place in PLACE.findall(text)}
    explained = set(re.findall(r"^\| `(\$\{[A-Z_]+\})` \|", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE))
    assert places == explained


def test_the_general_entry_is_accepted_and_its_claims_are_those_of_the_scopes(
    tmp_path: Path, smtp_server: SmtpServer
) -> None:
    """`idp apply` takes it; the table has every scope and claim that a site is likely to want."""
    text = (PAGES / "any-library.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| (.+) \|$", text, re.MULTILINE)
    told = {}
    for scopes, claims in rows:
        names = [name for scope in re.findall(r"\w+", scopes) for name in SCOPE_CLAIMS.get(scope, ())]
        told |= dict.fromkeys(names, claims)
    optional = {"middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo"}
    expected = {name for names in SCOPE_CLAIMS.values() for name in names} - optional
    assert expected <= set(told)
    assert [name for name in sorted(expected) if f"`{name}`" not in told[name]] == []
    assert [status for status in Status if f"`{status.value}`" not in text] == []
    with connection(tmp_path, smtp_server.url, "any-library.md") as made:
        assert made.file("sites.toml") == fill_in(made.files["sites.toml"], made.values)
