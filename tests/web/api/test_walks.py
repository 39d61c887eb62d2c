"""Whole ways through the interface of staff tools: roles under four eyes, sites, mails, devices, reason texts."""

from __future__ import annotations

import dataclasses

from idp.config.sections import StaffSettings
from idp.store import outbox, sessions
from idp.store.accounts import Account
from idp.store.database import Statement
from tests.support.tokens import House, basic
from tests.web.api.test_staff_api import add_applicant, call, set_roles, token_for


def seat(house: House, name: str, roles: str, serial_number: str) -> tuple[Account, str]:
    """A colleague at work, and the token of a tool at which they signed in."""
    account = add_applicant(house, name, serial_number)
    with house.provider.database.transaction() as tx:
        tx.run(
            Statement("UPDATE accounts SET roles = :roles, approval_status = 'approved' WHERE account_id = :id"),
            roles=roles,
            id=account.account_id,
        )
        started = sessions.start_session(
            tx, account_id=account.account_id, kept=True, lifetime=12 * 3600, now=house.clock.now
        ).session
    return account, token_for(house, account_id=account.account_id, sid=started.sid)


def acts(house: House, token: str, about: str) -> list[str]:
    """What the trail says about somebody or something, oldest first."""
    found = call(house, "GET", f"/audit?about={about}", token).get_json()["items"]
    return [row["act"] for row in reversed(found)]


def test_roles_need_two_administrators(house: House) -> None:
    """Proposed, sent back, proposed again, withdrawn, and confirmed by the other one: only then they count (AD-2)."""
    settings = house.provider.settings.model_copy(update={"staff": StaffSettings(four_eyes=("roles",))})
    house.app.extensions["idp"] = dataclasses.replace(house.provider, settings=settings)
    set_roles(house, "administrator")
    anna, (_bert, bert) = token_for(house), seat(house, "bert", "administrator", "CD124Z")
    willi = add_applicant(house)
    path, wish = f"/accounts/{willi.account_id}/roles", {"roles": ["approver"], "families": ["cd"]}

    def propose() -> str:
        proposed = call(house, "POST", path, anna, wish).get_json()
        assert proposed["roles"] == []
        assert call(house, "GET", "/staff", bert).get_json()["proposed"] == [proposed["proposal_id"]]
        return f"/role-proposals/{proposed['proposal_id']}"

    first = propose()
    assert call(house, "POST", path, bert, {"roles": []}).status_code == 409
    assert call(house, "POST", first, anna, {"act": "confirm"}).status_code == 403
    assert call(house, "POST", first, bert, {"act": "send_back"}).status_code == 422
    assert call(house, "POST", first, bert, {"act": "send_back", "note": "Why?"}).get_json()["act"] == "give_roles"
    second = propose()
    assert call(house, "POST", second, bert, {"act": "withdraw"}).status_code == 404
    assert call(house, "POST", second, anna, {"act": "withdraw"}).status_code == 200
    third = propose()
    assert call(house, "POST", third.replace("/role-", "/"), bert, {"act": "confirm"}).status_code == 404
    assert call(house, "POST", third, bert, {"act": "confirm"}).status_code == 200
    assert call(house, "POST", third, bert, {"act": "confirm"}).status_code == 404
    staff = call(house, "GET", "/staff", bert).get_json()
    (member,) = [row for row in staff["items"] if row["account_id"] == willi.account_id]
    assert (member["roles"], member["families"], staff["proposed"]) == (["approver"], ["CD"], [])
    assert acts(house, anna, willi.account_id) == [
        "roles_proposed",
        "proposal_sent_back",
        "roles_proposed",
        "proposal_withdrawn",
        "roles_proposed",
        "roles_changed",
        "proposal_confirmed",
    ]


def test_roles_that_cannot_be_given_are_told(house: House) -> None:
    """Not to oneself, not to an administrator, not unknown ones, no limits without an approver (AD-2)."""
    set_roles(house, "administrator")
    token, (bert, _bert) = token_for(house), seat(house, "bert", "administrator", "CD124Z")
    willi = add_applicant(house)
    for account_id, body, status in (
        (house.anna.account_id, {"roles": []}, 403),
        (bert.account_id, {"roles": []}, 403),
        (willi.account_id, {"roles": ["king"]}, 422),
        (willi.account_id, {"roles": ["customer_care"], "families": ["AB"]}, 422),
        (willi.account_id, {"roles": ["approver"], "countries": ["Germany"]}, 422),
        ("nobody", {"roles": []}, 404),
    ):
        assert call(house, "POST", f"/accounts/{account_id}/roles", token, body).status_code == status, body
    assert house.count("audit_events", "act IN ('roles_changed', 'roles_proposed')") == 0


def test_a_tool_looks_after_a_site(house: House) -> None:
    """Registered, its secret works, another works beside it, switched off and on again."""
    set_roles(house, "administrator")
    token = token_for(house)
    metadata = {"client_name": "Spare parts", "redirect_uris": ["https://site.example/cb"], "scope": "openid"}
    made = call(house, "POST", "/sites", token, {"metadata": metadata, "first_party": True}).get_json()
    path = f"/sites/{made['client_id']}"

    def try_secret(secret: str) -> int:
        sent = {"Authorization": basic(made["client_id"], secret)}
        return house.post("/oauth/revoke", {"token": "x"}, None, **sent).status_code

    shown = call(house, "GET", path, token).get_json()
    assert (shown["client_name"], shown["first_party"], shown["require_approval"], shown["disabled"]) == (
        "Spare parts",
        True,
        True,
        False,
    )
    renewed = call(house, "POST", f"{path}/secret", token).get_json()["client_secret"]
    assert "secret" not in call(house, "GET", path, token).text
    for secret, status in ((made["client_secret"], 200), (renewed, 200), ("x" * 43, 401)):
        assert try_secret(secret) == status
    assert call(house, "POST", f"{path}/switch", token, {"off": True}).get_json()["disabled"] is True
    assert call(house, "POST", f"{path}/switch", token, {"off": True}).status_code == 409
    assert try_secret(renewed) == 401
    assert call(house, "POST", f"{path}/switch", token, {"off": False}).get_json()["disabled"] is False
    names = [row["client_name"] for row in call(house, "GET", "/sites", token).get_json()["items"]]
    assert (names == sorted(names, key=str.casefold), "Spare parts" in names) == (True, True)
    assert call(house, "POST", "/sites/public/secret", token).status_code == 409
    wrong = call(house, "POST", "/sites", token, {"metadata": {"redirect_uris": ["http://site.example/#x"]}})
    assert (wrong.status_code, wrong.get_json()["error"]) == (400, "invalid_redirect_uri")
    written = [f"client_{what}" for what in ("registered", "secret_changed", "disabled", "enabled")]
    assert [house.count("audit_events", f"act = '{act}'") for act in written] == [1, 1, 1, 1]


def test_a_tool_tries_a_dead_letter_again(house: House) -> None:
    """Found among the dead, tried again once; who is second is told so, and a number that is none is not found."""
    set_roles(house, "administrator")
    token = token_for(house)
    number = call(house, "POST", "/test-mails", token, {"email": "ops@example.com"}).get_json()["number"]
    path = f"/deliveries/{number}/retry"
    assert call(house, "POST", path, token).status_code == 404
    with house.provider.database.transaction() as tx:
        tx.run(
            Statement("UPDATE outbox SET dead_at = :now, attempts = 9, last_error = '550 gone'"), now=house.clock.now
        )
    dead = call(house, "GET", "/mails?state=dead", token).get_json()
    assert (dead["dead"], [(row["number"], row["last_error"]) for row in dead["items"]]) == (1, [(number, "550 gone")])
    assert call(house, "POST", path, token).get_json()["state"] == "dead"
    assert call(house, "POST", path, token).status_code == 404
    assert call(house, "GET", "/mails", token).get_json()["items"][0]["state"] == "waiting"
    with house.provider.database.reading() as tx:
        assert outbox.is_due(tx, mail=True, now=house.clock.now)
    for wrong in ("0", "-1", "x", "9" * 17, "9" * 30):
        assert call(house, "POST", f"/deliveries/{wrong}/retry", token).status_code == 404, wrong
    assert house.count("audit_events", "act = 'delivery_retried'") == 1


def test_a_tool_moves_a_device(house: House) -> None:
    """Both accounts show it under one reference and both owners are told; what cannot be moves nothing (RC-2)."""
    set_roles(house, "administrator")
    token, willi, wanda = token_for(house), add_applicant(house), add_applicant(house, "wanda", "CD124Z")
    path = f"/accounts/{willi.account_id}/device-moves"
    wish = {"serial_number": "cd 123-z", "receiver": "wanda", "reason": "Sold."}
    for change, status in (
        ({"receiver": "nobody"}, 422),
        ({"receiver": "willi"}, 422),
        ({"receiver": "anna"}, 403),
        ({"serial_number": "CD999Z"}, 409),
        ({"serial_number": "123456"}, 422),
        ({"reason": " "}, 422),
    ):
        assert call(house, "POST", path, token, wish | change).status_code == status, change
    reference = call(house, "POST", path, token, wish).get_json()["reference"]
    serials = {
        one.user_name: call(house, "GET", f"/accounts/{one.account_id}", token).get_json()["serial_numbers"]
        for one in (willi, wanda)
    }
    assert serials == {"willi": [], "wanda": ["CD123Z", "CD124Z"]}
    assert call(house, "POST", path, token, wish).status_code == 409
    assert house.count("audit_events", f"reference = '{reference}'") == 2
    assert house.count("outbox", "name = 'device_moved'") == 2


def test_a_tool_keeps_reason_texts(house: House) -> None:
    """Written, listed, changed, chosen for a decision, removed; gone means not found."""
    set_roles(house, "administrator")
    token, willi = token_for(house), add_applicant(house)
    made = call(house, "POST", "/reasons", token, {"title": " Photo ", "texts": {"en": "Send a photo.", "fr": " "}})
    assert made.status_code == 200, made.text
    text = made.get_json()
    assert (text["title"], text["texts"]) == ("Photo", {"en": "Send a photo."})
    path, words = f"/reasons/{text['text_key']}", {"en": "Send a photo of the plate.", "de": "Ein Foto."}
    assert call(house, "POST", path, token, {"title": "Plate", "texts": words}).get_json()["texts"] == words
    assert [row["title"] for row in call(house, "GET", "/reasons", token).get_json()["items"]] == ["Plate"]
    for body in (
        {"title": " ", "texts": {"en": "x"}},
        {"title": "Empty", "texts": {"en": " "}},
        {"title": "Long", "texts": {"en": "x" * 2001}},
        {"title": "x" * 101, "texts": {"en": "x"}},
        {"title": "Italian", "texts": {"it": "x"}},
    ):
        assert call(house, "POST", path, token, body).status_code == 422, body
    batch = call(
        house,
        "POST",
        "/decisions",
        token,
        {
            "act": "reject",
            "applications": [{"account_id": willi.account_id, "seen_at": willi.approval_updated_at}],
            "text_key": text["text_key"],
        },
    )
    assert batch.status_code == 200, batch.text
    assert call(house, "POST", f"{path}/removal", token).get_json() == {"removed": text["text_key"]}
    for method_path, body in ((f"{path}/removal", None), (path, {"title": "Plate", "texts": words})):
        assert call(house, "POST", method_path, token, body).status_code == 404
    assert call(house, "GET", "/reasons", token).get_json()["items"] == []
    assert house.count("audit_events", "act IN ('reason_text_saved', 'reason_text_removed')") == 3
