"""Every form that sends a mail counts for its network, and sends nothing once that had enough (BF-7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from idp.accounts import contact, device_transfers, own_email_change, password_reset, registration, rejection_answer
from idp.accounts.guessing import Caller, take_mail_request
from idp.errors import Refusal
from idp.provider import Provider
from idp.store import devices
from tests.support.lobby import Lobby

HERE, ELSEWHERE = Caller("192.0.2.7"), Caller("192.0.2.8")
SERIAL = "AB123Z"
TO = "next@lab.example"

FORMS: dict[str, Callable[[Provider, str, Caller], object]] = {
    "answer to a rejection": lambda house, ada, caller: rejection_answer.answer_rejection(house, ada, "Why?", caller),
    "message to customer care": lambda house, ada, caller: contact.write_to_customer_care(
        house, contact.Message("other", TO, "Hello."), caller, locale="en", account_id=ada
    ),
    "offer of a device": lambda house, ada, caller: device_transfers.offer_device(house, ada, SERIAL, TO, caller),
    "change of the address": lambda house, ada, caller: own_email_change.request_email_change(house, ada, TO, caller),
    "confirmation mail": lambda house, ada, caller: registration.request_mail(house, TO, caller),
    "reset link": lambda house, ada, caller: password_reset.request_reset(house, TO, caller),
}


def applicant(lobby: Lobby, form: str) -> str:
    """Whose account the form is about, with a device."""
    ada = lobby.add_account("ada", status="rejected" if form == "answer to a rejection" else "approved")
    with lobby.provider.database.transaction() as tx:
        devices.add_device(tx, ada.account_id, SERIAL, lobby.now)
    return ada.account_id


@pytest.mark.parametrize("form", FORMS)
def test_a_network_that_had_enough_mails_waits(lobby: Lobby, form: str) -> None:
    """It is told until when, nothing is sent or changed, and other networks do not wait."""
    ada, house = applicant(lobby, form), lobby.provider
    for _ in range(house.settings.limits.mail_requests):
        with house.database.transaction() as tx:
            assert take_mail_request(house, tx, HERE, lobby.now) is None
    with pytest.raises(Refusal, match=r"mail\.slowed_down") as refused:
        FORMS[form](house, ada, HERE)
    assert isinstance(refused.value.details["until"], int)
    assert refused.value.details["until"] > lobby.now
    assert lobby.rows("SELECT outbox_id FROM outbox") == []
    assert lobby.rows("SELECT event_id FROM audit_events") == []
    FORMS[form](house, ada, ELSEWHERE)
    assert len(lobby.rows("SELECT outbox_id FROM outbox")) == 1


@pytest.mark.parametrize("form", ["offer of a device", "change of the address"])
def test_a_mailbox_that_had_enough_mails_gets_no_more(lobby: Lobby, form: str) -> None:
    """From whichever network they are asked for."""
    ada, house = applicant(lobby, form), lobby.provider
    for number in range(house.settings.limits.mails_per_hour):
        own_email_change.request_email_change(house, ada, TO, Caller(f"198.51.100.{number}"))
    before = lobby.rows("SELECT outbox_id FROM outbox")
    with pytest.raises(Refusal, match=r"mail\.mailbox_slowed_down"):
        FORMS[form](house, ada, HERE)
    assert lobby.rows("SELECT outbox_id FROM outbox") == before


def test_an_answer_opens_the_application_again_once(lobby: Lobby) -> None:
    """What the applicant says stands in the decision; the second answer finds nothing to answer."""
    ada = applicant(lobby, "answer to a rejection")
    rejection_answer.answer_rejection(lobby.provider, ada, " It was a mistake. ", HERE)
    (row,) = lobby.rows("SELECT old_status, new_status, actor_kind, reason FROM approval_decisions")
    told = [row[name] for name in ("old_status", "new_status", "actor_kind", "reason")]
    assert told == ["rejected", "pending", "customer", "It was a mistake."]
    with pytest.raises(Refusal, match="decided_already"):
        rejection_answer.answer_rejection(lobby.provider, ada, "Again.", HERE)
