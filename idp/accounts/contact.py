"""Writing to customer care from a page: the message goes out by mail, with what the page knows about who writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.guessing import take_mail_request
from idp.accounts.identifiers import parse_email
from idp.store import accounts, audit

if TYPE_CHECKING:
    from idp.accounts.guessing import Caller
    from idp.provider import Provider

LONGEST_MESSAGE = 3000
TOPICS = ("registration", "sign_in", "approval", "data", "other")


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody writes: a key of `TOPICS`, the address that the answer goes to, words, a reference where there is one."""

    topic: str
    email: str
    text: str
    reference: str = ""


def write_to_customer_care(
    provider: Provider, message: Message, caller: Caller, *, locale: str, account_id: str | None = None
) -> int:
    """Send the message to customer care, who can simply answer it; out: the number of the mail in the outbox.

    `locale` is the language that the writer reads, `account_id` whoever is signed in. Raises `Refusal`: `email.invalid`,
    `mail.slowed_down`.
    """
    reply_to = parse_email(message.email)
    now, settings = provider.clock(), provider.settings
    with provider.database.transaction() as tx:
        refusal = take_mail_request(provider, tx, caller, now)
        if refusal is None:
            account = accounts.find_account(tx, account_id) if account_id else None
            number = mail.contact_message(
                provider,
                tx,
                to=mail.Recipient(settings.mail.customer_care, "", settings.branding.default_language),
                topic=message.topic,
                reply_to=reply_to,
                text=message.text,
                reference=message.reference,
                writer=f"{account.name} ({account.user_name})" if account else "",
                language=locale,
            )
            audit.record(
                tx,
                "contact_message_sent",
                now=now,
                actor_kind="customer",
                actor=account_id or "",
                account_id=account_id,
                reference=message.reference[:32] or None,
                address=caller.address,
                details={"topic": message.topic},
            )
    if refusal is not None:
        raise refusal
    return number
