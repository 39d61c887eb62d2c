"""The mail to an owner whose account waits after wrong passwords (BF-4), written by the worker.

The request does the same whoever was typed in: one row into the outbox. Only the worker looks whether there is an account,
so that the time of the last free try says nothing about who exists (EN-2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.endings import apply_ending
from idp.accounts.guessing import mailbox_of, take_mail_try, take_mail_try_at
from idp.accounts.unlock import issue_unlock_link
from idp.keys.secrets import new_identifier
from idp.policy.endings import Act
from idp.store import accounts, outbox

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.outbox import Item

DELIVERY = "lock_notice"


def request_notice(
    provider: Provider, tx: Transaction, account: Account | None, *, typed: str = "", until: int, now: int
) -> None:
    """Have the owner told that sign-in waits until an instant; a name that nobody has makes a row that sends nothing.

    `typed`: what was typed. Where it is an address, the notice counts at that mailbox, whoever has it (EN-3).
    """
    account_id = account.account_id if account else new_identifier()
    payload = {"account_id": account_id, "until": until, "mailbox": mailbox_of(typed) if "@" in typed else ""}
    outbox.enqueue(tx, provider.master, kind=DELIVERY, name=DELIVERY, payload=payload, now=now, wakes=False)


def answer_notice_request(provider: Provider, item: Item) -> None:
    """The worker's half: find the account and write the mail, unless its mailbox got enough within the hour (BF-7)."""
    wanted = item.open(provider.master)
    now = provider.clock()
    with provider.database.transaction() as tx:
        account = accounts.find_account(tx, str(wanted["account_id"]))
        if account is None:
            if wanted.get("mailbox"):
                take_mail_try_at(provider, tx, str(wanted["mailbox"]), now)
            return
        apply_ending(provider, tx, Act.ACCOUNT_LOCKED, account_id=account.account_id, now=now)
        if take_mail_try(provider, tx, account.email, now):
            unlock = issue_unlock_link(provider, tx, account, now)
            mail.account_locked(
                provider,
                tx,
                to=mail.to_account(account),
                until=int(wanted["until"]),
                link=f"/unlock/{unlock.token}",
                expires_at=unlock.expires_at,
                reference=unlock.reference,
            )
