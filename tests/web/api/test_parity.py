"""What the desk does, the command line and the interface of staff tools do as well: `docs/staff-interfaces.md` says by what."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from idp.cli import main
from idp.web.api.views import OPERATIONS
from tests.support.tokens import House
from tests.web.api.test_staff_api import call, set_roles, token_for

TABLE = Path(__file__).parents[3] / "docs" / "staff-interfaces.md"
ROWS = [line.strip("|").split("|") for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]


def commands(group: click.Command, name: str = "idp") -> set[str]:
    """Every command of the command line."""
    if not isinstance(group, click.Group):
        return {name}
    context = click.Context(group)
    found = ((part, group.get_command(context, part)) for part in group.list_commands(context))
    return {name}.union(*(commands(command, f"{name} {part}") for part, command in found if command))


def named(cell: str) -> list[str]:
    """What a cell names in code."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_act_of_the_desk_is_in_the_table(still_house: House) -> None:
    """Each route that changes something, once; no row about a route that is gone."""
    rules = still_house.app.url_map.iter_rules()
    acts = {f"POST {r.rule}" for r in rules if r.endpoint.startswith("staff_") and "POST" in (r.methods or ())}
    told = [name for row in ROWS for name in named(row[0]) if name.startswith("POST ")]
    assert sorted(told) == sorted(acts)


def test_every_page_that_is_named_is_there(still_house: House) -> None:
    """The second table."""
    rules = still_house.app.url_map.iter_rules()
    pages = {f"GET {r.rule}" for r in rules if r.endpoint.startswith("staff_") and "GET" in (r.methods or ())}
    assert {name for row in ROWS for name in named(row[0]) if name.startswith("GET ")} <= pages


def test_every_command_that_is_named_is_there() -> None:
    """And every row names one, or says why there is none."""
    there = commands(main)
    for _act, command, _operation in ROWS:
        assert "none" in command or named(command), command
        assert {name for name in named(command) if name.startswith("idp ")} <= there, command


def test_every_operation_is_in_the_table() -> None:
    """Nothing that the interface can do is missing, and nothing named that it cannot."""
    told = {name for _act, _command, operation in ROWS for name in named(operation)}
    assert told == {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS if operation.fresh])
def test_acts_that_need_a_fresh_sign_in_are_acts(name: str) -> None:
    """Reading never asks for the password again."""
    operation = next(found for found in OPERATIONS if found.name == name)
    assert operation.method == "POST"


def test_a_stale_sign_in_is_asked_to_come_again(house: House) -> None:
    """RFC 9470 §3: 401 with `max_age`; reading and everyday acts go on (SE-13)."""
    set_roles(house, "administrator")
    token = token_for(house)
    house.clock.now += house.provider.settings.lifetimes.fresh + 1
    answer = call(house, "POST", "/accounts/nobody/close", token)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "insufficient_user_authentication")
    assert f'max_age="{house.provider.settings.lifetimes.fresh}"' in answer.headers["WWW-Authenticate"]
    assert call(house, "GET", "/queue", token).status_code == 200
