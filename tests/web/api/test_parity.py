"""What the desk does, the command line and the interface of staff tools do as well: `docs/staff-interfaces.md` says by what."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from idp.cli import main
from idp.policy.staff import ROLES
from idp.web.api.views import OPERATIONS
from idp.web.staff.access import FRESH, MARK
from tests.support.tokens import House
from tests.web.api.test_staff_api import add_applicant, call, set_roles, token_for

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


def test_every_page_of_the_desk_is_in_the_table(still_house: House) -> None:
    """Each once; a page at the address of an act may be told by the act alone (the second table)."""
    rules = list(still_house.app.url_map.iter_rules())
    pages = {f"GET {r.rule}" for r in rules if r.endpoint.startswith("staff_") and "GET" in (r.methods or ())}
    forms = {f"GET {r.rule}" for r in rules if r.endpoint.startswith("staff_") and "POST" in (r.methods or ())}
    told = [name for row in ROWS for name in named(row[0]) if name.startswith("GET ")]
    assert len(told) == len(set(told))
    assert pages - forms <= set(told) <= pages


def test_an_operation_tells_those_who_see_the_page(still_house: House) -> None:
    """The roles that read by it are those that may open one of its pages, no more and no fewer (AD-1)."""
    views = still_house.app.view_functions
    rules = still_house.app.url_map.iter_rules()
    pages = {f"GET {r.rule}": getattr(views[r.endpoint], MARK, None) for r in rules if "GET" in (r.methods or ())}
    operations = {operation.name: operation for operation in OPERATIONS}
    seen: dict[str, set[str]] = {}
    for row in ROWS:
        for name in (name for name in named(row[2]) if named(row[0])[0].startswith("GET ")):
            needed = [pages[page] for page in named(row[0])]
            seen.setdefault(name, set()).update(role for role, held in ROLES.items() if held.intersection(needed))
    assert {name: operations[name].method for name in seen} == dict.fromkeys(seen, "GET")
    told = {name: {role for role, held in ROLES.items() if operations[name].permission in held} for name in seen}
    assert told == seen


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


def test_an_operation_needs_what_the_page_needs(still_house: House) -> None:
    """The same permission (AD-1), and a fresh sign-in where the page wants one (SE-13); `decide` checks each act itself."""
    views = still_house.app.view_functions
    acts = {
        f"POST {r.rule}": views[r.endpoint] for r in still_house.app.url_map.iter_rules() if "POST" in (r.methods or ())
    }
    operations = {operation.name: operation for operation in OPERATIONS}
    for row in ROWS:
        for act in (acts[name] for name in named(row[0]) if name.startswith("POST ")):
            for operation in (operations[name] for name in named(row[2]) if name != "decide"):
                assert operation.permission == getattr(act, MARK), operation.name
                assert operation.fresh == getattr(act, FRESH), operation.name


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


def test_a_tool_looks_after_an_account(house: House) -> None:
    """Another address, a temporary password, closed and opened again; each leaves its line in the trail (LG-3)."""
    set_roles(house, "administrator")
    willi, token = add_applicant(house), token_for(house)
    path = f"/accounts/{willi.account_id}"
    body = {"email": "new@lab.example", "reason": "Called."}
    assert call(house, "POST", f"{path}/email", token, body).status_code == 200
    again = call(house, "POST", f"{path}/email", token, body)
    assert (again.status_code, again.get_json()["error_description"]) == (422, "email: is the address already")
    assert call(house, "POST", f"{path}/temporary-password", token).get_json()["password"]
    assert call(house, "POST", f"{path}/close", token, {"reason": "Asked."}).get_json()["erase_at"]
    assert call(house, "POST", f"{path}/close", token, {"reason": "Asked."}).status_code == 409
    assert call(house, "POST", f"{path}/reopen", token).get_json()["access"] == "active"
    acts = [row["act"] for row in call(house, "GET", f"/audit?about={willi.account_id}", token).get_json()["items"]]
    assert len(acts) >= 4, acts


def test_a_tool_decides_about_several_and_takes_it_back(house: House) -> None:
    """What is undone stays undone; a second undo is told so."""
    set_roles(house, "approver")
    people, token = [add_applicant(house), add_applicant(house, "wanda", "CD124Z")], token_for(house)
    chosen = [{"account_id": one.account_id, "seen_at": one.approval_updated_at} for one in people]
    batch = call(house, "POST", "/decisions", token, {"act": "approve", "applications": chosen})
    assert batch.status_code == 200, batch.text
    path = f"/decisions/{batch.get_json()['batch_id']}"
    assert call(house, "POST", f"{path}/undo", token).get_json() == {"undone": 2}
    assert call(house, "POST", f"{path}/undo", token).status_code == 409
    assert len(call(house, "GET", "/queue", token).get_json()["items"]) == 2
