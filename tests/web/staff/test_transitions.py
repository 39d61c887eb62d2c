"""Every act of approval from every status by every role: what is allowed leaves all its traces, everything else none."""

from __future__ import annotations

from typing import Any

import pytest

from idp.accounts.approval import ACTS
from idp.policy.approval import Status
from idp.policy.staff import ROLES, Permission, is_permitted
from idp.protocol.claims import build_account_claims
from idp.store import accounts
from idp.store.accounts import Account
from tests.support.lobby import Browser, Lobby
from tests.web.staff.test_desk import token_in

ALLOWED = {
    "approve": ("pending", "approved", "approved"),
    "reject": ("pending", "rejected", "rejected"),
    "reopen": ("rejected", "pending", "registration_waiting"),
    "suspend": ("approved", "suspended", "suspended"),
    "reinstate": ("suspended", "approved", "reinstated"),
}
"""Each act: from which status, to which, and with which mail."""

DECIDING_ROLES = {"approver", "administrator"}
ROLES_AND_NONE = [*sorted(ROLES), "customer", "nobody"]

TRACES = {
    "decisions": "SELECT * FROM approval_decisions ORDER BY decision_id",
    "mails": "SELECT * FROM outbox ORDER BY outbox_id",
    "events": "SELECT * FROM audit_events ORDER BY event_id",
    "accounts": "SELECT account_id, access, approval_status, approval_updated_at, roles, updated_at FROM accounts ORDER BY 1",
    "tokens": "SELECT family_id, revoked_at FROM token_families ORDER BY 1",
    "sessions": "SELECT sid, ended_at FROM sessions ORDER BY 1",
    "scheduled": "SELECT * FROM scheduled_decisions ORDER BY 1, 2",
}


def test_the_table_names_every_act_and_every_change_that_staff_can_make() -> None:
    """An act that is added without its row here fails; only a changed profile leads from approved back to pending."""
    assert {act: (old.value, new.value) for act, (old, new, _permission) in ACTS.items()} == {
        act: (old, new) for act, (old, new, _mail) in ALLOWED.items()
    }
    assert {role for role in ROLES if is_permitted([role], Permission.DECIDE)} == DECIDING_ROLES
    assert {role for role in ROLES if is_permitted([role], Permission.SUSPEND)} == DECIDING_ROLES


@pytest.mark.parametrize("role", ROLES_AND_NONE)
@pytest.mark.parametrize("act", sorted(ALLOWED))
@pytest.mark.parametrize("status", [status.value for status in Status])
def test_every_act_from_every_status_by_every_role(lobby: Lobby, status: str, act: str, role: str) -> None:
    """One decision, one mail, one line of audit and the new claim; or a refusal in words and nothing else (RG-1, RG-8)."""
    customer = lobby.add_account("anna", status=status)
    browser, actor = sit_down_as(lobby, role)
    before = traces(lobby)
    lobby.now += 10
    answer = press(browser, customer, act)
    old, new, mail = ALLOWED[act]
    if role in DECIDING_ROLES and status == old:
        assert answer.status_code == 303
        assert_one_of_each(lobby, before, customer, actor, old=old, new=new, mail=mail)
    else:
        assert_refused(answer, role)
        assert traces(lobby) == before
        assert claims_of(lobby, customer) == {"approval_status": status, "approval_updated_at": lobby.now - 10}


@pytest.mark.parametrize("act", sorted(ALLOWED))
def test_no_role_acts_on_itself(lobby: Lobby, act: str) -> None:
    """From no status, not even an administrator."""
    browser, actor = sit_down_as(lobby, "administrator")
    for status in Status:
        lobby.run(
            "UPDATE accounts SET approval_status = :status WHERE account_id = :id",
            status=status.value,
            id=actor.account_id,
        )
        before = traces(lobby)
        answer = press(browser, actor, act)
        assert answer.status_code == 403
        rests = status.value in ("suspended", "rejected")
        assert ("not approved at the moment" if rests else "A colleague") in answer.text
        assert traces(lobby) == before


def sit_down_as(lobby: Lobby, role: str) -> tuple[Browser, Account]:
    """Somebody with one role, a customer, or a browser in which nobody is signed in."""
    actor = lobby.add_account("carla", roles=role if role in ROLES else "")
    browser = lobby.browser()
    if role != "nobody":
        browser.sign_in(actor)
    return browser, actor


def press(browser: Browser, account: Account, act: str) -> Any:
    """Send the form of an act, whether or not the page offers it."""
    kind = "applications" if act in ("approve", "reject") else "accounts"
    token = token_in(browser.get("/account" if browser.sid else "/sign-in"))
    fields = {"csrf_token": token, "act": act, "reason": "Because.", "remark": ""}
    return browser.post(f"/staff/{kind}/{account.account_id}", fields)


def traces(lobby: Lobby) -> dict[str, list[Any]]:
    """Everything that an act could leave behind."""
    return {name: [tuple(row[key] for key in row.keys()) for row in lobby.rows(sql)] for name, sql in TRACES.items()}  # noqa: SIM118


def claims_of(lobby: Lobby, account: Account) -> dict[str, Any]:
    """The claims that sites get about the approval."""
    with lobby.provider.database.reading() as tx:
        return build_account_claims(
            accounts.get_account(tx, account.account_id), ("approval_status", "approval_updated_at")
        )


def assert_one_of_each(
    lobby: Lobby, before: dict[str, list[Any]], customer: Account, actor: Account, *, old: str, new: str, mail: str
) -> None:
    """Exactly one decision, mail and line of audit more, each with its words, and the claim of now."""
    after = traces(lobby)
    for name in ("decisions", "mails", "events"):
        assert len(after[name]) == len(before[name]) + 1, name
    (decision,) = lobby.rows("SELECT * FROM approval_decisions")
    found = tuple(
        decision[name] for name in ("account_id", "old_status", "new_status", "actor_kind", "actor", "reason")
    )
    assert found == (customer.account_id, old, new, "staff", actor.account_id, "Because.")
    (row,) = lobby.rows("SELECT name, account_id FROM outbox WHERE kind = 'mail'")
    assert (row["name"], row["account_id"]) == (mail, customer.account_id)
    (event,) = lobby.rows("SELECT * FROM audit_events ORDER BY event_id DESC LIMIT 1")
    assert (event["act"], event["actor"], event["account_id"]) == (
        "approval_changed",
        actor.account_id,
        customer.account_id,
    )
    assert claims_of(lobby, customer) == {"approval_status": new, "approval_updated_at": lobby.now}


def assert_refused(answer: Any, role: str) -> None:
    """The refusal says why, in the words for whom it is told to."""
    if role == "nobody":
        assert answer.status_code == 303
        assert "/sign-in" in answer.headers["Location"]
        return
    if role == "customer":
        expected = 403, "This page is for our staff"
    elif role not in DECIDING_ROLES:
        expected = 403, "Your role does not include this"
    else:
        expected = 409, "Somebody else was first"
    assert answer.status_code == expected[0]
    assert expected[1] in answer.text
