"""Answering a rejection: the applicant's words go to the desk, and the application is open again (F-1.8).

One answer for each rejection: with it the status is `pending`, and only staff can reject again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.approval import Actor, change_status, check_reason_given
from idp.accounts.guessing import take_mail_request
from idp.errors import Refusal
from idp.policy.approval import Status
from idp.store import accounts

if TYPE_CHECKING:
    from idp.accounts.guessing import Caller
    from idp.provider import Provider


def answer_rejection(provider: Provider, account_id: str, text: str, caller: Caller) -> None:
    """Open a rejected application again with what its applicant says.

    Raises `Refusal`: `reason_missing`, `reason_too_long`, `mail.slowed_down`, `decided_already` where the application is not
    rejected (any more).
    """
    words = text.strip()
    check_reason_given(words)
    now, refusal = provider.clock(), None
    with provider.database.transaction() as tx:
        account = accounts.find_account(tx, account_id)
        if account is None or account.is_closed or account.approval_status != Status.REJECTED.value:
            raise Refusal("decided_already")
        refusal = take_mail_request(provider, tx, caller, now)
        if refusal is None and not change_status(
            provider,
            tx,
            account,
            Status.PENDING,
            Actor("customer", account_id),
            reason=words,
            address=caller.address,
            now=now,
        ):
            raise Refusal("decided_already")
    if refusal is not None:
        raise refusal
