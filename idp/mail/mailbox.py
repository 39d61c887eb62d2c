"""The `mailbox:` transport: mails are kept, sealed, for the mailbox page of a development installation."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING

from idp.store import mailbox

if TYPE_CHECKING:
    from idp.provider import Provider


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail of the mailbox page."""

    message_id: str
    created_at: int
    to: str
    sender: str
    subject: str
    text: str
    html: str


def put_into_mailbox(provider: Provider, identity: str, message: EmailMessage) -> None:
    """Keep a mail; the same one again (after a crash) replaces itself."""
    sealed = provider.master.seal(message.as_bytes(policy=policy.SMTPUTF8), _seal_identity(identity))
    with provider.database.transaction() as tx:
        mailbox.keep_message(tx, message_id=identity, sealed=sealed, now=provider.clock())


def read_mailbox(provider: Provider, limit: int = 100) -> list[KeptMail]:
    """The newest mails first."""
    with provider.database.reading() as tx:
        rows = mailbox.list_messages(tx, limit=limit)
    return [_open(provider, row["message_id"], row["created_at"], bytes(row["sealed"])) for row in rows]


def find_mail(provider: Provider, message_id: str) -> KeptMail | None:
    """One mail."""
    with provider.database.reading() as tx:
        row = mailbox.find_message(tx, message_id)
    return _open(provider, message_id, row["created_at"], bytes(row["sealed"])) if row else None


def _open(provider: Provider, message_id: str, created_at: int, sealed: bytes) -> KeptMail:
    message = message_from_bytes(provider.master.open(sealed, _seal_identity(message_id)), policy=policy.default)
    return KeptMail(
        message_id=message_id,
        created_at=created_at,
        to=str(message["To"]),
        sender=str(message["From"]),
        subject=str(message["Subject"]),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


def _seal_identity(identity: str) -> str:
    return f"mailbox:{identity}"
