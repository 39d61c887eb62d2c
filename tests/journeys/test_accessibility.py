"""Every page in every state, held against axe-core in Chromium: light and dark, desk and phone (`docs/pages.md`)."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from idp.web.audiences import is_for_programs
from tests.journeys import looks
from tests.journeys.looks.walks import WALKS
from tests.support.accessibility import TABLE, Eyes, read_table, rules_of_pages
from tests.support.browser import NewContext, Shoot
from tests.support.people import make_town
from tests.support.world import World

for found in iter_modules(looks.__path__):
    import_module(f"{looks.__name__}.{found.name}")


@pytest.mark.parametrize("name", sorted(WALKS))
def test_every_state_on_the_way_is_accessible(
    name: str, sqlite_world: World, new_context: NewContext, shoot: Shoot
) -> None:
    """No violation in any rendering, and the walk looked at what it says it looks at."""
    walk, states = WALKS[name]
    eyes = Eyes(sqlite_world.app)
    walk(sqlite_world, eyes, new_context, shoot)
    assert not eyes.violations, "\n".join(eyes.violations)
    assert eyes.seen == states


def test_every_state_in_the_table_is_looked_at() -> None:
    """`docs/pages.md` and the walks say the same."""
    looked_at = [state for _, states in WALKS.values() for state in states]
    assert sorted(looked_at) == sorted(read_table())


def test_every_route_that_people_open_is_in_the_table(tmp_path: Path) -> None:
    """A new page is looked at, or the table says why there is nothing to see."""
    town = make_town(tmp_path)
    without = set(re.findall(r"^- `([^`]+)`", TABLE.read_text(encoding="utf-8"), re.MULTILINE))
    told = {*read_table().values(), *without}
    assert sorted(told) == sorted(set(rules_of_pages(town.app, is_for_programs)))
