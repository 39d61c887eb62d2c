"""Writing a message into the outbox, in the transaction of the act that it tells of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.store import outbox

if TYPE_CHECKING:
    from idp.mail.recipient import Recipient
    from idp.provider import Provider
    from idp.store.database import Transaction


AT_LEISURE = frozenset(
    {
        "address_taken",
        "confirm_email_change",
        "confirm_registration",
        "device_offered",
        "email_in_use",
        "move_account",
    }
)
"""What a form writes to an address that was typed: who owns it decides what, so it is not rendered beside the answer (EN-6)."""


@dataclass(slots=True)
class Draft:
    """Stands in for the transaction where a message is only to be looked at: it keeps what would have been written."""

    message: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def post(
    provider: Provider,
    tx: Transaction | Draft,
    message: str,
    to: Recipient,
    *,
    not_before: int = 0,
    not_after: int | None = None,
    reply_to: str = "",
    **values: Any,
) -> int:
    """Write one message; out: its `outbox_id`. After `not_after` it is no longer worth sending.

    An answer goes to customer care, or to `reply_to`.
    """
    if isinstance(tx, Draft):
        tx.message, tx.values = message, values
        return 0
    return outbox.enqueue(
        tx,
        provider.master,
        kind=outbox.MAIL,
        name=message,
        payload={
            "email": to.email,
            "name": to.name,
            "locale": to.locale,
            "not_after": not_after,
            "reply_to": reply_to,
            "values": values,
        },
        account_id=to.account_id,
        registration_id=to.registration_id,
        now=provider.clock(),
        not_before=not_before,
        wakes=message not in AT_LEISURE,
    )


def own_link(provider: Provider, link: str) -> str:
    """An absolute link to one of our pages; host and scheme come from the issuer and nowhere else (RS-4)."""
    issuer = provider.settings.server.issuer
    if link.startswith("/") and not link.startswith("//"):
        return issuer + link
    if link == issuer or link.startswith(issuer + "/"):
        return link
    raise ValueError("a mail links only to pages of the issuer")
