"""The interface of staff tools: who gets in, what the roles permit, what comes out, and that the description tells the truth."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import date
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.config.sections import StaffSettings
from idp.policy.staff import ROLES, is_permitted
from idp.store import accounts, old_portal
from idp.store.accounts import Account
from idp.store.database import Statement
from idp.web.api.access import READ, WRITE
from idp.web.api.operations import Operation
from idp.web.api.views import OPERATIONS
from tests.support.tokens import ISSUER, NOW, House, add_client

API = f"{ISSUER}/api"
BODIES = {
    "close_account": {"reason": "Called."},
    "change_email": {"email": "other@example.com", "reason": "Called."},
    "withdraw_consent": {"client_id": "site"},
    "move_device": {"serial_number": "AB123Z", "receiver": "nobody", "reason": "Called."},
    "give_roles": {"roles": ["approver"]},
    "answer_role_proposal": {"act": "confirm"},
    "add_reason_text": {"title": "Photo", "texts": {"en": "Send a photo."}},
    "change_reason_text": {"title": "Photo", "texts": {"en": "Send a photo."}},
    "write_test_mail": {"email": "ops@example.com"},
    "add_site": {"metadata": {"client_name": "New", "redirect_uris": ["https://new.example/callback"]}},
    "switch_site": {"off": True},
    "schedule_decisions": {"act": "approve", "applications": []},
    "assign": {"to": "me"},
    "decide_device": {"serial_number": "AB123Z", "act": "accept"},
    "write_note": {"text": "Called."},
    "answer_proposal": {"act": "confirm"},
    "try_rules": {"content": {}},
    "switch_rules_on": {"content": {}, "remark": "Why."},
    "block": {"value": "AB123Z", "reason": "Stolen."},
    "unblock": {"value": "AB123Z"},
}
ROLE_SETS = ["", *sorted(ROLES)]


def set_roles(house: House, roles: str) -> None:
    """Give Anna roles."""
    with house.provider.database.transaction() as tx:
        tx.run(
            Statement("UPDATE accounts SET roles = :roles WHERE account_id = :id"),
            roles=roles,
            id=house.anna.account_id,
        )


def add_applicant(house: House, name: str = "willi", serial_number: str = "CD123Z") -> Account:
    """Somebody who waits."""
    with house.provider.database.transaction() as tx:
        account = accounts.insert_account(
            tx,
            email=f"{name}@lab.example",
            user_name=name,
            given_name=name.title(),
            family_name="Waiting",
            company="Labor",
            country="DE",
            email_verified_at=NOW,
            approval_status="pending",
            now=NOW - 3600,
        )
        tx.run(
            Statement("INSERT INTO devices (account_id, serial_number, created_at) VALUES (:id, :serial, :now)"),
            id=account.account_id,
            serial=serial_number,
            now=NOW,
        )
    return account


def token_for(house: House, scope: str = f"openid {READ} {WRITE}", client_id: str = "tool", **changes: Any) -> str:
    """A token of a tool at which Anna signed in."""
    if not house.count("clients", f"client_id = '{client_id}'"):
        add_client(house.provider, client_id, resources=[API], scope=scope)
    return str(house.tokens(client_id, scope=scope, **changes)["access_token"])


def call(house: House, method: str, path: str, token: str | None, body: Any = None, **headers: str) -> TestResponse:
    """One call."""
    sent = {"Authorization": f"Bearer {token}", **headers} if token else headers
    values: dict[str, Any] = {"headers": sent}
    if body is not None:
        values["data"] = body if isinstance(body, (str, bytes)) else json.dumps(body)
        values["content_type"] = "application/json"
    return house.app.test_client().open(f"/api{path}", method=method, **values)


def call_operation(house: House, operation: Operation, token: str | None) -> TestResponse:
    """An operation on something that is not there."""
    path = re.sub(r"\{(\w+)\}", lambda match: {"version": "9", "number": "999"}.get(match[1], "nobody"), operation.path)
    return call(
        house,
        operation.method,
        path,
        token,
        BODIES.get(operation.name, {"act": "approve"}) if operation.asks and operation.scope == WRITE else None,
    )


def test_a_tool_reads_the_queue_and_decides(house: House) -> None:
    """The whole way: the queue, the account, the decision with its mail and history, and the empty queue."""
    set_roles(house, "approver customer_care")
    willi, token = add_applicant(house), token_for(house)
    queue = call(house, "GET", "/queue", token).get_json()
    assert [row["name"] for row in queue["items"]] == ["Willi Waiting"]
    assert (queue["total"], queue["matching"], queue["next"]) == (1, 1, None)
    assert queue["items"][0]["waiting_since"] == "2027-01-15T07:00:00Z"
    seen = call(house, "GET", f"/accounts/{willi.account_id}", token).get_json()
    body = {"act": "reject", "reason": "A photo of the name plate, please.", "seen_at": seen["approval_updated_at"]}
    answer = call(house, "POST", f"/accounts/{willi.account_id}/decisions", token, body)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["new_status"] == "rejected"
    assert answer.get_json()["actor_name"] == "Anna Approved"
    again = call(house, "POST", f"/accounts/{willi.account_id}/decisions", token, body)
    assert (again.status_code, again.get_json()["error"]) == (409, "conflict")
    after = call(house, "GET", f"/accounts/{willi.account_id}", token).get_json()
    assert after["approval_status"] == "rejected"
    assert [mail["name"] for mail in after["mails"]] == ["rejected"]
    assert call(house, "GET", "/queue", token).get_json()["total"] == 0
    assert house.count("approval_decisions") == 1


def test_a_tool_sees_who_is_like_an_applicant(house: House) -> None:
    """What stands beside an application at the desk."""
    set_roles(house, "customer_care")
    willi, wanda = add_applicant(house), add_applicant(house, "wanda")
    beside = call(house, "GET", f"/accounts/{willi.account_id}/similar", token_for(house)).get_json()
    (row,) = [row for row in beside["items"] if row["account_id"] == wanda.account_id]
    assert row["in_common"] == ["same_serial", "same_company", "same_domain"]


def test_a_tool_takes_an_application_and_notes_things(house: House) -> None:
    """As at the desk: the filter, the conflict, the note."""
    set_roles(house, "approver customer_care")
    willi, token = add_applicant(house), token_for(house)
    path = f"/accounts/{willi.account_id}"
    assert call(house, "POST", f"{path}/assignment", token, {"to": "me"}).get_json()["staff_name"] == "Anna Approved"
    row = call(house, "GET", "/queue?assignee=mine", token).get_json()["items"][0]
    assert row["assigned_to"] == house.anna.account_id
    assert call(house, "GET", "/queue?assignee=nobody", token).get_json()["items"] == []
    wrong = call(house, "POST", f"{path}/assignment", token, {"to": "", "seen": "somebody"})
    assert (wrong.status_code, wrong.get_json()["error"]) == (409, "conflict")
    assert call(house, "POST", f"{path}/assignment", token, {"to": "", "seen": "me"}).get_json()["staff_id"] is None
    notes = call(house, "POST", f"{path}/notes", token, {"text": "Called."}).get_json()
    assert [(row["actor_name"], row["text"]) for row in notes["items"]] == [("Anna Approved", "Called.")]
    assert call(house, "GET", f"{path}/notes", token).get_json() == notes


def test_a_tool_answers_proposals(house: House) -> None:
    """Where decisions need two people, deciding proposes; nobody confirms their own, a colleague's goes through."""
    settings = house.provider.settings.model_copy(update={"staff": StaffSettings(four_eyes=("decisions",))})
    house.app.extensions["idp"] = dataclasses.replace(house.provider, settings=settings)
    set_roles(house, "approver customer_care")
    willi, token = add_applicant(house), token_for(house)
    proposed = call(house, "POST", f"/accounts/{willi.account_id}/decisions", token, {"act": "approve"}).get_json()
    assert proposed["new_status"] == "pending"
    path = f"/proposals/{proposed['proposal_id']}"
    own = call(house, "POST", path, token, {"act": "confirm"})
    assert (own.status_code, own.get_json()["error"]) == (403, "access_denied")
    row = call(house, "GET", "/queue", token).get_json()["items"][0]
    assert (row["proposal"]["act"], row["proposal"]["staff_name"]) == ("approve", "Anna Approved")
    assert call(house, "GET", "/queue?to_confirm=true", token).get_json()["items"] == []
    colleague = add_applicant(house, "wanda")
    with house.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET roles = 'approver' WHERE user_name = 'wanda'"))
        tx.run(Statement("UPDATE proposals SET staff_id = :id"), id=colleague.account_id)
    assert call(house, "POST", path, token, {"act": "confirm"}).get_json()["act"] == "approve"
    assert call(house, "GET", f"/accounts/{willi.account_id}", token).get_json()["approval_status"] == "approved"
    assert call(house, "POST", path, token, {"act": "confirm"}).status_code == 404


def test_lists_page_by_key(house: House) -> None:
    """`next` leads on, and nothing is lost or told twice."""
    set_roles(house, "customer_care")
    token = token_for(house)
    for number in range(55):
        add_applicant(house, f"person{number}")
    for path in ("/queue", "/accounts"):
        seen: list[str] = []
        after = ""
        while True:
            page = call(house, "GET", path + after, token).get_json()
            seen += [row["account_id"] for row in page["items"]]
            if page["next"] is None:
                break
            after = f"?after={page['next']}"
        assert len(seen) == len(set(seen)) >= 55


@pytest.mark.parametrize("roles", ROLE_SETS)
def test_roles_permit_what_they_permit_at_the_desk(still_house: House, roles: str) -> None:
    """AD-1: every operation names its permission; who lacks it gets 403, who has it the answer about nothing."""
    set_roles(still_house, roles)
    token, wrong = token_for(still_house, client_id="tool-of-roles"), []
    for operation in OPERATIONS:
        answer = call_operation(still_house, operation, token)
        expected = 422 if operation.name == "schedule_decisions" else 404 if "{" in operation.path else 200
        if not is_permitted(roles.split(), operation.permission):
            expected = 403
        if answer.status_code != expected or (expected == 403 and answer.get_json()["error"] != "access_denied"):
            wrong.append(f"{operation.name}: {answer.status_code}, expected {expected}: {answer.text[:200]}")
    assert wrong == []


@pytest.mark.parametrize("scope", [READ, WRITE, "profile"])
def test_the_scope_is_needed(still_house: House, scope: str) -> None:
    """RFC 6750 §3.1: reading does not permit writing, and neither comes with other scopes."""
    set_roles(still_house, "administrator")
    token, wrong = token_for(still_house, f"openid {scope}", f"tool-{scope.replace('.', '-')}"), []
    for operation in OPERATIONS:
        if operation.scope == scope:
            continue
        answer = call_operation(still_house, operation, token)
        told = f'scope="{operation.scope}"' in answer.headers["WWW-Authenticate"]
        if (answer.status_code, answer.get_json()["error"], told) != (403, "insufficient_scope", True):
            wrong.append(f"{operation.name}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []


def test_tokens_for_others_do_nothing_here(house: House) -> None:
    """Another audience, no end-user, no session, an ended one, or no token at all (RFC 9700 §2.3)."""
    set_roles(house, "administrator")
    add_client(house.provider, "elsewhere", resources=["library"], scope=f"openid {READ}")
    add_client(house.provider, "robot", resources=[API], scope=f"{READ} {WRITE}", grant_types=["client_credentials"])
    good = token_for(house)
    assert call(house, "GET", "/queue", good).status_code == 200
    elsewhere = house.tokens("elsewhere", scope=f"openid {READ}")["access_token"]
    without_session = token_for(house, sid=None, session_expires_at=None, offline=True)
    for token in (elsewhere, without_session, "x" * 43, good + "x", "a b"):
        answer = call(house, "GET", "/queue", token)
        assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_token"), token
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    for authorization in ("", "Bearer", "Basic YTpi", "Bearer é"):
        assert call(house, "GET", "/queue", None, Authorization=authorization).status_code == 401
    assert call(house, "GET", f"/queue?access_token={good}", None).status_code == 401
    robot = house.post("/oauth/token", {"grant_type": "client_credentials", "scope": READ}, "robot")
    assert (robot.status_code, robot.get_json()["error"]) == (400, "invalid_scope")
    house.clock.now += 12 * 3600
    assert call(house, "GET", "/queue", good).status_code == 401


def test_scopes_of_staff_come_only_to_clients_that_have_them_by_name(house: House) -> None:
    """A client that registered no scope may ask for all of ours, and still not for these."""
    from idp.protocol.authorization_request import known_scope

    add_client(house.provider, "plain")
    plain = house.provider.clients.find("plain")
    assert plain is not None
    assert not {READ, WRITE} & known_scope(plain)
    add_client(house.provider, "tool", scope=f"openid {READ}")
    tool = house.provider.clients.find("tool")
    assert tool is not None
    assert known_scope(tool) == {"openid", READ}


FAULTS: list[tuple[Any, int]] = [
    ({}, 422),
    ({"act": "delete"}, 422),
    ({"act": "approve", "extra": 1}, 422),
    ({"act": "approve", "reason": "x" * 2001}, 422),
    ({"act": "approve", "reason": "a\u0000b"}, 422),
    ({"act": "reject"}, 422),
    ({"act": "approve", "seen_at": "yesterday"}, 422),
    ({"act": "approve", "seen_at": 1e40}, 422),
    ({"act": ["approve"]}, 422),
    ([], 422),
    ("{", 422),
    ("[" * 50000, 422),
    (b"\xff", 422),
    ('{"act": "approve", "reason": "\\ud800"}', 422),
]


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_what_cannot_be_a_decision_is_told_and_changes_nothing(house: House, number: int) -> None:
    """The place is named, what was sent is not repeated."""
    body, status = FAULTS[number]
    set_roles(house, "administrator")
    willi, token = add_applicant(house), token_for(house)
    answer = call(house, "POST", f"/accounts/{willi.account_id}/decisions", token, body)
    assert answer.status_code == status, answer.text
    assert answer.get_json()["error"] == "invalid_request"
    assert house.count("approval_decisions") == 0


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_first_and_the_last_instant_are_instants(house: House, at: str) -> None:
    """Without a zone they are UTC's (GO-1, IV-5)."""
    set_roles(house, "administrator")
    willi, token = add_applicant(house), token_for(house)
    one = call(house, "POST", f"/accounts/{willi.account_id}/decisions", token, {"act": "approve", "seen_at": at})
    chosen = [{"account_id": willi.account_id, "seen_at": at}]
    many = call(house, "POST", "/decisions", token, {"act": "approve", "applications": chosen})
    query = at.replace("+", "%2B")
    read = [call(house, "GET", f"/audit?{name}={query}", token) for name in ("since", "until")]
    assert [answer.status_code for answer in (one, many, *read)] == [409, 200, 200, 200]


@pytest.mark.parametrize("query", ["after=x", "after=1.é", "q=a&q=b", "late=perhaps", "sort=up", "q=%00", "country=de"])
def test_what_cannot_be_a_filter_is_told(still_house: House, query: str) -> None:
    """Unknown and doubled parameters too."""
    set_roles(still_house, "administrator")
    answer = call(still_house, "GET", f"/queue?{query}", token_for(still_house, client_id="tool-of-filters"))
    assert answer.status_code in (400, 422)
    assert answer.get_json()["error"] == "invalid_request"


def test_nobody_decides_about_themselves(house: House) -> None:
    """AD-2 holds here as at the desk, and forms are not taken."""
    set_roles(house, "administrator")
    token = token_for(house)
    answer = call(
        house, "POST", f"/accounts/{house.anna.account_id}/decisions", token, {"act": "suspend", "reason": "why not"}
    )
    assert (answer.status_code, answer.get_json()["error"]) == (403, "access_denied")
    form = house.app.test_client().post(
        f"/api/accounts/{house.anna.account_id}/decisions",
        data={"act": "suspend"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert form.status_code == 415


def test_answers_hold_no_secret_and_are_not_kept(house: House) -> None:
    """AD-3: no hash, link or token; no cache keeps them."""
    set_roles(house, "administrator")
    willi, token = add_applicant(house), token_for(house)
    sent = call(house, "POST", f"/accounts/{willi.account_id}/reset-links", token)
    assert sent.status_code == 200
    answer = call(house, "GET", f"/accounts/{willi.account_id}", token)
    assert answer.headers["Cache-Control"] == "no-store"
    assert [mail["name"] for mail in answer.get_json()["mails"]] == ["reset_password"]
    for word in ("hash", "secret", "/reset/", "csrf"):
        assert word not in answer.text


def test_the_description_names_every_route_and_every_model(still_house: House) -> None:
    """OpenAPI 3.1: operations, parameters and references hold together, and nothing mounted is left out."""
    document = still_house.app.test_client().get("/api/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    told = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    mounted = {
        (method, rule.rule.removeprefix("/api").replace("<", "{").replace(">", "}"))
        for rule in still_house.app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert told == mounted
    references = set(_references(document))
    assert {reference.rpartition("/")[2] for reference in references} <= document["components"]["schemas"].keys()
    names = [item[method]["operationId"] for item in document["paths"].values() for method in item]
    assert len(names) == len(set(names)) == len(OPERATIONS)


def test_answers_are_what_the_description_says(house: House) -> None:
    """Each answer has exactly the described members."""
    set_roles(house, "administrator")
    add_applicant(house)
    token = token_for(house)
    document = house.app.test_client().get("/api/openapi.json").get_json()
    for path in ("/queue", "/accounts", "/old-portal", "/registrations", f"/accounts/{house.anna.account_id}"):
        template = path.replace(house.anna.account_id, "{account_id}")
        schema = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        model = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert call(house, "GET", path, token).get_json().keys() == model["properties"].keys()


def test_a_tool_reads_how_far_the_old_portal_has_moved(house: House) -> None:
    """The same counts as the cockpit's; weeks are told by their Mondays."""
    set_roles(house, "customer_care")
    account, now = add_applicant(house), house.provider.clock()
    with house.provider.database.transaction() as tx:
        old_portal.insert_old_account(
            tx, account.account_id, source="old", row_id="1", hash_format="ldap", is_weak=True, now=now
        )
        old_portal.move_account(tx, account.account_id, by="sign_in", now=now)
    told = call(house, "GET", "/old-portal", token_for(house)).get_json()
    assert (told["imported"], told["moved"], told["waiting"], told["incomplete"]) == (1, 1, 0, 1)
    assert told["formats"] == [{"format": "ldap", "weak": True, "imported": 1, "moved": 1}]
    assert [date.fromisoformat(week["since"]).weekday() for week in told["weeks"]] == [0]


def _references(value: Any) -> list[str]:
    """Every `$ref` below."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in _references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    return []


@pytest.mark.parametrize("place", ["%00", "confirm%00", "x%27y", "x" * 65, "%F0%9F%92%A9", "%ff"])
def test_what_cannot_be_an_identifier_is_not_found(house: House, place: str) -> None:
    """Also where PostgreSQL would not even look for it (IV-1)."""
    set_roles(house, "administrator")
    token = token_for(house)
    for operation in OPERATIONS:
        if "{" in operation.path:
            path = re.sub(r"\{\w+\}", place, operation.path)
            assert call(house, operation.method, path, token, {}).status_code == 404, operation.name
