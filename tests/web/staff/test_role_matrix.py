"""Every route of the desk and of /api × everybody × whose account: made from the route map, so a new route is in it (AD-1, AD-2).

The gate lets in exactly those whose roles hold what the route declares, at the moment of the request. Behind it, nobody
changes their own account, and only an administrator one of a colleague, never an administrator's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from idp.accounts import review_work
from idp.accounts.closing import Actor, close_within
from idp.policy.staff import ROLES, Permission, is_permitted
from idp.store import accounts, device_claims, devices, grants, proposals, sessions
from idp.store.accounts import Account
from idp.store.database import Statement
from idp.store.models.base import db
from idp.web.api.access import READ, WRITE
from idp.web.api.views import OPERATIONS
from idp.web.staff.access import MARK
from tests.support.databases import FreshDatabase
from tests.support.tokens import ISSUER, NOW, House, add_client, furnish

STATES = [
    "signed out",
    "customer",
    "unknown role",
    "suspended",
    "rejected",
    "closed",
    "role taken away",
    *sorted(ROLES),
]
"""Who knocks; the suspended, rejected and closed ones were administrators, as was who lost the role a moment ago."""

TARGETS = ("own", "same", "higher", "customer")
_BOOKKEEPING = ("sessions", "kept_inputs", "review_looks", "search_")
"""What a look at a page writes."""


@dataclass(frozen=True)
class Act:
    """What is sent to a route that acts on an account, and the account that it suits."""

    fields: dict[str, Any]
    status: str = "approved"
    closed: bool = False
    colleagues: bool = False
    """Whether it organises work rather than acts on the account: then colleagues' accounts are open to everybody."""


ACTS = {
    "staff_people.change_status": Act({"act": "suspend", "reason": "Contract ended."}),
    "staff_people.send_reset_link": Act({}),
    "staff_people.give_password": Act({}),
    "staff_people.withdraw_consent": Act({"client_id": "site"}),
    "staff_queue.decide": Act({"act": "approve", "reason": "", "remark": ""}, status="pending"),
    "staff_proposals.answer_decision": Act({"act": "confirm"}, status="pending"),
    "staff_email.change": Act({"email": "new-{target}@lab.example", "reason": "Asked on the phone."}),
    "staff_devices.move": Act({"serial_number": "AB123Z", "receiver": "next-{target}", "reason": "Sold."}),
    "staff_device_claims.decide": Act({"act": "accept", "reason": ""}),
    "staff_closing.close": Act({"reason": "Asked on the phone."}),
    "staff_closing.reopen": Act({}, closed=True),
    "staff_review_work.write": Act({"note": "Called."}, colleagues=True),
    "staff_review_work.hand_over": Act({"act": "take"}, status="pending", colleagues=True),
    "api.decide": Act({"act": "approve"}, status="pending"),
    "api.send_reset_link": Act({}),
    "api.change_email": Act({"email": "new-{target}@lab.example", "reason": "Asked on the phone."}),
    "api.close_account": Act({"reason": "Asked on the phone."}),
    "api.reopen_account": Act({}, closed=True),
    "api.give_temporary_password": Act({}),
    "api.withdraw_consent": Act({"client_id": "site"}),
    "api.move_device": Act({"serial_number": "AB123Z", "receiver": "next-{target}", "reason": "Sold."}),
    "api.give_roles": Act({"roles": ["customer_care"]}),
    "api.decide_device": Act({"serial_number": "AB123Z", "act": "accept"}),
    "api.write_note": Act({"text": "Called."}, colleagues=True),
    "api.assign": Act({"to": "me"}, status="pending", colleagues=True),
}
"""A valid request for each route with an account in its address."""


@pytest.fixture
def house(fresh_sqlite: FreshDatabase, prepare_house: Callable[[str], None], house_keys: Path) -> House:
    """On SQLite: no rule here depends on the database."""
    made = furnish(fresh_sqlite(prepare_house), house_keys)
    add_client(
        made.provider, "tool", require_approval=False, resources=[f"{ISSUER}/api"], scope=f"openid {READ} {WRITE}"
    )
    return made


def rules_of(house: House, prefix: str) -> Iterator[tuple[Rule, str]]:
    """Every route below a prefix with each of its methods."""
    for rule in house.app.url_map.iter_rules():
        if rule.rule == prefix or rule.rule.startswith(prefix + "/"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def path_of(rule: Rule, account_id: str = "nobody", act: str = "close") -> str:
    """Its address."""
    values = {"account_id": account_id, "number": "1", "act": act, "language": "en", "serial_number": "AB123Z"}
    return re.sub(r"<(?:[^<>:]+(?:\([^<>]*\))?:)?(\w+)>", lambda found: values.get(found[1], "nothing"), rule.rule)


def add_person(house: House, name: str, *, status: str = "approved", roles: str = "", closed: bool = False) -> Account:
    """Somebody."""
    with house.provider.database.transaction() as tx:
        account = accounts.insert_account(
            tx,
            email=f"{name}@lab.example",
            user_name=name,
            given_name=name.title(),
            family_name="Test",
            email_verified_at=NOW,
            approval_status=status,
            roles=roles,
            now=NOW - 100,
        )
    if closed:
        with house.provider.database.transaction() as tx:
            close_within(house.provider, tx, account, Actor("customer", account.account_id))
    return account


def set_person(house: House, account: Account, **values: str) -> None:
    """Change the row alone, behind the session's back."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    with house.provider.database.transaction() as tx:
        tx.run(Statement(f"UPDATE accounts SET {columns} WHERE account_id = :id"), id=account.account_id, **values)  # noqa: S608


def sit_down(house: House, account: Account | None) -> tuple[FlaskClient, str]:
    """A browser with a form token, signed in as this person."""
    web = house.app.test_client()
    if account is not None:
        with house.provider.database.transaction() as tx:
            started = sessions.start_session(tx, account_id=account.account_id, kept=False, lifetime=3600, now=NOW)
        web.set_cookie("idp_session", started.secret)
    page = web.get("/contact" if account is None else "/account").text
    return web, re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page)[1]  # type: ignore[index]


def seat(house: House, state: str) -> tuple[Account | None, Callable[[], None]]:
    """Who it is, and what happens to them after they signed in."""
    if state == "signed out":
        return None, lambda: None
    roles = {"customer": "", "unknown role": "king"}.get(state, state if state in ROLES else "administrator")
    account = add_person(house, "actor", roles=roles)
    changes: dict[str, dict[str, str]] = {
        "suspended": {"approval_status": "suspended"},
        "rejected": {"approval_status": "rejected"},
        "closed": {"access": "closed"},
        "role taken away": {"roles": ""},
    }
    return account, lambda: set_person(house, account, **changes[state]) if state in changes else None


@pytest.mark.parametrize("state", STATES)
def test_the_desk_lets_in_exactly_whom_the_route_declares(house: House, state: str) -> None:
    """Signed out: to sign-in; without the permission: 403, whatever the method; with it: past the gate (AD-1, AD-2)."""
    account, happens = seat(house, state)
    web, token = sit_down(house, account)
    happens()
    wrong, seen = [], 0
    for rule, method in rules_of(house, "/staff"):
        permission = getattr(house.app.view_functions[rule.endpoint], MARK)
        expected = state in ROLES and is_permitted([state], permission)
        answer = web.open(path_of(rule), method=method, data={"csrf_token": token} if method != "GET" else None)
        to_sign_in = answer.status_code == 303 and urlsplit(answer.headers["Location"]).path == "/sign-in"
        entered = answer.status_code != 403 and not to_sign_in
        refused_rightly = to_sign_in if state == "signed out" else answer.status_code == 403
        if entered is not expected or answer.status_code >= 500 or not (expected or refused_rightly):
            wrong.append(f"{method} {rule.rule}: {answer.status_code}, declared {permission.value}")
        seen += 1
    assert wrong == []
    assert seen > 50


@pytest.mark.parametrize("state", STATES[1:])
def test_the_interface_lets_in_exactly_whom_the_operation_declares(house: House, state: str) -> None:
    """The token was given while the roles were there; they are looked at again with each call (AD-1, AD-2)."""
    account, happens = seat(house, state)
    assert account is not None
    token = token_of(house, account)
    happens()
    declared = {operation.name: operation.permission for operation in OPERATIONS}
    wrong = []
    for rule, method in rules_of(house, "/api"):
        if not rule.endpoint.startswith("api."):
            continue
        expected = state in ROLES and is_permitted([state], declared[rule.endpoint.removeprefix("api.")])
        answer = call(house, method, path_of(rule), token, {})
        if (answer.status_code not in (401, 403)) is not expected or answer.status_code >= 500:
            wrong.append(f"{method} {rule.rule}: {answer.status_code}")
    assert wrong == []


def test_nothing_is_undeclared(house: House) -> None:
    """Every route of the desk and of /api says what it needs; what changes something needs more than a right to read."""
    bare = [f"{m} {rule.rule}" for rule, m in rules_of(house, "/staff") if needed(house, rule, m) is None]
    bare += [f"{m} {rule.rule}" for rule, m in rules_of(house, "/api") if needed(house, rule, m) is None]
    assert bare == ["GET /api/openapi.json"]
    reading = [
        f"{method} {rule.rule}"
        for prefix in ("/staff", "/api")
        for rule, method in rules_of(house, prefix)
        if method != "GET" and str(getattr(needed(house, rule, method), "value", "")).startswith("read_")
    ]
    assert reading == []


def test_there_is_a_valid_request_for_every_route_that_acts_on_an_account(house: House) -> None:
    """Else the next test would pass without trying it."""
    acting = {key for key, _rule in acting_routes(house)}
    assert {key for key in ACTS if not key.startswith(("api.", "staff_"))} == set()
    assert set(ACTS) <= acting
    assert {key for key in acting - set(ACTS) if not key.endswith((".remove", ".remove_note"))} == set()


@pytest.mark.parametrize("role", sorted(ROLES))
def test_nobody_acts_on_their_own_account_or_on_their_equals(house: House, role: str) -> None:
    """Own: never. A colleague's: an administrator. An administrator's: nobody. A customer's: who may (AD-2, RG-8)."""
    wrong = []
    for number, (key, rule) in enumerate(acting_routes(house)):
        act = ACTS.get(key)
        permission = needed(house, rule, "POST")
        if act is None or permission is None or not is_permitted([role], permission):
            continue
        for target in TARGETS:
            expected = is_open(role, target, act)
            name = f"{target}-{number}"
            done = act_on(house, role, target, key, rule, act, name)
            if done is not expected:
                wrong.append(f"{key} on {target}: {'changed' if done else 'refused'}")
    assert wrong == []


def test_nobody_takes_their_own_application_from_a_colleague(house: House) -> None:
    """Who waits for a decision does not choose who makes it (AD-2)."""
    boss, applicant = (
        add_person(house, "boss", roles="approver"),
        add_person(house, "own", status="pending", roles="approver"),
    )
    review_work.assign(house.provider, staff_id=boss.account_id, account_id=applicant.account_id, to=boss.account_id)
    web, token = sit_down(house, applicant)
    address = f"/staff/applications/{applicant.account_id}/assignment"
    answer = web.post(address, data={"csrf_token": token, "act": "let_go", "seen": boss.account_id})
    assert answer.status_code == 403
    assert "your own registration" in answer.text
    assignment, _notes = review_work.read_work(house.provider, applicant.account_id)
    assert assignment is not None
    assert assignment.staff_id == boss.account_id


def test_who_is_suspended_is_told_why_the_desk_is_closed(house: House) -> None:
    """Not that there is no role: there is one, which rests."""
    account = add_person(house, "carla", status="suspended", roles="approver")
    web, _token = sit_down(house, account)
    answer = web.get("/staff")
    assert answer.status_code == 403
    assert "Your account is not approved at the moment" in answer.text


def is_open(role: str, target: str, act: Act) -> bool:
    """The rule, written down once more."""
    if target == "own":
        return False
    if target == "customer" or act.colleagues:
        return True
    return target == "same" and role == "administrator"


def act_on(house: House, role: str, target: str, key: str, rule: Rule, act: Act, name: str) -> bool:
    """Send a valid request about somebody; out: whether anything but bookkeeping was changed by it."""
    actor = add_person(house, f"actor-{name}", status=act.status if target == "own" else "approved", roles=role)
    if target == "own":
        subject = actor
    else:
        colleague = "approver" if role == "administrator" else role
        roles = {"same": colleague, "higher": "administrator", "customer": ""}[target]
        subject = add_person(house, name, status=act.status, roles=roles, closed=act.closed)
    if key == "staff_proposals.answer_decision":
        propose(house, subject, add_person(house, f"first-{name}", roles="administrator"))
    if key in ("staff_device_claims.decide", "api.decide_device"):
        with house.provider.database.transaction() as tx:
            device_claims.add_claim(tx, subject.account_id, "AB123Z", NOW)
    if key in ("staff_devices.move", "api.move_device"):
        add_person(house, f"next-{name}")
        with house.provider.database.transaction() as tx:
            devices.add_device(tx, subject.account_id, "AB123Z", NOW)
    with house.provider.database.transaction() as tx:
        grants.save_grant(tx, subject.account_id, "site", frozenset({"openid"}), NOW)
    address = path_of(rule, subject.account_id, key.partition(" ")[2])
    fields = {
        word: value.replace("{target}", name) if isinstance(value, str) else value for word, value in act.fields.items()
    }
    if key.startswith("api."):
        token = token_of(house, actor)
        before = state_of(house)
        call(house, "POST", address, token, fields)
    else:
        web, csrf = sit_down(house, actor)
        before = state_of(house)
        answer = web.post(address, data={"csrf_token": csrf, **fields})
        assert answer.status_code < 500
    return state_of(house) != before


def propose(house: House, subject: Account, first: Account) -> None:
    """An approval that a second person has to confirm, by the name that `path_of` gives it."""
    with house.provider.database.transaction() as tx:
        tx.run(Statement("DELETE FROM proposals"))
        proposals.add(
            tx,
            kind=proposals.DECISION,
            account_id=subject.account_id,
            proposal_id="nothing",
            staff_id=first.account_id,
            act="approve",
            seen_at=subject.approval_updated_at,
            now=NOW,
        )


def acting_routes(house: House) -> list[tuple[str, Rule]]:
    """The routes with an account in their address that take a POST; one with several acts counts for each."""
    found = []
    for prefix in ("/staff", "/api"):
        for rule, method in rules_of(house, prefix):
            if method == "POST" and "account_id" in rule.arguments:
                acts = re.search(r"<any\(([^)]*)\):", rule.rule)
                words = [f" {word.strip()}" for word in acts[1].split(",")] if acts else [""]
                found += [(rule.endpoint + word, rule) for word in words]
    return found


def needed(house: House, rule: Rule, method: str) -> Permission | None:
    """What a route declares."""
    if rule.endpoint.startswith("api."):
        return next((o.permission for o in OPERATIONS if o.name == rule.endpoint[4:] and o.method == method), None)
    found = getattr(house.app.view_functions[rule.endpoint], MARK, None)
    return found if isinstance(found, Permission) else None


def token_of(house: House, account: Account) -> str:
    """A token of the tool, for a session of this person."""
    with house.provider.database.transaction() as tx:
        started = sessions.start_session(tx, account_id=account.account_id, kept=False, lifetime=3600, now=NOW)
    tokens = house.tokens(
        "tool", scope=f"openid {READ} {WRITE}", account_id=account.account_id, sid=started.session.sid
    )
    return str(tokens["access_token"])


def call(house: House, method: str, path: str, token: str, body: Any) -> Any:
    """One call of a tool."""
    web = house.app.test_client()
    values = {"data": json.dumps(body), "content_type": "application/json"} if method != "GET" else {}
    return web.open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **values)


def state_of(house: House) -> dict[str, Any]:
    """How many rows each table has, and every account."""
    with house.provider.database.reading() as tx:
        counts = {
            name: [dict(row) for row in tx.all(Statement(f"SELECT count(*) AS n FROM {name}"))]  # noqa: S608
            for name in db.metadata.tables
            if not name.startswith(_BOOKKEEPING)
        }
        rows = [dict(row) for row in tx.all(Statement("SELECT * FROM accounts ORDER BY account_id"))]
    return {"accounts": rows, **counts}
