"""A device is handed on: offered by mail, accepted, refused, taken back, run out; exactly one of them happens."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts import closing, device_transfers
from idp.accounts.guessing import Caller
from idp.accounts.own_devices import add_own_device, remove_own_device
from idp.errors import Refusal
from idp.store import devices
from idp.store.accounts import Account
from tests.support.applicant import mails
from tests.support.lobby import Browser, Lobby, hidden_fields
from tests.web.test_own_devices import approve_by_rule, status_of

SERIAL = "AB123Z"
PAGE = f"/account/devices/{SERIAL}/hand-on"
CALLER = Caller(address="192.0.2.1")


def two(lobby: Lobby, **receiver: Any) -> tuple[Account, Account]:
    """Ada, who owns a device, and Bob."""
    ada, bob = lobby.add_account("ada", company="Lab"), lobby.add_account("bob", company="Other", **receiver)
    add_own_device(lobby.provider, ada.account_id, SERIAL, "Balance")
    return ada, bob


def seat(lobby: Lobby, account: Account) -> Browser:
    """A browser of somebody who has just signed in."""
    browser = lobby.browser()
    browser.sign_in(account)
    return browser


def offer(lobby: Lobby, giver: Account, email: str = "bob@lab.example") -> str:
    """Offer the device; out: the token of the mail."""
    device_transfers.offer_device(lobby.provider, giver.account_id, SERIAL, email, CALLER)
    return token_of(lobby)


def letters(lobby: Lobby, name: str) -> list[dict[str, Any]]:
    """The mails of one kind, oldest first."""
    return [mail for mail in mails(lobby) if mail["name"] == name]


def token_of(lobby: Lobby) -> str:
    """The token in the newest mail with an offer."""
    return str(letters(lobby, "device_offered")[-1]["link"]).rpartition("/")[2]


def owners(lobby: Lobby) -> list[str]:
    """Who owns the device."""
    return [row["account_id"] for row in lobby.rows("SELECT account_id FROM devices ORDER BY account_id")]


def outcomes(lobby: Lobby) -> list[str]:
    """How it ended, as the giver was told."""
    return [mail["outcome"] for mail in letters(lobby, "device_offer_ended")]


def refusal_of(call: Any, *values: Any, **named: Any) -> str:
    """The key of a refusal, or "done"."""
    try:
        call(*values, **named)
    except Refusal as refusal:
        return refusal.key
    return "done"


def test_a_device_passes_from_one_list_to_the_other(lobby: Lobby) -> None:
    """Offered on a page that wants a fresh password, waiting on the list, accepted by the one who was named."""
    ada, bob = two(lobby)
    giver, receiver = seat(lobby, ada), seat(lobby, bob)
    asked = giver.get(PAGE)
    assert "Your approval stays as it is" in asked.text
    sent = giver.post(PAGE, {**hidden_fields(asked.text), "email": "Bob@Lab.example"})
    listed = giver.get(sent.headers["Location"])
    assert "Waiting for Bob@Lab.example" in listed.text or "Waiting for Bob@lab.example" in listed.text
    assert owners(lobby) == [ada.account_id]
    page = f"/devices/offer/{token_of(lobby)}"
    shown = receiver.get(page)
    assert "Accept the device" in shown.text
    accepted = receiver.post(page, {**hidden_fields(shown.text), "answer": "accept"})
    assert "The device is yours" in receiver.get(accepted.headers["Location"]).text
    assert owners(lobby) == [bob.account_id]
    with lobby.provider.database.reading() as tx:
        assert [device.nickname for device in devices.list_devices(tx, bob.account_id)] == [""]
    assert outcomes(lobby) == ["accepted"]
    assert "The device was accepted" in receiver.get(page).text
    acts = {(row["account_id"], row["act"]) for row in lobby.rows("SELECT account_id, act FROM audit_events")}
    assert {(ada.account_id, "device_handed_on"), (bob.account_id, "device_received")} <= acts
    lobby.now += 301
    assert giver.get(PAGE).headers["Location"].startswith("/sign-in")


def test_the_receiver_answers_without_the_mail(lobby: Lobby) -> None:
    """Who has the address that was named finds the offer on the own first page and list, and answers it once."""
    ada, bob = two(lobby)
    offer(lobby, ada)
    receiver, eve = seat(lobby, bob), seat(lobby, lobby.add_account("eve"))
    assert "One offer waits for your answer" in receiver.get("/").text
    assert "offers wait" not in eve.get("/").text
    listed = receiver.get("/account/devices").text
    assert "From Ada Test" in listed
    (path,) = re.findall(r'action="(/account/devices/offered/[^"]+)"', listed)
    form = hidden_fields(eve.get("/account/devices").text)
    for act in ("accept", "refuse"):
        assert eve.post(path, {**form, "answer": act}).headers["Location"].endswith("done=answered")
    assert (owners(lobby), outcomes(lobby)) == ([ada.account_id], [])
    accepted = receiver.post(path, {**hidden_fields(listed), "answer": "accept"})
    shown = receiver.get(accepted.headers["Location"]).text
    assert ("The device is yours" in shown, "Offered to you" in shown) == (True, False)
    assert (owners(lobby), outcomes(lobby)) == ([bob.account_id], ["accepted"])
    assert (
        receiver.post(path, {**hidden_fields(shown), "answer": "refuse"}).headers["Location"].endswith("done=answered")
    )
    assert outcomes(lobby) == ["accepted"]


def test_the_receiver_refuses_without_the_mail(lobby: Lobby) -> None:
    """The device stays where it is; an offer that ran out is not listed any more."""
    ada, bob = two(lobby)
    offer(lobby, ada)
    receiver = seat(lobby, bob)
    listed = receiver.get("/account/devices").text
    (path,) = re.findall(r'action="(/account/devices/offered/[^"]+)"', listed)
    refused = receiver.post(path, {**hidden_fields(listed), "answer": "refuse"})
    assert "You refused the device" in receiver.get(refused.headers["Location"]).text
    assert (owners(lobby), outcomes(lobby)) == ([ada.account_id], ["refused"])
    offer(lobby, ada)
    lobby.now += 7 * 86400
    assert device_transfers.list_offered_to(lobby.provider, bob.account_id) == []


def test_without_the_mail_only_a_confirmed_address_counts(lobby: Lobby) -> None:
    """Who has an address that nobody confirmed sees no offer to it and answers none; the mail's link still does."""
    ada, bob = two(lobby)
    token = offer(lobby, ada)
    receiver = seat(lobby, bob)
    listed = receiver.get("/account/devices").text
    (path,) = re.findall(r'action="(/account/devices/offered/[^"]+)"', listed)
    lobby.run("UPDATE accounts SET email_verified_at = NULL WHERE account_id = :id", id=bob.account_id)
    assert "One offer waits for your answer" not in receiver.get("/").text
    assert "Offered to you" not in receiver.get("/account/devices").text
    for act in ("accept", "refuse"):
        receiver.post(path, {**hidden_fields(listed), "answer": act})
    assert (owners(lobby), outcomes(lobby)) == ([ada.account_id], [])
    device_transfers.accept_device(lobby.provider, token, bob.account_id)
    assert (owners(lobby), outcomes(lobby)) == ([bob.account_id], ["accepted"])


def test_offers_that_are_over_vanish(lobby: Lobby) -> None:
    """Taken back, or of a giver who closed the account: nothing is left to answer."""
    ada, bob = two(lobby)
    receiver = seat(lobby, bob)
    for statement in (
        "UPDATE device_transfers SET state = 'taken_back'",
        "UPDATE accounts SET access = 'closed' WHERE user_name = 'ada'",
    ):
        offer(lobby, ada)
        listed = receiver.get("/account/devices").text
        (path,) = re.findall(r'action="(/account/devices/offered/[^"]+)"', listed)
        lobby.run(statement)
        assert "Offered to you" not in receiver.get("/account/devices").text
        told = receiver.post(path, {**hidden_fields(listed), "answer": "accept"})
        assert told.headers["Location"].endswith("done=answered")
    assert owners(lobby) == [ada.account_id]


def test_the_giver_does_not_learn_who_has_an_account(lobby: Lobby) -> None:
    """The same answer for every address; the mail alone differs (EN-3)."""
    ada, _bob = two(lobby)
    giver, answers = seat(lobby, ada), []
    for email in ("bob@lab.example", "nobody@lab.example"):
        sent = giver.post(PAGE, {**hidden_fields(giver.get(PAGE).text), "email": email})
        listed = giver.get(sent.headers["Location"]).text.partition("<main")[2]
        answers.append((sent.status_code, re.sub(r"csrf_token\W+value=\S+", "", listed).replace(email, "@")))
        device_transfers.take_back_device(lobby.provider, ada.account_id, SERIAL)
    assert answers[0] == answers[1]
    assert [mail["has_account"] for mail in letters(lobby, "device_offered")] == [True, False]


def test_what_is_no_offer_keeps_what_was_typed(lobby: Lobby) -> None:
    """No address, the own one, and one too many; pages of others' devices are unknown."""
    ada, bob = two(lobby)
    giver = seat(lobby, ada)
    for email, told in (("", "Enter the e-mail"), ("bob", "one e-mail address"), ("ADA@lab.example", "your own")):
        answer = giver.post(PAGE, {**hidden_fields(giver.get(PAGE).text), "email": email})
        assert (answer.status_code, told in answer.text, f'value="{email}"' in answer.text) == (422, True, True)
    offer(lobby, ada)
    assert "This device waits for an answer" in giver.get(PAGE).text
    again = refusal_of(device_transfers.offer_device, lobby.provider, ada.account_id, SERIAL, "x@lab.example", CALLER)
    assert again == "transfer.waits"
    assert seat(lobby, bob).get(PAGE).status_code == 404


def test_nobody_else_can_accept(lobby: Lobby) -> None:
    """A forwarded mail gives the device to nobody but the named account; refusing needs no account."""
    ada, _bob = two(lobby)
    page = f"/devices/offer/{offer(lobby, ada)}"
    eve, stranger = seat(lobby, lobby.add_account("eve")), lobby.browser()
    for browser in (eve, stranger):
        shown = browser.get(page)
        assert "Accept the device" not in shown.text
        assert browser.post(page, {**hidden_fields(shown.text), "answer": "accept"}).status_code == 403
    assert owners(lobby) == [ada.account_id]
    stranger.post(page, {**hidden_fields(stranger.get(page).text), "answer": "refuse"})
    assert "The device was refused" in stranger.get(page).text
    assert (outcomes(lobby), owners(lobby)) == (["refused"], [ada.account_id])


def test_whoever_has_no_account_is_led_to_the_form_with_the_serial_number(lobby: Lobby) -> None:
    """Address and serial number of the offer are filled in, and the account accepts once it is there."""
    ada, _bob = two(lobby)
    token = offer(lobby, ada, "new@lab.example")
    browser = lobby.browser()
    assert f"/register?offer={token}" in browser.get(f"/devices/offer/{token}").text
    form = browser.get(f"/register?offer={token}").text
    assert SERIAL in form
    assert 'value="new@lab.example"' in form
    new = lobby.add_account("new")
    device_transfers.accept_device(lobby.provider, token, new.account_id)
    assert owners(lobby) == [new.account_id]


def test_the_approval_that_rests_on_the_device_ends_when_it_passes(lobby: Lobby) -> None:
    """Said before and understood; nothing ends before the device is accepted."""
    ada, bob = two(lobby)
    approve_by_rule(lobby, ada, serial_families=frozenset({"AB"}))
    giver = seat(lobby, ada)
    asked = giver.get(PAGE)
    assert "reviewed again when the device is accepted" in asked.text
    values = {**hidden_fields(asked.text), "email": "bob@lab.example"}
    assert giver.post(PAGE, {**values, "understood": "0"}).status_code == 422
    assert giver.post(PAGE, values).status_code == 303
    assert status_of(lobby, ada) == "approved"
    device_transfers.accept_device(lobby.provider, token_of(lobby), bob.account_id)
    assert (status_of(lobby, ada), status_of(lobby, bob)) == ("pending", "approved")


def test_a_receiver_who_waited_because_of_the_owner_is_approved(lobby: Lobby) -> None:
    """The rules look again at who no person has decided about."""
    ada, bob = two(lobby, status="pending")
    add_own_device(lobby.provider, bob.account_id, SERIAL)
    approve_by_rule(lobby, ada, serial_families=frozenset({"AB"}))
    device_transfers.accept_device(lobby.provider, offer(lobby, ada), bob.account_id)
    assert (owners(lobby), status_of(lobby, bob)) == ([bob.account_id], "approved")


def test_a_dead_offer_gives_nothing(lobby: Lobby) -> None:
    """Run out, taken back, removed, closed: the page says so, the device stays or is gone, the giver is told once."""
    ada, bob = two(lobby)
    browser = seat(lobby, bob)
    assert browser.get("/devices/offer/").status_code == 404
    assert browser.get("/devices/offer/wrong").status_code == 404
    token = offer(lobby, ada)
    device_transfers.take_back_device(lobby.provider, ada.account_id, SERIAL)
    assert "The offer was taken back" in browser.get(f"/devices/offer/{token}").text
    assert refusal_of(device_transfers.take_back_device, lobby.provider, ada.account_id, SERIAL) == "transfer.over"
    removed = offer(lobby, ada)
    remove_own_device(lobby.provider, ada.account_id, SERIAL)
    add_own_device(lobby.provider, ada.account_id, SERIAL)
    expired = offer(lobby, ada)
    lobby.now += 7 * 86400
    assert "This link has expired" in browser.get(f"/devices/offer/{expired}").text
    device_transfers.expire_offers(lobby.provider)
    device_transfers.expire_offers(lobby.provider)
    assert outcomes(lobby) == ["expired"]
    closed = offer(lobby, ada)
    closing.close_own_account(lobby.provider, ada.account_id)
    for dead in (token, removed, expired, closed):
        accept = refusal_of(device_transfers.accept_device, lobby.provider, dead, bob.account_id)
        assert (accept, refusal_of(device_transfers.refuse_device, lobby.provider, dead)) == ("transfer.over",) * 2
    assert owners(lobby) == [ada.account_id]


@pytest.mark.parametrize("rival", ["accept", "refuse", "take back", "remove"])
def test_one_of_two_wins(lobby: Lobby, rival: str) -> None:
    """However the threads run, the device has one owner (none, once it is removed) and the giver learns one end."""
    ada, bob = two(lobby)
    token, parts = offer(lobby, ada), lobby.provider
    acts = {
        "accept": lambda: device_transfers.accept_device(parts, token, bob.account_id),
        "refuse": lambda: device_transfers.refuse_device(parts, token),
        "take back": lambda: device_transfers.take_back_device(parts, ada.account_id, SERIAL),
        "remove": lambda: remove_own_device(parts, ada.account_id, SERIAL),
    }
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda act: refusal_of(acts[act]), ["accept", rival, "accept", rival]))
    assert ends.count("done") == 1
    accepted = "done" in (ends[0], ends[2]) or (rival == "accept")
    assert owners(lobby) == ([bob.account_id] if accepted else [] if rival == "remove" else [ada.account_id])
    assert outcomes(lobby) == (["accepted"] if accepted else ["refused"] if rival == "refuse" else [])


def test_two_devices_that_change_places_do_not_wait_for_each_other(lobby: Lobby) -> None:
    """Both accounts are locked in the same order, whoever accepts."""
    ada, bob = two(lobby)
    there = offer(lobby, ada)
    add_own_device(lobby.provider, bob.account_id, "AB124Z")
    device_transfers.offer_device(lobby.provider, bob.account_id, "AB124Z", "ada@lab.example", CALLER)
    back = token_of(lobby)
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(device_transfers.accept_device, lobby.provider, there, bob.account_id),
            pool.submit(device_transfers.accept_device, lobby.provider, back, ada.account_id),
        ]
        assert [one.result() for one in done] == [SERIAL, "AB124Z"]
    assert owners(lobby) == sorted([ada.account_id, bob.account_id])


def test_an_erased_receiver_leaves_no_address_behind(lobby: Lobby) -> None:
    """The giver's list of transfers keeps the device, and the trail says nothing about the other's address."""
    ada, bob = two(lobby)
    device_transfers.accept_device(lobby.provider, offer(lobby, ada), bob.account_id)
    closing.close_own_account(lobby.provider, bob.account_id)
    lobby.now += lobby.provider.settings.lifetimes.closing
    assert closing.erase_closed(lobby.provider) == 1
    [row] = lobby.rows("SELECT email, email_key, receiver_id, serial_number, state FROM device_transfers")
    assert dict(row) == {
        "email": "",
        "email_key": "",
        "receiver_id": None,
        "serial_number": SERIAL,
        "state": "accepted",
    }
    told = lobby.rows("SELECT details FROM audit_events WHERE account_id = :ada", ada=ada.account_id)
    assert all("bob" not in (line["details"] or "") for line in told)


def test_only_an_approved_account_hands_on(lobby: Lobby) -> None:
    """What a waiting account has, nobody has looked at: neither offered nor, once the approval is gone, accepted (RG-7)."""
    ada, bob = two(lobby)
    token, receiver = offer(lobby, ada), seat(lobby, bob)
    page = f"/devices/offer/{token}"
    lobby.run("UPDATE accounts SET approval_status = 'suspended' WHERE account_id = :ada", ada=ada.account_id)
    answer = receiver.post(page, {**hidden_fields(receiver.get(page).text), "answer": "accept"})
    assert (answer.status_code, "not approved at the moment" in answer.text) == (409, True)
    device_transfers.take_back_device(lobby.provider, ada.account_id, SERIAL)
    giver = seat(lobby, ada)
    shown = giver.get(PAGE)
    assert "once your account is approved" in shown.text
    assert "hand-on-submit" not in shown.text
    values = {**hidden_fields(giver.get("/account/devices").text), "email": "bob@lab.example"}
    assert giver.post(PAGE, values).status_code == 409
    assert owners(lobby) == [ada.account_id]
